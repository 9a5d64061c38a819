"""Counts month by month."""

from __future__ import annotations

from datetime import date

import msgspec

from jifen.core.rules.months import Month, added_up, changed, month_of
from jifen.core.rules.standing import Counters


def test_months_stay_in_order_and_add_up() -> None:
    """Whatever comes late stands where it belongs."""
    months: tuple[Month, ...] = ()
    for month, cents in ((202603, 5), (202512, 7), (202603, 2), (202601, 1)):
        months = changed(months, month, orders=1, spent_cents=cents, earned={1: cents, 2: 2 * cents})
    assert [(each.month, each.orders, each.spent_cents) for each in months] == [
        (202512, 1, 7),
        (202601, 1, 1),
        (202603, 2, 7),
    ]
    assert added_up(months, 202601, 202603) == Month(202603, 3, 8, {1: 8, 2: 16})
    assert added_up(months, 202602, 202602) == Month(202602)
    assert month_of(date(2026, 3, 31)) == 202603


def test_who_counts_no_months_starts_none() -> None:
    """Counters of a program without tiers stay as they are; refunds take from the month they are told."""
    plain = Counters().with_order(date(2026, 3, 1), 5)
    assert plain.in_month(date(2026, 3, 1), cents=5).months is None
    counted = Counters(months=()).with_order(date(2026, 3, 1), 5, {1: 5})
    assert counted.in_month(date(2026, 3, 9)) is counted
    after = counted.in_month(date(2026, 3, 9), cents=-5, earned={1: -5})
    assert after.months == (Month(202603, 1, 0, {1: 0}),)


def test_they_are_written_and_read_again() -> None:
    """As the account's row has them; a row of the time before has none."""
    counters = Counters(2, 7, months=(Month(202603, 2, 7, {1: 3}),))
    text = msgspec.json.encode(counters)
    assert b',[[202603,2,7,{"1":3}]],' in text
    assert msgspec.json.decode(text, type=Counters) == counters
    assert msgspec.json.decode(b"[2,7]", type=Counters).months is None
