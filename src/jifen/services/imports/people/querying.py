"""The rows of a query on the database of another system, as a file that is imported like any other."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from asyncpg import InterfaceError, PostgresError

from jifen.core.errors import JifenError
from jifen.db.connection import copy_query
from jifen.settings import hide_passwords

#: Names the database; not one of jifen's own settings, and never on the command line, where passwords are seen.
URL_VARIABLE: Final = "IMPORT_DATABASE_URL"


class QueryFailed(JifenError):
    """The query gives no rows that can be imported: there is no such database, or it refuses."""

    code = "import_query_failed"


@contextmanager
def queried(query: str) -> Iterator[Path]:
    """A file with the rows of a query, for a while. Raises QueryFailed."""
    url = os.environ.get(URL_VARIABLE, "")
    if not url.startswith(("postgresql://", "postgres://")):
        message = f"Set {URL_VARIABLE} to the database that the query is for (postgresql://...)."
        raise QueryFailed(message)
    with TemporaryDirectory(prefix="jifen-import-") as folder:
        file = Path(folder) / "query.csv"
        try:
            asyncio.run(copy_query(url, query.strip().rstrip(";"), file))
        except (OSError, ValueError, PostgresError, InterfaceError) as error:
            reason = hide_passwords(" ".join(str(error).split())) or type(error).__name__
            raise QueryFailed(f"The query failed: {reason}.") from None
        yield file
