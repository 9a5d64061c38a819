"""A proxy between jifen and PostgreSQL that cuts a connection around its COMMIT."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qs, quote, urlsplit, urlunsplit

Cut = Literal["before", "unanswered", "swallowed"]
#: Before: the server never sees the COMMIT. Unanswered: it does, and nobody waits for it. Swallowed: it has
#: committed and said so, but the answer gets lost.
CUTS: tuple[Cut, ...] = ("before", "unanswered", "swallowed")
_SOCKET = ".s.PGSQL.5432"
_COMMIT = b"COMMIT;\0"


class Proxy:
    """Listens on a unix socket in a folder of its own and passes everything on, until it decides to cut."""

    def __init__(self, url: str, folder: Path, seed: int, one_in: int) -> None:
        self._target = Path(parse_qs(urlsplit(url).query)["host"][0]) / _SOCKET
        self._folder = folder
        self._chance = random.Random(seed)
        self._one_in = one_in
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.cuts: dict[Cut, int] = dict.fromkeys(CUTS, 0)
        self.url = urlunsplit(urlsplit(url)._replace(query=f"host={quote(str(folder), safe='/')}"))

    async def __aenter__(self) -> Proxy:
        self._server = await asyncio.start_unix_server(self._serve, str(self._folder / _SOCKET))
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _cut(self) -> Cut | None:
        """Whether, and where, to cut at this COMMIT."""
        if self._chance.randrange(self._one_in):
            return None
        cut = self._chance.choice(CUTS)
        self.cuts[cut] += 1
        return cut

    def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._server is None or not self._server.is_serving():  # accepted just before the close
            writer.transport.abort()
            return
        task = asyncio.create_task(self._connect(reader, writer))
        self._tasks.add(task)

        def ended(task: asyncio.Task[None]) -> None:
            # Here and not in the task: one that is cancelled before its first step would leave its client open.
            writer.transport.abort()
            self._tasks.discard(task)

        task.add_done_callback(ended)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_unix_connection(str(self._target))
        session = _Session(reader, writer, there_reader, there_writer, self._cut)
        try:
            await session.run()
        finally:
            there_writer.transport.abort()


class _Session:
    """One connection through the proxy."""

    def __init__(
        self,
        client: asyncio.StreamReader,
        to_client: asyncio.StreamWriter,
        server: asyncio.StreamReader,
        to_server: asyncio.StreamWriter,
        decide: Callable[[], Cut | None],
    ) -> None:
        self._client, self._to_client = client, to_client
        self._server, self._to_server = server, to_server
        self._decide = decide
        self._swallowing = False

    async def run(self) -> None:
        """Until one side ends, or the proxy cuts."""
        both = [asyncio.create_task(self._upward()), asyncio.create_task(self._downward())]
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in both:
                task.cancel()
            await asyncio.gather(*both, return_exceptions=True)

    async def _upward(self) -> None:
        """Message by message: a type (not on the first one), a length, a body."""
        first = await self._client.readexactly(4)
        await self._pass_up(first + await self._client.readexactly(int.from_bytes(first, "big") - 4))
        while True:
            head = await self._client.readexactly(5)
            body = await self._client.readexactly(int.from_bytes(head[1:], "big") - 4)
            cut = self._decide() if head[:1] == b"Q" and body == _COMMIT else None
            if cut == "before":
                return
            self._swallowing = cut == "swallowed"
            await self._pass_up(head + body)
            if cut == "unanswered":
                return

    async def _pass_up(self, message: bytes) -> None:
        self._to_server.write(message)
        await self._to_server.drain()

    async def _downward(self) -> None:
        while text := await self._server.read(65536):
            if self._swallowing:
                return
            self._to_client.write(text)
            await self._to_client.drain()
