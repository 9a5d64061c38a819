"""When a rule holds: windows of time in the program's zone, made ready for asking."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from jifen.core.calendar import start_of_day
from jifen.core.rules.document import Window
from jifen.core.rules.faults import invalid

# The standard library reads more forms of ISO 8601 than a person expects (2026-W46, 20261111): these alone are taken.
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DATE_AND_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?")
_HOURS = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])-(?:([01][0-9]|2[0-3]):([0-5][0-9])|24:00)")
_MONTH_AND_DAY = re.compile(r"[0-9]{2}-[0-9]{2}")
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class OpenWindow:
    """A window ready for asking. `since` (included) and `until` (excluded) are UTC instants; None: no bound."""

    __slots__ = ("_days_of_month", "_hours", "_weekdays", "_yearly", "is_always", "is_whole_days", "since", "until")

    def __init__(self, window: Window, zone: ZoneInfo, path: str = "$.window") -> None:
        """Raises InvalidProgram naming the field below `path` that makes no sense."""
        self.since = None if window.since is None else _instant(window.since, zone, f"{path}.from", is_end=False)
        self.until = None if window.until is None else _instant(window.until, zone, f"{path}.to", is_end=True)
        if self.since is not None and self.until is not None and self.until <= self.since:
            raise invalid(
                f"{path}.to",
                f"is {window.until}; the window would end before it begins",
                f"是 {window.until}；时间窗会在开始之前结束",
            )
        self._weekdays = frozenset(_WEEKDAYS.index(each) for each in window.weekdays)
        self._hours = [_hours(each, f"{path}.hours[{index}]") for index, each in enumerate(window.hours)]
        self._days_of_month = frozenset(_day_of_month(each, f"{path}.days_of_month") for each in window.days_of_month)
        self._yearly = frozenset(_yearly(each, f"{path}.yearly[{index}]") for index, each in enumerate(window.yearly))
        self.is_always = window == Window()
        self.is_whole_days = not self._hours and self.since is None and self.until is None

    def fits_day(self, day: date, zone: ZoneInfo) -> bool:
        """Whether any moment of a local day may lie in the window. The hours are asked of the instant itself."""
        if self._weekdays and day.weekday() not in self._weekdays:
            return False
        if self._days_of_month and not (
            {day.day, day.day - monthrange(day.year, day.month)[1] - 1} & self._days_of_month
        ):
            return False
        if self._yearly and (day.month, day.day) not in self._yearly and not self._is_leap_stand_in(day):
            return False
        if self.until is not None and start_of_day(day, zone) >= self.until:
            return False
        return self.since is None or start_of_day(day + timedelta(days=1), zone) > self.since

    def contains(self, instant: datetime, local: datetime) -> bool:
        """Whether an instant lies in the window; `local` is the same in the program's zone, on a day that fits."""
        if self.since is not None and instant < self.since:
            return False
        if self.until is not None and instant >= self.until:
            return False
        if not self._hours:
            return True
        minute = local.hour * 60 + local.minute
        return any(
            begin <= minute < end if begin < end else minute >= begin or minute < end for begin, end in self._hours
        )

    def _is_leap_stand_in(self, day: date) -> bool:
        return (2, 29) in self._yearly and (day.month, day.day) == (2, 28) and monthrange(day.year, 2)[1] == 28


def _instant(text: str, zone: ZoneInfo, path: str, *, is_end: bool) -> datetime:
    try:
        if _DATE.fullmatch(text):
            day = date.fromisoformat(text)
            return start_of_day(day + timedelta(days=1) if is_end else day, zone)
        if _DATE_AND_TIME.fullmatch(text):
            return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise invalid(
        path,
        f"is {text!r}; write a local date (2026-11-11) or date and time (2026-11-11T20:00)",
        f"是 {text!r}；请写当地日期（2026-11-11）或日期和时间（2026-11-11T20:00）",
    )


def _hours(text: str, path: str) -> tuple[int, int]:
    found = _HOURS.fullmatch(text)
    if found is None:
        raise invalid(path, f"is {text!r}; write hours as HH:MM-HH:MM", f"是 {text!r}；时段请写成 HH:MM-HH:MM")
    begin = int(found[1]) * 60 + int(found[2])
    end = 24 * 60 if found[3] is None else int(found[3]) * 60 + int(found[4])
    if begin == end:
        raise invalid(path, f"is {text!r}; it ends where it begins", f"是 {text!r}；开始和结束相同")
    return begin, end


def _day_of_month(day: int, path: str) -> int:
    if not (1 <= day <= 31 or day == -1):
        raise invalid(
            path, f"has {day}; write 1 to 31, or -1 for the last day", f"中有 {day}；请写 1 至 31，或 -1 表示最后一天"
        )
    return day


def _yearly(text: str, path: str) -> tuple[int, int]:
    try:
        if _MONTH_AND_DAY.fullmatch(text):
            day = date.fromisoformat(f"2024-{text}")
            return day.month, day.day
    except ValueError:
        pass
    raise invalid(path, f"is {text!r}; write a day of every year as MM-DD", f"是 {text!r}；每年的日子请写成 MM-DD")
