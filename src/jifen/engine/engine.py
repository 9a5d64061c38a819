"""The engine: takes commands from many callers and gives them to lanes in groups."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import structlog

from jifen.core.errors import JifenError
from jifen.db.connection import Connection, connect
from jifen.engine.batch import Surroundings
from jifen.engine.lane import Lane
from jifen.engine.submission import Outcome, Submission

MEMBER_ID_BLOCK = 1000

_log = structlog.get_logger(__name__)


class QueueFull(JifenError):
    """More commands wait than the queue may hold. Try again after a moment."""

    code = "queue_full"


class EngineStopped(JifenError):
    """The engine takes no more commands: the process is about to end."""

    code = "stopping"


def utc_now() -> datetime:
    """The machine's clock."""
    return datetime.now(UTC)


class MemberIds:
    """Fresh member ids, taken from the database in blocks so that registering needs no round trip of its own."""

    def __init__(self) -> None:
        self._next = 0
        self._end = 0

    async def __call__(self, connection: Connection) -> int:
        """The next id. Ids that a failed batch has taken are not used again."""
        while self._next == self._end:
            start = await connection.fetchval("SELECT nextval('member_ids')")
            if self._next == self._end:
                self._next, self._end = start, start + MEMBER_ID_BLOCK
        self._next += 1
        return self._next - 1


class _Group:
    __slots__ = ("future", "submissions")

    def __init__(self, submissions: Sequence[Submission], future: asyncio.Future[list[Outcome]]) -> None:
        self.submissions = submissions
        self.future = future


class Engine:
    """Natural batching: a lane that becomes free takes what waits, up to a limit, and never waits for more."""

    def __init__(
        self,
        url: str,
        *,
        lanes: int = 4,
        batch_limit: int = 128,
        queue_limit: int = 10_000,
        observe_batch: Callable[[int, float], None] = lambda size, seconds: None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._url = url
        self._lane_count = lanes
        self._batch_limit = batch_limit
        self._queue_limit = queue_limit
        self._observe_batch = observe_batch
        self._clock = clock
        self._queue: deque[_Group] = deque()
        self._waiting = 0
        self._idle: list[asyncio.Future[None]] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._lanes: list[Lane] = []
        self._is_stopping = False

    @property
    def queue_length(self) -> int:
        """Commands that wait for a lane."""
        return self._waiting

    async def start(self) -> None:
        """Connect, and begin to take commands."""
        connection = await connect(self._url)
        try:
            shards = await connection.fetchval("SELECT shards FROM installation")
        finally:
            await connection.close()
        surroundings = Surroundings(shards, MemberIds())
        self._lanes = [Lane(self._url, surroundings, self._observe_batch, self._clock) for _ in range(self._lane_count)]
        self._tasks = [asyncio.create_task(self._work(lane)) for lane in self._lanes]

    async def stop(self) -> None:
        """Take no more commands, finish what was accepted, and close."""
        self._is_stopping = True
        for idle in self._idle:
            if not idle.done():
                idle.set_result(None)
        await asyncio.gather(*self._tasks)
        for lane in self._lanes:
            await lane.close()

    async def submit(self, submission: Submission) -> Outcome:
        """The outcome of one command, once it is durable. Raises QueueFull, EngineStopped."""
        return (await self.submit_group((submission,)))[0]

    async def submit_group(self, submissions: Sequence[Submission]) -> list[Outcome]:
        """The outcomes of commands that are done in this order, in one batch where possible."""
        if not submissions:
            return []
        if self._is_stopping:
            raise EngineStopped("jifen is stopping; send the command again in a moment.")
        if self._waiting + len(submissions) > self._queue_limit and self._waiting:
            raise QueueFull(f"{self._waiting} commands wait already; send the command again in a moment.")
        future: asyncio.Future[list[Outcome]] = asyncio.get_running_loop().create_future()
        self._queue.append(_Group(submissions, future))
        self._waiting += len(submissions)
        if self._idle:
            self._idle.pop().set_result(None)
        return await future

    async def _work(self, lane: Lane) -> None:
        while True:
            if not self._queue:
                if self._is_stopping:
                    return
                idle = asyncio.get_running_loop().create_future()
                self._idle.append(idle)
                await idle
                continue
            groups = self._take_groups()
            await self._run(lane, groups)

    def _take_groups(self) -> list[_Group]:
        groups: list[_Group] = []
        size = 0
        while self._queue and (not groups or size + len(self._queue[0].submissions) <= self._batch_limit):
            group = self._queue.popleft()
            size += len(group.submissions)
            groups.append(group)
        self._waiting -= size
        return groups

    @staticmethod
    async def _run(lane: Lane, groups: list[_Group]) -> None:
        submissions = [submission for group in groups for submission in group.submissions]
        try:
            outcomes = await lane.run(submissions)
        except BaseException as error:
            for group in groups:
                if not group.future.done():
                    group.future.set_exception(error)
            _log.error("lane_failed", exc_info=error)
            if isinstance(error, asyncio.CancelledError):
                raise
            return
        start = 0
        for group in groups:
            end = start + len(group.submissions)
            if not group.future.done():
                group.future.set_result(outcomes[start:end])
            start = end
