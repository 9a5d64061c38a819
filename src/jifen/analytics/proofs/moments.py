"""The moment of a symbolic event: the calendar and the windows of rules as formulas.

Local time is counted in whole minutes. Where clocks are set back, a window is taken an hour wider than it is: what is
then found is rated for real, so nothing wrong is told.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

import z3

from jifen.analytics.proofs.periods import FIRST_DAY
from jifen.core.program import Program
from jifen.core.rules.book import CompiledRule
from jifen.core.rules.document import Window
from jifen.core.rules.windows import OpenWindow

#: Years in which events may happen. Weekdays of a date come round within 40 years.
FIRST_YEAR, LAST_YEAR = 1970, 2199
USUAL_DAYS = 4 * 366
MINUTES_OF_DAY = 24 * 60
_EPOCH = date(1970, 1, 1)
_LENGTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_PARTS = ("year", "month", "day", "weekday", "hour", "minute")


class SymbolicMoment:
    """The variables `now.year` to `now.minute`, `now.date`, the days since 1970-01-01, and `minutes` since then."""

    def __init__(self, context: Any) -> None:
        self._context = context
        self.year, self.month, self.day, self.weekday, self.hour, self.minute = (
            z3.Int(f"now.{part}", context) for part in _PARTS
        )
        self.date = z3.Int("now.date", context)
        self.minute_of_day = self.hour * 60 + self.minute
        self.minutes = self.date * MINUTES_OF_DAY + self.minute_of_day
        self.is_leap = z3.And(self.year % 4 == 0, self.year != 2100)
        self._last_day = self._by_month(_LENGTHS) + z3.If(z3.And(self.month == 2, self.is_leap), 1, 0)

    @cached_property
    def bounds(self) -> list[Any]:
        """What holds of every moment."""
        before = [sum(_LENGTHS[:number]) for number in range(12)]
        years = self.year - FIRST_YEAR
        start_of_year = 365 * years + (years + 1) / 4 - z3.If(self.year > 2100, 1, 0)
        start_of_month = self._by_month(before) + z3.If(z3.And(self.month > 2, self.is_leap), 1, 0)
        return [
            z3.And(self.year >= FIRST_YEAR, self.year <= LAST_YEAR),
            z3.And(self.month >= 1, self.month <= 12),
            z3.And(self.day >= 1, self.day <= self._last_day),
            z3.And(self.hour >= 0, self.hour <= 23, self.minute >= 0, self.minute <= 59),
            self.date == start_of_year + start_of_month + self.day - 1,
            # The first of January 1970 was a Thursday.
            self.weekday == (self.date + 3) % 7 + 1,
        ]

    def usual(self) -> list[Any]:
        """Moments that look usual, the more so the fewer of these do not hold."""
        first = (FIRST_DAY - _EPOCH).days
        return [z3.And(self.date >= first, self.date < first + USUAL_DAYS), self.hour == 12, self.minute == 0]

    def window(self, window: Window, ready: OpenWindow, zone: ZoneInfo) -> Any:
        """The formula of a window; `ready` is the same window with its bounds as instants."""
        terms = [z3.BoolVal(True, self._context)]
        if window.weekdays:
            terms.append(self._any(self.weekday == _WEEKDAYS.index(each) + 1 for each in window.weekdays))
        if window.days_of_month:
            days = [self._last_day if each == -1 else each for each in window.days_of_month]
            terms.append(self._any(self.day == each for each in days))
        if window.yearly:
            terms.append(self._any(self._on(int(each[:2]), int(each[3:])) for each in window.yearly))
        if window.hours:
            terms.append(self._any(self._within(each) for each in window.hours))
        if ready.since is not None:
            terms.append(self.minutes >= min(_around(ready.since, zone, 1)))
        if ready.until is not None:
            # The end is excluded; within its minute, what comes before it is not.
            part_of_minute = 1 if ready.until.second else 0
            terms.append(self.minutes < max(_around(ready.until, zone, -1)) + part_of_minute)
        return z3.And(*terms)

    def is_birthday(self, month: Any, day: Any) -> Any:
        """Whether the day is a birthday; 29 February is kept on the 28th of other years."""
        stand_in = z3.And(month == 2, day == 29, self.month == 2, self.day == 28, z3.Not(self.is_leap))
        return z3.Or(z3.And(month == self.month, day == self.day), stand_in)

    def of_model(self, model: Any, zone: ZoneInfo) -> datetime:
        """The local moment that a model describes."""
        year, month, day, hour, minute = (
            model.eval(each, model_completion=True).as_long()
            for each in (self.year, self.month, self.day, self.hour, self.minute)
        )
        return datetime(year, month, day, hour, minute, tzinfo=zone)

    def _on(self, month: int, day: int) -> Any:
        exact = z3.And(self.month == month, self.day == day)
        if (month, day) != (2, 29):
            return exact
        return z3.Or(exact, z3.And(self.month == 2, self.day == 28, z3.Not(self.is_leap)))

    def _within(self, hours: str) -> Any:
        begin, end = (int(each[:2]) * 60 + int(each[3:]) for each in hours.split("-"))
        inside = (self.minute_of_day >= begin, self.minute_of_day < end)
        return z3.And(*inside) if begin < end else z3.Or(*inside)

    def _by_month(self, values: tuple[int, ...] | list[int]) -> Any:
        chosen = z3.IntVal(values[11], self._context)
        for number in range(10, -1, -1):
            chosen = z3.If(self.month == number + 1, values[number], chosen)
        return chosen

    def _any(self, terms: Any) -> Any:
        return z3.Or(*terms, z3.BoolVal(False, self._context))


def windows_of(rule: CompiledRule, program: Program) -> list[tuple[Window, OpenWindow]]:
    """The windows within which a rule holds: its own and that of its campaign."""
    found = [(rule.document.window, rule.window)]
    if rule.document.campaign is not None:
        campaign = program.campaigns[rule.document.campaign]
        found.append((campaign.document.window, campaign.window))
    return [each for each in found if not each[1].is_always]


def minutes_at(local: datetime) -> int:
    """The local minutes since 1970 that clocks show."""
    return (local.date() - _EPOCH).days * MINUTES_OF_DAY + local.hour * 60 + local.minute


def _around(instant: datetime, zone: ZoneInfo, direction: int) -> list[int]:
    """The local minutes since 1970 at an instant, as clocks show them up to three hours after (or before) it."""
    found = []
    for minutes_away in range(0, 210, 30):
        local = (instant + direction * timedelta(minutes=minutes_away)).astimezone(zone)
        found.append(minutes_at(local) - direction * minutes_away)
    return found
