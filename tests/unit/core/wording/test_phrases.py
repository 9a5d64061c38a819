"""The clauses of conditions: both languages say the same."""

from __future__ import annotations

import string
from collections.abc import Iterator

import pytest

from jifen.core.wording import phrases


def _pairs(value: object) -> Iterator[tuple[str, ...]]:
    """Every text with its twin, from whatever they stand in."""
    if isinstance(value, dict):
        for each in value.values():
            yield from _pairs(each)
    elif isinstance(value, tuple) and all(isinstance(each, str) for each in value):
        yield value
    elif isinstance(value, tuple):
        for each in value:
            yield from _pairs(each)


PAIRS = [pair for name in vars(phrases) if name.isupper() for pair in _pairs(getattr(phrases, name))]


def slots(text: str) -> set[str | None]:
    """The names of what is filled in."""
    return {name for _, name, _, _ in string.Formatter().parse(text)} - {None}


@pytest.mark.parametrize("pair", PAIRS, ids=[pair[1] for pair in PAIRS])
def test_both_languages_fill_in_the_same(pair: tuple[str, ...]) -> None:
    """No value is lost in translation."""
    assert len({frozenset(slots(text)) for text in pair}) == 1
