"""When reviews are due: ends of years and months, 29 February, changes of the clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jifen.core.calendar import local_day
from jifen.core.tiers.document import CalendarYear, Downgrade, Lifetime, RollingMonths
from jifen.core.tiers.reviews import day_before, end_of_grace, end_of_validity, next_review
from tests.unit.core.tiers.club import ZONE, tier_set

BERLIN = ZoneInfo("Europe/Berlin")
ROLLING = tier_set(RollingMonths(12), Downgrade("to_earned"))


def local(*parts: int) -> datetime:
    return datetime(*parts).replace(tzinfo=ZONE).astimezone(UTC)  # type: ignore[arg-type]


def test_no_review_where_nobody_falls() -> None:
    """Nor where the period never ends."""
    assert next_review(tier_set(downgrade=Downgrade("never")), date(2026, 3, 1), local(2026, 3, 1), ZONE) is None
    assert next_review(tier_set(Lifetime(), Downgrade("to_earned")), date(2026, 3, 1), local(2026, 3, 1), ZONE) is None


def test_the_year_ends_at_midnight() -> None:
    """A review that is due this very moment is not the next one."""
    yearly = tier_set(CalendarYear(), Downgrade("to_earned"))
    assert next_review(yearly, date(2026, 3, 1), local(2026, 3, 1), ZONE) == local(2027, 1, 1)
    assert next_review(yearly, date(2026, 3, 1), local(2027, 1, 1), ZONE) == local(2028, 1, 1)


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ((2024, 2, 29, 12), (2025, 3, 1)),
        ((2025, 3, 1), (2026, 3, 1)),
        ((2027, 3, 1), (2028, 3, 1)),
        ((2028, 2, 29), (2028, 3, 1)),
    ],
)
def test_reached_on_the_29th_of_february(after: tuple[int, ...], expected: tuple[int, int, int]) -> None:
    """It lasts through the 28th, and through the 29th where there is one again."""
    assert next_review(ROLLING, date(2024, 2, 29), local(*after), ZONE) == local(*expected)


def test_monthly_on_the_31st() -> None:
    """The last day of shorter months; a month is never left out."""
    monthly = tier_set(RollingMonths(3), Downgrade("to_earned", "monthly", 31))
    found = [local(2024, 1, 30)]
    while len(found) < 5:
        review = next_review(monthly, date(2024, 1, 1), found[-1], ZONE)
        assert review is not None
        found.append(review)
    assert found[1:] == [local(2024, 1, 31), local(2024, 2, 29), local(2024, 3, 31), local(2024, 4, 30)]


@given(
    st.integers(1, 36),
    st.dates(date(1990, 1, 1), date(2050, 1, 1)),
    st.integers(0, 4_000),
    st.sampled_from([ZONE, BERLIN]),
)
def test_reviews_follow_each_other(months: int, reached_on: date, days: int, zone: ZoneInfo) -> None:
    """Always later, never two in a period, at local midnight, each the sum of whole periods after the first day."""
    rolling = tier_set(RollingMonths(months), Downgrade("to_earned"))
    at = datetime(reached_on.year, reached_on.month, reached_on.day, 12, tzinfo=zone) + timedelta(days=days)
    reviews = []
    for _ in range(3):
        review = next_review(rolling, reached_on, at, zone)
        assert review is not None and review > at
        reviews.append(review)
        at = review
    for one, other in pairwise(day_before(each, zone) for each in reviews):
        assert (other.year - one.year) * 12 + other.month - one.month == months
    for review in reviews:
        day = day_before(review, zone)
        assert local_day(review, zone) == day + timedelta(days=1)
        assert day.day == reached_on.day or (day + timedelta(days=1)).day == 1


def test_grace_and_validity_end_with_a_day() -> None:
    """Over a change of the clock as well."""
    review = datetime(2026, 3, 1, tzinfo=BERLIN)
    assert end_of_grace(review, 31, BERLIN) == datetime(2026, 4, 1, tzinfo=BERLIN)
    assert end_of_validity(local(2024, 2, 29, 8), 12, ZONE) == local(2025, 3, 1)
