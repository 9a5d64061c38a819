"""What a member's events add up to month by month: for conditions that look back over a period."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from datetime import date

import msgspec


class Month(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True, gc=False):
    """A local month (`202611`) of events: orders, what was paid less what was refunded (minor units), and what was
    earned less what was taken back, by wallet number. Everything counts in the month in which the event happened."""

    month: int
    orders: int = 0
    spent_cents: int = 0
    earned: dict[int, int] = {}


NOTHING = Month(0)


def month_of(day: date) -> int:
    """The month of a day as a number that sorts: 202611."""
    return day.year * 100 + day.month


def changed(
    months: tuple[Month, ...], month: int, *, orders: int = 0, spent_cents: int = 0, earned: Mapping[int, int] = {}
) -> tuple[Month, ...]:
    """The months, in order, after a change in one of them."""
    if months and months[-1].month == month:
        # As good as always: something happens in the newest of them.
        index, is_there = len(months) - 1, True
    else:
        index = bisect_left(months, month, key=_month)
        is_there = index < len(months) and months[index].month == month
    was = months[index] if is_there else Month(month)
    by_wallet = dict(was.earned)
    for wallet, points in earned.items():
        by_wallet[wallet] = by_wallet.get(wallet, 0) + points
    is_now = Month(month, was.orders + orders, was.spent_cents + spent_cents, by_wallet)
    return (*months[:index], is_now, *months[index + is_there :])


def added_up(months: Iterable[Month], first: int, last: int, *, with_points: bool = True) -> Month:
    """What the months from `first` to `last`, both included, come to; the points only where they are wanted."""
    orders = spent_cents = 0
    earned: dict[int, int] = {}
    for each in months:
        if first <= each.month <= last:
            orders += each.orders
            spent_cents += each.spent_cents
            if with_points:
                for wallet, points in each.earned.items():
                    earned[wallet] = earned.get(wallet, 0) + points
    return Month(last, orders, spent_cents, earned)


def _month(each: Month) -> int:
    return each.month
