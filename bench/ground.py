"""What scenarios stand on: one embedded server in a temporary folder, and databases in it."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit, urlunsplit

import asyncpg
import msgspec

from bench.history import active_history
from bench.program import TEXT, first_version
from bench.seeding import Step, seed_members
from jifen.db.connection import Connection
from jifen.db.embedded import EmbeddedAddress, use
from jifen.db.embedded.layout import open_folder
from jifen.db.embedded.machine import memory_bytes
from jifen.db.embedded.tuning import MIB
from jifen.services.database import prepare
from jifen.services.programs import apply_program

SHARDS = 64
MEMBERS = 100_000
_TEMPLATE = "bench_seeded"
_CHANGED_TABLES = ("accounts", "identities", "lots")
_INDEXED_TABLES = (*_CHANGED_TABLES, "keys", "transactions", "movements")


class Size(msgspec.Struct, frozen=True):
    """How much a database and its log hold, in bytes."""

    database_bytes: int
    log_position_bytes: int


class Ground:
    """The server, and databases made on it. A seeded database is made once and then copied."""

    def __init__(self, address: EmbeddedAddress) -> None:
        self._address = address
        self._has_template = False

    @property
    def binaries(self) -> Path:
        """The folder of the PostgreSQL programs."""
        return self._address.binaries

    def url(self, database: str) -> str:
        """The address of a database for its owner."""
        return _with_database(self._address.url, database)

    def server_version(self) -> str:
        """The version of PostgreSQL."""
        return str(self.ask("jifen", "SHOW server_version"))

    def ask(self, database: str, statement: str) -> object:
        """One value from a database, asked as superuser."""

        async def question() -> object:
            connection = await asyncpg.connect(_with_database(self._address.admin_url, database))
            try:
                return await connection.fetchval(statement)
            finally:
                await connection.close()

        return asyncio.run(question())

    def create(self, name: str, template: str | None = None) -> str:
        """A new database, empty or copied; its address. The copy is on disk before this returns."""
        self.drop(name)
        owner = urlsplit(self._address.url).username
        copied = "" if template is None else f" TEMPLATE {template} STRATEGY file_copy"
        self.ask("postgres", f"CREATE DATABASE {name} OWNER {owner}{copied}")
        self.checkpoint()
        return self.url(name)

    def drop(self, name: str) -> None:
        """Remove a database."""
        self.ask("postgres", f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def checkpoint(self) -> None:
        """Write everything out, so that one scenario does not pay for another."""
        self.ask("postgres", "CHECKPOINT")

    def clean(self, name: str) -> None:
        """Free what rows held that were rewritten since, as seeding does, and as autovacuum has done a minute later: no
        scenario pays for the work before it."""
        self.ask(name, "VACUUM (ANALYZE)")
        self.checkpoint()

    def warm(self, name: str) -> None:
        """Read what commands touch into PostgreSQL's memory, as it is there after a day of work: all indexes, and the
        tables whose rows are changed. One page at a time, as commands need them, a slow disk would take hours."""

        async def read() -> None:
            connection = await asyncpg.connect(_with_database(self._address.admin_url, name), command_timeout=None)
            try:
                for table in _CHANGED_TABLES:
                    await connection.fetchval(f"SELECT count(*) FROM {table}")  # noqa: S608 - names of our own
                await connection.execute("SET enable_seqscan = off; SET enable_bitmapscan = off")
                for table in _INDEXED_TABLES:
                    await connection.fetchval(f"SELECT count(*) FROM {table} WHERE shard >= 0")  # noqa: S608
            finally:
                await connection.close()

        asyncio.run(read())

    def size(self, name: str) -> Size:
        """What a database and the write-ahead log hold now."""
        database = self.ask("postgres", f"SELECT pg_database_size('{name}')")
        position = self.ask("postgres", "SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint")
        assert isinstance(database, int)
        assert isinstance(position, int)
        return Size(database, position)

    def create_seeded(self, name: str, *, members: int = MEMBERS, history: Sequence[Step] | None = None) -> str:
        """A new database with the program and members; `history` None: active members. Its address.

        The database that most scenarios begin with is made once and then copied.
        """
        if history is not None or members != MEMBERS:
            return self._seed(name, members, history)
        if not self._has_template:
            self._seed(_TEMPLATE, members, None)
            self._has_template = True
        return self.create(name, _TEMPLATE)

    def _seed(self, name: str, members: int, history: Sequence[Step] | None) -> str:
        url = self.create(name)
        asyncio.run(_fill(url, members, history or active_history(datetime.now(UTC))))
        self.checkpoint()
        return url


def pgbench_environment(url: str) -> dict[str, str]:
    """The environment with which PostgreSQL's programs reach a database."""
    parts = urlsplit(url)
    host = parse_qs(parts.query)["host"][0]
    return os.environ | {
        "PGHOST": host,
        "PGUSER": parts.username or "",
        "PGPASSWORD": parts.password or "",
        "PGDATABASE": parts.path.removeprefix("/"),
    }


@contextmanager
def temporary_folder(parent: Path) -> Iterator[Path]:
    """A folder for databases, removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="jifen-bench-", dir=parent))
    # The account that runs PostgreSQL must be able to pass.
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def ground_in(folder: Path, *, is_large: bool = False) -> Iterator[Ground]:
    """The server, for the duration of the `with`. A large one gets half of the machine's memory for its pages: a
    database of millions of members has a machine that is large enough for what its commands touch."""
    layout = open_folder(folder / "data")
    if is_large:
        layout.override.write_text(f"shared_buffers = {memory_bytes() // 2 // MIB}MB\n", encoding="utf-8")
    with use(layout.data) as address:
        yield Ground(address)


async def _fill(url: str, members: int, history: Sequence[Step]) -> None:
    await asyncio.to_thread(prepare, url, SHARDS)
    connection: Connection = await asyncpg.connect(url, command_timeout=None)
    try:
        await apply_program(connection, TEXT, "bench")
        # The log need not be flushed for every table of a database that can be made again.
        await connection.execute("SET synchronous_commit = off")
        await seed_members(connection, first_version(), members, history, SHARDS)
    finally:
        await connection.close()


def _with_database(url: str, database: str) -> str:
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc, f"/{quote(database)}", parts.query, ""))
