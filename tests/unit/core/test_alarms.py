"""Thresholds for what is issued: fixed, and floating with what is usual."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jifen.core.alarms import Alarms, IssuanceAlarm, check_alarms, first_day, judge
from jifen.core.rules.faults import InvalidProgram

TODAY = date(2026, 11, 25)


def days(*points: int) -> Mapping[date, int]:
    """Points of the last days, today's last."""
    return {TODAY - timedelta(days=ago): number for ago, number in enumerate(reversed(points))}


def rings(alarm: IssuanceAlarm, issued: Mapping[date, int]) -> list[str]:
    """The thresholds that are passed."""
    return [each.threshold for each in judge(alarm, issued, TODAY) if each.is_ringing]


@pytest.mark.parametrize(("today", "expected"), [(1000, []), (1001, ["most_points"])])
def test_a_fixed_threshold(today: int, expected: list[str]) -> None:
    """More than so many points in the current period; exactly so many are fine."""
    assert rings(IssuanceAlarm("a", "points", most_points=1000), days(5000, today)) == expected


@pytest.mark.parametrize(("today", "expected"), [(300, []), (301, ["most_percent"])])
def test_a_threshold_that_floats(today: int, expected: list[str]) -> None:
    """Twice the mean of the three days before is 300."""
    alarm = IssuanceAlarm("a", "points", most_percent=200, usual_periods=3)
    assert rings(alarm, days(9999, 100, 150, 200, today)) == expected
    assert judge(alarm, days(9999, 100, 150, 200, today), TODAY)[0].usual == 150


@pytest.mark.parametrize(("yesterday", "expected"), [(70, []), (69, ["least_percent"])])
def test_too_little_is_judged_by_whole_periods(yesterday: int, expected: list[str]) -> None:
    """Today is not over yet: yesterday counts, against the days before it."""
    alarm = IssuanceAlarm("a", "points", least_percent=70, usual_periods=2)
    assert rings(alarm, days(100, 100, yesterday, 0)) == expected


def test_a_new_program_rings_no_floating_alarm() -> None:
    """Without a past nothing is unusual; and days before the first award are no part of what is usual."""
    alarm = IssuanceAlarm("a", "points", most_percent=150, least_percent=50)
    assert rings(alarm, days(1_000_000)) == []
    assert judge(alarm, days(100, 140), TODAY)[0].usual == 100
    assert rings(alarm, days(100, 151)) == ["most_percent"]


def test_weeks_and_months_begin_where_the_calendar_says() -> None:
    """Weeks on Monday, months on the first; months before March are reached whatever their lengths."""
    assert first_day(IssuanceAlarm("a", "points", period="week", usual_periods=1), TODAY) == date(2026, 11, 9)
    assert first_day(IssuanceAlarm("a", "points", period="month", usual_periods=12), date(2026, 3, 31)) == date(
        2025, 2, 1
    )
    alarm = IssuanceAlarm("a", "points", period="month", most_points=10)
    (judged,) = judge(alarm, {date(2026, 10, 31): 50, date(2026, 11, 1): 4, date(2026, 11, 25): 7}, TODAY)
    assert (judged.since, judged.issued, judged.is_ringing) == (date(2026, 11, 1), 11, True)


@given(st.lists(st.integers(0, 10**15), min_size=10, max_size=10), st.integers(2, 9))
def test_thresholds_float_in_proportion(points: list[int], times: int) -> None:
    """A program that grows as a whole rings as before."""
    alarm = IssuanceAlarm("a", "points", most_percent=150, least_percent=60)
    assert rings(alarm, days(*points)) == rings(alarm, days(*(each * times for each in points)))


@pytest.mark.parametrize(
    ("alarm", "path"),
    [
        (IssuanceAlarm("a", "gold", most_points=1), "$.alarms.issuance[0].wallet"),
        (IssuanceAlarm("a", "points"), "$.alarms.issuance[0]"),
        (IssuanceAlarm("a", "points", most_points=-1), "$.alarms.issuance[0].most_points"),
        (IssuanceAlarm("a", "points", most_percent=99), "$.alarms.issuance[0].most_percent"),
        (IssuanceAlarm("a", "points", least_percent=0), "$.alarms.issuance[0].least_percent"),
        (IssuanceAlarm("a", "points", most_points=1, usual_periods=0), "$.alarms.issuance[0].usual_periods"),
        (IssuanceAlarm("A", "points", most_points=1), "$.alarms.issuance[0].id"),
    ],
)
def test_alarms_that_make_no_sense(alarm: IssuanceAlarm, path: str) -> None:
    """The field is named."""
    with pytest.raises(InvalidProgram) as refused:
        check_alarms(Alarms([alarm]), {"points"})
    assert refused.value.details["path"] == path


def test_a_share_of_budgets_lies_within_them() -> None:
    """One to a hundred percent."""
    with pytest.raises(InvalidProgram, match="budget_percent"):
        check_alarms(Alarms(budget_percent=101), {"points"})
    check_alarms(Alarms([IssuanceAlarm("a", "points", most_points=0)], 80), {"points"})
