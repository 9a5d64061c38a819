"""How often a shorter period comes within a longer one, on the days on which a rule is open."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from jifen.core.rules.caps import start_of_period
from jifen.core.rules.document import Period
from jifen.core.rules.windows import OpenWindow

#: Every kind of year, by its first weekday and length, comes within so many; so does every run of weeks and months.
YEARS = 28
#: Days from here on are counted, and shown in examples, where there is no other first day.
FIRST_DAY = date(2026, 1, 1)
_ONE_DAY = timedelta(days=1)
_ENDLESS = ("lifetime", "campaign")


def _any_day(_: date) -> bool:
    """For rules whose conditions ask nothing of the day."""
    return True


def most_within(
    shorter: Period,
    longer: Period,
    windows: Sequence[OpenWindow],
    zone: ZoneInfo,
    may_match: Callable[[date], bool] = _any_day,
) -> int | None:
    """In how many of the shorter periods a rule is open at most, within one of the longer; None: there is no bound.
    `may_match`: whether its conditions let a day through.

    Where `shorter` is in truth as long or longer, in how many of them a longer one can have its days.
    """
    if shorter == longer or shorter in _ENDLESS:
        return 1
    if shorter == "event":
        return None
    days = _days(windows, zone)
    if days is None:
        if longer in _ENDLESS:
            return None
        days = _usual_days(windows, zone)
    found: dict[date, set[date]] = defaultdict(set)
    for day in days:
        if may_match(day) and all(each.fits_day(day, zone) for each in windows):
            found[start_of_period(longer, day)].add(start_of_period(shorter, day))
    return max((len(each) for each in found.values()), default=0)


def _days(windows: Sequence[OpenWindow], zone: ZoneInfo) -> Sequence[date] | None:
    """All days on which windows that begin and end may be open; None: they go on and on."""
    begins, ends = _bounds(windows, zone)
    if not begins or not ends or (min(ends) - max(begins)).days > YEARS * 366:
        return None
    return _run(max(begins), min(ends))


def _usual_days(windows: Sequence[OpenWindow], zone: ZoneInfo) -> Sequence[date]:
    """Enough days of windows that go on, so that all there can be within a year is among them."""
    begins, ends = _bounds(windows, zone)
    if ends and not begins:
        return _run(min(ends) - (YEARS + 1) * 366 * _ONE_DAY, min(ends))
    first = max(begins, default=FIRST_DAY)
    return _run(first, first + (YEARS + 1) * 366 * _ONE_DAY)


def _bounds(windows: Sequence[OpenWindow], zone: ZoneInfo) -> tuple[list[date], list[date]]:
    begins = [each.since.astimezone(zone).date() for each in windows if each.since is not None]
    return begins, [each.until.astimezone(zone).date() for each in windows if each.until is not None]


def _run(first: date, last: date) -> Sequence[date]:
    return [first + number * _ONE_DAY for number in range((last - first).days + 1)]
