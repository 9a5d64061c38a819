"""The counters of a member as they stood on an earlier day, for events that come late."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal
from zoneinfo import ZoneInfo

from jifen.analytics.backtest.entries import Entry
from jifen.core.calendar import local_day
from jifen.core.decide import Effects
from jifen.core.ledger.values import Kind
from jifen.core.rules.facts import CHECKED_IN
from jifen.core.rules.standing import CounterChange, Counters, counters_on

ChangedBy = Literal["order", "money", "checkin"]
Changes = dict[int, tuple[ChangedBy, datetime, datetime, int]]
"""What moved a member's counters, by the recorded transaction: when it happened, when the order or check-in that it was
about did, and the money in cents."""


def remember_change(changes: Changes, entry: Entry, effects: Effects) -> None:
    """Keep how a recorded transaction moved the counters, if it did."""
    cents = 0 if effects.trace is None else effects.trace.spent
    if entry.kind is Kind.EARN:
        is_order = entry.is_order
        if is_order or entry.says(CHECKED_IN):
            what: ChangedBy = "order" if is_order else "checkin"
            changes[entry.sequence] = (what, entry.occurred_at, entry.occurred_at, cents)
    elif cents and entry.refers_to in changes:
        order_at = changes[entry.refers_to][2]
        changes[entry.sequence] = ("money", entry.occurred_at, order_at, cents)


def counters_by(changes: Changes, day: date, zone: ZoneInfo) -> Counters:
    """The counters as they stood by a day."""
    moved = (
        CounterChange(what, local_day(happened_at, zone), local_day(about, zone), cents)
        for what, happened_at, about, cents in changes.values()
    )
    return counters_on(moved, day)
