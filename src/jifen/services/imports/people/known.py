"""Who was a member before an import."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from jifen.core.identity import Identity
from jifen.db.connection import Connection, connect
from jifen.engine.loading import find_identities


class Known:
    """Looks members up on a connection of its own."""

    def __init__(self, connection: Connection, shards: int) -> None:
        self.connection = connection
        self._shards = shards
        self._turn = asyncio.Lock()

    async def owners(self, identities: Sequence[Identity]) -> dict[Identity, int]:
        """Whom these identities find; one call at a time, whoever asks."""
        if not identities:
            return {}
        async with self._turn:
            return await find_identities(self.connection, list(identities), self._shards)


@asynccontextmanager
async def reading(url: str) -> AsyncIterator[Known]:
    """A look-up for a while."""
    connection = await connect(url)
    try:
        yield Known(connection, await connection.fetchval("SELECT shards FROM installation"))
    finally:
        await connection.close(timeout=5)
