"""How many of the shorter periods come within a longer one."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from jifen.analytics.proofs.periods import most_within
from jifen.core.rules.document import Period, Window
from jifen.core.rules.windows import OpenWindow

ZONE = ZoneInfo("Asia/Shanghai")
ELEVEN_DAYS = {"from": "2026-11-01", "to": "2026-11-11"}


@pytest.mark.parametrize(
    ("shorter", "longer", "window", "most"),
    [
        ("day", "day", {}, 1),
        ("day", "week", {}, 7),
        ("day", "month", {}, 31),
        ("day", "year", {}, 366),
        # A month that begins on a Sunday reaches into six weeks, a leap year that does into 54.
        ("week", "month", {}, 6),
        ("week", "year", {}, 54),
        ("month", "year", {}, 12),
        ("day", "lifetime", {}, None),
        ("event", "day", {}, None),
        # Longer than the other: a week may have days of two months.
        ("month", "day", {}, 1),
        ("month", "week", {}, 2),
        ("lifetime", "day", {}, 1),
        ("day", "month", {"weekdays": ["mon"]}, 5),
        ("day", "week", {"weekdays": ["mon", "sun"]}, 2),
        ("day", "month", {"days_of_month": [8, -1]}, 2),
        ("day", "year", {"yearly": ["11-11"]}, 1),
        ("day", "month", ELEVEN_DAYS, 11),
        ("day", "lifetime", ELEVEN_DAYS, 11),
        ("day", "week", ELEVEN_DAYS, 7),
        ("day", "campaign", ELEVEN_DAYS | {"weekdays": ["sun"]}, 2),
        # However far away it begins, or ended.
        ("day", "week", {"from": "2101-06-01"}, 7),
        ("day", "month", {"to": "1999-06-15", "weekdays": ["mon"]}, 5),
        ("day", "lifetime", {"from": "2026-01-01"}, None),
    ],
)
def test_most_within(shorter: Period, longer: Period, window: dict[str, Any], most: int | None) -> None:
    """Counted on the calendar."""
    windows = [OpenWindow(msgspec.convert(window, Window), ZONE)] if window else []
    assert most_within(shorter, longer, windows, ZONE) == most
