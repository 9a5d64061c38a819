"""A lane: one connection that writes one batch after another."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

import asyncpg
import msgspec
import structlog

from jifen.core.refusal import Refusal
from jifen.db.connection import Connection, connect
from jifen.engine.batch import Batch
from jifen.engine.gathering import Surroundings
from jifen.engine.submission import Answer, Outcome, Submission
from jifen.engine.survivors import MembersMoved

#: Nothing was committed, and trying again may succeed: two batches met, or the server was not there yet.
RETRYABLE = (
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.UniqueViolationError,
    asyncpg.LockNotAvailableError,
    asyncpg.TooManyConnectionsError,
    asyncpg.CannotConnectNowError,
    asyncpg.ObjectNotInPrerequisiteStateError,
)
#: The connection is gone. If it broke while committing, only the keys can tell what happened.
DISCONNECTED = (
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    ConnectionError,
    OSError,
    asyncio.TimeoutError,
)
MAXIMUM_TRIES = 12
#: Two batches that claim one key or identity at once meet once or twice; more often means that a row is in the way.
MAXIMUM_COLLISIONS = 6
#: So many of the commands that had to wait are tried in the next batch.
WAITING_AT_A_TIME = 16
#: Where one command comes again others do too: for so many batches keys are looked up before anything is decided.
LOOK_FIRST_BATCHES = 32
#: A plan is made once and kept. Of tables that were analysed while they were nearly empty it reads everything, for as
#: long as it is kept: so after so many batches plans are made anew, which takes about a millisecond.
PLANS_KEPT_BATCHES = 256
LONGEST_PAUSE_SECONDS = 2.0
SHORTEST_PAUSE_SECONDS = 0.005

_log = structlog.get_logger(__name__)


class BatchObserver(Protocol):
    """Is told of every batch that was committed, for metrics."""

    def __call__(self, commands: int, duration_seconds: float, /) -> None:
        """How many commands it had, and how long it took."""


class Lane:
    """Runs batches on a connection of its own, and gets a new one when that breaks."""

    def __init__(
        self, url: str, surroundings: Surroundings, observe: BatchObserver, clock: Callable[[], datetime]
    ) -> None:
        self._url = url
        self._surroundings = surroundings
        self._observe = observe
        self._clock = clock
        self._connection: Connection | None = None
        self._look_first = 0
        self._batches = 0

    async def run(self, submissions: Sequence[Submission]) -> list[Outcome]:
        """The outcomes of a group of commands, in order, each durable or without any effect."""
        outcomes: list[Outcome | None] = [None] * len(submissions)
        waiting = list(range(len(submissions)))
        size = len(waiting)
        while waiting:
            # Commands that refer to what a batch changes come back as None and go into the next one. As often only
            # the first of them can be done then, few are tried at a time.
            results = await self._run_batch([submissions[index] for index in waiting[:size]])
            for index, outcome in zip(waiting[:size], results, strict=True):
                outcomes[index] = outcome
            still = [index for index in waiting if outcomes[index] is None]
            assert len(still) < len(waiting)
            waiting, size = still, WAITING_AT_A_TIME
        return [outcome for outcome in outcomes if outcome is not None]

    async def close(self) -> None:
        """Give the connection back."""
        if self._connection is not None and not self._connection.is_closed():
            await self._connection.close(timeout=5)
        self._connection = None

    async def _run_batch(self, submissions: list[Submission]) -> list[Outcome | None]:
        """One batch, tried again as long as that is safe and sensible."""
        uncertain: set[int] = set()
        collisions = 0
        for attempt in range(MAXIMUM_TRIES):
            batch = Batch(self._surroundings, submissions, self._clock, look_first=attempt > 0 or self._look_first > 0)
            try:
                await self._attempt(batch, len(submissions))
            except asyncpg.UniqueViolationError as error:
                # Most likely a command that had come before.
                self._look_first = LOOK_FIRST_BATCHES
                collisions += 1
                if collisions == MAXIMUM_COLLISIONS:
                    return await self._isolate(submissions, error, bool(uncertain))
                if collisions > 1:
                    await self._pause(collisions)
            except MembersMoved:
                _log.debug("members_moved", attempt=attempt, commands=len(submissions))
            except RETRYABLE as error:
                _log.info("batch_retried", error=type(error).__name__, attempt=attempt, commands=len(submissions))
                await self._pause(attempt)
            except DISCONNECTED as error:
                # Trying again is safe even if this batch was committed: its keys then give the first answers.
                _log.warning("connection_lost", error=type(error).__name__, attempt=attempt, commands=len(submissions))
                if batch.commit_was_sent:
                    uncertain |= {index for index, outcome in enumerate(batch.outcomes) if _is_first(outcome)}
                self._drop_connection()
                await self._pause(attempt)
            except Exception as error:
                if not isinstance(error, asyncpg.PostgresError):
                    # The server would have ended its transaction; what our side has left of it nobody knows.
                    self._drop_connection()
                return await self._isolate(submissions, error, bool(uncertain))
            else:
                return [_as_first(each) if index in uncertain else each for index, each in enumerate(batch.outcomes)]
        return [_UNAVAILABLE] * len(submissions)

    async def _attempt(self, batch: Batch, commands: int) -> None:
        started = asyncio.get_running_loop().time()
        connection = await self._connected()
        self._batches += 1
        if self._batches % PLANS_KEPT_BATCHES == 0:
            await connection.execute("DISCARD PLANS")
        await batch.run(connection)
        self._look_first = LOOK_FIRST_BATCHES if batch.had_repetitions else max(0, self._look_first - 1)
        self._observe(commands, asyncio.get_running_loop().time() - started)

    async def _isolate(
        self, submissions: list[Submission], error: Exception, is_uncertain: bool
    ) -> list[Outcome | None]:
        """A batch failed for a reason that trying again does not mend: find the command, spare its neighbours.

        `is_uncertain`: an earlier try may have been committed, so that nobody can say that nothing was changed.
        """
        if len(submissions) == 1:
            _log.error("command_failed", exc_info=error, source=submissions[0].source, key=submissions[0].key)
            return [_UNAVAILABLE if is_uncertain else _FAILED]
        outcomes: list[Outcome | None] = []
        for submission in submissions:
            outcomes += await self._run_batch([submission])
        return outcomes

    async def _connected(self) -> Connection:
        if self._connection is None or self._connection.is_closed():
            self._connection = await connect(self._url, for_batches=True)
        return self._connection

    def _drop_connection(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    @staticmethod
    async def _pause(attempt: int) -> None:
        longest_seconds = min(LONGEST_PAUSE_SECONDS, SHORTEST_PAUSE_SECONDS * 2**attempt)
        await asyncio.sleep(random.uniform(longest_seconds / 2, longest_seconds))  # noqa: S311 - jitter, not a secret


_UNAVAILABLE = Refusal(
    "database_unavailable",
    "The database cannot be reached. Whether the command was done is not certain: send it again with the same key.",
)
_FAILED = Refusal("internal", "The command failed for a reason that is ours; nothing was changed. It was logged.")


def _is_first(outcome: Outcome | None) -> bool:
    return isinstance(outcome, Answer) and not outcome.duplicate


def _as_first(outcome: Outcome | None) -> Outcome | None:
    """After an uncertain commit what looks like a repetition is our own first try: answer as if it were."""
    return msgspec.structs.replace(outcome, duplicate=False) if isinstance(outcome, Answer) else outcome
