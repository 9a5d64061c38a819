"""Booking what time has done: pending lots that matured, lots that expired, holds that ended.

Nothing depends on when this runs: whoever touches or reads a member sees the same balances before and after. It makes
the ledger say so by itself, for those whom nobody touches.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

import msgspec

from jifen.core.commands import SettleMember
from jifen.core.decide.context import TIME_SOURCE
from jifen.core.identity import shard_of_member
from jifen.core.ledger.values import Bucket, Kind
from jifen.core.refusal import Refusal
from jifen.db.connection import Connection, connect
from jifen.db.queries import load_queries
from jifen.engine.engine import Engine, QueueFull
from jifen.engine.submission import Outcome, Submission

_SQL = load_queries("time_work")

#: So many due accounts are looked at together.
PAGE: Final = 4_000
#: So many members are settled in one batch: few enough that callers who wait beside them hardly notice.
GROUP: Final = 100
#: A full queue means that people are waiting: time work steps back so often, then leaves the rest for the next time.
MAXIMUM_PAUSES: Final = 100
PAUSE_SECONDS: Final = 0.1

Progress = Callable[[int, int], None]
"""Called with the accounts done and the accounts that were due at the start."""


class SettleReport(msgspec.Struct, frozen=True):
    """What was booked. `failed`: members who could not be settled and stay due."""

    members: int = 0
    lots_expired: int = 0
    points_expired: int = 0
    lots_matured: int = 0
    holds_ended: int = 0
    failed: int = 0

    def __add__(self, other: SettleReport) -> SettleReport:
        mine, theirs = msgspec.structs.astuple(self), msgspec.structs.astuple(other)
        return SettleReport(*(here + there for here, there in zip(mine, theirs, strict=True)))


async def settle_due(
    engine: Engine, url: str, now: datetime, progress: Progress | None = None, *, groups_in_flight: int = 8
) -> SettleReport:
    """Settle every member to whom something was due at `now`, each up to the engine's own present.

    Memory is bounded by a page of members. Running it twice, or in several processes, changes nothing.

    Raises:
        QueueFull: the engine is too busy for a long while; the rest stays due.
        EngineStopped: the engine ends; the rest stays due.
    """
    connection = await connect(url)
    try:
        return await _Work(engine, connection, now, groups_in_flight).run(progress)
    finally:
        await connection.close(timeout=5)


class _Work:
    def __init__(self, engine: Engine, connection: Connection, now: datetime, groups_in_flight: int) -> None:
        self._engine = engine
        self._connection = connection
        self._now = now
        self._free = asyncio.Semaphore(groups_in_flight)
        self._failed: set[int] = set()
        #: Settled, but nothing was booked: whoever is still due afterwards is not asked for ever.
        self._unmoved: set[int] = set()

    async def run(self, progress: Progress | None) -> SettleReport:
        shards = await self._connection.fetchval("SELECT shards FROM installation")
        total = await self._connection.fetchval(_SQL["count_due"], self._now) if progress else 0
        report = SettleReport()
        while before := await self._page():
            after = await self._settle(list(before))
            self._unmoved |= {member for member, sequence in after.items() if sequence == before[member]}
            report += await self._count(before, after, shards)
            if progress:
                progress(min(report.members, total), total)
            if not after:
                # Nobody of a whole page could be settled: the reason is not theirs, so the rest would fare no better.
                break
        return report + SettleReport(failed=len(self._failed))

    async def _page(self) -> dict[int, int]:
        """The next due members with their last sequences, without those who could not be settled."""
        most = PAGE + len(self._failed) + len(self._unmoved)
        rows = await self._connection.fetch(_SQL["due_members"], self._now, most)
        sequences = {row["member_id"]: row["sequence"] for row in rows}
        still_due = self._unmoved & sequences.keys()
        self._failed |= still_due
        self._unmoved -= still_due
        return {member: sequence for member, sequence in sequences.items() if member not in self._failed}

    async def _settle(self, members: Sequence[int]) -> dict[int, int]:
        """Settle these members; the sequence of each one's last transaction afterwards."""
        groups = [members[start : start + GROUP] for start in range(0, len(members), GROUP)]
        settled: dict[int, int] = {}
        for each in await asyncio.gather(*(self._settle_group(group) for group in groups)):
            settled |= each
        return settled

    async def _settle_group(self, members: Sequence[int]) -> dict[int, int]:
        submissions = [
            Submission(SettleMember(member), TIME_SOURCE, "", b"", TIME_SOURCE, has_key=False) for member in members
        ]
        async with self._free:
            outcomes = await self._submit(submissions)
        settled = {}
        for member, outcome in zip(members, outcomes, strict=True):
            if isinstance(outcome, Refusal):
                self._failed.add(member)
            else:
                settled[member] = outcome.sequence
        return settled

    async def _submit(self, submissions: list[Submission]) -> list[Outcome]:
        for _ in range(MAXIMUM_PAUSES):
            try:
                return await self._engine.submit_group(submissions)
            except QueueFull:
                await asyncio.sleep(PAUSE_SECONDS)
        return await self._engine.submit_group(submissions)

    async def _count(self, before: dict[int, int], after: dict[int, int], shards: int) -> SettleReport:
        members = list(after)
        row = await self._connection.fetchrow(
            _SQL["count_settled"],
            [shard_of_member(member, shards) for member in members],
            members,
            [before[member] for member in members],
            [after[member] for member in members],
            TIME_SOURCE,
            int(Kind.EXPIRE),
            int(Kind.MATURE),
            int(Kind.HOLD_EXPIRE),
            int(Bucket.EXPIRED),
            int(Bucket.PENDING),
        )
        return SettleReport(
            len(members), row["lots_expired"], row["points_expired"], row["lots_matured"], row["holds_ended"]
        )
