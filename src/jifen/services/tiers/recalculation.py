"""Recalculating all members after the tier sets have changed: with progress, stopped and resumed, exact all the while.

Members are read and decided page by page without a lock, and what would change is written for whoever is still as they
were seen; the engine decides all others, under their lock: so it may run beside a busy shop, or half, without harm. One
process at a time works on it, else those who were moved would be counted twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import Any, ClassVar, Final, Literal

import asyncpg
import msgspec

from jifen.core.decide import Context, Effects, decide
from jifen.core.errors import JifenError
from jifen.core.program import Program
from jifen.core.refusal import Refusal
from jifen.core.tiers.commands import RecalculateTiers
from jifen.db.connection import Connection
from jifen.db.locking import CLAIM_RECALCULATION, IS_RECALCULATION_FREE, LET_RECALCULATION_GO
from jifen.db.queries import load_queries
from jifen.engine.engine import Engine, QueueFull
from jifen.engine.submission import Outcome, Submission
from jifen.engine.tier_moves import HowFar, MoveRows
from jifen.services.programs import UnknownProgramVersion, current_program
from jifen.services.tiers.population import Page, pages

Status = Literal["running", "done", "failed", "stopped"]
Progress = Callable[[int, int], None]
"""Called with the members done and the members there were at the start."""

#: So many members are decided in one batch, and so many batches at once.
GROUP: Final = 100
GROUPS_IN_FLIGHT: Final = 8
#: After so many that were decided whoever waits has a turn: the page that is written, and the one that is read.
TURN: Final = 100
#: A process says with every page that it is there.
LOST_SECONDS: Final = 60
_LOST: Final = "执行它的进程已不在；请继续。 / The process that ran it is gone; resume it."
KEPT: Final = 50
MAXIMUM_PAUSES: Final = 100
PAUSE_SECONDS: Final = 0.1
#: Whoever asks whether one is free has it for a moment, so it is claimed more than once.
MAXIMUM_CLAIMS: Final = 10

_SQL: Final = load_queries("tiers")


class RecalculationRunning(JifenError):
    """Another recalculation is under way."""

    code: ClassVar[str] = "recalculation_running"


class UnknownRecalculation(JifenError):
    """There is no such recalculation, it was long ago, or it came to its end and cannot go on."""

    code: ClassVar[str] = "unknown_recalculation"


class RecalculationOutdated(JifenError):
    """Another version of the program is in force than the one by which it began."""

    code: ClassVar[str] = "recalculation_outdated"


class Recalculation(msgspec.Struct, frozen=True):
    """How far a recalculation is. `members_moved`: of whom something changed."""

    id: int
    asked_at: datetime
    asked_by: str
    program_version: int
    status: Status
    members_done: int
    members_total: int
    members_moved: int
    next_shard: int
    after_member: int
    error_code: str | None
    error: str | None


async def begin_recalculation(connection: Connection, asked_by: str) -> Recalculation:
    """Note that a recalculation is to be done; whoever asked runs it.

    Raises:
        RecalculationRunning: one is under way; one at a time for an installation.
        UnknownProgramVersion: there is no program.
    """
    await connection.execute(_SQL["give_up_lost_recalculation"], LOST_SECONDS)
    await connection.execute(_SQL["forget_old_recalculations"], KEPT)
    program = await current_program(connection)
    if program is None:
        raise UnknownProgramVersion("There is no program yet: apply one with `jifen program apply FILE`.")
    members = await connection.fetchval(_SQL["count_members"])
    try:
        number = await connection.fetchval(_SQL["add_recalculation"], asked_by, program.version, members)
    except asyncpg.UniqueViolationError:
        raise _running() from None
    return await find_recalculation(connection, number)


async def resume_recalculation(connection: Connection, number: int) -> Recalculation:
    """Note that one which was stopped, or whose process is gone, goes on from where it was.

    Raises:
        RecalculationRunning: it or another is under way, or its process is still at the page at which it was stopped.
        UnknownRecalculation.
        RecalculationOutdated: whoever was looked at already was worked out by another version of the program.
    """
    await connection.execute(_SQL["give_up_lost_recalculation"], LOST_SECONDS)
    found = await find_recalculation(connection, number)
    if found.status == "running":
        raise _running()
    program = await current_program(connection)
    if found.status != "done" and (program is None or program.version != found.program_version):
        raise RecalculationOutdated(
            f"The recalculation {number} began by version {found.program_version} of the program, which is in force no "
            "more: ask for a new one.",
            program_version=found.program_version,
        )
    if not await connection.fetchval(IS_RECALCULATION_FREE, number):
        # That process would take what is resumed for its own and go on beside the new one.
        raise RecalculationRunning(
            f"The recalculation {number} is still at the page at which it was stopped; try again in a moment.",
            message_zh=f"重新定级 {number} 停止时的那一页尚未做完；请稍后再试。",
        )
    try:
        resumed = await connection.fetchval(_SQL["resume_recalculation"], number)
    except asyncpg.UniqueViolationError:
        raise _running() from None
    if resumed is None and (await find_recalculation(connection, number)).status == "running":
        raise _running()
    if resumed is None:
        raise UnknownRecalculation(f"The recalculation {number} came to its end; ask for a new one.")
    return await find_recalculation(connection, number)


async def find_recalculation(connection: Connection, number: int) -> Recalculation:
    """How far a recalculation is. Raises UnknownRecalculation."""
    row = await connection.fetchrow(_SQL["find_recalculation"], number, LOST_SECONDS) if 0 < number < 2**63 else None
    if row is None:
        raise UnknownRecalculation(f"There is no recalculation {number}; the last {KEPT} are kept.")
    return _recalculation(row)


async def list_recalculations(connection: Connection) -> list[Recalculation]:
    """Those that are kept, the newest first."""
    return [_recalculation(row) for row in await connection.fetch(_SQL["list_recalculations"], LOST_SECONDS, KEPT)]


async def stop_recalculation(connection: Connection, number: int) -> Recalculation:
    """Stop one after the page that it is at; one that is over stays as it is. Raises UnknownRecalculation."""
    await connection.fetchrow(_SQL["end_recalculation"], number, "stopped", None, None)
    return await find_recalculation(connection, number)


async def fail_recalculation(connection: Connection, number: int, code: str, message: str) -> None:
    """Write down why one could not go on."""
    await connection.fetchrow(_SQL["end_recalculation"], number, "failed", code, message)


async def run_recalculation(
    engine: Engine, connection: Connection, job: Recalculation, progress: Progress | None = None
) -> Recalculation:
    """Do what was noted, from where it stands, until it is done or stopped. No other process works on it meanwhile.

    Raises:
        RecalculationRunning: another process works on it, and is not disturbed.
        QueueFull: the engine is too busy for a long while; it can be resumed.
        EngineStopped: the engine ends; it can be resumed.
    """
    await _claim(connection, job.id)
    try:
        # It may have been resumed, and come further, since it was looked at.
        found = await find_recalculation(connection, job.id)
        return found if found.status != "running" else await _Work(engine, connection, found, progress).run()
    finally:
        if not connection.is_closed():
            await connection.execute(LET_RECALCULATION_GO, job.id)


async def _claim(connection: Connection, number: int) -> None:
    for _ in range(MAXIMUM_CLAIMS):
        if await connection.fetchval(CLAIM_RECALCULATION, number):
            return
        await asyncio.sleep(PAUSE_SECONDS)
    raise _running()


class _Seen(msgspec.Struct, frozen=True):
    """A page, the instant of looking at it, and whether another version of the program was in force by then."""

    page: Page
    now: datetime
    is_outdated: bool


class _Found(msgspec.Struct, frozen=True):
    """What a page comes to: the changes that were decided on it, and the members whom batches must look at."""

    rows: MoveRows
    for_batches: list[int]


class _Work:
    def __init__(self, engine: Engine, connection: Connection, job: Recalculation, progress: Progress | None) -> None:
        self._engine = engine
        self._connection = connection
        self._job = job
        self._progress = progress
        self._free = asyncio.Semaphore(GROUPS_IN_FLIGHT)
        self._done, self._moved = job.members_done, job.members_moved

    async def run(self) -> Recalculation:
        """Decide one page while the one before is written and the next one is read."""
        job, connection = self._job, self._connection
        program = await current_program(connection)
        shards = await connection.fetchval("SELECT shards FROM installation")
        assert program is not None
        writing = await self._engine.connect()
        under_way: asyncio.Task[bool] | None = None
        goes_on = True
        try:
            async with aclosing(_ahead(self._seen(program, shards))) as seen:
                async for each in seen:
                    found = await self._look_at(each, program)
                    goes_on = under_way is None or await asyncio.shield(under_way)
                    if not goes_on:
                        break
                    under_way = asyncio.create_task(self._do(writing, each.page, found))
            if goes_on and under_way is not None:
                goes_on = await asyncio.shield(under_way)
        finally:
            if under_way is not None and not under_way.done():
                # Cancelled meanwhile, it is done all the same, so that whoever was moved counts.
                await asyncio.wait([under_way])
            await writing.close(timeout=5)
        if goes_on:
            await connection.fetchrow(_SQL["end_recalculation"], job.id, "done", None, None)
        return await find_recalculation(connection, job.id)

    async def _seen(self, program: Program, shards: int) -> AsyncIterator[_Seen]:
        """The pages from where the job stands, each with the instant of looking, which is after reading it."""
        job, connection = self._job, self._connection
        async for page in pages(connection, program, shards, job.next_shard, job.after_member):
            now = self._engine.now()
            version = await connection.fetchval(_SQL["version_in_force"], now)
            yield _Seen(page, now, version != program.version)

    async def _look_at(self, seen: _Seen, program: Program) -> _Found:
        """Decide everybody of a page as they were seen, as of then."""
        now = seen.now
        rows, for_batches = MoveRows(seen.page.shard, now), list[int]()
        context = Context(now, now, self._job.asked_by, "", self._job.asked_by)
        for count, person in enumerate(seen.page.people):
            if count % TURN == 0:
                await asyncio.sleep(0)
            member = person.state.member_id
            if seen.is_outdated or person.is_survivor or person.is_due(now):
                for_batches.append(member)
                continue
            effects = decide(program, RecalculateTiers(member), context, person.state)
            if isinstance(effects, Effects) and not effects.transactions and person.uncounted is None:
                continue
            if isinstance(effects, Refusal) or not rows.add(person.as_written, effects, person.seen):
                for_batches.append(member)
        return _Found(rows, for_batches)

    async def _do(self, writing: Connection, page: Page, found: _Found) -> bool:
        """Write what was found on a page, and how far it is; False: it was stopped."""
        await self._decide(found.for_batches)
        self._done += len(page.people)
        if self._progress is not None:
            self._progress(min(self._done, self._job.members_total), self._job.members_total)
        how_far = self._how_far(page)
        if not found.rows:
            return await _tell(writing, page, how_far)
        written = await found.rows.write(writing, how_far)
        self._moved += written.moved
        if not written.late:
            return written.goes_on
        # A busy shop was faster: batches take them as they are now.
        await self._decide(written.late)
        return await _tell(writing, page, self._how_far(page))

    def _how_far(self, page: Page) -> HowFar:
        return HowFar(self._job.id, self._done, self._moved, page.people[-1].state.member_id)

    async def _decide(self, members: Sequence[int]) -> None:
        groups = [members[start : start + GROUP] for start in range(0, len(members), GROUP)]
        await asyncio.gather(*(self._decide_group(group) for group in groups))

    async def _decide_group(self, members: Sequence[int]) -> None:
        actor = self._job.asked_by
        submissions = [Submission(RecalculateTiers(each), actor, "", b"", actor, has_key=False) for each in members]
        async with self._free:
            outcomes = await self._submit(submissions)
        self._moved += sum(1 for each in outcomes if not isinstance(each, Refusal) and each.settled)

    async def _submit(self, submissions: list[Submission]) -> list[Outcome]:
        for _ in range(MAXIMUM_PAUSES):
            try:
                return await self._engine.submit_group(submissions)
            except QueueFull:
                await asyncio.sleep(PAUSE_SECONDS)
        return await self._engine.submit_group(submissions)


async def _tell(writing: Connection, page: Page, how_far: HowFar) -> bool:
    """Note how far it is; False: it was stopped."""
    key = (how_far.job, how_far.done, how_far.moved, page.shard, how_far.last_member)
    return await writing.fetchval(_SQL["tell_recalculation"], *key) is True


async def _ahead(seen: AsyncIterator[_Seen]) -> AsyncGenerator[_Seen, None]:
    """The same, each read while the one before is worked on."""

    async def following() -> _Seen | None:
        return await anext(seen, None)

    reading = asyncio.create_task(following())
    try:
        while (each := await reading) is not None:
            reading = asyncio.create_task(following())
            yield each
    finally:
        # Whoever breaks off uses the connection for something else.
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)


def _running() -> RecalculationRunning:
    return RecalculationRunning("Another recalculation is under way; wait for it, or stop it.")


def _recalculation(row: Any) -> Recalculation:
    is_lost = row["is_lost"]
    return Recalculation(
        row["id"],
        row["asked_at"],
        row["asked_by"],
        row["program_version"],
        "failed" if is_lost else row["status"],
        row["members_done"],
        row["members_total"],
        row["members_moved"],
        row["next_shard"],
        row["after_member"],
        "recalculation_lost" if is_lost else row["error_code"],
        _LOST if is_lost else row["error"],
    )
