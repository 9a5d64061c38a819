"""The engine: takes commands from many callers and gives them to lanes in groups."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import structlog

from jifen.core.errors import JifenError
from jifen.db.connection import Connection, connect
from jifen.engine.gathering import Surroundings
from jifen.engine.lane import BatchObserver, Lane
from jifen.engine.references import members_named
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


def _nobody_looks(commands: int, duration_seconds: float, /) -> None:
    """For engines that no one measures."""


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


class _Queue:
    """What waits for one lane."""

    __slots__ = ("_idle", "_is_stopping", "groups", "waiting")

    def __init__(self) -> None:
        self.groups: deque[_Group] = deque()
        self.waiting = 0
        self._idle: asyncio.Future[None] | None = None
        self._is_stopping = False

    def put(self, group: _Group) -> None:
        """Add a group, and wake the lane if it sleeps."""
        self.groups.append(group)
        self.waiting += len(group.submissions)
        self._wake()

    def stop(self) -> None:
        """Let the lane end when nothing waits any more."""
        self._is_stopping = True
        self._wake()

    async def take(self, limit: int) -> list[_Group]:
        """What waits, up to a number of commands; at least one group, however large. Empty: the lane may end."""
        while not self.groups and not self._is_stopping:
            self._idle = asyncio.get_running_loop().create_future()
            await self._idle
        taken: list[_Group] = []
        size = 0
        while self.groups and (not taken or size + len(self.groups[0].submissions) <= limit):
            group = self.groups.popleft()
            size += len(group.submissions)
            taken.append(group)
        self.waiting -= size
        return taken

    def _wake(self) -> None:
        if self._idle is not None and not self._idle.done():
            self._idle.set_result(None)


class Engine:
    """Natural batching: a lane that becomes free takes what waits, up to a limit, and never waits for more.

    Each lane has a queue of its own. The first lane alone serves moderate load. Beyond that queues are chosen by the
    member that a command names, so that lanes do not wait for each other's locks, and a member whom many want at once
    keeps one lane busy and not all.
    """

    def __init__(
        self,
        url: str,
        *,
        lanes: int = 4,
        batch_limit: int = 128,
        queue_limit: int = 10_000,
        observe_batch: BatchObserver = _nobody_looks,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._url = url
        self._batch_limit = batch_limit
        self._enough_waiting = batch_limit // 2
        self._queue_limit = queue_limit
        self._observe_batch = observe_batch
        self._clock = clock
        self._queues = [_Queue() for _ in range(lanes)]
        self._tasks: list[asyncio.Task[None]] = []
        self._is_stopping = False

    @property
    def queue_length(self) -> int:
        """Commands that wait for a lane."""
        return sum(queue.waiting for queue in self._queues)

    def now(self) -> datetime:
        """The clock by which batches are recorded."""
        return self._clock()

    async def connect(self) -> Connection:
        """A connection like those of lanes, for what is written beside them: in large statements, whose own rows are
        joined with each other."""
        connection = await connect(self._url, for_batches=True)
        await connection.execute("SET enable_hashjoin = on")
        return connection

    async def start(self) -> None:
        """Connect, and begin to take commands."""
        connection = await connect(self._url)
        try:
            shards = await connection.fetchval("SELECT shards FROM installation")
        finally:
            await connection.close()
        surroundings = Surroundings(shards, MemberIds())
        self._tasks = [
            asyncio.create_task(self._work(queue, Lane(self._url, surroundings, self._observe_batch, self._clock)))
            for queue in self._queues
        ]

    async def stop(self) -> None:
        """Take no more commands, finish what was accepted, and close."""
        self._is_stopping = True
        for queue in self._queues:
            queue.stop()
        await asyncio.gather(*self._tasks)

    async def submit(self, submission: Submission) -> Outcome:
        """The outcome of one command, once it is durable. Raises QueueFull, EngineStopped."""
        return (await self.submit_group((submission,)))[0]

    async def submit_group(self, submissions: Sequence[Submission]) -> list[Outcome]:
        """The outcomes of commands that are done in this order, in one batch where possible."""
        if not submissions:
            return []
        if self._is_stopping:
            raise EngineStopped("jifen is stopping; send the command again in a moment.")
        waiting = self.queue_length
        if waiting and waiting + len(submissions) > self._queue_limit:
            raise QueueFull(f"{waiting} commands wait already; send the command again in a moment.")
        future: asyncio.Future[list[Outcome]] = asyncio.get_running_loop().create_future()
        self._queue_for(submissions).put(_Group(submissions, future))
        return await future

    def _queue_for(self, submissions: Sequence[Submission]) -> _Queue:
        """The first lane's queue as long as little waits there: one large batch costs less than two small ones. Then
        the queue of the member that a single command names, or the shortest for a group of several. What stands in
        line for something goes to one queue, and so to one lane, in any case."""
        if len(submissions) == 1 and submissions[0].line:
            return self._queues[hash(submissions[0].line) % len(self._queues)]
        first = self._queues[0]
        if first.waiting < self._enough_waiting:
            return first
        if len(submissions) == 1:
            named = members_named(submissions[0].command)
            if named:
                return self._queues[hash(named[0]) % len(self._queues)]
        return min(self._queues, key=_waiting)

    async def _work(self, queue: _Queue, lane: Lane) -> None:
        while groups := await queue.take(self._batch_limit):
            await self._run(lane, groups)
            # Whoever was just answered and has more to say says it now, and the next batch is the larger for it.
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        await lane.close()

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


def _waiting(queue: _Queue) -> int:
    return queue.waiting
