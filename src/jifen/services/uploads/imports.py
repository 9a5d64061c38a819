"""Imports that were asked for over HTTP: looked through first, begun when somebody has seen the report, stopped, begun
again. What is known of them stands in a table, so that any worker can answer; a process of its own does the work."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar, Final, Literal

import asyncpg
import msgspec

from jifen.core.errors import JifenError
from jifen.db.connection import Connection
from jifen.db.queries import load_queries
from jifen.engine.jobs import launch
from jifen.services.imports.proposals import Kind
from jifen.services.uploads.storage import Storage

Status = Literal["uploaded", "checking", "checked", "running", "done", "failed", "stopped"]

AT_WORK: Final = ("checking", "running")
#: A process says every second that it is there.
LOST_SECONDS: Final = 20
#: So many files may wait to be imported: whoever sends more has forgotten some.
MOST_STORED: Final = 50
#: The process of one, as it is launched.
MODULE: Final = "jifen.services.uploads.job"
LARGEST_NUMBER: Final = 2**63 - 1

_SQL: Final = load_queries("imports")
_LOST: Final = (
    "执行导入的进程已不在，已入账的保留；请再次开始，会接着导入。 / "
    "The process that was at work is gone; what it recorded stays. Begin again: it goes on from there."
)


class UnknownImport(JifenError):
    """There is no such import."""

    code: ClassVar[str] = "unknown_import"


class ImportRunning(JifenError):
    """This import or another is at work: one at a time for an installation."""

    code: ClassVar[str] = "import_running"


class ImportNotChecked(JifenError):
    """The file was not looked through with this mapping yet."""

    code: ClassVar[str] = "import_not_checked"


class ImportOver(JifenError):
    """The import is done, or its file was deleted: there is nothing to begin."""

    code: ClassVar[str] = "import_over"


class TooManyUploads(JifenError):
    """Too many files wait to be imported."""

    code: ClassVar[str] = "too_many_uploads"


class Import(msgspec.Struct, frozen=True):
    """What is known of an import. `report` is what looking through the file gave, `result` what importing it did."""

    id: int
    uploaded_at: datetime
    uploaded_by: str
    kind: Kind
    file_name: str
    file_bytes: int
    stored_as: str
    kept_until: datetime
    file_deleted_at: datetime | None
    mapping: str | None
    is_proposed: bool
    status: Status
    attempt: int
    percent: int
    rows_done: int
    rows_total: int
    started_at: datetime | None
    started_by: str | None
    ended_at: datetime | None
    report: dict[str, Any] | None
    result: dict[str, Any] | None
    error_code: str | None
    error: str | None


async def check_room(connection: Connection) -> None:
    """Raise TooManyUploads where no further file is taken."""
    if await connection.fetchval(_SQL["count_stored"]) >= MOST_STORED:
        message = f"{MOST_STORED} uploaded files wait to be imported; delete those that are not needed."
        raise TooManyUploads(message, limit=MOST_STORED)


class Upload(msgspec.Struct, frozen=True):
    """A file that was stored, and what was said of it. `mapping` None: one is to be proposed."""

    kind: Kind
    file_name: str
    file_bytes: int
    stored_as: str
    mapping: str | None


async def add_import(connection: Connection, uploaded_by: str, upload: Upload, days: int) -> Import:
    """Note a file that was stored and is kept for so many days, and have it looked through unless another import is at
    work."""
    values = (upload.kind, upload.file_name, upload.file_bytes, upload.stored_as, days, upload.mapping)
    number = await connection.fetchval(_SQL["add_import"], uploaded_by, *values)
    try:
        return await check_import(connection, number)
    except ImportRunning:
        return await find_import(connection, number)


async def check_import(connection: Connection, number: int, mapping: str | None = None) -> Import:
    """Have a file looked through: as a rehearsal, without recording anything.

    Raises:
        UnknownImport, ImportRunning, ImportOver.
    """
    return await _begin(connection, number, "begin_check", mapping)


async def start_import(connection: Connection, number: int, started_by: str) -> Import:
    """Have a file imported that was looked through; one that was stopped, or whose process died, goes on.

    Raises:
        UnknownImport, ImportRunning, ImportNotChecked, ImportOver.
    """
    return await _begin(connection, number, "begin_run", started_by)


async def stop_import(connection: Connection, number: int) -> Import:
    """Stop what is at work; one that is not stays as it is. What was recorded stays. Raises UnknownImport."""
    await connection.execute(_SQL["stop_import"], number)
    return await find_import(connection, number)


async def delete_file(connection: Connection, storage: Storage, number: int) -> Import:
    """Delete the file and its rejects; what is known of the import stays.

    Raises:
        UnknownImport; ImportRunning: stop it first.
    """
    stored_as = await connection.fetchval(_SQL["note_deleted"], number)
    found = await find_import(connection, number)
    if stored_as is None:
        raise ImportRunning(f"The import {number} is at work; stop it first.")
    storage.delete([stored_as])
    return found


async def delete_outdated(connection: Connection, storage: Storage, days: int) -> None:
    """Delete files that nobody imported for so many days, and the rejects of those that were."""
    rows = await connection.fetch(_SQL["note_outdated"])
    storage.delete(row["stored_as"] for row in rows)
    storage.sweep(days)


async def find_import(connection: Connection, number: int) -> Import:
    """What is known of an import. Raises UnknownImport."""
    row = await connection.fetchrow(_SQL["find_import"], number, LOST_SECONDS)
    if row is None:
        # What is no number at all is asked for as 0.
        raise UnknownImport(f"There is no import {number}." if number else "There is no import of this name.")
    return _import(row)


async def list_imports(connection: Connection, *, before: int = LARGEST_NUMBER, limit: int = 50) -> list[Import]:
    """Imports before a number, the newest first."""
    return [_import(row) for row in await connection.fetch(_SQL["list_imports"], before, limit, LOST_SECONDS)]


async def _begin(connection: Connection, number: int, query: str, *values: str | None) -> Import:
    await connection.execute(_SQL["give_up_lost"], LOST_SECONDS, _LOST)
    try:
        begun = await connection.fetchval(_SQL[query], number, *values)
    except asyncpg.UniqueViolationError:
        raise ImportRunning("Another import is at work; wait for it, or stop it.") from None
    found = await find_import(connection, number)
    if begun is None:
        raise _why_not(found)
    await launch(MODULE, number)
    return found


def _why_not(found: Import) -> JifenError:
    if found.status in AT_WORK:
        return ImportRunning(f"The import {found.id} is at work already.")
    if found.status == "done":
        return ImportOver(f"The import {found.id} is done; send the file again to import it once more.")
    if found.file_deleted_at is not None:
        return ImportOver(f"The file of the import {found.id} was deleted; send it again.")
    return ImportNotChecked(f"The file of the import {found.id} was not looked through yet: have it checked first.")


# --- what its process says ---


async def tell_import(connection: Connection, job: Import, percent: int, rows_done: int) -> bool:
    """Say that the process is there, and how far it is; False: it was stopped."""
    return await connection.fetchrow(_SQL["tell_import"], job.id, job.attempt, percent, rows_done) is not None


async def keep_mapping(connection: Connection, job: Import, mapping: str) -> None:
    """Keep the mapping that was proposed."""
    await connection.execute(_SQL["keep_mapping"], job.id, job.attempt, mapping)


async def end_check(connection: Connection, job: Import, report: bytes, rows: int) -> None:
    """Keep the report."""
    await connection.execute(_SQL["end_check"], job.id, job.attempt, report.decode(), rows)


async def end_run(connection: Connection, job: Import, result: bytes) -> bool:
    """Keep what the import did; False: it was stopped meanwhile, and its file is still needed."""
    return await connection.fetchrow(_SQL["end_run"], job.id, job.attempt, result.decode()) is not None


async def fail_import(connection: Connection, job: Import, code: str, message: str) -> None:
    """Write down why it could not go on."""
    await connection.execute(_SQL["fail_import"], job.id, job.attempt, code, message)


def _import(row: Any) -> Import:
    values = {name: row[name] for name in Import.__struct_fields__}
    for name in ("report", "result"):
        values[name] = None if row[name] is None else msgspec.json.decode(row[name])
    if row["is_lost"]:
        values |= {"status": "failed", "ended_at": row["seen_at"], "error_code": "import_lost", "error": _LOST}
    return Import(**values)
