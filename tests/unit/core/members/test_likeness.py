"""Likeness of members: names in any spelling, and what several reasons say together."""

from __future__ import annotations

from itertools import combinations, permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jifen.core.members.likeness import SIMILAR, WEIGHTS, alike_names, letter_pairs, likeness, name_key, score

NAMES = st.text(max_size=20)


@pytest.mark.parametrize(
    ("one", "other", "reason"),
    [
        ("Lei LI", "li, léi", "name_and_birthday"),
        ("ＬＩ　Lei", "Li Lei", "name_and_birthday"),
        ("王小明", "王 小明", "similar_name_and_birthday"),
        ("王小明", "王晓明", "similar_name_and_birthday"),
        ("Catherine Miller", "Katherine Miller", "similar_name_and_birthday"),
        ("王小明", "张伟", None),
        ("李雷", "韩梅梅", None),
        ("", "", None),
        ("...", "...", None),
    ],
)
def test_names_of_the_same_birthday(one: str, other: str, reason: str | None) -> None:
    """Spelling, width, accents and order of words do not count; a letter or a character may differ."""
    assert [found for _, _, found in alike_names((one, other))] == ([reason] if reason else [])


@given(NAMES, NAMES)
def test_likeness_is_mutual_and_of_percent(one: str, other: str) -> None:
    """And whole for what is the same."""
    key = name_key(one)
    here, there = letter_pairs(key), letter_pairs(name_key(other))
    assert 0 <= likeness(here, there) == likeness(there, here) <= 100
    assert likeness(here, here) == (100 if key else 0)
    assert name_key(key) == key


@given(st.lists(st.text("李王小晓明 ab", max_size=5), max_size=8))
def test_pairs_among_many_are_those_of_every_two(names: list[str]) -> None:
    """Leaving out what has no letters in common leaves out nothing that is alike."""
    keys = [letter_pairs(name_key(name)) for name in names]
    expected = {
        (one, other)
        for one, other in combinations(range(len(names)), 2)
        if keys[one] and keys[other] and likeness(keys[one], keys[other]) >= SIMILAR
    }
    assert {(one, other) for one, other, _ in alike_names(names)} == expected


def test_more_reasons_say_more() -> None:
    """In any order, and never quite everything."""
    for reasons in permutations(WEIGHTS, 2):
        together = score(reasons)
        assert max(WEIGHTS[each] for each in reasons) < together < 100
    assert score(["phone"]) == 90
    assert score(["phone", "phone"]) == 90
    assert score(WEIGHTS) == 99
    assert score([]) == 0
