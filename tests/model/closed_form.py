"""What an order earns and a calendar says, the slow and obvious way: with fractions, and day by day."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from functools import cache
from zoneinfo import ZoneInfo

from jifen.core.calendar import Expiry, NeverExpires, RollingExpiry, YearlyExpiry
from jifen.core.program import EarningRule

HALF = Fraction(1, 2)
#: The named roundings of what is not negative.
ROUND: Mapping[str, Callable[[Fraction], int]] = {
    "floor": math.floor,
    "ceil": math.ceil,
    "half_even": round,
    "half_up": lambda exact: math.floor(exact + HALF),
}
NEVER = datetime(9999, 1, 1, tzinfo=UTC)

#: A line of an order: quantity and paid cents.
PlainLine = tuple[int, int]


def paid_for(lines: Sequence[PlainLine], returned: Sequence[int]) -> list[int]:
    """What of each line counts as paid once so many pieces have been returned."""
    return [
        math.floor(Fraction(cents * (quantity - gone), quantity) + HALF)
        for (quantity, cents), gone in zip(lines, returned, strict=True)
    ]


def points_kept(rule: EarningRule, lines: Sequence[PlainLine], returned: Sequence[int]) -> int:
    """What an order earns once so many pieces of each line have been returned."""
    paid = paid_for(lines, returned)
    assert rule.ratio is not None
    rate = Fraction(rule.ratio.points, rule.ratio.per_cents)
    rated = [sum(paid)] if rule.basis == "order" else paid
    return sum(ROUND[rule.rounding](cents * rate) for cents in rated)


def share_by_remainders(points: int, weights: Sequence[int]) -> list[int]:
    """Each its share rounded down; what is left goes, point by point, to whoever lost most by that, the first of
    equals. Where nothing has weight, all weigh the same."""
    whole = sum(weights)
    exact = [Fraction(points * weight, whole) if whole else Fraction(points, len(weights)) for weight in weights]
    shares = [math.floor(share) for share in exact]
    while sum(shares) < points:
        lost = [share - got for share, got in zip(exact, shares, strict=True)]
        shares[lost.index(max(lost))] += 1
    return shares


def smallest_step(get: int, give: int) -> int:
    """The fewest points that come to whole ones, at so many for so many."""
    step = 1
    while step * get % give:
        step += 1
    return step


def slow_add_months(day: date, months: int) -> date:
    """Month by month: the last day that exists and is not after the wanted one."""
    year, month = day.year, day.month
    for _ in range(months):
        month += 1
        if month == 13:
            year, month = year + 1, 1
    for wanted in range(day.day, 0, -1):
        try:
            return date(year, month, wanted)
        except ValueError:
            continue
    raise AssertionError("every month has a first day")


def slow_last_valid_day(expiry: RollingExpiry | YearlyExpiry, earned_on: date) -> date:
    """Walk through the days until the one that fits."""
    if isinstance(expiry, RollingExpiry):
        day = slow_add_months(earned_on, expiry.months)
        while expiry.until == "month_end" and (day + timedelta(days=1)).month == day.month:
            day += timedelta(days=1)
        return day
    day, left = earned_on, expiry.extra_years
    while True:
        tomorrow = day + timedelta(days=1)
        is_fixed_date = (day.month, day.day) == (expiry.month, expiry.day)
        # 29 February where there is none: the month's last day stands for it.
        is_short_february = expiry.month == 2 == day.month and tomorrow.month == 3 and expiry.day > day.day
        if is_fixed_date or is_short_february:
            if left == 0:
                return day
            left -= 1
        day = tomorrow


def slow_start_of_day(day: date, zone: ZoneInfo) -> datetime:
    """The first second whose local day is this one or (where the day does not exist) a later one, by bisection."""
    low = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(days=2)
    high = low + timedelta(days=4)
    while high - low > timedelta(seconds=1):
        middle = (low + (high - low) // 2).replace(microsecond=0)
        low, high = (low, middle) if middle.astimezone(zone).date() >= day else (middle, high)
    return high


@cache
def slow_expires_at(expiry: Expiry, earned_at: datetime, zone: ZoneInfo) -> datetime:
    """The end of the last day on which points earned at an instant are valid."""
    if isinstance(expiry, NeverExpires):
        return NEVER
    last = slow_last_valid_day(expiry, earned_at.astimezone(zone).date())
    return slow_start_of_day(last + timedelta(days=1), zone)
