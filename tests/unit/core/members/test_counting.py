"""Counters of two become those of one and two again."""

from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from jifen.core.members.counting import join_counters, part_counters
from jifen.core.rules.standing import NO_COUNTERS, Counters

Happenings = list[tuple[str, date, int]]
#: What happens on a day: an order of so many cents, a change of one, or a check-in.
HAPPENINGS = st.lists(
    st.tuples(
        st.sampled_from(["order", "change", "checkin"]),
        st.dates(date(2025, 11, 1), date(2026, 2, 10)),
        st.integers(-500, 5_000),
    ),
    max_size=8,
)


def after(counters: Counters, happenings: Happenings) -> Counters:
    """The counters after all of it."""
    for what, day, cents in happenings:
        if what == "order":
            counters = counters.with_order(day, abs(cents))
        elif what == "change":
            counters = counters.with_change(day, cents, day)
        else:
            counters = counters.with_checkin(day)
    return counters


@given(HAPPENINGS, HAPPENINGS)
def test_parting_at_once_gives_back_what_was(
    one: list[tuple[str, date, int]], other: list[tuple[str, date, int]]
) -> None:
    """But for money of a month or year that is over for both together, which nobody asks for any more."""
    before, absorbed = after(NO_COUNTERS, one), after(NO_COUNTERS, other)
    joined = join_counters(before, absorbed)
    parted = part_counters(joined, before, absorbed)
    assert (joined.orders, joined.spent_total) == (
        before.orders + absorbed.orders,
        before.spent_total + absorbed.spent_total,
    )
    assert (parted.orders, parted.spent_total, parted.last_order_on) == (
        before.orders,
        before.spent_total,
        before.last_order_on,
    )
    assert parted.last_change_on == before.last_change_on
    assert (parted.checkin_streak, parted.last_checkin_on) == (before.checkin_streak, before.last_checkin_on)
    if parted.month == before.month:
        assert parted.spent_month == before.spent_month
    if parted.year == before.year:
        assert parted.spent_year == before.spent_year


@given(HAPPENINGS, HAPPENINGS, HAPPENINGS)
def test_totals_are_kept_whatever_happens_between(one: Happenings, other: Happenings, between: Happenings) -> None:
    """Orders and money of both add up to the same before and after parting."""
    before, absorbed = after(NO_COUNTERS, one), after(NO_COUNTERS, other)
    now = after(join_counters(before, absorbed), between)
    parted = part_counters(now, before, absorbed)
    assert parted.orders + absorbed.orders == now.orders
    assert parted.spent_total + absorbed.spent_total == now.spent_total


def test_the_streak_is_that_of_the_later_check_in() -> None:
    """Of the longer one where both checked in on the same day."""
    short, long = (
        Counters(checkin_streak=2, last_checkin_on=date(2026, 1, 2)),
        Counters(checkin_streak=9, last_checkin_on=date(2026, 1, 1)),
    )
    assert join_counters(short, long).checkin_streak == 2
    same_day = Counters(checkin_streak=9, last_checkin_on=date(2026, 1, 2))
    assert join_counters(short, same_day).checkin_streak == 9
