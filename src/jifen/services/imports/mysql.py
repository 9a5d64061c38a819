"""The rows of a query on a MySQL or MariaDB server, written as CSV as they come.

Every value is taken as the server writes it in text: decimals keep all their digits, and no number becomes a float.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec
import pymysql
from pymysql.constants import CR, FIELD_TYPE
from pymysql.converters import encoders
from pymysql.cursors import SSCursor

SCHEMES: Final = ("mysql", "mariadb")
_PORT: Final = 3306
_CONNECT_SECONDS: Final = 10
#: What may stand behind the question mark of an address.
_PARAMETERS: Final = ("unix_socket", "ssl_ca")
_DAYS: Final = (FIELD_TYPE.DATE, FIELD_TYPE.NEWDATE, FIELD_TYPE.DATETIME, FIELD_TYPE.TIMESTAMP)
_NO_DAY: Final = "0000-00-00"
_SHUTDOWN, _QUERY_INTERRUPTED, _CONNECTION_KILLED = 1053, 1317, 1927
#: MariaDB's and MySQL's own words for a statement that took too long.
_TOO_LONG: Final = (1969, 3024)
_ENDED: Final = (
    CR.CR_SERVER_LOST,
    CR.CR_SERVER_GONE_ERROR,
    _SHUTDOWN,
    _QUERY_INTERRUPTED,
    _CONNECTION_KILLED,
    *_TOO_LONG,
)


class NoRows(Exception):
    """What the server was asked, or what it answered, are no rows of text."""


class ServerLeft(Exception):
    """The rows stopped coming before the last one."""


class Place(msgspec.Struct, frozen=True):
    """Where a database is, and who asks."""

    host: str
    port: int
    user: str
    password: bytes
    database: str | None = None
    unix_socket: str | None = None
    ssl_ca: str | None = None

    def __repr__(self) -> str:
        return f"Place({self.host}:{self.port}/{self.database})"


class _Rows(SSCursor):
    """Rows as they come."""

    def abandon(self) -> None:
        """Read no more; otherwise all that is left would be read to be thrown away."""
        result = getattr(self, "_result", None)
        if result is not None:
            result.unbuffered_active = False


def place_of(url: str) -> Place:
    """What an address says. Raises ValueError without repeating the address, which holds a password."""
    parts = urlsplit(url)
    parameters = dict(parse_qsl(parts.query, keep_blank_values=True))
    unknown = [name for name in parameters if name not in _PARAMETERS]
    if unknown:
        raise ValueError(f"the address has the parameter {unknown[0]!r}; known are {', '.join(_PARAMETERS)}")
    return Place(
        parts.hostname or "localhost",
        parts.port or _PORT,
        unquote(parts.username or ""),
        unquote(parts.password or "").encode(),
        unquote(parts.path.lstrip("/")) or None,
        **parameters,
    )


def copy_mysql_query(url: str, query: str, target: Path, limit_seconds: int) -> None:
    """Write the rows of a query as CSV with a header. It can change nothing, and takes so many seconds at most.

    Raises:
        ValueError, NoRows, pymysql.MySQLError, OSError: nothing can be had.
        ServerLeft: the rows stopped in the middle.
    """
    with _session(place_of(url), limit_seconds) as session, target.open("w", encoding="utf-8", newline="") as file:
        rows = _Rows(session)
        try:
            rows.execute(query)
            if rows.description is None:
                raise NoRows("it gives no rows; write a SELECT")
            names = [column[0] for column in rows.description]
            kinds = [int(column[1]) for column in rows.description]
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(names)
            writer.writerows(_texts(row, kinds, names) for row in rows)
        except pymysql.MySQLError as error:
            if error.args and error.args[0] in _ENDED:
                raise ServerLeft(_ending(error, limit_seconds)) from None
            raise
        finally:
            rows.abandon()


@contextmanager
def _session(place: Place, limit_seconds: int) -> Iterator[pymysql.Connection[Any]]:
    """A session that reads one state of the database and cannot change it."""
    try:
        session = pymysql.connect(**_options(place, limit_seconds))
    except RuntimeError as error:
        # The driver's way to say what a way to log in would need.
        raise NoRows(f"{error}; connect with TLS or over a socket") from None
    try:
        with session.cursor() as cursor:
            cursor.execute("SELECT lower(version())")
            if "mariadb" in str((cursor.fetchone() or ("",))[0]):
                cursor.execute(f"SET SESSION max_statement_time = {limit_seconds:d}")
            else:
                cursor.execute(f"SET SESSION max_execution_time = {limit_seconds * 1_000:d}")
            # The session as well: statements such as DROP TABLE end a transaction before they begin.
            cursor.execute("SET SESSION TRANSACTION READ ONLY")
            cursor.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
        yield session
    finally:
        if session.open:
            session.close()


def _options(place: Place, limit_seconds: int) -> dict[str, Any]:
    is_verified = None if place.ssl_ca is None else True
    return {
        **msgspec.structs.asdict(place),
        "ssl_verify_cert": is_verified,
        "ssl_verify_identity": is_verified,
        "charset": "utf8mb4",
        "connect_timeout": _CONNECT_SECONDS,
        "read_timeout": limit_seconds + _CONNECT_SECONDS,
        # Without converters every value stays the text that the server sends.
        "conv": dict(encoders),
        "program_name": "jifen",
    }


def _texts(row: Sequence[str | bytes | None], kinds: Sequence[int], names: Sequence[str]) -> list[str]:
    return [_text(value, kind, name) for value, kind, name in zip(row, kinds, names, strict=True)]


def _text(value: str | bytes | None, kind: int, name: str) -> str:
    """A value as text. A day that MySQL writes as none is none; bits are a number."""
    if value is None:
        return ""
    if isinstance(value, str):
        return "" if kind in _DAYS and value.startswith(_NO_DAY) else value
    if kind == FIELD_TYPE.BIT:
        return str(int.from_bytes(value))
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise NoRows(f"the column {name!r} holds bytes that are no text; ask for HEX({name})") from None


def _ending(error: pymysql.MySQLError, limit_seconds: int) -> str:
    if error.args[0] in _TOO_LONG:
        return f"it took longer than {limit_seconds} seconds"
    return "the connection ended in the middle"
