"""What conditions can see."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from jifen.core.orders import Order, OrderLine
from jifen.core.rules.document import ORDER_COMPLETED, EventType, MemberField
from jifen.core.rules.facts import (
    MEMBER_NAMES,
    LineFacts,
    MemberFacts,
    Moment,
    RatedEvent,
    RatedFacts,
    line_facts,
    names_for,
    readers_of,
    vocabularies,
)

NOW = datetime(2026, 5, 19, 16, 30, tzinfo=UTC)  # 00:30 on the 20th in Shanghai, a Wednesday
MOMENT = Moment(NOW, ZoneInfo("Asia/Shanghai"))


def seen(member: MemberFacts, name: str, moment: Moment = MOMENT) -> object:
    """One fact about a member."""
    (read,) = readers_of([name], {name: "int"}).values()
    return read(member, moment)


def local(text: str) -> Moment:
    """A local moment in Shanghai."""
    at = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Asia/Shanghai"))
    return Moment(at.astimezone(UTC), ZoneInfo("Asia/Shanghai"))


@pytest.mark.parametrize(
    ("birthday", "day", "expected"),
    [
        ("05-20", "2026-05-20T00:00", True),
        ("1990-05-20", "2026-05-20T23:59", True),
        ("1990-05-20", "2026-05-21T00:00", False),
        ("2000-02-29", "2026-02-28T12:00", True),
        ("2000-02-29", "2028-02-28T12:00", False),
        ("2000-02-29", "2028-02-29T12:00", True),
        ("2000-02-28", "2026-02-28T12:00", True),
        (None, "2026-05-20T00:00", False),
    ],
)
def test_birthdays(birthday: str | None, day: str, expected: bool) -> None:
    """By the local day; 29 February is the 28th of other years."""
    assert seen(MemberFacts(birthday=birthday), "member.is_birthday", local(day)) is expected


@pytest.mark.parametrize(
    ("day", "expected"),
    [("2026-04-30T23:59", False), ("2026-05-01T00:00", True), ("2026-05-30T23:59", True), ("2026-05-31T00:00", False)],
)
def test_the_window_that_the_member_picked(day: str, expected: bool) -> None:
    """Thirty days from its first (B9)."""
    member = MemberFacts(birthday_window_from="2026-05-01")
    assert seen(member, "member.in_birthday_window", local(day)) is expected


def test_facts_that_follow_from_others() -> None:
    """First order, days since registration by local days."""
    member = MemberFacts(registered_at=datetime(2026, 5, 18, 15, 59, tzinfo=UTC), orders=0)
    assert seen(member, "member.is_first_order") is True
    assert seen(member, "member.days_since_registration") == 2
    assert seen(MemberFacts(), "member.days_since_registration") == 0
    assert seen(MemberFacts(fields={"size": 42}), "member.fields.size") == 42
    assert seen(MemberFacts(), "member.fields.size") == 0


def test_an_order_in_the_zone_of_the_program() -> None:
    """Totals of the lines that count, texts that are not there as empty ones."""
    lines = [OrderLine("1", 2, 300, sku="A"), OrderLine("2", 1, 50)]
    order = Order("o", "CNY", lines, channel="app")
    facts = RatedFacts(RatedEvent(ORDER_COMPLETED, NOW, "shop", order, lines), MOMENT, MemberFacts(), {})
    assert (facts["order.total_cents"], facts["order.quantity"], facts["order.line_count"]) == (350, 3, 2)
    assert (facts["order.channel"], facts["order.store_id"], facts["order.currency"]) == ("app", "", "CNY")
    assert (facts["now.day"], facts["now.weekday"], facts["now.hour"], facts["now.minute"]) == (20, 3, 0, 30)
    assert line_facts(lines[1]) == {
        "line_id": "2", "sku": "", "name": "", "category": "", "brand": "", "quantity": 1, "paid_cents": 50,
    }  # fmt: skip


def test_names_by_type_of_event() -> None:
    """Orders have orders, declared events their plain properties, everybody the member."""
    schema = {"properties": {"minutes": {"type": "integer"}, "notes": {"type": "array"}}}
    events = [EventType("visit.recorded", schema)]
    fields = [MemberField("size", "int")]
    order = names_for(ORDER_COMPLETED, fields, events)
    visit = names_for("visit.recorded", fields, events)
    assert order.keys() >= MEMBER_NAMES.keys() | {"order.total_cents", "member.fields.size"}
    assert visit["event.data.minutes"] == "int" and "event.data.notes" not in visit
    assert "order.total_cents" not in visit
    with pytest.raises(KeyError):
        names_for("visit.unknown", fields, events)
    assert vocabularies(visit, "visit.recorded")[1] is None


def test_facts_of_an_event_are_those_it_can_have() -> None:
    """What can be worked out counts as there before it was asked for; what cannot is missing, and stays so."""
    readers = readers_of(["member.orders"], {})
    facts = RatedFacts(
        RatedEvent("review.posted", NOW, "shop", data={"rating": 5}), MOMENT, MemberFacts(orders=3), readers
    )
    there = {"event.type", "event.source", "event.data.rating", "member.orders", "now", "now.hour"}
    missing = {"event.data.length", "order.total_cents", "member.tier", "line.sku", "now.second"}
    assert {name for name in there | missing if name in facts} == there
    assert (facts["event.type"], facts["event.data.rating"], facts["member.orders"]) == ("review.posted", 5, 3)
    for name in missing:
        with pytest.raises(KeyError):
            facts[name]
        assert name not in facts


def test_facts_of_a_line_come_on_top() -> None:
    """Those of the event stay, and no line sees another."""
    lines = [OrderLine("1", 2, 300, sku="A"), OrderLine("2", 1, 50)]
    facts = RatedFacts(
        RatedEvent(ORDER_COMPLETED, NOW, "shop", Order("o", "CNY", lines), lines), MOMENT, MemberFacts(), {}
    )
    first, second = (LineFacts(facts, line) for line in lines)
    assert (first["line.sku"], second["line.sku"], first["order.total_cents"]) == ("A", "", 350)
    assert "line.sku" not in facts
    assert "order.quantity" in first and "member.tier" not in first
    # Worked out once for all lines.
    assert first["order.lines"] is second["order.lines"]
    assert [each["sku"] for each in second["order.lines"]] == ["A", ""]
