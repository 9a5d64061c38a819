"""When rules hold."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from jifen.core.rules.document import Window
from jifen.core.rules.faults import InvalidProgram
from jifen.core.rules.windows import OpenWindow

SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")


def holds(window: Window, local: str, zone: ZoneInfo = SHANGHAI) -> bool:
    """Whether a window holds at a local time."""
    opened, moment = OpenWindow(window, zone), datetime.fromisoformat(local).replace(tzinfo=zone)
    fits = opened.fits_day(moment.date(), zone)
    return fits and opened.contains(moment, moment)


@pytest.mark.parametrize(
    ("window", "inside", "outside"),
    [
        (
            Window("2026-11-11", "2026-11-12"),
            ["2026-11-11T00:00", "2026-11-12T23:59:59"],
            ["2026-11-10T23:59:59", "2026-11-13T00:00"],
        ),
        (
            Window("2026-11-11T20:00", "2026-11-11T22:00"),
            ["2026-11-11T20:00", "2026-11-11T21:59"],
            ["2026-11-11T19:59", "2026-11-11T22:00"],
        ),
        (
            Window(weekdays=["sat", "sun"]),
            ["2026-11-14T12:00", "2026-11-15T12:00"],
            ["2026-11-13T23:59", "2026-11-16T00:00"],
        ),
        (
            Window(hours=["10:00-12:00"]),
            ["2026-11-11T10:00", "2026-11-11T11:59"],
            ["2026-11-11T09:59", "2026-11-11T12:00"],
        ),
        (
            Window(hours=["22:00-02:00"]),
            ["2026-11-11T22:00", "2026-11-11T01:59"],
            ["2026-11-11T02:00", "2026-11-11T21:59"],
        ),
        (Window(hours=["18:00-24:00"]), ["2026-11-11T23:59"], ["2026-11-11T00:00", "2026-11-11T17:59"]),
        (Window(days_of_month=[8]), ["2026-11-08T00:00"], ["2026-11-18T00:00"]),
        (
            Window(days_of_month=[-1]),
            ["2026-02-28T00:00", "2028-02-29T00:00", "2026-04-30T12:00"],
            ["2028-02-28T00:00"],
        ),
        (Window(yearly=["11-11"]), ["2026-11-11T00:00", "2031-11-11T23:59"], ["2026-11-12T00:00"]),
        (Window(yearly=["02-29"]), ["2028-02-29T00:00", "2026-02-28T00:00"], ["2028-02-28T00:00", "2026-03-01T00:00"]),
    ],
)
def test_windows(window: Window, inside: list[str], outside: list[str]) -> None:
    """Days are whole and both included, a time at the end is not."""
    assert [holds(window, each) for each in inside] == [True] * len(inside)
    assert [holds(window, each) for each in outside] == [False] * len(outside)


def test_every_part_must_fit() -> None:
    """A member day within a campaign, in the evening."""
    window = Window("2026-11-01", "2026-11-30", weekdays=["wed"], hours=["18:00-21:00"])
    assert holds(window, "2026-11-11T19:00")
    assert not holds(window, "2026-11-12T19:00")
    assert not holds(window, "2026-11-11T21:00")
    assert not holds(window, "2026-12-02T19:00")


def test_days_end_at_midnight_of_the_zone_when_clocks_change() -> None:
    """25 October 2026 has 25 hours in Berlin."""
    opened = OpenWindow(Window("2026-10-25", "2026-10-25"), BERLIN)
    assert opened.since is not None and opened.until is not None
    assert (opened.until - opened.since).total_seconds() == 25 * 3600


@pytest.mark.parametrize(
    ("window", "path"),
    [
        (Window("2026-11-12", "2026-11-11"), "$.window.to"),
        (Window("2026-11-11T20:00", "2026-11-11T20:00"), "$.window.to"),
        (Window("11.11.2026"), "$.window.from"),
        (Window("2026-11-11T20:00+08:00"), "$.window.from"),
        (Window(until="2026-02-30"), "$.window.to"),
        (Window(until="20261111"), "$.window.to"),
        (Window(until="2026-W46"), "$.window.to"),
        (Window("2026-W46-3"), "$.window.from"),
        (Window("2026-11-11T25:00"), "$.window.from"),
        (Window("0001-01-01T00:00"), "$.window.from"),
        (Window("0001-01-01"), "$.window.from"),
        (Window(until="9999-12-31"), "$.window.to"),
        (Window("２０２６-11-11"), "$.window.from"),
        (Window(hours=["9-12"]), "$.window.hours[0]"),
        (Window(hours=["09:00-09:00"]), "$.window.hours[0]"),
        (Window(hours=["T0900-T1200"]), "$.window.hours[0]"),
        (Window(hours=["24:00-02:00"]), "$.window.hours[0]"),
        (Window(hours=["09:00-24:01"]), "$.window.hours[0]"),
        (Window(hours=["09:60-10:00"]), "$.window.hours[0]"),
        (Window(hours=[""]), "$.window.hours[0]"),
        (Window(hours=["09:00-12:00", "25:00-26:00"]), "$.window.hours[1]"),
        (Window(days_of_month=[0]), "$.window.days_of_month"),
        (Window(days_of_month=[32]), "$.window.days_of_month"),
        (Window(yearly=["2-29"]), "$.window.yearly[0]"),
        (Window(yearly=["11-31"]), "$.window.yearly[0]"),
        (Window(yearly=["01-01", "02-30"]), "$.window.yearly[1]"),
        (Window(yearly=["W01-1"]), "$.window.yearly[0]"),
    ],
)
def test_wrong_windows_name_their_field(window: Window, path: str) -> None:
    """Windows that end before they begin, days and hours that do not exist."""
    with pytest.raises(InvalidProgram) as raised:
        OpenWindow(window, SHANGHAI)
    assert raised.value.details["path"] == path


def test_a_window_without_parts_is_always_open() -> None:
    """And costs nothing to ask."""
    opened = OpenWindow(Window(), SHANGHAI)
    assert opened.is_always and opened.is_whole_days and opened.fits_day(date(2026, 1, 1), SHANGHAI)


def test_clocks_that_skip_an_hour() -> None:
    """29 March 2026 has no 02:30 in Berlin: it is read with the offset before the gap and so is 03:30, 01:30 UTC."""
    opened = OpenWindow(Window("2026-03-29T02:30", "2026-03-29T04:00"), BERLIN)
    assert opened.since == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    assert opened.until == datetime(2026, 3, 29, 2, 0, tzinfo=UTC)


def test_a_day_whose_midnight_is_skipped_begins_after_the_gap() -> None:
    """In Beirut clocks go from 00:00 to 01:00 on 29 March 2026: the day has 23 hours, none of them the day before."""
    zone = ZoneInfo("Asia/Beirut")
    opened = OpenWindow(Window("2026-03-29", "2026-03-29"), zone)
    assert opened.since == datetime(2026, 3, 28, 22, 0, tzinfo=UTC)
    assert opened.until == datetime(2026, 3, 29, 21, 0, tzinfo=UTC)
    assert opened.fits_day(date(2026, 3, 29), zone) and not opened.fits_day(date(2026, 3, 28), zone)


def test_a_day_fits_if_any_moment_of_it_lies_within() -> None:
    """Rules are looked for by day first: none may be overlooked that begins or ends in the middle of one."""
    opened = OpenWindow(Window("2026-11-11T23:59", "2026-11-13T00:01"), SHANGHAI)
    days = [date(2026, 11, day) for day in range(10, 15)]
    assert [opened.fits_day(day, SHANGHAI) for day in days] == [False, True, True, True, False]
    exact = OpenWindow(Window("2026-11-11T00:00", "2026-11-13T00:00"), SHANGHAI)
    assert [exact.fits_day(day, SHANGHAI) for day in days] == [False, True, True, False, False]


def test_weekdays_over_the_end_of_a_year() -> None:
    """31 December 2026 is a Thursday, 1 January 2027 a Friday."""
    window = Window(weekdays=["thu"], days_of_month=[-1, 1])
    assert holds(window, "2026-12-31T23:59")
    assert not holds(window, "2027-01-01T00:00")
