"""One import from beginning to end: read, match, record, report."""

from __future__ import annotations

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

from jifen.core.errors import JifenError
from jifen.core.program import Program
from jifen.db.connection import connect
from jifen.services.imports.mapping import Mapping
from jifen.services.imports.reading import find_encoding, read_rows, unreadable_file
from jifen.services.imports.recording import (
    PROGRESS_TOTAL,
    READING_SHARE,
    ImportSummary,
    Progress,
    Recorder,
    Recording,
)
from jifen.services.imports.rehearsal import Rehearsal
from jifen.services.imports.rejects import Reject, check_writable, write_rejects
from jifen.services.imports.returns import match_returns
from jifen.services.imports.rows import FileLine, RowFault, RowReader
from jifen.services.imports.staging import Staging
from jifen.services.programs import current_program


class NothingToImportInto(JifenError):
    """There is no program yet that could rate the orders."""

    code = "no_program"


class OtherCurrency(JifenError):
    """The file's currency is not the program's."""

    code = "currency_mismatch"


def _no_progress(done: int, total: int) -> None:
    """Nobody watches."""


async def import_orders(
    engine: Recorder | None,
    url: str,
    file: Path,
    mapping: Mapping,
    *,
    dry_run: bool = False,
    rejects: Path | None = None,
    called: str | None = None,
    progress: Progress = _no_progress,
) -> ImportSummary:
    """Record the orders and returns of a file, each once however often the file is imported. `called`: what the rejects
    call the file; none: by its own name. Without an engine it is a dry run.

    Raises:
        UnreadableFile, WrongColumns: the file is not what the mapping says; nothing was recorded.
        RejectsNotWritten, NothingToImportInto, OtherCurrency: before anything was recorded.
        ImportInterrupted: the database went away; run the same import again.
    """
    started = monotonic()
    if rejects is not None:
        check_writable(rejects)
    shards, program = await _surroundings(url, mapping)
    summary = ImportSummary(dry_run=dry_run or engine is None)
    with TemporaryDirectory(prefix="jifen-import-") as folder:
        staging = Staging(Path(folder) / "staging.sqlite")
        try:
            reading = _Reading(staging, file, mapping, progress)
            summary.lines = await asyncio.to_thread(reading.run)
            recording = Recording(staging, mapping.source, summary, progress)
            if dry_run or engine is None:
                await _rehearse(url, shards, program, recording)
            else:
                await recording.run(engine)
            if rejects is not None:
                rows = read_rows(file, mapping.file, reading.encoding)
                await asyncio.to_thread(write_rejects, rejects, called or file.name, staging.rejects(), rows)
        finally:
            staging.close()
    progress(PROGRESS_TOTAL, PROGRESS_TOTAL)
    summary.seconds = round(monotonic() - started, 3)
    return summary


async def _surroundings(url: str, mapping: Mapping) -> tuple[int, Program]:
    connection = await connect(url)
    try:
        shards: int = await connection.fetchval("SELECT shards FROM installation")
        program = await current_program(connection)
    finally:
        await connection.close()
    if program is None:
        raise NothingToImportInto("There is no program yet: apply one with `jifen program apply FILE`.")
    if mapping.columns.currency is None and mapping.currency != program.document.currency:
        raise OtherCurrency(
            f"The mapping's orders are in {mapping.currency} and the program counts in {program.document.currency}: "
            "set $.currency of the mapping, or import into the database of another program."
        )
    return shards, program


async def _rehearse(url: str, shards: int, program: Program, recording: Recording) -> None:
    connection = await connect(url)
    try:
        await recording.run(Rehearsal(connection, shards, program), streams=1, by_member=True)
    finally:
        await connection.close()


class _Reading:
    """Brings the file's lines into the staging database."""

    def __init__(self, staging: Staging, file: Path, mapping: Mapping, progress: Progress) -> None:
        self._staging = staging
        self._file = file
        self._mapping = mapping
        self._progress = progress
        self.columns: dict[str, str] = {}
        self.encoding = ""

    def run(self) -> int:
        """Read everything and match the returns; how many lines the file has."""
        self.encoding = find_encoding(self._file, self._mapping.file.encoding)
        size_bytes = max(1, self._file.stat().st_size)

        def tell(read_bytes: int) -> None:
            self._progress(min(READING_SHARE, READING_SHARE * read_bytes // size_bytes), PROGRESS_TOTAL)

        rows = read_rows(self._file, self._mapping.file, self.encoding, progress=tell)
        _, header = next(rows, (0, None))
        if header is None:
            zh, en = "是空的；第一行须为列名", "is empty; the first line must name the columns"
            raise unreadable_file(self._file, zh, en)
        reader = RowReader(self._mapping, header)
        self.columns = reader.columns
        count = 0
        for line_number, fields in rows:
            self._take(reader, line_number, fields)
            count += 1
        self._staging.end_reading()
        match_returns(self._staging)
        return count

    def _take(self, reader: RowReader, line_number: int, fields: list[str] | None) -> None:
        if fields is None:
            self._staging.reject(Reject(line_number, "", "malformed_csv"))
            return
        try:
            line = reader.read(fields)
            if line.member is None:
                self._staging.add_guest(line)
                return
            self._keep(line_number, line, line.member)
        except RowFault as fault:
            field = self.columns.get(fault.field, fault.field)
            self._staging.reject(Reject(line_number, field, fault.code, fault.detail))
            order_id = reader.order_id_of(fields)
            if order_id is not None:
                self._staging.mark_bad(order_id)

    def _keep(self, line_number: int, line: FileLine, identity: str) -> None:
        if not self._staging.add_line(line_number, line, identity):
            raise RowFault("member", "member_differs", identity)
