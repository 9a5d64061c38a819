"""The checks that several parts of a program share."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from jifen.core.rules.document import LocalizedText
from jifen.core.rules.faults import InvalidProgram, check_ids, check_number, check_range, check_text


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


def test_what_is_right_passes() -> None:
    """At both ends of every range."""
    check_ids("$.a", ["a", "b-2", "x" * 40])
    check_range("$.n", 1, 1, 10)
    check_range("$.n", 10, 1, 10)
    check_number("$.l", [1, 2], 2)
    check_text("$.t", LocalizedText("双十一", "11.11"))
