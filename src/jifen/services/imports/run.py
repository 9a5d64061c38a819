"""One import from beginning to end: read, match, record, report."""

from __future__ import annotations

import asyncio
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

from jifen.core.errors import JifenError
from jifen.core.program import Program
from jifen.db.connection import connect
from jifen.services.imports.booked import learn_booked
from jifen.services.imports.faults import RowFault
from jifen.services.imports.mapping import Mapping
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
from jifen.services.imports.rows import FileLine, RowReader
from jifen.services.imports.staging import Staging
from jifen.services.imports.tables import Table
from jifen.services.imports.threads import Threads
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
    threads = Threads(progress)
    if rejects is not None:
        check_writable(rejects)
    shards, program = await _surroundings(url, mapping)
    summary = ImportSummary(dry_run=dry_run or engine is None)
    with (
        await asyncio.to_thread(Table, file, mapping.file, mapping.sheet, mapping.header_row) as table,
        TemporaryDirectory(prefix="jifen-import-") as folder,
        closing(Staging(Path(folder) / "staging.sqlite", program.document.phone_region)) as staging,
    ):
        summary.lines = await threads.run(_Reading(staging, table, mapping, threads).run)
        await _learn_booked(url, shards, staging)
        await threads.run(match_returns, staging)
        summary.hidden, summary.other_sheets = table.hidden, table.other_sheets
        recording = Recording(staging, mapping.source, summary, threads)
        if dry_run or engine is None:
            await _rehearse(url, shards, program, recording)
        else:
            await recording.run(engine)
        if rejects is not None:
            await threads.run(write_rejects, rejects, called or file.name, staging.rejects(), table.rows())
    threads(PROGRESS_TOTAL, PROGRESS_TOTAL)
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
            "set $.currency of the mapping, or import into the database of another program.",
            message_zh=f"映射中的订单为 {mapping.currency}，积分计划为 {program.document.currency}；"
            "请改写映射的 $.currency，或导入另一积分计划的数据库。",
        )
    return shards, program


async def _learn_booked(url: str, shards: int, staging: Staging) -> None:
    """Ask the ledger what the returns of the file have given back before."""
    connection = await connect(url)
    try:
        await learn_booked(connection, shards, staging)
    finally:
        await connection.close()


async def _rehearse(url: str, shards: int, program: Program, recording: Recording) -> None:
    connection = await connect(url)
    try:
        await recording.run(Rehearsal(connection, shards, program), streams=1, by_member=True)
    finally:
        await connection.close()


class _Reading:
    """Brings the file's lines into the staging database."""

    def __init__(self, staging: Staging, table: Table, mapping: Mapping, progress: Progress) -> None:
        """Raises WrongColumns."""
        self._staging = staging
        self._table = table
        self._progress = progress
        self._reader = RowReader(mapping, table.header, table.file)

    def run(self) -> int:
        """Read everything; how many lines the file has."""
        size_bytes = max(1, self._table.file.stat().st_size)

        def tell(read_bytes: int) -> None:
            self._progress(min(READING_SHARE, READING_SHARE * read_bytes // size_bytes), PROGRESS_TOTAL)

        count = 0
        for line_number, fields in self._table.rows(tell):
            self._take(self._reader, line_number, fields)
            count += 1
        self._staging.end_reading()
        return count

    def _take(self, reader: RowReader, line_number: int, fields: list[str] | None) -> None:
        if fields is None:
            self._staging.reject(Reject(line_number, "", "malformed_line"))
            return
        try:
            line = reader.read(fields)
            if line.member is None:
                self._staging.add_guest(line)
                return
            self._keep(line_number, line, line.member)
        except RowFault as fault:
            field = reader.columns.get(fault.field, fault.field)
            self._staging.reject(Reject(line_number, field, fault.code, fault.detail))
            order_id = reader.order_id_of(fields)
            if order_id is not None:
                self._staging.mark_bad(order_id)

    def _keep(self, line_number: int, line: FileLine, identity: str) -> None:
        if not self._staging.add_line(line_number, line, identity):
            raise RowFault("member", "member_differs", identity)
