"""When a rule holds: windows of time in the program's zone, made ready for asking."""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from jifen.core.calendar import start_of_day
from jifen.core.rules.document import Window
from jifen.core.rules.faults import invalid

_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class OpenWindow:
    """A window ready for asking. `since` (included) and `until` (excluded) are UTC instants; None: no bound."""

    __slots__ = ("_days_of_month", "_hours", "_weekdays", "_yearly", "is_always", "is_whole_days", "since", "until")

    def __init__(self, window: Window, zone: ZoneInfo, path: str = "$.window") -> None:
        """Raises InvalidProgram naming the field below `path` that makes no sense."""
        self.since = None if window.since is None else _instant(window.since, zone, f"{path}.from", is_end=False)
        self.until = None if window.until is None else _instant(window.until, zone, f"{path}.to", is_end=True)
        if self.since is not None and self.until is not None and self.until <= self.since:
            raise invalid(f"{path}.to", f"is {window.until}; the window would end before it begins")
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
        if len(text) == 10:
            day = date.fromisoformat(text)
            return start_of_day(day + timedelta(days=1) if is_end else day, zone)
        local = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        local = None
    if local is None or local.tzinfo is not None:
        raise invalid(path, f"is {text!r}; write a local date (2026-11-11) or date and time (2026-11-11T20:00)")
    return local.replace(tzinfo=zone).astimezone(UTC)


def _hours(text: str, path: str) -> tuple[int, int]:
    begin, dash, end = text.partition("-")
    try:
        if not dash or len(begin) != 5 or len(end) != 5:
            raise ValueError(text)
        first = time.fromisoformat(begin)
        last = 24 * 60 if end == "24:00" else _minutes(time.fromisoformat(end))
    except ValueError:
        raise invalid(path, f"is {text!r}; write hours as HH:MM-HH:MM") from None
    if _minutes(first) == last:
        raise invalid(path, f"is {text!r}; it ends where it begins")
    return _minutes(first), last


def _minutes(value: time) -> int:
    return value.hour * 60 + value.minute


def _day_of_month(day: int, path: str) -> int:
    if not (1 <= day <= 31 or day == -1):
        raise invalid(path, f"has {day}; write 1 to 31, or -1 for the last day")
    return day


def _yearly(text: str, path: str) -> tuple[int, int]:
    try:
        if len(text) != 5:
            raise ValueError(text)
        day = date.fromisoformat(f"2024-{text}")
    except ValueError:
        raise invalid(path, f"is {text!r}; write a day of every year as MM-DD") from None
    return day.month, day.day
