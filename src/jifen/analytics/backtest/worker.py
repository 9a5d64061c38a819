"""One process of a backtest: reads its share of the members, replays it, and hands back what it added up.

It takes its job as one line of JSON on standard input, which stays open as long as whoever wants the result is there,
and answers with lines of JSON on standard output: progress, then the sums.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from jifen.analytics.backtest.kin import Kin, families_of
from jifen.analytics.backtest.recorded import (
    Period,
    begin_reading,
    in_own_order,
    read_due,
    read_family,
    read_flows,
    read_in_order,
    read_merges,
    read_profiles,
    read_referred,
    read_shard,
)
from jifen.analytics.backtest.replay import MemberReplay
from jifen.analytics.backtest.stage import Stage
from jifen.analytics.backtest.sums import Sums
from jifen.core.commands import SettleMember
from jifen.core.decide import Context, Effects, decide
from jifen.core.identity import shard_of_member
from jifen.core.program import Program, ProgramDocument
from jifen.core.rules.standing import NO_PROFILE, Profile
from jifen.db.connection import Connection, connect
from jifen.engine.abandoned import when_abandoned
from jifen.engine.collector import calm_collector
from jifen.engine.programs import ProgramVersions

_VERSIONS: Final = "SELECT version, content FROM program_versions"

_encode = msgspec.json.Encoder().encode
_decode_document = msgspec.json.Decoder(ProgramDocument).decode


class Job(msgspec.Struct, frozen=True):
    """What one process does. `own`: its shards, of `shards` in all; `in_order`: all of them, in the order in which
    things were recorded. `wallets`: numbers by id, the draft's new ones among them."""

    url: str
    snapshot: str
    draft: ProgramDocument
    draft_version: int
    wallets: dict[str, int]
    period: Period
    shards: int
    own: list[int]
    in_order: bool


class Message(msgspec.Struct, frozen=True, omit_defaults=True):
    """A line of the answer: so many transactions were read in all, with what was used of caps that all members share;
    or, at the end, the sums."""

    read: int = 0
    sums: Sums | None = None
    shared_uses: dict[str, int] = {}


class Versions(dict[int, Program]):
    """The versions of the program by number, each made ready when it is first asked for."""

    def __init__(self, contents: dict[int, str], wallets: dict[str, int]) -> None:
        super().__init__()
        self._contents = contents
        self._wallets = wallets

    def __missing__(self, version: int) -> Program:
        """Make a version ready."""
        program = self[version] = Program(version, _decode_document(self._contents[version]), self._wallets)
        return program


async def run_job(job: Job, tell: Callable[[Sums], None]) -> Sums:
    """Do the job; `tell` is told now and then what was added up so far. Raises what the database raises."""
    draft = Program(job.draft_version, job.draft, job.wallets)
    connection = await connect(job.url)
    try:
        await begin_reading(connection, job.snapshot)
        versions, program_at = await _versions(connection, job)
        stage = Stage(draft, versions, program_at, job.period, in_order=job.in_order)
        replays = _Replays(connection, stage, tell)
        families = families_of(await read_merges(connection))
        replays.know_families(families)
        if job.in_order:
            await replays.run_in_order(job.own)
        else:
            for shard in job.own:
                await replays.run_shard(shard)
            for family in families:
                if shard_of_member(family[0], job.shards) in job.own:
                    await replays.run_family(family, job.shards)
        for shard in job.own:
            await _add_recorded(connection, stage, job, shard)
    finally:
        connection.terminate()
    stage.tally.close()
    return stage.sums


async def _versions(connection: Connection, job: Job) -> tuple[Versions, Callable[[datetime], Program]]:
    contents = {row["version"]: row["content"] for row in await connection.fetch(_VERSIONS)}
    versions = Versions(contents, job.wallets)
    known = ProgramVersions()
    await known.learn(connection, max(contents))
    return versions, lambda instant: versions[known.in_force(instant)]


class _Replays:
    """Brings the rows of the ledger to the replays of their members."""

    def __init__(self, connection: Connection, stage: Stage, tell: Callable[[Sums], None]) -> None:
        self._connection = connection
        self._stage = stage
        self._tell = tell
        self._profiles: dict[int, Profile] = {}
        self._referred: dict[int, set[int]] = {}
        #: Everybody who was ever merged, with their family.
        self._kin: dict[int, Kin] = {}
        self._with_registration = stage.draft.tiers_ask_profiles or any(
            book.needs_member for book in stage.draft.books.values()
        )

    def know_families(self, families: Iterable[Sequence[int]]) -> None:
        """Members of these are replayed beside each other."""
        for family in families:
            self._kin.update(dict.fromkeys(family, Kin()))

    async def run_family(self, family: Sequence[int], shards: int) -> None:
        """Replay members of whom one was merged into another, in the order in which things were recorded."""
        stage = self._stage
        for member in family:
            shard = shard_of_member(member, shards)
            self._profiles |= await read_profiles(
                self._connection, shard, with_registration=self._with_registration, members=[member]
            )
        replays: dict[int, MemberReplay] = {}
        for row in await read_family(self._connection, family, shards, stage.period, with_history=stage.takes_history):
            self._take(replays, row)
        for replay in replays.values():
            replay.close()
        self._tell(stage.sums)

    async def run_shard(self, shard: int) -> None:
        """Replay the members of a shard one after another, but for those who have a family."""
        self._profiles, self._referred = {}, {}
        await self._look_up(shard)
        stage = self._stage
        own: list[Any] = []
        async for rows in read_shard(self._connection, shard, stage.period, with_history=stage.takes_history):
            for row in rows:
                if own and row[0] != own[0][0]:
                    self._replay(own)
                    own = []
                own.append(row)
            self._tell(stage.sums)
        if own:
            self._replay(own)

    def _replay(self, rows: list[Any]) -> None:
        """Replay all that one member did."""
        if rows[0][0] in self._kin:
            return
        replay = self._begin(rows[0][0])
        for row in in_own_order(rows):
            replay.take(row)
        replay.close()

    async def run_in_order(self, shards: list[int]) -> None:
        """Replay all members at once, event by event. Keeps the state of every member in memory."""
        for shard in shards:
            await self._look_up(shard)
        replays: dict[int, MemberReplay] = {}
        stage = self._stage
        async for rows in read_in_order(self._connection, stage.period, with_history=stage.takes_history):
            for row in rows:
                self._take(replays, row)
            self._tell(self._stage.sums)
        for replay in replays.values():
            replay.close()

    def _take(self, replays: dict[int, MemberReplay], row: Any) -> None:
        replay = replays.get(row[0])
        if replay is None:
            replay = replays[row[0]] = self._begin(row[0])
        replay.take(row)

    async def _look_up(self, shard: int) -> None:
        self._profiles |= await read_profiles(self._connection, shard, with_registration=self._with_registration)
        self._referred |= await read_referred(self._connection, shard)

    def _begin(self, member: int) -> MemberReplay:
        profile, kin = self._profiles.get(member, NO_PROFILE), self._kin.get(member)
        return MemberReplay(self._stage, member, profile, self._referred.get(member), kin)


async def _add_recorded(connection: Connection, stage: Stage, job: Job, shard: int) -> None:
    """Add what the ledger says was moved, and what it would say had everything that is due been booked."""
    for wallet, flow, points, is_before in await read_flows(connection, shard, job.period):
        stage.tally.moved_as_recorded(wallet, flow, points, is_before=is_before)
    end = job.period.settled_at
    program = stage.program_at(end)
    for state in await read_due(connection, shard, job.shards, program, end):
        effects = decide(program, SettleMember(state.member_id), Context(end, end, "", "", ""), state)
        assert isinstance(effects, Effects)
        stage.tally.settled_as_recorded(effects.transactions)
        stage.tiers.settled_as_recorded(effects.transactions)


def _send(message: Message) -> None:
    sys.stdout.buffer.write(_encode(message) + b"\n")
    sys.stdout.buffer.flush()


def main() -> None:
    """Take a job from standard input and do it."""
    job = msgspec.json.decode(sys.stdin.buffer.readline(), type=Job)
    when_abandoned(lambda: os._exit(1))
    calm_collector()
    sums = asyncio.run(run_job(job, lambda sums: _send(Message(sums.rows, shared_uses=sums.shared_uses))))
    _send(Message(sums.rows, sums))


if __name__ == "__main__":
    main()
