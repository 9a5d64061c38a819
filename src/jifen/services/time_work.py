"""Booking what time has done: pending lots that matured, lots that expired, holds that ended, tiers to be reviewed,
redemptions that nobody paid or decided on in time, and seeds of lotteries that are over.

Nothing but redemptions depends on when this runs: whoever touches or reads a member sees the same balances before and
after. It makes the ledger say so by itself, for those whom nobody touches. What a redemption holds is free once its end
is booked, here or by a step of that redemption.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from jifen.core.commands import SettleMember
from jifen.core.decide.context import TIME_SOURCE
from jifen.core.identity import shard_of_member
from jifen.core.ledger.values import Bucket, Kind
from jifen.core.redemption.commands import SettleRedemption
from jifen.core.refusal import Refusal
from jifen.db.connection import Connection, connect
from jifen.db.queries import load_queries
from jifen.engine.engine import Engine, QueueFull
from jifen.engine.submission import Answer, Outcome, Submission
from jifen.services.programs import current_program
from jifen.services.rounds import reveal_ended

_SQL = load_queries("time_work")

#: So many due accounts are looked at together.
PAGE: Final = 4_000
#: So many members are settled in one batch: few enough that callers who wait beside them hardly notice.
GROUP: Final = 100
#: A full queue means that people are waiting: time work steps back so often, then leaves the rest for the next time.
MAXIMUM_PAUSES: Final = 100
PAUSE_SECONDS: Final = 0.1

#: A redemption: member and number.
Place = tuple[int, int]
Progress = Callable[[int, int], None]
"""Called with the accounts done and the accounts that were due at the start."""


class SettleReport(msgspec.Struct, frozen=True):
    """What was booked, and for how many members. `failed`: those who could not be settled and stay due."""

    members: int = 0
    lots_expired: int = 0
    points_expired: int = 0
    lots_matured: int = 0
    holds_ended: int = 0
    failed: int = 0
    tiers_reviewed: int = 0
    tiers_moved: int = 0
    redemptions_ended: int = 0
    rounds_revealed: int = 0

    def __add__(self, other: SettleReport) -> SettleReport:
        mine, theirs = msgspec.structs.astuple(self), msgspec.structs.astuple(other)
        return SettleReport(*(here + there for here, there in zip(mine, theirs, strict=True)))


async def settle_due(
    engine: Engine,
    url: str,
    now: datetime,
    progress: Progress | None = None,
    *,
    groups_in_flight: int = 8,
    only_tiers: bool = False,
) -> SettleReport:
    """Settle every member to whom something was due at `now`, each up to the engine's own present. `only_tiers`: look
    for reviews and ends of tiers alone; whoever has one is settled as a whole.

    Memory is bounded by a page of members. Running it twice, or in several processes, changes nothing.

    Raises:
        QueueFull: the engine is too busy for a long while; the rest stays due.
        EngineStopped: the engine ends; the rest stays due.
    """
    connection = await connect(url)
    try:
        program = await current_program(connection)
        sets = [] if program is None else [each.id for each in program.tier_sets]
        report = await _Work(engine, connection, now, groups_in_flight, sets, only_tiers).run(progress)
        revealed = 0 if only_tiers else await reveal_ended(connection, program, now)
        return report + SettleReport(rounds_revealed=revealed)
    finally:
        await connection.close(timeout=5)


class _Work:
    def __init__(
        self,
        engine: Engine,
        connection: Connection,
        now: datetime,
        groups_in_flight: int,
        tier_sets: list[str],
        only_tiers: bool,
    ) -> None:
        self._tier_sets = tier_sets
        self._only_tiers = only_tiers
        self._engine = engine
        self._connection = connection
        self._now = now
        self._free = asyncio.Semaphore(groups_in_flight)
        self._failed: set[int] = set()
        #: Settled, but nothing was booked: whoever is still due afterwards is not asked for ever.
        self._unmoved: set[int] = set()

    async def run(self, progress: Progress | None) -> SettleReport:
        shards = await self._connection.fetchval("SELECT shards FROM installation")
        total = await self._connection.fetchval(*self._due("count_due")) if progress else 0
        report = SettleReport()
        while members := await self._page():
            settled = await self._settle(members)
            self._unmoved |= {answer.member_id for answer in settled if not answer.settled}
            report += await self._count(settled, shards)
            if progress:
                progress(min(report.members, total), total)
            if not settled:
                # Nobody of a whole page could be settled: the reason is not theirs, so the rest would fare no better.
                break
        if not self._only_tiers:
            report += await self._end_redemptions()
        return report + SettleReport(failed=len(self._failed))

    async def _end_redemptions(self) -> SettleReport:
        """Book what nobody paid or decided on in time."""
        report, failed = SettleReport(), set[Place]()
        #: Looked at, but nothing was booked: somebody else did, unless they are still due.
        idle: set[Place] = set()
        while True:
            rows = await self._connection.fetch(_SQL["due_redemptions"], self._now, PAGE + len(failed))
            due = [(row["member_id"], row["sequence"]) for row in rows]
            failed |= idle.intersection(due)
            due = [place for place in due if place not in failed]
            groups = [due[start : start + GROUP] for start in range(0, len(due), GROUP)]
            outcomes = [each for group in await asyncio.gather(*map(self._end_group, groups)) for each in group]
            answers = {place: each for place, each in outcomes if not isinstance(each, Refusal)}
            # What is due of the same member was booked together with the first of it.
            moved = {member for (member, _), answer in answers.items() if answer.settled}
            ended = {place for place in answers if place[0] in moved}
            report += SettleReport(redemptions_ended=len(ended))
            failed |= set(due) - set(answers)
            idle = set(answers) - ended
            self._failed |= {member for member, _ in failed}
            if not answers:
                return report

    async def _end_group(self, places: Sequence[Place]) -> list[tuple[Place, Outcome]]:
        submissions = [
            Submission(SettleRedemption(member, sequence), TIME_SOURCE, "", b"", TIME_SOURCE, has_key=False)
            for member, sequence in places
        ]
        async with self._free:
            return list(zip(places, await self._submit(submissions), strict=True))

    async def _page(self) -> list[int]:
        """The next due members, without those who could not be settled."""
        most = PAGE + len(self._failed) + len(self._unmoved)
        rows = await self._connection.fetch(*self._due("due_members", most))
        members = [row["member_id"] for row in rows]
        still_due = self._unmoved.intersection(members)
        self._failed |= still_due
        self._unmoved -= still_due
        return [member for member in members if member not in self._failed]

    def _due(self, name: str, *most: int) -> tuple[Any, ...]:
        return (_SQL[name], self._now, *most, self._tier_sets, self._only_tiers)

    async def _settle(self, members: Sequence[int]) -> list[Answer]:
        """Settle these members; the answers for those with whom it worked."""
        groups = [members[start : start + GROUP] for start in range(0, len(members), GROUP)]
        settled = await asyncio.gather(*(self._settle_group(group) for group in groups))
        return [answer for each in settled for answer in each]

    async def _settle_group(self, members: Sequence[int]) -> list[Answer]:
        submissions = [
            Submission(SettleMember(member), TIME_SOURCE, "", b"", TIME_SOURCE, has_key=False) for member in members
        ]
        async with self._free:
            outcomes = await self._submit(submissions)
        settled: list[Answer] = []
        for member, outcome in zip(members, outcomes, strict=True):
            if isinstance(outcome, Refusal):
                self._failed.add(member)
            else:
                settled.append(outcome)
        return settled

    async def _submit(self, submissions: list[Submission]) -> list[Outcome]:
        for _ in range(MAXIMUM_PAUSES):
            try:
                return await self._engine.submit_group(submissions)
            except QueueFull:
                await asyncio.sleep(PAUSE_SECONDS)
        return await self._engine.submit_group(submissions)

    async def _count(self, settled: list[Answer], shards: int) -> SettleReport:
        """What these answers booked, and nothing that another process did meanwhile."""
        members = [answer.member_id for answer in settled]
        row = await self._connection.fetchrow(
            _SQL["count_settled"],
            [shard_of_member(member, shards) for member in members],
            members,
            [answer.sequence - answer.settled for answer in settled],
            [answer.sequence for answer in settled],
            TIME_SOURCE,
            int(Kind.EXPIRE),
            int(Kind.MATURE),
            int(Kind.HOLD_EXPIRE),
            int(Bucket.EXPIRED),
            int(Bucket.PENDING),
            int(Kind.TIER),
        )
        moved = sum(1 for answer in settled if answer.settled)
        return SettleReport(members=moved, **row)
