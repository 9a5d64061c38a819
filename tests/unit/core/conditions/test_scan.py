"""Slips from other languages and from Chinese keyboards."""

from __future__ import annotations

import pytest

from jifen.core.conditions.scan import slips


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("a and b or not c", [(1, 3, "&&"), (1, 9, "||"), (1, 12, "!")]),
        ("a AND b", [(1, 3, "&&")]),
        ("a = 1", [(1, 3, "==")]),
        ("a === 1", [(1, 3, "==")]),
        ("a !== 1", [(1, 3, "!=")]),
        ("a <> 1", [(1, 3, "!=")]),
        ("a &\n b | c", [(1, 3, "&&"), (2, 4, "||")]),
        ("a ＝＝ 1", [(1, 3, "==")]),
        ("a ＝ 1", [(1, 3, "==")]),
        ("（a）", [(1, 1, "("), (1, 3, ")")]),
        ("a in [“x”，“y”]", [(1, 7, '"'), (1, 9, '"'), (1, 10, ","), (1, 11, '"'), (1, 13, '"')]),
        ("中 and b", [(1, 3, "&&")]),
    ],
)
def test_slips_are_found_where_they_are(source: str, found: list[tuple[int, int, str]]) -> None:
    """With what should stand there."""
    assert [(each.line, each.column, each.suggestion) for each in slips(source)] == found


@pytest.mark.parametrize(
    "source",
    [
        "\"a = b and （c）\" == 'not | &'",
        '"""a\nand "b" or""" == a.and',
        "a == b && c || !d // and = or",
        'a >= 1 && b <= 2 && c != 3 && d == "\\" and "',
        "a. or == 1",
    ],
)
def test_texts_comments_fields_and_real_operators_are_left_alone(source: str) -> None:
    """Only what has no meaning is a slip."""
    assert list(slips(source)) == []
