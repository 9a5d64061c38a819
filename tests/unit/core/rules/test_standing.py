"""Counters: what orders, refunds and check-ins make of them, and what rules see."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from jifen.core.rules.standing import NO_COUNTERS, NO_PROFILE, CounterChange, Counters, Profile, counters_on, facts_of

MAY = date(2026, 5, 20)


def test_orders_add_up_by_month_and_year() -> None:
    """A new month begins at nothing; a late order counts in all, but not in a period that is over."""
    counters = NO_COUNTERS.with_order(MAY, 100).with_order(date(2026, 6, 1), 40).with_order(date(2026, 5, 31), 7)
    assert (counters.orders, counters.spent_total, counters.spent_month, counters.spent_year) == (3, 147, 40, 147)
    assert (counters.month, counters.last_order_on) == ("2026-06", date(2026, 6, 1))
    later = counters.with_order(date(2027, 1, 1), 5)
    assert (later.spent_month, later.spent_year, later.spent_total) == (5, 5, 152)


def test_a_late_order_over_the_turn_of_the_year() -> None:
    """It counts as an order and in all, but neither in the new month nor in the new year; nor does its refund."""
    new_year = NO_COUNTERS.with_order(date(2026, 12, 30), 10).with_order(date(2027, 1, 1), 100)
    late = new_year.with_order(date(2026, 12, 31), 7)
    assert (late.orders, late.spent_total, late.spent_month, late.spent_year) == (3, 117, 100, 100)
    assert (late.month, late.year, late.last_order_on) == ("2027-01", 2027, date(2027, 1, 1))
    refunded = late.with_change(date(2026, 12, 31), -7, date(2027, 1, 1))
    assert (refunded.spent_total, refunded.spent_month, refunded.spent_year) == (110, 100, 100)
    seen = facts_of(NO_PROFILE, late, date(2026, 12, 31))
    assert (seen.spent_cents_month, seen.spent_cents_year, seen.days_since_last_order) == (0, 0, 0)


def test_refunds_take_money_back_and_no_order() -> None:
    """So that a first order is first once (known failure 1)."""
    counters = NO_COUNTERS.with_order(MAY, 100).with_change(MAY, -100, MAY)
    assert (counters.orders, counters.spent_total, counters.spent_month, counters.spent_year) == (1, 0, 0, 0)
    moved_on = NO_COUNTERS.with_order(MAY, 100).with_order(date(2026, 6, 2), 30).with_change(MAY, -60, date(2026, 6, 3))
    assert (moved_on.spent_total, moved_on.spent_month, moved_on.spent_year) == (70, 30, 70)


def test_streaks() -> None:
    """Day after day; the same day twice is one; a gap begins a new one; one of long ago changes nothing."""
    counters = NO_COUNTERS
    seen = []
    for days in (0, 1, 1, 2, 4, 0, 5):
        counters = counters.with_checkin(MAY + timedelta(days=days))
        seen.append(counters.checkin_streak)
    assert seen == [1, 2, 2, 3, 1, 1, 2]


def test_a_streak_is_that_of_the_day() -> None:
    """Alive on the next day, over on the one after; a late event sees as much of it as there was then (F4)."""
    counters = NO_COUNTERS
    for days in range(3):
        counters = counters.with_checkin(MAY + timedelta(days=days))
    seen = [facts_of(NO_PROFILE, counters, MAY + timedelta(days=days)).checkin_streak for days in range(-2, 6)]
    assert seen == [0, 0, 1, 2, 3, 3, 0, 0]
    assert NO_COUNTERS.streak_on(MAY) == 0


def streak_of(days: Collection[int], last: int) -> int:
    """How many days in a row were checked in, up to this one."""
    return next(number for number in range(len(days) + 1) if last - number not in days)


@given(st.lists(st.integers(0, 12), min_size=1, max_size=14))
def test_a_streak_is_made_of_days_however_late_they_come(recorded: list[int]) -> None:
    """Each check-in sees the days in a row up to its own that are known; what stands in the end does not depend on the
    order in which they came."""
    counters, changes, known = NO_COUNTERS, list[CounterChange](), set[int]()
    for number in recorded:
        day = MAY + timedelta(days=number)
        then = counters_on(changes, day).with_checkin(day)
        known.add(number)
        assert then.streak_on(day) == streak_of(known, number)
        counters = counters.with_checkin(day, then.checkin_streak)
        changes.append(CounterChange("checkin", day, day))
        assert counters.streak_on(MAY + timedelta(days=max(known))) == streak_of(known, max(known))
        assert counters == counters_on(changes, MAY + timedelta(days=max(known)))


def test_what_is_known_of_before_is_joined() -> None:
    """The hole before a streak is closed by the day itself, also where nobody says what there was before."""
    counters = NO_COUNTERS.with_checkin(MAY).with_checkin(MAY + timedelta(days=1))
    yesterday = MAY - timedelta(days=1)
    assert counters.lengthens_streak(yesterday) and not counters.lengthens_streak(MAY)
    assert counters.with_checkin(yesterday).checkin_streak == 3
    assert counters.with_checkin(yesterday, 5).checkin_streak == 7
    assert counters.with_checkin(yesterday - timedelta(days=1), 5) == counters
    assert not NO_COUNTERS.lengthens_streak(MAY)


def test_what_rules_see() -> None:
    """Periods that are not those of the day count as nothing."""
    counters = Counters(3, 500, "2026-05", 200, 2026, 400, date(2026, 5, 18))
    facts = facts_of(Profile(tier="gold", tags=["tea"]), counters, MAY)
    assert (facts.tier, facts.tags, facts.orders, facts.days_since_last_order) == ("gold", ["tea"], 3, 2)
    assert (facts.spent_cents_month, facts.spent_cents_year, facts.spent_cents_total) == (200, 400, 500)
    next_year = facts_of(NO_PROFILE, counters, date(2027, 5, 1))
    assert (next_year.spent_cents_month, next_year.spent_cents_year, next_year.spent_cents_total) == (0, 0, 500)
    assert facts_of(NO_PROFILE, NO_COUNTERS, MAY).days_since_last_order == -1


def test_counters_of_an_earlier_day_know_nothing_of_later_ones() -> None:
    """Whatever the order in which changes were recorded; a refund counts from the day on which it happened."""
    may, june = date(2026, 5, 10), date(2026, 6, 10)
    changes = [
        CounterChange("order", june, june, 300),
        CounterChange("order", may, may, 100),
        CounterChange("money", june, may, -40),
        CounterChange("checkin", may, may),
    ]
    then = counters_on(changes, may)
    assert (then.orders, then.spent_total, then.last_order_on, then.checkin_streak) == (1, 100, may, 1)
    now = counters_on(changes, june)
    assert (now.orders, now.spent_total, now.last_order_on) == (2, 360, june)
    assert counters_on(changes, date(2026, 5, 9)) == NO_COUNTERS
    assert now.is_past(may) and not now.is_past(june) and not NO_COUNTERS.is_past(may)
    assert Counters(last_checkin_on=june).is_past(may)
    refunded = counters_on([CounterChange("order", may, may, 100), CounterChange("money", june, may, -40)], june)
    assert refunded.is_past(may) and not refunded.is_past(june), "a refund is something of its own day"
