"""Days, months and expiry in the program's zone, against a slow and naive calendar."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jifen.core.calendar import (
    Expiry,
    NeverExpires,
    RollingExpiry,
    YearlyExpiry,
    add_months,
    days_later,
    expires_at,
    last_valid_day,
    local_day,
    start_of_day,
)
from jifen.core.limits import NEVER
from tests.model.closed_form import slow_add_months, slow_last_valid_day, slow_start_of_day

ZONES = [
    "UTC",
    "Asia/Shanghai",
    "Europe/London",
    "America/Sao_Paulo",
    "Asia/Beirut",
    "Asia/Kathmandu",
    "Pacific/Kiritimati",
    "Pacific/Pago_Pago",
    "Pacific/Apia",
    "America/Havana",
    "America/New_York",
    "Africa/Monrovia",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
]
INSTANTS = st.datetimes(datetime(1970, 1, 1), datetime(2060, 1, 1)).map(lambda each: each.replace(tzinfo=UTC))  # noqa: DTZ001
DAYS = st.dates(date(1970, 1, 2), date(2060, 1, 1))
ROLLING = st.builds(RollingExpiry, st.integers(1, 130), st.sampled_from(["day", "month_end"]))
YEARLY = st.builds(YearlyExpiry, st.integers(1, 12), st.integers(1, 29), st.integers(0, 3))


def utc(text: str) -> datetime:
    """An instant, written as in ISO 8601."""
    return datetime.fromisoformat(text).astimezone(UTC)


@given(DAYS, st.integers(0, 400))
def test_months_are_added_as_on_a_wall_calendar(day: date, months: int) -> None:
    """The same day of the month, or the month's last."""
    assert add_months(day, months) == slow_add_months(day, months)


@given(st.one_of(ROLLING, YEARLY), DAYS)
def test_the_last_valid_day_is_found_by_walking(expiry: RollingExpiry | YearlyExpiry, earned_on: date) -> None:
    """Rolling and yearly expiry over 29 February and every month's end."""
    assert last_valid_day(expiry, earned_on) == slow_last_valid_day(expiry, earned_on)


@given(DAYS, st.sampled_from(ZONES))
def test_a_day_starts_at_its_first_second(day: date, name: str) -> None:
    """In every zone, with gaps and overlaps at midnight and a day that was skipped (Apia, 30 December 2011)."""
    zone = ZoneInfo(name)
    assert start_of_day(day, zone) == slow_start_of_day(day, zone)


@given(st.one_of(ROLLING, YEARLY), INSTANTS, st.sampled_from(ZONES))
def test_expiry_is_the_end_of_the_last_valid_day(
    expiry: RollingExpiry | YearlyExpiry, earned_at: datetime, name: str
) -> None:
    """The caches and shortcuts within change nothing."""
    zone = ZoneInfo(name)
    earned_on = earned_at.astimezone(zone).date()
    last = slow_last_valid_day(expiry, earned_on)
    assert expires_at(expiry, earned_at, zone) == slow_start_of_day(last + timedelta(days=1), zone)
    assert expires_at(expiry, earned_at, zone) > earned_at


@pytest.mark.parametrize(
    ("zone", "day", "first_instant"),
    [
        ("America/Sao_Paulo", date(2018, 11, 4), "2018-11-04T03:00:00+00:00"),  # midnight does not exist
        ("Asia/Beirut", date(2022, 3, 27), "2022-03-26T22:00:00+00:00"),  # midnight does not exist
        ("America/Havana", date(2026, 11, 1), "2026-11-01T04:00:00+00:00"),  # midnight comes twice: the first
        ("America/Sao_Paulo", date(2018, 2, 18), "2018-02-18T03:00:00+00:00"),  # 23 o'clock comes twice before it
        ("Pacific/Apia", date(2011, 12, 30), "2011-12-30T10:00:00+00:00"),  # the whole day does not exist
        ("Asia/Shanghai", date(2026, 1, 1), "2025-12-31T16:00:00+00:00"),
        ("Pacific/Kiritimati", date(2026, 1, 1), "2025-12-31T10:00:00+00:00"),
        ("Pacific/Pago_Pago", date(2026, 1, 1), "2026-01-01T11:00:00+00:00"),
    ],
)
def test_days_start_where_the_clock_says_so(zone: str, day: date, first_instant: str) -> None:
    """Known changes of clocks, by hand."""
    assert start_of_day(day, ZoneInfo(zone)) == utc(first_instant)


@pytest.mark.parametrize(
    ("expiry", "earned", "zone", "expires"),
    [
        (RollingExpiry(12), "2024-02-29T10:00:00+08:00", "Asia/Shanghai", "2025-03-01T00:00:00+08:00"),
        (RollingExpiry(48), "2024-02-29T10:00:00+08:00", "Asia/Shanghai", "2028-03-01T00:00:00+08:00"),
        (RollingExpiry(1), "2026-01-31T23:59:59+08:00", "Asia/Shanghai", "2026-03-01T00:00:00+08:00"),
        (RollingExpiry(12, "month_end"), "2026-03-01T00:00:00+08:00", "Asia/Shanghai", "2027-04-01T00:00:00+08:00"),
        (RollingExpiry(12, "month_end"), "2026-02-28T23:59:59+08:00", "Asia/Shanghai", "2027-03-01T00:00:00+08:00"),
        (RollingExpiry(6), "2018-05-03T12:00:00-03:00", "America/Sao_Paulo", "2018-11-04T03:00:00+00:00"),
        (YearlyExpiry(12, 31), "2026-12-31T23:59:59+08:00", "Asia/Shanghai", "2027-01-01T00:00:00+08:00"),
        (YearlyExpiry(12, 31), "2027-01-01T00:00:00+08:00", "Asia/Shanghai", "2028-01-01T00:00:00+08:00"),
        (YearlyExpiry(12, 31, 1), "2026-05-01T00:00:00+08:00", "Asia/Shanghai", "2028-01-01T00:00:00+08:00"),
        (YearlyExpiry(2, 29), "2026-02-28T12:00:00+08:00", "Asia/Shanghai", "2026-03-01T00:00:00+08:00"),
        (YearlyExpiry(2, 29), "2026-03-01T00:00:00+08:00", "Asia/Shanghai", "2027-03-01T00:00:00+08:00"),
        (YearlyExpiry(2, 29, 1), "2027-02-01T00:00:00+08:00", "Asia/Shanghai", "2028-03-01T00:00:00+08:00"),
    ],
)
def test_expiry_by_hand(expiry: Expiry, earned: str, zone: str, expires: str) -> None:
    """Month ends, leap days and the last second of a year."""
    assert expires_at(expiry, utc(earned), ZoneInfo(zone)) == utc(expires)


def test_a_day_belongs_to_the_zone_of_the_program() -> None:
    """The same instant is another day elsewhere, so the points expire at another instant."""
    earned = utc("2026-01-31T20:00:00+00:00")
    assert local_day(earned, ZoneInfo("Asia/Shanghai")) == date(2026, 2, 1)
    assert local_day(earned, ZoneInfo("America/New_York")) == date(2026, 1, 31)
    month_end = RollingExpiry(1, "month_end")
    assert expires_at(month_end, earned, ZoneInfo("Asia/Shanghai")) == utc("2026-04-01T00:00:00+08:00")
    assert expires_at(month_end, earned, ZoneInfo("America/New_York")) == utc("2026-03-01T00:00:00-05:00")


def test_points_that_never_expire_are_valid_until_never() -> None:
    """One value stands for it everywhere."""
    assert expires_at(NeverExpires(), utc("2026-01-01T00:00:00+00:00"), ZoneInfo("UTC")) == NEVER


@pytest.mark.parametrize(
    ("start", "days", "zone", "end"),
    [
        ("2018-11-03T12:00:00-03:00", 1, "America/Sao_Paulo", "2018-11-04T12:00:00-02:00"),
        ("2018-11-03T00:30:00-03:00", 1, "America/Sao_Paulo", "2018-11-04T01:30:00-02:00"),
        ("2026-10-31T00:30:00-04:00", 1, "America/Havana", "2026-11-01T00:30:00-04:00"),
        ("2026-02-27T09:00:00+08:00", 2, "Asia/Shanghai", "2026-03-01T09:00:00+08:00"),
    ],
)
def test_days_later_keeps_the_time_of_day(start: str, days: int, zone: str, end: str) -> None:
    """A day of waiting is a day on the wall clock, not 24 hours; a time that does not exist moves past the gap."""
    assert days_later(utc(start), days, ZoneInfo(zone)) == utc(end)
