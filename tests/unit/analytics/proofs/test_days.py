"""Caps of rules whose conditions ask for the calendar: idle where that is proven, and never said to bind without."""

from __future__ import annotations

from typing import Any

import pytest

from jifen.analytics.proofs import check_program
from tests.unit.analytics.proofs.trying import tried
from tests.unit.analytics.test_proofs import document_of

DAILY = {"limit": "count", "most": 1, "period": "day"}


def _found(when: str, most: int, period: str, limit: str = "count") -> tuple[bool, bool]:
    """Whether a cap is found idle, and whether it is named as not proven, of a rule that gives 5 points a day."""
    cap: dict[str, Any] = {"limit": limit, "most": most, "period": period}
    document = document_of({"fixed": 5, "when": when, "caps": [cap, DAILY]})
    report = check_program(document)
    idle = [each for each in report.findings if each.kind == "idle_cap"]
    for each in idle:
        assert each.counterexample is not None
        assert "r0" in [award.rule for award in tried(document, each.counterexample).awards]
    return bool(idle), any("idle_cap" in each.why for each in report.not_proven)


@pytest.mark.parametrize(
    ("when", "most", "period", "limit"),
    [
        ("now.month == 11", 30, "year", "count"),
        ("now.month in [1, 2]", 60, "year", "count"),
        ("now.day <= 10", 10, "month", "count"),
        ("now.day == 31", 7, "year", "count"),
        ("now.weekday == 7", 5, "month", "count"),
        ("now.weekday >= 5", 3, "week", "count"),
        ("now.month == 11", 150, "year", "points"),
        ("now.day <= 10", 50, "month", "points"),
    ],
)
def test_days_of_one_kind(when: str, most: int, period: str, limit: str) -> None:
    """As many awards as there are such days are the bound; with one fewer the cap binds."""
    assert _found(when, most, period, limit) == (True, False)
    assert _found(when, most - 1, period, limit) == (False, False)


@pytest.mark.parametrize(
    ("when", "most", "period", "limit", "is_idle"),
    [
        # On 11 November alone; the bound is taken from each part by itself, and is reached here.
        ("now.month == 11 && now.day == 11", 1, "year", "count", True),
        ("now.month == 11 && now.day <= 10", 9, "year", "count", False),
        ("now.month == 11 || now.day == 1", 200, "year", "count", False),
        ("now.year == 2027", 400, "lifetime", "count", False),
        ("now.year == 2027", 2000, "lifetime", "points", False),
        ('now < timestamp("2027-02-01T00:00:00Z")', 40, "year", "count", False),
        ("member.is_birthday", 3, "year", "count", False),
    ],
)
def test_days_of_several_kinds(when: str, most: int, period: str, limit: str, is_idle: bool) -> None:
    """Where the days are not known one by one, a cap that is not proven idle is named, and not passed over."""
    assert _found(when, most, period, limit) == (is_idle, not is_idle)


def test_a_cap_that_one_day_is_enough_for() -> None:
    """Binds, whatever days there are."""
    assert _found("now.year == 2027", 4, "lifetime", "points") == (False, False)
