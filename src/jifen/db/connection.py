"""Connections to PostgreSQL, and the part of asyncpg that the rest of jifen uses (asyncpg ships no types)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Protocol

import asyncpg
import asyncpg.protocol.protocol

from jifen.db.arrays import ask_for_lists_only

#: The role under which everything but migrations runs: it can neither change nor delete what was written.
APPLICATION_ROLE = "jifen_application"

ask_for_lists_only(asyncpg.protocol.protocol)

_SETTINGS = {"application_name": "jifen", "timezone": "UTC", "jit": "off"}
#: Batches run a few statements over and over, all by primary key. They are planned once for many batches, and never
#: with a scan of a table: it may be empty at that moment and large soon after.
_BATCH_SETTINGS = _SETTINGS | {
    "plan_cache_mode": "force_generic_plan",
    "max_parallel_workers_per_gather": "0",
    "enable_seqscan": "off",
    "enable_bitmapscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
}


class Transaction(Protocol):
    """A database transaction under way."""

    async def start(self) -> None:
        """BEGIN."""

    async def commit(self) -> None:
        """COMMIT."""

    async def rollback(self) -> None:
        """ROLLBACK."""

    async def __aenter__(self) -> None: ...

    async def __aexit__(self, *args: object) -> None: ...


class Cursor(Protocol):
    """An open cursor, within a transaction."""

    async def fetch(self, n: int) -> list[Any]:
        """The next so many rows; none: that was all."""


class Rows(Protocol):
    """What `cursor` gives: rows as they come, or, awaited, the cursor itself."""

    def __aiter__(self) -> AsyncIterator[Any]: ...

    def __await__(self) -> Generator[Any, None, Cursor]: ...


class Connection(Protocol):
    """What jifen uses of an asyncpg connection."""

    async def fetch(self, query: str, *args: Any) -> list[Any]:
        """All rows."""

    async def fetchrow(self, query: str, *args: Any) -> Any:
        """The first row, or None."""

    async def fetchval(self, query: str, *args: Any) -> Any:
        """The first column of the first row, or None."""

    async def execute(self, query: str, *args: Any) -> str:
        """Run a statement, for its effect."""

    async def copy_records_to_table(self, table: str, *, records: Any, columns: Sequence[str]) -> str:
        """COPY rows in."""

    def cursor(self, query: str, *args: Any, prefetch: int | None = None) -> Rows:
        """Rows as they come, within a transaction."""

    def transaction(self, *, isolation: str | None = None, readonly: bool = False) -> Transaction:
        """A transaction, to be started."""

    def is_closed(self) -> bool:
        """Whether it can no longer be used."""

    def terminate(self) -> None:
        """Drop it at once."""

    async def close(self, *, timeout: float | None = None) -> None:  # noqa: ASYNC109 - asyncpg's own signature
        """Close it in good order."""


class Pool(Protocol):
    """What jifen uses of an asyncpg pool."""

    def acquire(self) -> AbstractAsyncContextManager[Connection]:
        """A connection for a while."""

    async def close(self) -> None:
        """Close all connections."""

    def terminate(self) -> None:
        """Drop all connections at once."""


async def connect(url: str, *, for_batches: bool = False) -> Connection:
    """A connection in the application's role; `for_batches` fixes the plans of the engine's statements."""
    settings = _BATCH_SETTINGS if for_batches else _SETTINGS
    connection: Connection = await asyncpg.connect(url, timeout=10, server_settings=settings)
    await connection.execute(f"SET ROLE {APPLICATION_ROLE}")
    return connection


class CopyCutOff(Exception):
    """The rows of a query on a database of others stopped coming before the last one."""


async def copy_query(url: str, query: str, target: Path, limit_seconds: int) -> None:
    """Write the rows of a query on a database of others as CSV with a header, as they come. It can change nothing,
    and takes so many seconds at most. Raises CopyCutOff where it began and did not end."""
    settings = {
        "application_name": "jifen",
        "default_transaction_read_only": "on",
        "statement_timeout": f"{limit_seconds}s",
    }
    connection = await asyncpg.connect(url, timeout=10, server_settings=settings)
    try:
        await connection.copy_from_query(query, output=target, format="csv", header=True, encoding="utf-8")
    except asyncpg.QueryCanceledError:
        raise CopyCutOff(f"it was stopped, or took longer than {limit_seconds} seconds") from None
    except (asyncpg.PostgresConnectionError, asyncpg.OperatorInterventionError, ConnectionError):
        raise CopyCutOff("the connection ended in the middle") from None
    finally:
        await connection.close(timeout=5)


async def open_pool(url: str, *, size: int) -> Pool:
    """A pool of connections in the application's role, for reading."""
    # `reset` would run RESET ALL and with it RESET ROLE; nothing in jifen changes a session's state, so it is skipped.
    pool: Pool = await asyncpg.create_pool(
        url, min_size=1, max_size=size, timeout=10, server_settings=_SETTINGS, init=_take_role, reset=_keep_session
    )
    return pool


async def _take_role(connection: Connection) -> None:
    await connection.execute(f"SET ROLE {APPLICATION_ROLE}")


async def _keep_session(connection: Connection) -> None:
    """Leave the session as it is."""
