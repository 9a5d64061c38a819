"""Where a database stands: one look that needs neither SQLAlchemy nor Alembic, so that most starts stay quick."""

from __future__ import annotations

import msgspec

from jifen.core.errors import JifenError
from jifen.db.connection import APPLICATION_ROLE, Connection
from jifen.db.migrations import REVISIONS

#: The oldest PostgreSQL that jifen runs on, as `server_version_num` counts.
OLDEST_SERVER = 170_000

_LOOK = """
SELECT current_setting('server_version_num')::integer AS server,
       current_user::text AS owner,
       to_regclass('alembic_version') IS NOT NULL AS has_versions,
       to_regclass('installation') IS NOT NULL AS has_installation,
       coalesce((SELECT pg_has_role(oid, 'SET') FROM pg_roles WHERE rolname = $1), false) AS may_take_role,
       coalesce((SELECT has_table_privilege(oid, to_regclass('movements'), 'INSERT')
                 FROM pg_roles WHERE rolname = $1), false) AS has_rights
"""


class DatabaseNewer(JifenError):
    """The database was made or changed by a newer jifen than this one."""

    code = "database_newer"


class ServerTooOld(JifenError):
    """The PostgreSQL server is older than jifen can use."""

    code = "postgresql_too_old"


class DatabaseState(msgspec.Struct, frozen=True):
    """Where a database stands. `revision` None: nothing of jifen's is there yet; `shards` None: not yet installed."""

    server: int
    owner: str
    revision: str | None
    shards: int | None
    may_take_role: bool
    has_rights: bool

    @property
    def is_ready(self) -> bool:
        """Whether nothing is left to do."""
        return self.revision == REVISIONS[-1] and self.may_take_role and self.has_rights and self.shards is not None


async def look(connection: Connection) -> DatabaseState:
    """Where the database of this connection stands.

    Raises:
        ServerTooOld, DatabaseNewer: this jifen cannot use it.
    """
    row = await connection.fetchrow(_LOOK, APPLICATION_ROLE)
    check_server(row["server"])
    revision = await connection.fetchval("SELECT version_num FROM alembic_version") if row["has_versions"] else None
    check_revision(revision)
    shards = await connection.fetchval("SELECT shards FROM installation") if row["has_installation"] else None
    return DatabaseState(row["server"], row["owner"], revision, shards, row["may_take_role"], row["has_rights"])


def check_server(version: int) -> None:
    """Refuse a server that is too old; `version` as `server_version_num` counts (170004 is 17.4).

    Raises:
        ServerTooOld: it is.
    """
    if version < OLDEST_SERVER:
        raise ServerTooOld(
            f"The database server is PostgreSQL {version // 10_000}; jifen needs {OLDEST_SERVER // 10_000} or newer. "
            "Name a newer one in JIFEN_DATABASE_URL, or leave it out and jifen runs its own.",
            message_zh=f"数据库是 PostgreSQL {version // 10_000}，jifen 需要 {OLDEST_SERVER // 10_000} 或更新的版本。"
            f"请在 JIFEN_DATABASE_URL 中指定更新的服务器，或不设置它，由 jifen 运行内置的。",
            found=version,
            needed=OLDEST_SERVER,
        )


def check_revision(revision: str | None) -> None:
    """Refuse a schema that this jifen does not know.

    Raises:
        DatabaseNewer: it comes from a newer one.
    """
    if revision is not None and revision not in REVISIONS:
        raise DatabaseNewer(
            f"The database has schema revision {revision}, this jifen knows up to {REVISIONS[-1]}: "
            "a newer jifen was here before. Install that version or a later one.",
            found=revision,
            known=REVISIONS[-1],
        )
