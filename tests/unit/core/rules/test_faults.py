"""The checks that several parts of a program share."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from jifen.core.rules.document import LocalizedText
from jifen.core.rules.faults import InvalidProgram, check_ids, check_number, check_range, check_text, unknown


@pytest.mark.parametrize(
    ("check", "path"),
    [
        (lambda: check_ids("$.a", ["one", "Two"]), "$.a[1].id"),
        (lambda: check_ids("$.a", ["one", "one"]), "$.a[1].id"),
        (lambda: check_ids("$.a", ["x" * 41]), "$.a[0].id"),
        (lambda: check_range("$.n", 11, 1, 10), "$.n"),
        (lambda: check_range("$.n", 0, 1, 10), "$.n"),
        (lambda: check_number("$.l", [1, 2, 3], 2), "$.l"),
        (lambda: check_text("$.t", LocalizedText("", "x")), "$.t.zh"),
        (lambda: check_text("$.t", LocalizedText("x", "a\x00b")), "$.t.en"),
        (lambda: check_text("$.t", LocalizedText("x", "a" * 201)), "$.t.en"),
    ],
)
def test_faults_name_their_field(check: Callable[[], None], path: str) -> None:
    """The path is in the message and beside it."""
    with pytest.raises(InvalidProgram) as raised:
        check()
    assert raised.value.details["path"] == path
    assert raised.value.message.startswith(path)
    assert raised.value.message_zh is not None and raised.value.message_zh.startswith(path)
    assert re.search("[\u4e00-\u9fff]", raised.value.message_zh)


def test_a_name_that_is_not_there_is_told_with_those_that_are() -> None:
    """And with the one that was probably meant; of very many, some."""
    error = unknown("$.w", "point", ["points", "growth"], "积分账户", "wallets")
    assert error.message == "$.w is 'point'; the program's wallets are growth, points; did you mean points?"
    assert error.message_zh == "$.w 是 'point'；积分计划的积分账户：growth、points；是否为 points？"
    assert unknown("$.w", "x", [], "积分账户", "wallets").message == "$.w is 'x'; the program's wallets are none."
    many = unknown("$.w", "zzz", [f"reward-{each}" for each in range(99)], "兑换品", "rewards")
    assert many.message.endswith(" and others.") and len(many.message) < 600


def test_what_is_right_passes() -> None:
    """At both ends of every range."""
    check_ids("$.a", ["a", "b-2", "x" * 40])
    check_range("$.n", 1, 1, 10)
    check_range("$.n", 10, 1, 10)
    check_number("$.l", [1, 2], 2)
    check_text("$.t", LocalizedText("双十一", "11.11"))
