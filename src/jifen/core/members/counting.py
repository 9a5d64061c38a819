"""Counters of two members become those of one, and are told apart again.

Months are not joined: they are counted anew from the transactions of both when next somebody asks. They are told apart
where both are known.
"""

from __future__ import annotations

from datetime import date
from typing import TypeVar

import msgspec

from jifen.core.rules.months import Month, changed
from jifen.core.rules.standing import Counters

Period = TypeVar("Period", str, int)


def uncounted(counters: Counters) -> Counters:
    """The same, with the months to be counted anew."""
    return msgspec.structs.replace(counters, months=None)


def join_counters(survivor: Counters, absorbed: Counters) -> Counters:
    """What the events of both add up to. The streak is that of whoever checked in last, the longer one if both did."""
    month, year = max(survivor.month, absorbed.month), max(survivor.year, absorbed.year)
    streak, last_checkin_on = _later_streak(survivor, absorbed)
    return Counters(
        survivor.orders + absorbed.orders,
        survivor.spent_total + absorbed.spent_total,
        month,
        _in(survivor.month, month, survivor.spent_month) + _in(absorbed.month, month, absorbed.spent_month),
        year,
        _in(survivor.year, year, survivor.spent_year) + _in(absorbed.year, year, absorbed.spent_year),
        _later(survivor.last_order_on, absorbed.last_order_on),
        streak,
        last_checkin_on,
        last_change_on=_later(survivor.last_change_on, absorbed.last_change_on),
    )


def part_months(now: tuple[Month, ...] | None, absorbed: tuple[Month, ...] | None) -> tuple[Month, ...] | None:
    """What remains of the survivor's months when the other takes its own away; None where they are not counted."""
    if now is None or absorbed is None:
        return None
    for each in absorbed:
        earned = {wallet: -points for wallet, points in each.earned.items()}
        now = changed(now, each.month, orders=-each.orders, spent_cents=-each.spent_cents, earned=earned)
    return tuple(each for each in now if each.orders or each.spent_cents or any(each.earned.values()))


def part_counters(
    now: Counters, before: Counters, absorbed: Counters, months: tuple[Month, ...] | None = None
) -> Counters:
    """What remains of the survivor's counters when the other takes its own away. `before`: the survivor's as they were
    when the two became one: what has not moved on since is as it was then."""
    joined = join_counters(before, absorbed)
    is_same_day = now.last_order_on == joined.last_order_on and now.orders == joined.orders
    is_same_streak = (now.checkin_streak, now.last_checkin_on) == (joined.checkin_streak, joined.last_checkin_on)
    kept = before if is_same_streak else now
    return Counters(
        now.orders - absorbed.orders,
        now.spent_total - absorbed.spent_total,
        now.month,
        now.spent_month - _in(absorbed.month, now.month, absorbed.spent_month),
        now.year,
        now.spent_year - _in(absorbed.year, now.year, absorbed.spent_year),
        before.last_order_on if is_same_day else now.last_order_on,
        kept.checkin_streak,
        kept.last_checkin_on,
        months,
        before.last_change_on if now.last_change_on == joined.last_change_on else now.last_change_on,
    )


def _in(period: Period, wanted: Period, cents: int) -> int:
    """Money of a period, as far as that is the wanted one."""
    return cents if period == wanted else 0


def _later(one: date | None, other: date | None) -> date | None:
    days = [day for day in (one, other) if day is not None]
    return max(days, default=None)


def _later_streak(one: Counters, other: Counters) -> tuple[int, date | None]:
    streaks = [(each.last_checkin_on, each.checkin_streak) for each in (one, other) if each.last_checkin_on is not None]
    if not streaks:
        return (0, None)
    last, streak = max(streaks)
    return (streak, last)
