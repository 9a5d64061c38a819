"""The rows of a query on the database of another system, as a file that is imported like any other."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from asyncpg import InterfaceError, PostgresError

from jifen.core.errors import JifenError
from jifen.db.connection import CopyCutOff, copy_query
from jifen.settings import hide_passwords

#: Names the database; not one of jifen's own settings, and never on the command line, where passwords are seen.
URL_VARIABLE: Final = "IMPORT_DATABASE_URL"
#: So long a query may take, its rows included.
QUERY_LIMIT_SECONDS: Final = 3_600
_POSTGRESQL: Final = ("postgresql", "postgres")
_MYSQL: Final = ("mysql", "mariadb")


class QueryFailed(JifenError):
    """The query gives no rows that can be imported: there is no such database, or it refuses."""

    code = "import_query_failed"


class QueryInterrupted(JifenError):
    """The rows of a query stopped coming in the middle, so that none was imported. Run the same import again."""

    code = "import_query_interrupted"


@contextmanager
def queried(query: str, *, limit_seconds: int = QUERY_LIMIT_SECONDS) -> Iterator[Path]:
    """A file with the rows of a query, for a while; it is whole, or there is none.

    Raises:
        QueryFailed: there is no such database, or it does not take the query.
        QueryInterrupted: the rows stopped in the middle, or took too long.
    """
    url = os.environ.get(URL_VARIABLE, "")
    scheme = url.partition("://")[0].lower()
    if scheme not in (*_POSTGRESQL, *_MYSQL) or "://" not in url:
        raise QueryFailed(
            f"Set {URL_VARIABLE} to the database that the query is for (postgresql://..., mysql://... or mariadb://...).",
            message_zh=f"请把环境变量 {URL_VARIABLE} 设为要查询的数据库（postgresql://...、mysql://... 或 mariadb://...）。",
        )
    copy = _from_postgresql if scheme in _POSTGRESQL else _from_mysql
    with TemporaryDirectory(prefix="jifen-import-") as folder:
        file = Path(folder) / "query.csv"
        copy(url, query.strip().rstrip(";"), file, limit_seconds)
        yield file


Copy = Callable[[str, str, Path, int], None]


def _from_postgresql(url: str, query: str, file: Path, limit_seconds: int) -> None:
    try:
        asyncio.run(copy_query(url, query, file, limit_seconds))
    except CopyCutOff as error:
        raise _interrupted(str(error)) from None
    except (OSError, ValueError, PostgresError, InterfaceError) as error:
        raise _failed(str(error), error) from None


def _from_mysql(url: str, query: str, file: Path, limit_seconds: int) -> None:
    from pymysql import MySQLError

    from jifen.services.imports.mysql import NoRows, ServerLeft, copy_mysql_query

    try:
        copy_mysql_query(url, query, file, limit_seconds)
    except ServerLeft as error:
        raise _interrupted(str(error)) from None
    except MySQLError as error:
        # The number of the error and its words.
        raise _failed(str(error.args[-1] if error.args else error), error) from None
    except (OSError, ValueError, NoRows) as error:
        raise _failed(str(error), error) from None


def _failed(reason: str, error: Exception) -> QueryFailed:
    reason = hide_passwords(" ".join(reason.split())) or type(error).__name__
    reason = reason.rstrip(".")
    return QueryFailed(f"The query failed: {reason}.", message_zh=f"数据库的回答是“{reason}”。")


def _interrupted(reason: str) -> QueryInterrupted:
    return QueryInterrupted(
        f"The rows of the query are not whole: {reason}. None was imported; run the same import again.",
        message_zh=f"{reason}。",
    )
