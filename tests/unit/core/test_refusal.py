"""Refusals made of errors."""

from __future__ import annotations

from jifen.core.errors import JifenError
from jifen.core.refusal import Refusal, refusal_from


class Odd(JifenError):
    """Something odd."""

    code = "odd"


def test_a_refusal_says_what_its_error_says() -> None:
    """In both languages, with the values that are known."""
    error = Odd("It is odd.", message_zh="奇数。", number=3, line=None)
    assert refusal_from(error) == Refusal("odd", "It is odd.", None, {"number": 3}, "奇数。")
    assert refusal_from(error, "/number").pointer == "/number"


def test_an_error_may_know_its_field_better() -> None:
    """What it says itself counts, and is no value."""
    assert refusal_from(Odd("It is odd.", pointer="/a/1"), "/a") == Refusal("odd", "It is odd.", "/a/1")
