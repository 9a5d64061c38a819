"""The examples of conditions in words, in both languages of the reference."""

from __future__ import annotations

import re

import pytest

from jifen.core.wording.conditions import localized_condition
from tests.house.tree import ROOT
from tests.unit.core.wording.club import CLUB, compiled

_ROW = re.compile(r"^\| `([^`]+)` \| (.*) \|$", re.MULTILINE)


@pytest.mark.parametrize(
    ("page", "heading", "locale"),
    [
        ("docs/reference/rules.md", "### Conditions in words", "en"),
        ("docs/zh/reference/rules.md", "### 用文字说明条件", "zh"),
    ],
)
def test_examples_are_what_is_said(page: str, heading: str, locale: str) -> None:
    """Word for word."""
    section = (ROOT / page).read_text("utf-8").partition(f"{heading}\n")[2].partition("\n#")[0]
    examples = _ROW.findall(section)
    assert len(examples) == 5
    for source, words in examples:
        assert getattr(localized_condition(CLUB, compiled(source)), locale) == words
