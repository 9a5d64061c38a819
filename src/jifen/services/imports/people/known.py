"""Who was a member before an import, and what of it was done before."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from jifen.core.identity import Identity
from jifen.db.connection import Connection, connect
from jifen.engine.loading import find_identities, find_keys
from jifen.engine.submission import Submission


class Known:
    """Looks members up on a connection of its own."""

    def __init__(self, connection: Connection, shards: int, phone_region: str | None) -> None:
        self.connection = connection
        self._shards = shards
        self._phone_region = phone_region
        self._turn = asyncio.Lock()

    async def owners(self, identities: Sequence[Identity]) -> dict[Identity, int]:
        """Whom these identities find; one call at a time, whoever asks."""
        if not identities:
            return {}
        async with self._turn:
            return await find_identities(self.connection, list(identities), self._shards, self._phone_region)

    async def done(self, submissions: Sequence[Submission]) -> list[bool]:
        """Which of these were done before."""
        digests = [submission.keys()[0][0] for submission in submissions]
        if not digests:
            return []
        async with self._turn:
            found = await find_keys(self.connection, digests, self._shards)
        return [digest in found for digest in digests]


@asynccontextmanager
async def reading(url: str, phone_region: str | None) -> AsyncIterator[Known]:
    """A look-up for a while."""
    connection = await connect(url)
    try:
        shards = await connection.fetchval("SELECT shards FROM installation")
        yield Known(connection, shards, phone_region)
    finally:
        await connection.close(timeout=5)
