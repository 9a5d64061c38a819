"""The data of events beyond orders is checked, and read as the conditions read it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from jifen.core.refusal import Refusal
from jifen.core.rules.document import EventType
from jifen.services.event_data import check_data
from tests.model.programs import make_document, make_program

SCHEMA = {
    "type": "object",
    "required": ["minutes"],
    "properties": {"minutes": {"type": "integer"}, "share": {"type": "number"}},
}
PROGRAM = make_program(msgspec.structs.replace(make_document(), events=[EventType("visit.recorded", SCHEMA)]))


def checked(**data: Any) -> dict[str, Any] | Refusal:
    """The data of a visit as it is taken in."""
    return check_data("visit.recorded", data, PROGRAM)


def test_what_is_declared_whole_is_read_as_a_whole_number() -> None:
    """To JSON Schema 30.0 is an integer; what may have a fraction stays as it came."""
    read = checked(minutes=30.0, share=2.0)
    assert isinstance(read, dict)
    assert [(name, type(value)) for name, value in read.items()] == [("minutes", int), ("share", float)]


def test_what_does_not_fit_names_its_field() -> None:
    """A fraction where a whole number is declared, and a field that is missing."""
    refusal = checked(minutes=30.5)
    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.pointer) == ("invalid_field", "/data/minutes")
    assert refusal.message_zh == "数据不符合声明：30.5 不是整数。"
    assert refusal.message == "The data does not fit its declaration: 30.5 is not of type integer."
    assert isinstance(checked(share=1.0), Refusal)


@pytest.mark.parametrize("value", [1e300, -1e300, 2.0**53 + 2, 2**63, -(2**63) - 1, 10**30])
def test_integers_that_conditions_cannot_count_with(value: float) -> None:
    """Neither what is beyond 64 bits nor what may not be the number that was written; the way out is said."""
    for refusal, pointer in (
        (checked(minutes=value), "/data/minutes"),
        (check_data("review.posted", {"rating": value}, PROGRAM), "/data/rating"),
    ):
        assert isinstance(refusal, Refusal)
        assert (refusal.code, refusal.pointer) == ("invalid_field", pointer)
        assert refusal.message.endswith("beyond 2^53 write it without a point or an exponent.")
        assert refusal.message_zh is not None and refusal.message_zh.endswith("请不带小数点和指数。")


@pytest.mark.parametrize("value", [2**63 - 1, -(2**63), 2**53 + 1, 2.0**53])
def test_the_largest_integers(value: float) -> None:
    """What is exact is taken to the last one, in declared types and in those that are built in."""
    assert checked(minutes=value) == {"minutes": int(value)}
    read = check_data("review.posted", {"rating": value}, PROGRAM)
    assert isinstance(read, dict)
    assert (read["rating"], type(read["rating"])) == (int(value), int)
