"""Tiers worked out the slow way: day by day, from a list of orders, without anything of the core."""

from __future__ import annotations

import calendar
from datetime import date, timedelta
from typing import Literal

import msgspec

from jifen.core.tiers.document import CalendarYear, RollingMonths, TierPeriod

THRESHOLDS = [("regular", 0), ("silver", 100_000), ("gold", 500_000)]


class Step(msgspec.Struct):
    """So many days later something happens."""

    days: int
    kind: Literal["order", "late", "refund", "settle"]
    cents: int
    late_days: int


class Life(msgspec.Struct):
    """A member's life under a tier set; `months` None: a calendar year."""

    months: int | None
    policy: Literal["never", "to_earned", "one_step"]
    monthly_day: int | None
    grace_days: int
    start: date
    steps: list[Step]
    refunded: list[str] = []

    @property
    def period(self) -> TierPeriod:
        """As the set has it."""
        return CalendarYear() if self.months is None else RollingMonths(self.months)

    @property
    def review(self) -> Literal["period_end", "monthly"]:
        """As the set has it."""
        return "period_end" if self.monthly_day is None else "monthly"


def expected(life: Life) -> list[str]:
    """The tier after each step."""
    return _Oracle(life).run()


class _Oracle:
    def __init__(self, life: Life) -> None:
        self.life = life
        self.today = life.start
        #: (day it happened, cents), by order, in the order in which they were recorded; refunded: no cents.
        self.orders: list[list[object]] = []
        self.rank = 0
        self.reached = life.start
        self.grace_ends: date | None = None
        self.grace_window: tuple[int, int] = (0, 0)

    def run(self) -> list[str]:
        tiers = []
        for step in self.life.steps:
            for _ in range(step.days):
                self.today += timedelta(days=1)
                self.begin_day()
            self.happen(step)
            tiers.append(THRESHOLDS[self.rank][0])
        return tiers

    def happen(self, step: Step) -> None:
        if step.kind == "order":
            self.orders.append([self.today, step.cents])
        elif step.kind == "late":
            self.orders.append([self.today - timedelta(days=step.late_days), step.cents])
        elif step.kind == "refund":
            left = [each for each in self.orders if each[1] != -1]
            if not left:
                return
            left[0][1] = -1
        else:
            return
        rank = self.earned(self.window(self.today))
        if rank > self.rank:
            self.rank, self.reached, self.grace_ends = rank, self.today, None

    def begin_day(self) -> None:
        """Midnight: a review, if one is due today."""
        if self.life.policy == "never" or self.rank == 0:
            return
        yesterday = self.today - timedelta(days=1)
        if self.grace_ends is not None:
            if self.today == self.grace_ends:
                self.decide(self.grace_window, may_put_off=False)
            return
        if self.is_due():
            self.decide(self.window(yesterday), may_put_off=True)

    def decide(self, since: tuple[int, int], *, may_put_off: bool) -> None:
        earned = self.earned(since)
        self.grace_ends = None
        if earned > self.rank:
            self.rank, self.reached = earned, self.today
        elif earned < self.rank:
            if may_put_off and self.life.grace_days:
                self.grace_ends = self.today + timedelta(days=self.life.grace_days)
                self.grace_window = since
                return
            self.rank = earned if self.life.policy == "to_earned" else self.rank - 1
            self.reached = self.today

    def is_due(self) -> bool:
        life, today = self.life, self.today
        if life.monthly_day is not None:
            last = calendar.monthrange(today.year, today.month)[1]
            return today.day == min(life.monthly_day, last)
        if life.months is None:
            return (today.month, today.day) == (1, 1)
        yesterday = today - timedelta(days=1)
        passed = (yesterday.year - self.reached.year) * 12 + yesterday.month - self.reached.month
        last = calendar.monthrange(yesterday.year, yesterday.month)[1]
        return passed > 0 and passed % life.months == 0 and yesterday.day == min(self.reached.day, last)

    def window(self, day: date) -> tuple[int, int]:
        """The year and month in which the period of a day begins."""
        if self.life.months is None:
            return (day.year, 1)
        year, month = day.year, day.month
        for _ in range(self.life.months - 1):
            year, month = (year, month - 1) if month > 1 else (year - 1, 12)
        return (year, month)

    def earned(self, since: tuple[int, int]) -> int:
        spent = 0
        # The current month is counted as far as it has come: on the morning of a review nothing of today has happened.
        for day, cents in self.orders:
            assert isinstance(day, date) and isinstance(cents, int)
            if cents > 0 and (day.year, day.month) >= since:
                spent += cents
        return max(rank for rank, (_, least) in enumerate(THRESHOLDS) if spent >= least)
