"""The database that jifen works on: its own embedded one or yours, brought up to date before anything uses it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import asyncpg

from jifen.core.errors import JifenError
from jifen.core.system_words import system_words
from jifen.db.connection import Connection
from jifen.db.embedded import default_data_folder, use
from jifen.db.migrations.state import DatabaseState, look
from jifen.db.roles import ensure_role
from jifen.settings import Settings, hide_passwords

DEFAULT_SHARDS: Final = 64
MOST_SHARDS: Final = 4096


class DatabaseUnreachable(JifenError):
    """No connection to the database."""

    code = "database_unreachable"


class ShardsFixed(JifenError):
    """The number of shards cannot be what was asked for: it is chosen once, when the database is made."""

    code = "shards_fixed"


@contextmanager
def database(settings: Settings, *, shards: int | None = None) -> Iterator[str]:
    """The URL of a database that is ready for use, for the duration of the `with`.

    Yours where the settings name one, else the embedded server of the data folder, started if need be. `shards` is
    for a database that is made now (None: 64).

    Raises:
        EmbeddedError: the embedded server cannot run; and what `prepare` raises.
    """
    if settings.database_url is not None:
        prepare(settings.database_url, shards)
        yield settings.database_url
        return
    with use(settings.data or default_data_folder()) as address:
        prepare(address.url, shards)
        yield address.url


def prepare(url: str, shards: int | None = None) -> None:
    """Bring a database up to date: role, schema, rights, installation. Quick where nothing is to be done.

    Raises:
        DatabaseUnreachable: no connection.
        ServerTooOld, DatabaseNewer, ShardsFixed: this database and this jifen or this wish do not fit together.
        RoleMissing, MigrationFailed: the user of the URL may not, or the database refused; nothing was changed.
    """
    asyncio.run(_prepare(url, shards))


async def _prepare(url: str, shards: int | None) -> None:
    if shards is not None and not 1 <= shards <= MOST_SHARDS:
        raise ShardsFixed(
            f"{shards} shards are not possible; choose 1 to {MOST_SHARDS}.",
            message_zh=f"不能是 {shards} 个；请选 1 至 {MOST_SHARDS}。",
            asked=shards,
        )
    connection = await _connect_as_owner(url)
    try:
        state = await look(connection)
        _check_shards(state, shards)
        if state.is_ready:
            return
        await ensure_role(connection, state.owner)
    finally:
        await connection.close(timeout=5)
    from jifen.db.migrations.upgrade import upgrade

    await upgrade(url, shards=shards or DEFAULT_SHARDS)


async def _connect_as_owner(url: str) -> Connection:
    try:
        connection: Connection = await asyncpg.connect(url, timeout=10, server_settings={"application_name": "jifen"})
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError, TimeoutError) as error:
        reason = hide_passwords(str(error)) or "it did not answer in time"
        address = hide_passwords(url)
        raise DatabaseUnreachable(
            f"The database {address} cannot be reached: {reason}. Check the address, user and password.",
            message_zh=f"{address}，{_reason_in_chinese(error)}；请检查地址、用户和密码。",
        ) from error
    return connection


#: By SQLSTATE, what PostgreSQL says when it lets nobody in.
_REASONS: Final = {
    "28P01": "密码不对",
    "28000": "不允许这个用户登录",
    "3D000": "没有这个数据库",
    "53300": "连接过多",
    "57P03": "PostgreSQL 正在启动",
}


def _reason_in_chinese(error: Exception) -> str:
    if isinstance(error, OSError):
        return system_words(error)[0]
    if isinstance(error, ValueError):
        return "地址写法不对"
    state = getattr(error, "sqlstate", None)
    return _REASONS.get(str(state)) or f"PostgreSQL 拒绝连接（{state or type(error).__name__}）"


def _check_shards(state: DatabaseState, asked: int | None) -> None:
    if asked is not None and state.shards not in (None, asked):
        raise ShardsFixed(
            f"The database was made with {state.shards} shards and cannot be given {asked}; "
            "start with a new database to have another number.",
            message_zh=f"这个数据库有 {state.shards} 个，不能改为 {asked} 个；要用另一个数目，请新建数据库。",
            found=state.shards,
            asked=asked,
        )
