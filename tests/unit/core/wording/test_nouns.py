"""Words for everything that conditions can name."""

from __future__ import annotations

import re

import pytest

from jifen.core.wording.names import Names
from jifen.core.wording.nouns import LISTS, MEASURES, NOUNS, TRUTHS
from tests.unit.core.wording.club import CLUB, all_names


@pytest.mark.parametrize("name", sorted(all_names()))
def test_every_name_has_words(name: str) -> None:
    """In both languages: a noun, two truths, or those of a list."""
    assert name in TRUTHS or name in LISTS or (Names(CLUB, "zh").noun(name) and Names(CLUB, "en").noun(name))


def test_there_are_words_for_nothing_else() -> None:
    """What conditions can no longer name needs no words."""
    assert {*NOUNS, *MEASURES, *TRUTHS, *LISTS} - all_names().keys() == set()


def test_chinese_is_chinese() -> None:
    """And English has none of it."""
    han = re.compile("[\u3400-\u9fff]")
    pairs = [(noun.zh, noun.en) for noun in NOUNS.values()] + [(zh, one + many) for zh, one, many in MEASURES.values()]
    pairs += [said for both in TRUTHS.values() for said in both]
    for zh, en in pairs:
        assert (han.search(zh) or zh == "SKU") and not han.search(en), (zh, en)
