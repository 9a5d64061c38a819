"""Rates one event by a program as a person describes both: for examples of documents and of templates."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from jifen.core.orders import Order
from jifen.core.program import Program, ProgramDocument
from jifen.core.refusal import Refusal
from jifen.core.rules.document import ORDER_COMPLETED
from jifen.core.rules.facts import MemberFacts, RatedEvent
from jifen.core.rules.rate import Rating, rate
from jifen.services.event_data import check_data


class Event(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An event as examples tell it: a CloudEvent without what every event says the same."""

    time: datetime
    type: str = ORDER_COMPLETED
    source: str = "example"
    data: dict[str, Any] = {}


def program_of(document: ProgramDocument) -> Program:
    """The program, its wallets numbered from 1 in the order of the file."""
    return Program(1, document, {wallet.id: number for number, wallet in enumerate(document.wallets, 1)})


def rate_example(program: Program, event: Event, member: MemberFacts, used: Mapping[str, int] | None = None) -> Rating:
    """What the program gives for an event, with what became of every rule.

    Of an order `order_id` and `currency`, of its lines `line_id` and a quantity of 1 may be left out.
    """
    return rate(
        program.books.get(event.type),
        rated_event(program, event),
        member,
        used or {},
        program.document.coefficients,
        with_all_verdicts=True,
    )


def rated_event(program: Program, event: Event) -> RatedEvent:
    """The event as it is rated; its data complete and of the right types."""
    if event.type == ORDER_COMPLETED:
        order = _order(event.data)
        return RatedEvent(event.type, event.time, event.source, order, order.lines)
    data = check_data(event.type, event.data, program)
    assert not isinstance(data, Refusal), data
    return RatedEvent(event.type, event.time, event.source, data=data)


def _order(data: Mapping[str, Any]) -> Order:
    lines = [{"line_id": str(number), "quantity": 1} | line for number, line in enumerate(data["lines"], 1)]
    return msgspec.convert({"order_id": "1", "currency": "CNY"} | dict(data) | {"lines": lines}, Order)
