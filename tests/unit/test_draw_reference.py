"""What the reference says of lotteries holds: its example is a right program, its recipe comes to the same points."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from jifen.core.draws.chance import SPACE, pick
from tests.drawing import SEED
from tests.unit.core.rules.test_checks import check

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("docs/reference/draws.md", "docs/zh/reference/draws.md")


def blocks(page: str, language: str) -> list[str]:
    """The blocks of a page in a language."""
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / page).read_text("utf-8"), re.DOTALL)


@pytest.mark.parametrize("page", PAGES)
def test_the_example_is_right(page: str) -> None:
    """As part of a program."""
    for block in blocks(page, "yaml"):
        check(**yaml.safe_load(block))


@pytest.mark.parametrize("page", PAGES)
def test_the_recipe_comes_to_the_same_points(page: str) -> None:
    """I-24: whoever follows the page finds what was drawn, also where a number is thrown away."""
    names: dict[str, Any] = {}
    exec(blocks(page, "python")[0], names)  # noqa: S102 - the page is ours
    for total in (1, 7, 1_000, 10**9, SPACE // 2 + 1):
        for number in range(1, 50):
            assert names["point"](SEED.hex(), number, total) == pick(SEED, number, total).point
