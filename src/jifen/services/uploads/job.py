"""The process of an import that was asked for over HTTP: it looks the file through, or imports it, as `jifen import`
would on the command line."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any, Final

import msgspec

from jifen.db.connection import Connection, connect
from jifen.engine.engine import Engine
from jifen.engine.jobs import JobFailure, carry_out, failure_told, run_process
from jifen.services.chinese import chinese_of
from jifen.services.imports import Mapping, import_orders
from jifen.services.imports.people import BalanceMapping, import_balances, import_members
from jifen.services.imports.proposals import propose_mapping
from jifen.services.imports.recording import READING_SHARE, ImportInterrupted
from jifen.services.programs import current_program
from jifen.services.uploads.bounds import check_bounds
from jifen.services.uploads.imports import (
    AT_WORK,
    Import,
    end_check,
    end_run,
    fail_import,
    find_import,
    keep_mapping,
    tell_import,
)
from jifen.services.uploads.meaning import AnyMapping, read_mapping
from jifen.services.uploads.storage import Storage, storage_of
from jifen.settings import Settings

#: Fewer than the server's, which serves people meanwhile.
LANES: Final = 2
#: So many seconds an import that was stopped may take to end in good order.
PATIENCE_BEATS: Final = 5

_encode = msgspec.json.Encoder().encode


_STOPPED: Final = (
    "服务器在此期间已停止；请再次开始，会接着导入。",
    "The server was stopped meanwhile; start it again: it goes on from there.",
)


class _Pulse:
    """How far the work is: told by whatever works, read once a second by whoever writes it down. Of an end from outside
    the work learns when it tells, so that it ends in good order, also in a thread."""

    def __init__(self, rows: int) -> None:
        self._rows = rows
        self.percent = 0
        self.rows_done = 0
        self.is_ended = False

    def __call__(self, done: int, total: int) -> None:
        """Progress as imports tell it: reading, then recording. Raises ImportInterrupted."""
        if self.is_ended:
            raise ImportInterrupted("The import was stopped; what was recorded stays.")
        self.percent = 100 * done // total
        reading = total * READING_SHARE // 1_000
        self.rows_done = self._rows * max(0, done - reading) // (total - reading)


class _Work:
    """One import, from where it stands."""

    def __init__(self, url: str, job: Import, storage: Storage) -> None:
        self._url = url
        self._job = job
        self.file = storage.path(job.stored_as)
        self._rejects = storage.rejects(job.stored_as)
        self.pulse = _Pulse(job.rows_total)
        self._patience = PATIENCE_BEATS

    async def check(self) -> Any:
        """Look the file through."""
        await asyncio.to_thread(check_bounds, self.file)
        return await self._run(None, await self._mapping())

    async def record(self) -> Any:
        """Import the file."""
        engine = Engine(self._url, lanes=LANES)
        await engine.start()
        try:
            return await self._run(engine, read_mapping(self._job.kind, self._job.mapping or ""))
        finally:
            await engine.stop()

    async def tell(self, connection: Connection) -> bool:
        """Write down how far it is; False: it was stopped, and did not end by itself."""
        if await tell_import(connection, self._job, self.pulse.percent, self.pulse.rows_done):
            return True
        self.pulse.is_ended = True
        self._patience -= 1
        return self._patience >= 0

    async def _mapping(self) -> AnyMapping:
        job = self._job
        text = job.mapping
        if text is None:
            connection = await connect(self._url)
            try:
                program = await current_program(connection)
                document = None if program is None else program.document
                text = await asyncio.to_thread(propose_mapping, job.kind, self.file, program=document)
                await keep_mapping(connection, job, text)
            finally:
                await connection.close(timeout=5)
        return read_mapping(job.kind, text)

    async def _run(self, engine: Engine | None, mapping: AnyMapping) -> Any:
        # One that was stopped a moment ago may still be at its own.
        unfinished = self._rejects.with_name(f"{self._rejects.name}.{self._job.attempt}")
        try:
            summary = await self._import(engine, mapping, unfinished)
            unfinished.replace(self._rejects)
        finally:
            unfinished.unlink(missing_ok=True)
        return summary

    async def _import(self, engine: Engine | None, mapping: AnyMapping, rejects: Path) -> Any:
        url, file, name, pulse = self._url, self.file, self._job.file_name, self.pulse
        if isinstance(mapping, Mapping):
            return await import_orders(
                engine, url, file, mapping, dry_run=engine is None, rejects=rejects, called=name, progress=pulse
            )
        if isinstance(mapping, BalanceMapping):
            return await import_balances(engine, url, file, mapping, rejects=rejects, called=name, progress=pulse)
        return await import_members(engine, url, file, mapping, rejects=rejects, called=name, progress=pulse)


async def run_job(settings: Settings, number: int) -> None:
    """Do what an import waits for, and write down how it ended. Raises what the database raises."""
    # Rejects hold what the file holds.
    os.umask(0o077)
    url, storage = settings.database_url or "", storage_of(settings)
    connection = await connect(url)
    try:
        job = await find_import(connection, number)
        if job.status not in AT_WORK:
            return
        work = _Work(url, job, storage)
        found = await carry_out(
            work.check() if job.status == "checking" else work.record(),
            lambda: work.tell(connection),
        )
        work.pulse.is_ended = True
        if isinstance(found, JobFailure):
            code, message = failure_told(found, "import_lost", _STOPPED, chinese_of)
            # Messages name the file as whoever sent it does, and never where it lies.
            await fail_import(connection, job, code, message.replace(str(work.file), job.file_name))
            if found.cause is not None:
                raise found.cause
        elif job.status == "checking":
            await end_check(connection, job, _encode(found), found.lines if job.kind == "orders" else found.rows)
        elif await end_run(connection, job, _encode(found)):
            work.file.unlink(missing_ok=True)
    finally:
        await connection.close(timeout=5)


if __name__ == "__main__":
    run_process("import", run_job)
