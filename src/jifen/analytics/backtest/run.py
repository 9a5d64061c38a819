"""Runs a backtest: divides the members among processes that all see one snapshot, and puts their sums together."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from time import monotonic
from typing import ClassVar, Final
from zoneinfo import ZoneInfo

import msgspec

from jifen.analytics.backtest.building import Circumstances, build_report
from jifen.analytics.backtest.recorded import Period
from jifen.analytics.backtest.report import BacktestReport
from jifen.analytics.backtest.sums import Sums
from jifen.analytics.backtest.worker import Job, Message
from jifen.core.calendar import start_of_day
from jifen.core.errors import JifenError
from jifen.core.program import Program, ProgramDocument
from jifen.core.rules.caps import OpenCap
from jifen.db.connection import Connection, connect
from jifen.engine.programs import ProgramVersions

Progress = Callable[[int, int], None]

#: More processes than cores only wait for each other.
MAXIMUM_WORKERS: Final = 64
WORKER_MODULE: Final = "jifen.analytics.backtest.worker"
#: The sums of one process come as one line.
_LINE_LIMIT_BYTES: Final = 256 * 1024 * 1024
_SURROUNDINGS: Final = """
SELECT (SELECT shards FROM installation) AS shards,
       (SELECT max(version) FROM program_versions) AS version,
       (SELECT count(*) FROM transactions
        WHERE kind NOT IN (6, 7, 11) AND ($1::timestamptz IS NULL OR occurred_at < $1)) AS transactions
"""

_encode = msgspec.json.Encoder().encode
_decode_message = msgspec.json.Decoder(Message).decode


class BacktestRefused(JifenError):
    """A draft that the recorded events cannot be replayed under."""

    code: ClassVar[str] = "backtest_refused"


class BacktestFailed(JifenError):
    """A process of the backtest ended without a result."""

    code: ClassVar[str] = "backtest_failed"


def _nobody_watches(_done: int, _total: int) -> None:
    """For callers who do not watch."""


async def run_backtest(
    url: str,
    document: ProgramDocument,
    *,
    since: date | None = None,
    until: date | None = None,
    workers: int | None = None,
    progress: Progress = _nobody_watches,
) -> BacktestReport:
    """Replay what was recorded under a draft of the program, and report how it differs. Changes nothing.

    `since` and `until` are local days of the program's zone, both included; `workers`: None for one for each core;
    `progress` is told (transactions read, transactions in all).

    Raises:
        BacktestRefused: there is nothing to compare with, or the draft does not fit what was recorded.
        BacktestFailed: a process died.
    """
    started = monotonic()
    period = _period(since, until, ZoneInfo(document.time_zone))
    connection = await connect(url)
    try:
        await connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = 0")
        snapshot: str = await connection.fetchval("SELECT pg_export_snapshot()")
        current = await _current_program(connection)
        wallets = await _wallets(connection, current, document)
        row = await connection.fetchrow(_SURROUNDINGS, period.until)
        draft = Program(row["version"] + 1, document, wallets)
        job = Job(
            url, snapshot, document, draft.version, wallets, period, row["shards"], list(range(row["shards"])), False
        )
        team = _Team(job, row["transactions"], progress)
        count = min(workers or os.cpu_count() or 1, row["shards"], MAXIMUM_WORKERS)
        apart = await team.run(count, shared_caps(draft))
        in_order = apart is None or exceeds_shared(draft, apart)
        sums = await team.run_in_order() if apart is None or in_order else apart
    finally:
        connection.terminate()
    circumstances = Circumstances(
        draft, current, period, since, until, 1 if in_order else count, in_order, monotonic() - started
    )
    return build_report(sums, circumstances)


def check_days(since: date | None, until: date | None) -> None:
    """Raise BacktestRefused where a period ends before it begins."""
    if since is not None and until is not None and until < since:
        raise BacktestRefused(
            f"The period would end ({until}) before it begins ({since}).",
            message_zh=f"结束日 {until} 早于开始日 {since}。",
            pointer="/until",
        )


def _period(since: date | None, until: date | None, zone: ZoneInfo) -> Period:
    check_days(since, until)
    now = datetime.now(UTC)
    end = None if until is None else start_of_day(until + timedelta(days=1), zone)
    begin = None if since is None else start_of_day(since, zone)
    return Period(begin, end, now)


async def _current_program(connection: Connection) -> Program:
    versions = ProgramVersions()
    newest = await connection.fetchval("SELECT max(version) FROM program_versions")
    if newest is None:
        raise BacktestRefused(
            "There is no program yet: apply one with `jifen program apply FILE`.",
            message_zh="尚无积分计划；请先执行 `jifen program apply FILE`。",
        )
    await versions.learn(connection, newest)
    return await versions.get(connection, versions.in_force(datetime.now(UTC)))


async def _wallets(connection: Connection, current: Program, document: ProgramDocument) -> dict[str, int]:
    """The wallets' numbers with those of the draft. Raises BacktestRefused where the draft cannot follow."""
    numbers = {row["id"]: row["number"] for row in await connection.fetch("SELECT id, number FROM wallets")}
    named = {wallet.id for wallet in document.wallets}
    if gone := sorted(set(numbers) - named):
        raise BacktestRefused(
            f"The draft lacks the wallets {', '.join(gone)}, in which members may hold points.",
            message_zh=f"草案缺少积分账户 {'、'.join(gone)}，会员可能在其中有积分。",
        )
    for field in ("currency", "time_zone"):
        was, becomes = getattr(current.document, field), getattr(document, field)
        if was != becomes:
            raise BacktestRefused(
                f"$.{field} of the draft is {becomes!r}; what was recorded is in {was!r}.",
                message_zh=f"草案的 $.{field} 为 {becomes!r}，已入账的为 {was!r}。",
            )
    fresh = [wallet.id for wallet in document.wallets if wallet.id not in numbers]
    first = max(numbers.values(), default=0) + 1
    return numbers | {wallet: number for number, wallet in enumerate(fresh, first)}


def shared_caps(draft: Program) -> dict[str, OpenCap]:
    """The caps that all members share and that outlast an event, by their key."""
    return {
        cap.key: cap
        for book in draft.books.values()
        for rule in book.rules
        for cap in rule.caps
        if cap.is_shared and cap.cap.period != "event"
    }


def exceeds_shared(draft: Program, sums: Sums) -> bool:
    """Whether a cap that all members share was reached, or would have been had the members not been replayed apart.

    Where all together stay below it, no order of events could have made it cut anything: the result is exact.
    """
    caps = shared_caps(draft)
    if any(key in caps and cuts.events.draft for key, cuts in sums.caps.items()):
        return True
    return _are_beyond(caps, sums.shared_uses)


def _are_beyond(caps: Mapping[str, OpenCap], shared_uses: Mapping[str, int]) -> bool:
    # A usage name is the cap's key, and where the period begins anew, its first day behind one more slash.
    uses = ((caps.get(name) or caps.get(name.rpartition("/")[0]), used) for name, used in shared_uses.items())
    return any(cap is not None and used > cap.cap.most for cap, used in uses)


class _Exceeded(Exception):
    """All members together went beyond a cap that they share: to go on apart is of no use."""


class _Team:
    """The processes of one backtest."""

    def __init__(self, job: Job, transactions: int, progress: Progress) -> None:
        self._job = job
        self._total = transactions
        self._progress = progress
        self._read: dict[int, int] = {}
        self._read_before = 0
        self._caps: Mapping[str, OpenCap] = {}
        self._shared_uses: dict[int, dict[str, int]] = {}
        self._processes: list[Process] = []

    async def run(self, count: int, caps: Mapping[str, OpenCap]) -> Sums | None:
        """Divide the shards among so many processes. None: they were stopped, as one of the caps was exceeded."""
        self._caps = caps
        jobs = [msgspec.structs.replace(self._job, own=self._job.own[index::count]) for index in range(count)]
        try:
            return await self._run(jobs)
        except _Exceeded:
            return None

    async def run_in_order(self) -> Sums:
        """Let one process do it all, in the order in which things were recorded."""
        self._read_before, self._total, self._caps = self._total, 2 * self._total, {}
        return await self._run([msgspec.structs.replace(self._job, in_order=True)])

    async def _run(self, jobs: list[Job]) -> Sums:
        self._read = {}
        tasks = [asyncio.create_task(self._one(index, job)) for index, job in enumerate(jobs)]
        try:
            parts = await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            # Here and not in the tasks: one that is called off while it lets go of its process would leave it running.
            while self._processes:
                await _end(self._processes.pop())
        sums = Sums()
        for part in parts:
            sums.add(part)
        return sums

    async def _one(self, index: int, job: Job) -> Sums:
        command = (sys.executable, "-m", WORKER_MODULE)
        process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, limit=_LINE_LIMIT_BYTES)
        self._processes.append(process)
        assert process.stdin is not None and process.stdout is not None
        # One that died at once is told by its missing answer.
        with suppress(BrokenPipeError, ConnectionResetError):
            process.stdin.write(_encode(job) + b"\n")
            await process.stdin.drain()
        async for line in process.stdout:
            message = _decode_message(line)
            self._read[index] = message.read
            self._progress(min(self._read_before + sum(self._read.values()), self._total), self._total)
            if message.sums is not None:
                return message.sums
            self._shared_uses[index] = message.shared_uses
            if self._caps and _are_beyond(self._caps, _added(self._shared_uses.values())):
                raise _Exceeded
        raise BacktestFailed("A process of the backtest ended before it was done; its message stands above.")


def _added(parts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    added: dict[str, int] = {}
    for part in parts:
        for name, number in part.items():
            added[name] = added.get(name, 0) + number
    return added


async def _end(process: Process) -> None:
    """Let go of a process, whether it is done or not."""
    if process.returncode is None:
        process.kill()
    await process.wait()
    assert process.stdin is not None
    process.stdin.close()
    # Else the loop may end before the pipe is let go. What was not read any more does not matter.
    with suppress(BrokenPipeError, ConnectionResetError):
        await process.stdin.wait_closed()
