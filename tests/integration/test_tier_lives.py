"""Random lives of several members through the engine, batch by batch, against the oracle of plain days."""

from __future__ import annotations

import asyncio
import random
from datetime import date, datetime, timedelta
from typing import Literal

import pytest

from jifen.core.commands import SettleMember
from jifen.core.tiers.document import Downgrade
from jifen.engine.engine import Engine
from jifen.engine.submission import Submission
from jifen.services.time_work import settle_due
from jifen.services.verification import verify
from tests.databases import add_program, fetch_sql
from tests.integration.tier_support import Clock, done, order, refund, started
from tests.unit.core.tiers.club import ZONE, club, tier_set
from tests.unit.core.tiers.oracle import Life, Step, expected

MEMBERS = 12
POLICIES: list[Literal["never", "to_earned", "one_step"]] = ["to_earned", "to_earned", "one_step", "never"]
_TIER = "SELECT tier FROM member_tiers WHERE member_id = $1"


def random_lives(chance: random.Random) -> list[Life]:
    """Members of one tier set, who do something on random days."""
    months = chance.choice([None, 1, 3, 12])
    policy = chance.choice(POLICIES)
    monthly_day = chance.choice([None, 1, 31])
    grace_days = chance.choice([0, 10, 45])
    start = chance.choice([date(2024, 2, 29), date(2026, 12, 31), date(2026, 3, 10)])
    return [
        Life(months, policy, monthly_day, grace_days, start, [_step(chance, is_first=not each) for each in range(9)])
        for _ in range(MEMBERS)
    ]


def _step(chance: random.Random, *, is_first: bool) -> Step:
    return Step(
        0 if is_first else chance.choice([0, 1, 1, 20, 31, 90, 200, 365]),
        "order" if is_first else chance.choice(["order", "order", "order", "late", "refund", "settle"]),
        chance.choice([1, 40_000, 99_999, 100_000, 400_000, 500_000]),
        chance.choice([1, 40, 300, 500]),
    )


class Town:
    """The lives, lived day by day on one engine."""

    def __init__(self, engine: Engine, clock: Clock, lives: list[Life], url: str) -> None:
        self.engine, self.clock, self.lives, self.url = engine, clock, lives, url
        self.members = [0] * len(lives)
        self.found: list[list[str]] = [[] for _ in lives]
        #: By life, the orders that were not refunded yet.
        self.left: list[list[str]] = [[] for _ in lives]

    async def live(self, chance: random.Random) -> None:
        """Whatever happens on a day; of each member one thing a batch."""
        ahead = [[(sum(each.days for each in life.steps[: n + 1]), n) for n in range(9)] for life in self.lives]
        start = self.lives[0].start
        for day in sorted({day for steps in ahead for day, _ in steps}):
            morning = datetime(start.year, start.month, start.day, 12, tzinfo=ZONE) + timedelta(days=day)
            self.clock.now = morning
            if chance.random() < 0.2:
                # Whether time work comes first or the next command makes no difference.
                await settle_due(self.engine, self.url, morning)
            while here := [each for each, steps in enumerate(ahead) if steps and steps[0][0] == day]:
                await self._together([(each, ahead[each].pop(0)[1]) for each in here])

    async def _together(self, steps: list[tuple[int, int]]) -> None:
        answers = await done(self.engine, *(self._submission(each, number) for each, number in steps))
        for (each, _), answer in zip(steps, answers, strict=True):
            self.members[each] = answer.member_id
            rows = await asyncio.to_thread(fetch_sql, self.url, _TIER, answer.member_id)
            self.found[each].append(rows[0][0] if rows else "regular")

    def _submission(self, each: int, number: int) -> Submission:
        step, left, name = self.lives[each].steps[number], self.left[each], f"{each}-{number}"
        if step.kind in ("order", "late"):
            left.append(name)
            days = step.late_days if step.kind == "late" else 0
            return order(each, name, step.cents, self.clock.now - timedelta(days=days) if days else None)
        if step.kind == "refund" and left:
            return refund(left.pop(0))
        return Submission(SettleMember(self.members[each]), "jifen:time", "", b"", "jifen:time", has_key=False)


@pytest.mark.parametrize("seed", range(6))
async def test_lives_in_the_database_are_as_the_oracle_says(bare_database_url: str, seed: int) -> None:
    """After every step the tier kept is the one that plain counting gives, and verify is clean (I-17, I-18)."""
    chance = random.Random(seed)
    lives = random_lives(chance)
    first = lives[0]
    downgrade = Downgrade(first.policy, first.review, first.monthly_day or 1, first.grace_days)
    document = club(tier_set(first.period, downgrade))
    await asyncio.to_thread(add_program, bare_database_url, document, datetime(2020, 1, 1, tzinfo=ZONE))
    clock = Clock()
    engine = await started(bare_database_url, clock)
    try:
        town = Town(engine, clock, lives, bare_database_url)
        await town.live(chance)
    finally:
        await engine.stop()
    assert town.found == [expected(life) for life in lives]
    assert (await verify(bare_database_url)).findings == []
