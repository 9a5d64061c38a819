"""When a tier that was earned is looked at again. Days begin in the program's time zone."""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from jifen.core.calendar import add_months, local_day, start_of_day
from jifen.core.tiers.document import CalendarYear, RollingMonths, TierSet

_ONE_DAY = timedelta(days=1)
_MOMENT = timedelta(microseconds=1)


def next_review(tier_set: TierSet, reached_on: date, after: datetime, zone: ZoneInfo) -> datetime | None:
    """The first review after an instant of a tier that was reached on a local day; None: there is none.

    A tier that was reached on a day lasts through the same day so many months later (29 February: the 28th in a year
    that has no other), and is reviewed as the next day begins.
    """
    downgrade = tier_set.downgrade
    if downgrade.policy == "never":
        return None
    today = local_day(after, zone)
    if downgrade.review == "monthly":
        return _next_monthly(today, downgrade.day, after, zone)
    match tier_set.period:
        case CalendarYear():
            return start_of_day(date(today.year + 1, 1, 1), zone)
        case RollingMonths(months=months):
            passed = (today.year - reached_on.year) * 12 + today.month - reached_on.month
            turns = max(passed // months, 1)
            while (review := start_of_day(add_months(reached_on, turns * months) + _ONE_DAY, zone)) <= after:
                turns += 1
            return review
    return None


def _next_monthly(today: date, day_of_month: int, after: datetime, zone: ZoneInfo) -> datetime:
    month = today.replace(day=1)
    while True:
        day = month.replace(day=min(day_of_month, monthrange(month.year, month.month)[1]))
        review = start_of_day(day, zone)
        if review > after:
            return review
        month = add_months(month, 1)


def end_of_grace(review: datetime, days: int, zone: ZoneInfo) -> datetime:
    """When the days of grace after a review are over."""
    return start_of_day(local_day(review, zone) + timedelta(days=days), zone)


def day_before(instant: datetime, zone: ZoneInfo) -> date:
    """The local day that an instant ends: what a review at midnight looks back on."""
    return local_day(instant - _MOMENT, zone)


def end_of_validity(since: datetime, months: int, zone: ZoneInfo) -> datetime:
    """When a tier that is given for so many months ends: through the same day of the month."""
    return start_of_day(add_months(local_day(since, zone), months) + _ONE_DAY, zone).astimezone(UTC)
