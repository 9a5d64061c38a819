"""Days and validity in the program's time zone. Stored instants are UTC; day boundaries are local."""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from jifen.core.limits import NEVER

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_STEP_SECONDS = 30
_STEP = timedelta(seconds=_STEP_SECONDS)
_STEPS_A_DAY = timedelta(days=1) // _STEP


class NeverExpires(msgspec.Struct, frozen=True, tag_field="policy", tag="never", forbid_unknown_fields=True):
    """Points stay valid for ever."""


class RollingExpiry(msgspec.Struct, frozen=True, tag_field="policy", tag="rolling", forbid_unknown_fields=True):
    """Valid for `months` after they were earned: through the same day of the month, or through that month's end."""

    months: int
    until: Literal["day", "month_end"] = "day"


class YearlyExpiry(msgspec.Struct, frozen=True, tag_field="policy", tag="yearly", forbid_unknown_fields=True):
    """Valid through a fixed date: the first such date on or after the day of earning, `extra_years` later.

    29 February stands for the last day of February.
    """

    month: int
    day: int
    extra_years: int = 0


Expiry = NeverExpires | RollingExpiry | YearlyExpiry


@lru_cache(maxsize=8192)
def _local_day_of_step(step: int, zone: ZoneInfo) -> date:
    return (_EPOCH + step * _STEP).astimezone(zone).date()


@lru_cache(maxsize=8192)
def start_of_day(day: date, zone: ZoneInfo) -> datetime:
    """The first instant of a local day, in UTC.

    Where midnight falls into the gap of a daylight-saving change, fold=0 reads it with the offset before the
    change, which is exactly the instant of the change: the first instant of that day.
    """
    return datetime.combine(day, time(0), tzinfo=zone).astimezone(UTC)


def local_day(instant: datetime, zone: ZoneInfo) -> date:
    """The day on which an instant (of 1970 or later) falls in a zone."""
    # Since 1970 every zone's days begin on a whole half minute, so one step lies within one local day.
    since = instant - _EPOCH
    return _local_day_of_step(since.days * _STEPS_A_DAY + since.seconds // _STEP_SECONDS, zone)


def add_months(day: date, months: int) -> date:
    """The same day of the month some months later; the month's last day where it has no such day (31, 29 February)."""
    year, month_index = divmod(day.year * 12 + day.month - 1 + months, 12)
    month = month_index + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def last_valid_day(expiry: RollingExpiry | YearlyExpiry, earned_on: date) -> date:
    """The last local day on which points earned on a day can be spent."""
    if isinstance(expiry, RollingExpiry):
        day = add_months(earned_on, expiry.months)
        return day.replace(day=monthrange(day.year, day.month)[1]) if expiry.until == "month_end" else day
    this_year = _yearly_date(expiry, earned_on.year)
    years = expiry.extra_years + (1 if this_year < earned_on else 0)
    return _yearly_date(expiry, earned_on.year + years)


def _yearly_date(expiry: YearlyExpiry, year: int) -> date:
    return date(year, expiry.month, min(expiry.day, monthrange(year, expiry.month)[1]))


@lru_cache(maxsize=8192)
def _expires_after(expiry: RollingExpiry | YearlyExpiry, earned_on: date, zone: ZoneInfo) -> datetime:
    return start_of_day(last_valid_day(expiry, earned_on) + timedelta(days=1), zone)


def expires_at(expiry: Expiry, earned_at: datetime, zone: ZoneInfo) -> datetime:
    """The instant (UTC, exclusive) at which points earned at an instant stop being valid: the end of a local day."""
    if isinstance(expiry, NeverExpires):
        return NEVER
    return _expires_after(expiry, local_day(earned_at, zone), zone)


@lru_cache(maxsize=1024)
def days_later(instant: datetime, days: int, zone: ZoneInfo) -> datetime:
    """The same local time of day some days later, in UTC (an hour that does not exist moves past the gap)."""
    return (instant.astimezone(zone) + timedelta(days=days)).astimezone(UTC)
