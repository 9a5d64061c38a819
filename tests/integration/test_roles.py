"""The application role: it adds to the ledger, and neither changes nor deletes what is written (I-02).

The tests take the role as jifen does and try what it must not be able to do, whoever wrote the statement.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg
import pytest

from jifen.db.connection import APPLICATION_ROLE, connect
from jifen.db.embedded import EmbeddedAddress
from jifen.db.roles import RIGHTS, RoleMissing
from jifen.services.database import DatabaseUnreachable, prepare
from tests.databases import fetch_sql, fresh_database, run_sql, with_database

FOREVER = ("movements", "transactions", "keys", "program_versions")


@pytest.mark.parametrize("table", [*FOREVER, "members", "installation", "wallets"])
@pytest.mark.parametrize("statement", ["DELETE FROM {}", "TRUNCATE {}", "UPDATE {} SET {} = {}"])
async def test_what_is_written_stays(database_url: str, table: str, statement: str) -> None:
    """I-02: the role has no right to change or delete these, not even a single column."""
    connection = await connect(database_url)
    try:
        column = await connection.fetchval(
            "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum = 1", table
        )
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement.format(table, column, column))
    finally:
        await connection.close()


@pytest.mark.parametrize("table", FOREVER)
@pytest.mark.parametrize("statement", ["DELETE FROM {}", "TRUNCATE {}", "UPDATE {} SET {} = {}"])
def test_even_the_owner_is_refused(database_url: str, table: str, statement: str) -> None:
    """I-02: a trigger refuses whoever is connected, also where there is no row to change."""
    query = "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum = 1"
    column = fetch_sql(database_url, query, table)[0][0]
    with pytest.raises(asyncpg.RestrictViolationError, match="append-only"):
        run_sql(database_url, statement.format(table, column, column))


async def test_the_schema_is_closed(database_url: str) -> None:
    """The role makes no tables and drops none: a mistake in jifen cannot change the schema."""
    connection = await connect(database_url)
    try:
        for statement in (
            "CREATE TABLE mine (value integer)",
            "DROP TABLE outbox",
            "ALTER TABLE lots DISABLE TRIGGER ALL",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
    finally:
        await connection.close()


def test_every_table_has_its_rights_stated(database_url: str) -> None:
    """A table that a later revision adds and nobody thinks of would be found by its first user only."""
    rows = fetch_sql(
        database_url,
        "SELECT relname::text, has_table_privilege($1, oid, 'SELECT') FROM pg_class "
        "WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v', 'p') AND relname <> 'alembic_version'",
        APPLICATION_ROLE,
    )
    assert {name for name, _ in rows} == set(RIGHTS)
    assert all(may_read for _, may_read in rows)


def test_rights_are_mended(database_url: str) -> None:
    """A database that was copied without its rights (pg_dump --no-privileges) gets them back at the next start."""
    run_sql(database_url, f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {APPLICATION_ROLE}")
    prepare(database_url)
    assert fetch_sql(database_url, f"SELECT has_table_privilege('{APPLICATION_ROLE}', 'movements', 'INSERT')") == [
        (True,)
    ]


@contextmanager
def other_owner(server: EmbeddedAddress, options: str) -> Iterator[str]:
    """The address of an empty database of another, ordinary user of the server."""
    name, password = f"owner_{secrets.token_hex(4)}", secrets.token_hex(8)
    run_sql(server.admin_url, f"CREATE ROLE {name} LOGIN {options} PASSWORD '{password}'")
    try:
        with fresh_database(server, "template1") as url:
            parts = urlsplit(url)
            run_sql(server.admin_url, f"ALTER DATABASE {parts.path[1:]} OWNER TO {name}")
            yield urlunsplit(parts._replace(netloc=f"{quote(name)}:{password}@"))
            run_sql(with_database(server.admin_url, parts.path[1:]), f"DROP OWNED BY {name}")
    finally:
        run_sql(server.admin_url, f"DROP ROLE {name}")


def test_an_owner_without_rights_learns_what_to_ask_for(database_server: EmbeddedAddress) -> None:
    """A database of yours: where the role cannot be taken, the message is what the administrator pastes."""
    with other_owner(database_server, "NOSUPERUSER") as url:
        with pytest.raises(RoleMissing) as refused:
            prepare(url)
        advice = refused.value.message.rpartition("(if it does not exist) ")[2]
        assert advice.startswith(f"GRANT {APPLICATION_ROLE} TO ")
        run_sql(database_server.admin_url, advice)
        prepare(url)
        assert fetch_sql(url, "SELECT shards FROM installation") == [(64,)]


def test_a_wrong_password_is_told_without_it(database_url: str) -> None:
    """The message names the address and hides the password."""
    parts = urlsplit(database_url)
    wrong = urlunsplit(parts._replace(netloc=f"{parts.username}:not-the-password@"))
    with pytest.raises(DatabaseUnreachable) as refused:
        prepare(wrong)
    assert "not-the-password" not in refused.value.message
    assert "password authentication failed" in refused.value.message
