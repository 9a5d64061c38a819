"""One member's year while it is being written: random numbers of their own, what is still to come, and a purse."""

from __future__ import annotations

from collections.abc import Generator
from datetime import datetime, timedelta
from heapq import heappop, heappush
from random import Random
from typing import Final

import msgspec

from jifen.core.commands import Command, RegisterMember
from jifen.core.identity import Identity
from jifen.engine.submission import Outcome, Submission
from jifen.services.demo.season import Season
from jifen.services.demo.shop import ACTOR

#: Points count as spendable once the return period of any sensible program is over, and while they surely still live.
_RIPE: Final = timedelta(days=15)
_FRESH: Final = timedelta(days=330)

Script = Generator[Submission, Outcome, None]


class Diary:
    """What scripts of one member share. Nothing in it depends on other members."""

    def __init__(self, seed: int, number: int, season: Season) -> None:
        self.random = Random(f"{seed}/{number}")  # noqa: S311 - a made-up shop, not a secret
        self.season = season
        self.name = f"D{seed}-{number}"
        self.phone = demo_phone(seed, number)
        self.member = 0
        self._source = f"demo:{seed}"
        self._agenda: list[tuple[datetime, int, Script]] = []
        self._scheduled = 0
        self._earned: list[tuple[datetime, int]] = []
        self._used = 0

    def schedule(self, instant: datetime, script: Script) -> None:
        """Let something happen later; what would come after the season never happens."""
        if instant < self.season.ends_at:
            self._scheduled += 1
            heappush(self._agenda, (instant, self._scheduled, script))

    def run(self) -> Script:
        """Everything that was scheduled, and what it schedules in turn, in order of time."""
        while self._agenda:
            _, _, script = heappop(self._agenda)
            yield from script

    def submission(
        self,
        key: str,
        command: Command,
        instant: datetime,
        data: object = None,
        reason: str | None = None,
        actor: str = ACTOR,
        roles: tuple[str, ...] = (),
    ) -> Submission:
        """A command of this member. `data` says what it asks for, without what depends on the database."""
        if isinstance(command, RegisterMember):
            key = f"{self.name}-{key}"
        payload = msgspec.json.encode([type(command).__name__, str(self.phone), instant, data])
        return Submission(command, self._source, key, payload, actor, instant, reason, roles=roles)

    # --- the purse ---

    def earn(self, instant: datetime, points: int) -> int:
        """Note what an order earned; the number under which some of it is taken back."""
        self._earned.append((instant, points))
        return len(self._earned) - 1

    def take_back(self, earned: int, points: int) -> None:
        """Note what a refund took back of an order's points."""
        instant, before = self._earned[earned]
        self._earned[earned] = (instant, before - points)

    def use(self, points: int) -> None:
        """Note points that were spent (or, below 0, came back)."""
        self._used += points

    def spendable(self, instant: datetime) -> int:
        """What the member can surely spend, whatever day it really is and whatever the program does with young and old
        points; so that nothing that the demo asks for is ever refused."""
        ends_at = self.season.ends_at
        ripe = min(instant, ends_at) - _RIPE
        return sum(points for at, points in self._earned if ends_at - _FRESH < at < ripe) - self._used


def demo_phone(seed: int, number: int) -> Identity:
    """A telephone number that nobody has: no Chinese mobile number begins with 5."""
    return Identity("phone", f"+865{seed % 10_000:04}{number:06}")
