"""When the demo shop's orders come: more at weekends, in November and around the big sales, few at night."""

from __future__ import annotations

from bisect import bisect
from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate
from random import Random
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Asia/Shanghai")

_MONTHS = (120, 80, 95, 95, 105, 120, 90, 95, 105, 110, 140, 130)
_WEEKDAYS = (95, 90, 92, 95, 110, 140, 135)
#: Month, day: percent of an ordinary day.
_SALES = {
    (11, 11): 650, (11, 10): 240, (11, 1): 220,
    (6, 18): 400, (6, 1): 180, (12, 12): 230, (3, 8): 190, (5, 20): 160, (8, 8): 130, (9, 9): 140,
}  # fmt: skip
_HOURS = (8, 4, 2, 1, 1, 2, 6, 14, 26, 38, 46, 48, 52, 46, 44, 46, 48, 50, 54, 66, 78, 76, 54, 26)
_HOUR_SUMS = tuple(accumulate(_HOURS))


class Season:
    """The days of the demo, and how many orders each draws compared with the others."""

    def __init__(self, until: datetime, days: int) -> None:
        """`days` whole local days that end where the local day of `until` begins."""
        end = until.astimezone(ZONE).date()
        self.days = [end - timedelta(days=back) for back in range(days, 0, -1)]
        self.begins_at, self.ends_at = (
            datetime.combine(day, time(0), tzinfo=ZONE).astimezone(UTC) for day in (self.days[0], end)
        )
        self._sums = list(accumulate(_weight(day) for day in self.days))

    def joining(self, random: Random) -> int:
        """A day (its index) on which somebody becomes a member: a third were members before the demo begins."""
        if random.random() < 0.35:
            return 0
        return self._pick_day(random, 0)

    def instant(self, random: Random, first_day: int) -> datetime:
        """An instant (UTC) at which somebody orders, on or after a day."""
        return self.instant_on(random, self._pick_day(random, first_day))

    def instant_on(self, random: Random, day: int) -> datetime:
        """An instant (UTC) of a day (its index) at which people shop."""
        hour = bisect(_HOUR_SUMS, random.randrange(_HOUR_SUMS[-1]))
        moment = time(hour, random.randrange(60), random.randrange(60))
        return datetime.combine(self.days[day], moment, tzinfo=ZONE).astimezone(UTC)

    def sale_percent(self, instant: datetime) -> int:
        """By how many percent prices are cut that day."""
        day = instant.astimezone(ZONE).date()
        strength = _SALES.get((day.month, day.day), 100)
        return 0 if strength < 150 else 10 if strength < 300 else 20

    def _pick_day(self, random: Random, first_day: int) -> int:
        before = self._sums[first_day - 1] if first_day else 0
        return bisect(self._sums, before + random.randrange(self._sums[-1] - before))


def _weight(day: date) -> int:
    return _MONTHS[day.month - 1] * _WEEKDAYS[day.weekday()] * _SALES.get((day.month, day.day), 100)
