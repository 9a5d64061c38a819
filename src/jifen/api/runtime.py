"""What lives as long as a worker process: engine, pool, keys, catalog, and the work in the background."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import asyncpg
import structlog

from jifen.api.authorization import Authorization
from jifen.api.door import MAXIMUM_OWNERS, Door, SoldOut
from jifen.api.metrics import MULTIPROCESS_VARIABLE, Metrics, forget_dead_workers
from jifen.api.problems import DATABASE_UNAVAILABLE
from jifen.core.refusal import Refusal
from jifen.db.connection import Pool, open_pool
from jifen.engine.collector import calm_collector
from jifen.engine.engine import Engine
from jifen.engine.lane import DISCONNECTED, RETRYABLE
from jifen.services.catalog import Catalog
from jifen.services.keys import KeyRing, ValidKey, read_keys
from jifen.services.stock import owners_of_sold_out
from jifen.settings import Settings

READ_CONNECTIONS = 4
REFRESH_SECONDS = 2.0
FLUSH_SECONDS = 1.0
TIME_WORK_SECONDS = 60.0
ALARM_SECONDS = 60.0
SWEEP_SECONDS = 600.0
CLOSE_SECONDS = 5.0
READY_SECONDS = 5.0
#: What a read may fail with because the database is away, or does not let us in at the moment.
AWAY = (
    *DISCONNECTED,
    *RETRYABLE,
    asyncpg.InternalClientError,
    asyncpg.ObjectNotInPrerequisiteStateError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.InvalidAuthorizationSpecificationError,
)

_log = structlog.get_logger(__name__)


class DatabaseAway(Exception):
    """There is no connection to the database yet."""


class Runtime:
    """Started and stopped by the server with the worker process. Until the database is reached, `engine` is None."""

    def __init__(self, settings: Settings, url: str) -> None:
        self.settings = settings
        self.metrics = Metrics()
        self.catalog = Catalog()
        self.keys = KeyRing(self._read_keys)
        self.authorization = Authorization(self.keys)
        self.door = Door(self._look_at_stock, settings.line_limit)
        self.engine: Engine | None = None
        self.database_is_up = False
        self._url = url
        self._pool: Pool | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._parent = os.getppid()
        self._claim: IO[str] | None = None
        self._ringing: set[str] = set()

    @property
    def pool(self) -> Pool:
        """Connections for reading. Raises DatabaseAway before there are any."""
        if self._pool is None:
            raise DatabaseAway
        return self._pool

    async def start(self) -> None:
        """Connect; if the database is not there yet, go on trying in the background and answer 503 meanwhile."""
        forget_dead_workers()
        calm_collector()
        with suppress(*AWAY):
            await self._connect()
        work = (
            (REFRESH_SECONDS, self._refresh),
            (FLUSH_SECONDS, self._look_around),
            (TIME_WORK_SECONDS, self._time_work),
            (ALARM_SECONDS, self._look_at_alarms),
            (SWEEP_SECONDS, self._delete_outdated),
        )
        self._tasks = [asyncio.create_task(self._repeat(seconds, each)) for seconds, each in work]

    async def stop(self) -> None:
        """Finish what was accepted, and close."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self.engine is not None:
            await self.engine.stop()
        if self._pool is not None:
            try:
                await asyncio.wait_for(self._pool.close(), CLOSE_SECONDS)
            except (TimeoutError, *AWAY):
                self._pool.terminate()

    async def _look_at_stock(self, reward: str) -> SoldOut | None:
        async with self.pool.acquire() as connection:
            owners = await owners_of_sold_out(connection, self.catalog.shards, reward, MAXIMUM_OWNERS)
        return None if owners is None else SoldOut(owners)

    async def refresh_catalog(self) -> None:
        """Read the catalog at once."""
        async with self.pool.acquire() as connection:
            await self.catalog.refresh(connection)

    async def what_is_missing(self) -> Refusal | None:
        """Why this worker cannot serve at the moment, or None."""
        try:
            await asyncio.wait_for(self.refresh_catalog(), READY_SECONDS)
        except (DatabaseAway, TimeoutError, *AWAY):
            return DATABASE_UNAVAILABLE
        if self.catalog.version is None:
            return Refusal("no_program", "There is no program yet: apply one with `jifen program apply FILE`.")
        return None if self.engine is not None else DATABASE_UNAVAILABLE

    async def _connect(self) -> None:
        """Open what is not open yet."""
        if self._pool is None:
            self._pool = await open_pool(self._url, size=READ_CONNECTIONS)
        await self.refresh_catalog()
        await self.keys.refresh()
        if self.engine is None:
            engine = Engine(
                self._url,
                lanes=self.settings.lanes,
                batch_limit=self.settings.batch_limit,
                queue_limit=self.settings.queue_limit,
                observe_batch=self.metrics.batch,
            )
            await engine.start()
            self.engine = engine
        self.database_is_up = True

    async def _read_keys(self) -> dict[str, ValidKey]:
        async with self.pool.acquire() as connection:
            return await read_keys(connection)

    async def _repeat(self, seconds: float, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            await asyncio.sleep(seconds)
            try:
                await work()
            except Exception:
                _log.exception("background_work_failed", work=work.__name__)

    async def _refresh(self) -> None:
        try:
            await self._connect()
        except (DatabaseAway, *AWAY) as error:
            if self.database_is_up:
                _log.warning("database_lost", error=type(error).__name__)
            self.database_is_up = False
            self.metrics.database_error()

    def flush(self) -> None:
        """Hand over the figures counted so far."""
        waiting = 0 if self.engine is None else self.engine.queue_length
        self.metrics.flush(queue_length=waiting, database_is_up=self.database_is_up)

    async def _look_around(self) -> None:
        self.flush()
        if os.getppid() != self._parent:
            # Whoever started this worker died without telling it to stop.
            _log.warning("supervisor_gone")
            os.kill(os.getpid(), signal.SIGTERM)

    async def _time_work(self) -> None:
        """Book what time has done: in one worker of this machine. Several machines at once do no harm."""
        from jifen.services.time_work import settle_due

        if self.engine is None or not self._claims_time_work():
            return
        report = await settle_due(self.engine, self._url, datetime.now(UTC))
        if report.members:
            _log.info("time_booked", members=report.members)

    async def _look_at_alarms(self) -> None:
        """Tell metrics and log what alarms ring: in one worker of this machine."""
        from jifen.services.alarms import look_at_alarms, ringing_names

        program = self.catalog.current
        if self._pool is None or program is None or not self._claims_time_work():
            return
        async with self.pool.acquire() as connection:
            ringing = ringing_names(await look_at_alarms(connection, program, datetime.now(UTC)))
        for alarm, is_ringing in ringing.items():
            if is_ringing and alarm not in self._ringing:
                _log.warning("alarm_rings", alarm=alarm)
        self._ringing = {alarm for alarm, is_ringing in ringing.items() if is_ringing}
        self.metrics.alarms(ringing)

    async def _delete_outdated(self) -> None:
        """Delete uploaded files that nobody needs any more: in one worker of this machine."""
        from jifen.services.uploads.imports import delete_outdated
        from jifen.services.uploads.storage import storage_of

        if self._pool is None or not self._claims_time_work():
            return
        async with self.pool.acquire() as connection:
            await delete_outdated(connection, storage_of(self.settings), self.settings.upload_days)

    def _claims_time_work(self) -> bool:
        folder = os.environ.get(MULTIPROCESS_VARIABLE)
        if folder is None or self._claim is not None:
            return True
        claim = Path(folder, "time-work.lock").open("w")  # noqa: SIM115 - held until the process ends
        try:
            fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            claim.close()
            return False
        self._claim = claim
        return True
