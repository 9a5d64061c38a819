"""Reading several things as they stood at one moment."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from jifen.db.connection import Connection, Pool


@asynccontextmanager
async def snapshot(pool: Pool) -> AsyncIterator[Connection]:
    """A connection that sees one moment, can change nothing and holds no lock on a row."""
    async with pool.acquire() as connection, one_moment(connection):
        yield connection


@asynccontextmanager
async def one_moment(connection: Connection) -> AsyncIterator[None]:
    """For as long as it lasts the connection sees one moment and can change nothing."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        yield
