"""The data of events beyond orders is checked, and read as the conditions read it."""

from __future__ import annotations

from typing import Any

import msgspec

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
