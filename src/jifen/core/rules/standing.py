"""What is kept of a member so that rules can ask for it: the profile, and counters that events move on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from functools import lru_cache
from typing import Final, Literal, TypeVar

import msgspec

from jifen.core.rules.facts import MemberFacts, Scalar
from jifen.core.rules.months import Month, changed, month_of


class Profile(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What is said of a member, as rules see it. `birthday` is `MM-DD` or `YYYY-MM-DD`."""

    tier: str = ""
    tags: list[str] = []
    segments: list[str] = []
    channel: str = ""
    registered_at: datetime | None = None
    birthday: str | None = None
    birthday_window_from: str | None = None
    birthday_window_days: int = 30
    fields: dict[str, Scalar] = {}


def profile_of(facts: MemberFacts) -> Profile:
    """What was said of a member when these facts were kept."""
    return Profile(
        facts.tier,
        facts.tags,
        facts.segments,
        facts.channel,
        facts.registered_at,
        facts.birthday,
        facts.birthday_window_from,
        facts.birthday_window_days,
        facts.fields,
    )


class Counters(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True, gc=False):
    """What a member's events add up to. Money in minor units, as paid less what was refunded; orders are never taken
    back, so that a first order is first once. `month` is `YYYY-MM` of `spent_month`; days are local. `months` has
    everything month by month, once a program had tiers that ask for it; None: nobody counted. `last_change_on`: the
    last day on which what was paid for an order changed."""

    orders: int = 0
    spent_total: int = 0
    month: str = ""
    spent_month: int = 0
    year: int = 0
    spent_year: int = 0
    last_order_on: date | None = None
    checkin_streak: int = 0
    last_checkin_on: date | None = None
    months: tuple[Month, ...] | None = None
    last_change_on: date | None = None

    def with_order(self, day: date, cents: int, earned: Mapping[int, int] = {}) -> Counters:
        """After an order of that day, which earned these points. A late order counts in its own month and year only if
        none began since; where everything is counted month by month, in its own always."""
        last, months = self.last_order_on, self.months
        if months is not None:
            months = changed(months, month_of(day), orders=1, spent_cents=cents, earned=earned)
        month = self.month if day == last else _month(day)
        return Counters(
            self.orders + 1,
            self.spent_total + cents,
            max(month, self.month),
            _moved_on(self.spent_month, self.month, month, cents),
            max(day.year, self.year),
            _moved_on(self.spent_year, self.year, day.year, cents),
            day if last is None else max(day, last),
            self.checkin_streak,
            self.last_checkin_on,
            months,
            self.last_change_on,
        )

    def in_month(self, day: date, *, cents: int = 0, earned: Mapping[int, int] = {}) -> Counters:
        """After something but an order changed the counts of that day's month. Where months are not counted: the
        same."""
        if self.months is None or not (cents or any(earned.values())):
            return self
        months = changed(self.months, month_of(day), spent_cents=cents, earned=earned)
        return msgspec.structs.replace(self, months=months)

    def with_change(self, day: date, cents: int, happened_on: date) -> Counters:
        """After what was paid for an order of that day changed: less by a refund, more or less by a correction."""
        if cents == 0:
            return self
        last = self.last_change_on
        return msgspec.structs.replace(
            self,
            last_change_on=happened_on if last is None else max(happened_on, last),
            spent_total=self.spent_total + cents,
            spent_month=self.spent_month + (cents if _month(day) == self.month else 0),
            spent_year=self.spent_year + (cents if day.year == self.year else 0),
        )

    def is_past(self, day: date) -> bool:
        """Whether something was counted that happened after this day: an event of it is late."""
        last, checkin, change = self.last_order_on, self.last_checkin_on, self.last_change_on
        return (
            (last is not None and day < last)
            or (checkin is not None and day < checkin)
            or (change is not None and day < change)
        )

    def with_checkin(self, day: date, streak_then: int = 1) -> Counters:
        """After a check-in on that day; a second one on the same day changes nothing. A late one of the day before the
        streak began joins to it the streak that there was then: `streak_then` days, with its own."""
        last = self.last_checkin_on
        if last is None or day > last:
            streak = self.checkin_streak + 1 if last is not None and (day - last).days == 1 else 1
            return msgspec.structs.replace(self, checkin_streak=streak, last_checkin_on=day)
        if self.lengthens_streak(day):
            return msgspec.structs.replace(self, checkin_streak=self.checkin_streak + streak_then)
        return self

    def lengthens_streak(self, day: date) -> bool:
        """Whether this is the day before the first one of the streak: a late check-in of that day makes it longer."""
        return self.last_checkin_on is not None and (self.last_checkin_on - day).days == self.checkin_streak

    def streak_on(self, day: date) -> int:
        """The streak as it stood on a day: over where the day before was missed; for a day before the last check-in
        that part of it which lay before, so that a late check-in reaches no milestone a second time."""
        if self.last_checkin_on is None:
            return 0
        days = (day - self.last_checkin_on).days
        if days > 0:
            return self.checkin_streak if days == 1 else 0
        return max(self.checkin_streak + days, 0)


class CounterChange(msgspec.Struct, frozen=True, gc=False):
    """What one transaction did to the counters: it happened on `happened_on`, and was about an order or check-in of
    `day`."""

    what: Literal["order", "money", "checkin"]
    happened_on: date
    day: date
    cents: int = 0


def counters_on(changes: Iterable[CounterChange], day: date) -> Counters:
    """The counters as they stood by a day: of all changes, in the order of recording, those that had happened. A streak
    is made of days, in whatever order they were recorded."""
    counters, checkins = NO_COUNTERS, set[date]()
    for each in changes:
        if each.happened_on > day:
            continue
        if each.what == "order":
            counters = counters.with_order(each.day, each.cents)
        elif each.what == "money":
            counters = counters.with_change(each.day, each.cents, each.happened_on)
        else:
            checkins.add(each.day)
    for each_day in sorted(checkins):
        counters = counters.with_checkin(each_day)
    return counters


Period = TypeVar("Period", str, int)


@lru_cache(maxsize=4096)
def _month(day: date) -> str:
    return f"{day.year:04d}-{day.month:02d}"


def _moved_on(spent: int, period: Period, now: Period, cents: int) -> int:
    """What was spent in the newest period, after cents that belong to the period `now`."""
    if now == period:
        return spent + cents
    return cents if now > period else spent


NO_PROFILE: Final = Profile()
NO_COUNTERS: Final = Counters()


def facts_of(
    profile: Profile,
    counters: Counters,
    day: date,
    tier: str | None = None,
    tiers: dict[str, str] = {},  # noqa: B006 - nobody changes facts
    *,
    with_registration: bool = True,
) -> MemberFacts:
    """What is known of a member on a local day, before what happens then is counted. `tier`: where the program works
    it out, and not the profile says it; `tiers`: the tier in each set. `with_registration`: whether it matters when
    they registered, as batches do not always know it."""
    return MemberFacts(
        profile.tier if tier is None else tier,
        profile.tags,
        profile.segments,
        profile.channel,
        profile.registered_at if with_registration else None,
        profile.birthday,
        profile.birthday_window_from,
        profile.birthday_window_days,
        counters.orders,
        counters.spent_month if counters.month == _month(day) else 0,
        counters.spent_year if counters.year == day.year else 0,
        counters.spent_total,
        -1 if counters.last_order_on is None else max((day - counters.last_order_on).days, 0),
        counters.streak_on(day),
        profile.fields,
        tiers,
    )
