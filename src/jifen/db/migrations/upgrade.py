"""Running the missing revisions. Imports Alembic and SQLAlchemy: only when there is something to do."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import asyncpg
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from jifen.core.errors import JifenError
from jifen.db.locking import LOCK_FOR_ONE
from jifen.db.migrations.driver import run_on_driver
from jifen.db.migrations.state import check_revision
from jifen.db.roles import grant_script

#: "jifen" in ASCII: the advisory lock under which one process at a time changes the schema.
MIGRATION_LOCK: Final = 0x6A6966656E
#: How long to wait while another process migrates. Only then begin the limits for our own statements.
WAIT_FOR_OTHERS = "15min"
LOCK_TIMEOUT = "10s"
STATEMENT_TIMEOUT = "30min"


class MigrationFailed(JifenError):
    """The schema could not be made or changed; nothing of it was."""

    code = "migration_failed"


async def upgrade(url: str, *, to: str = "head", shards: int) -> None:
    """Bring the schema to a revision, grant the rights, and write the installation down: all of it or nothing.

    Raises:
        MigrationFailed: the database refused; the message says what.
    """
    engine = create_async_engine(
        "postgresql+asyncpg://",
        async_creator=lambda: asyncpg.connect(url, timeout=10, server_settings={"application_name": "jifen migrate"}),
        poolclass=NullPool,
    )
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_upgrade, to, shards)
    except (asyncpg.PostgresError, OSError) as error:
        raise _failure(error) from error
    except Exception as error:
        cause = getattr(error, "orig", None)
        if cause is None:
            raise
        raise _failure(cause) from error
    finally:
        await engine.dispose()


def _upgrade(connection: Connection, to: str, shards: int) -> None:
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{WAIT_FOR_OTHERS}'")
    connection.exec_driver_sql(f"SET LOCAL statement_timeout = '{WAIT_FOR_OTHERS}'")
    connection.exec_driver_sql(LOCK_FOR_ONE, (MIGRATION_LOCK,))
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
    connection.exec_driver_sql(f"SET LOCAL statement_timeout = '{STATEMENT_TIMEOUT}'")
    _check_again(connection)
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, to)
    if to != "head":
        return
    schema = connection.exec_driver_sql("SELECT current_schema()").scalar_one()
    run_on_driver(connection, grant_script(schema))
    connection.exec_driver_sql("INSERT INTO installation (shards) VALUES ($1) ON CONFLICT DO NOTHING", (shards,))


def _check_again(connection: Connection) -> None:
    """A newer jifen may have been the one we waited for."""
    if connection.exec_driver_sql("SELECT to_regclass('alembic_version') IS NOT NULL").scalar_one():
        check_revision(connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar())


def _failure(cause: BaseException) -> MigrationFailed:
    text = str(getattr(cause, "__cause__", None) or cause).strip().splitlines()[0]
    advice_zh, advice = "", ""
    if "permission denied" in text:
        advice_zh = "JIFEN_DATABASE_URL 中的用户须是数据库的所有者（ALTER DATABASE ... OWNER TO ...）。"
        advice = "; the user of JIFEN_DATABASE_URL must own the database (ALTER DATABASE ... OWNER TO ...)"
    return MigrationFailed(
        f"The database schema could not be brought up to date: {text}{advice}. Nothing was changed.",
        message_zh=f"PostgreSQL 说：“{text}”。{advice_zh}",
    )
