"""Real databases for tests: one embedded server for the session, a fresh database for each test, made from a template.

Import the fixtures into the `conftest.py` of a folder whose tests need them; folders share the one server.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import msgspec
import pytest
import pytest_asyncio

from jifen.core.calendar import RollingExpiry
from jifen.core.program import EarningRule, LocalizedText, ProgramDocument, Ratio, Wallet
from jifen.db.embedded import EmbeddedAddress, use
from jifen.db.embedded.layout import open_folder
from jifen.engine.engine import Engine
from jifen.services.database import prepare

#: The program of the test databases: one point a yuan, valid through the end of the month ten years later, so that
#: tests may tell of fixed days of 2026 whenever they are run.
DEFAULT_PROGRAM: Final = ProgramDocument(
    name=LocalizedText(zh="测试积分", en="Test points"),
    currency="CNY",
    time_zone="Asia/Shanghai",
    wallets=[Wallet("points", LocalizedText(zh="积分", en="Points"))],
    earning=[
        EarningRule(
            "base", "points", Ratio(points=1, per_cents=100), expiry=RollingExpiry(months=120, until="month_end")
        )
    ],
)
BARE: Final = "bare_template"
WITH_PROGRAM: Final = "program_template"

_numbers = itertools.count(1)


def with_database(url: str, name: str) -> str:
    """The same address with another database."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def name_of(url: str) -> str:
    """The name of the database at an address."""
    return urlsplit(url).path.lstrip("/")


def run_sql(url: str, *statements: str) -> None:
    """Run statements one after another, each in a transaction of its own."""

    async def run() -> None:
        connection = await asyncpg.connect(url)
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    asyncio.run(run())


def fetch_sql(url: str, statement: str, *values: object) -> list[tuple[Any, ...]]:
    """The rows of a query."""

    async def run() -> list[tuple[Any, ...]]:
        connection = await asyncpg.connect(url)
        try:
            return [tuple(row) for row in await connection.fetch(statement, *values)]
        finally:
            await connection.close()

    return asyncio.run(run())


def add_program(url: str, document: ProgramDocument = DEFAULT_PROGRAM, effective_at: datetime | None = None) -> None:
    """Make this the next version of the program, without the checks of `jifen program apply`."""

    async def add() -> None:
        connection = await asyncpg.connect(url)
        content = msgspec.json.encode(document, order="sorted")
        try:
            for wallet in document.wallets:
                await connection.execute(
                    "INSERT INTO wallets (number, id) SELECT coalesce(max(number), 0) + 1, $1 FROM wallets "
                    "ON CONFLICT (id) DO NOTHING",
                    wallet.id,
                )
            await connection.execute(
                "INSERT INTO program_versions "
                "(version, applied_at, applied_by, digest, content, source, effective_at) "
                "SELECT coalesce(max(version), 0) + 1, $1, 'test', $2, $3, '', coalesce($4, now()) "
                "FROM program_versions",
                datetime.now(UTC),
                hashlib.sha256(content).digest(),
                content.decode(),
                effective_at,
            )
        finally:
            await connection.close()

    asyncio.run(add())


@contextmanager
def fresh_database(server: EmbeddedAddress, template: str) -> Iterator[str]:
    """A copy of a template, dropped at the end with whatever is still connected to it."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    owner = urlsplit(server.url).username
    run_sql(server.admin_url, f"CREATE DATABASE {name} TEMPLATE {template} OWNER {owner}")
    try:
        yield with_database(server.url, name)
    finally:
        run_sql(server.admin_url, f"DROP DATABASE {name} WITH (FORCE)")


def fast_folder(folder: Path) -> Path:
    """A data folder, new or there, whose server does not wait for the disk from its next start on: one that lives as
    long as the tests need not survive a power cut. Everything else is as in earnest."""
    open_folder(folder).override.write_text("fsync = off\n", "utf-8")
    return folder


@pytest.fixture(scope="session")
def database_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedAddress]:
    """The session's server, with the templates in it. `admin_url` is the superuser's."""
    # By the same path for every folder of tests that imports this fixture: they join one server.
    with use(fast_folder(tmp_path_factory.getbasetemp() / "database")) as address:
        if not fetch_sql(address.admin_url, "SELECT 1 FROM pg_database WHERE datname = $1", WITH_PROGRAM):
            _make_templates(address)
        yield address


def _make_templates(address: EmbeddedAddress) -> None:
    owner = urlsplit(address.url).username
    run_sql(address.admin_url, f"CREATE DATABASE {BARE} OWNER {owner}")
    prepare(with_database(address.url, BARE))
    run_sql(address.admin_url, f"CREATE DATABASE {WITH_PROGRAM} TEMPLATE {BARE} OWNER {owner}")
    add_program(with_database(address.url, WITH_PROGRAM))


@pytest.fixture
def empty_database_url(database_server: EmbeddedAddress) -> Iterator[str]:
    """A database of the owner with nothing of jifen in it."""
    with fresh_database(database_server, "template1") as url:
        yield url


@pytest.fixture
def bare_database_url(database_server: EmbeddedAddress) -> Iterator[str]:
    """A database that is up to date and has no program yet."""
    with fresh_database(database_server, BARE) as url:
        yield url


@pytest.fixture
def database_url(database_server: EmbeddedAddress) -> Iterator[str]:
    """A database with `DEFAULT_PROGRAM` as version 1 and nothing else."""
    with fresh_database(database_server, WITH_PROGRAM) as url:
        yield url


@pytest.fixture
def admin_url(database_server: EmbeddedAddress, database_url: str) -> str:
    """The superuser's address of the test's database, for doing what jifen never does."""
    return with_database(database_server.admin_url, name_of(database_url))


@asynccontextmanager
async def running_engine(url: str, **options: Any) -> AsyncIterator[Engine]:
    """An engine on a database, for as long as it is needed; it finishes what it accepted."""
    engine = Engine(url, **options)
    await engine.start()
    try:
        yield engine
    finally:
        await engine.stop()


@pytest_asyncio.fixture
async def engine(database_url: str) -> AsyncIterator[Engine]:
    """A started engine with two lanes on the test's database."""
    async with running_engine(database_url, lanes=2) as engine:
        yield engine
