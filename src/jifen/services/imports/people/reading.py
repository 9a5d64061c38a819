"""What holds for every file of people: whose it is (its digest), where its columns stand, and its rejects."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from jifen.core.program import Program
from jifen.db.connection import connect
from jifen.services.imports.mapping import FileShape
from jifen.services.imports.rejects import Reject, write_rejects
from jifen.services.imports.run import NothingToImportInto
from jifen.services.imports.tables import Table, columns_at
from jifen.services.programs import current_program

_CHUNK_BYTES = 1 << 20
#: So many rejects are kept to be written; what is beyond is counted.
MOST_REJECTS = 100_000


class PeopleFile:
    """A file with its columns. Raises UnreadableFile."""

    def __init__(self, file: Path, shape: FileShape, sheet: str | None, columns: Sequence[str]) -> None:
        self.table = Table(file, shape, sheet)
        self.place = columns_at(self.table.header, columns, file)
        #: Part of the keys: the same file again changes nothing, however it is called.
        self.digest = _digest(file)
        self.rejects: list[Reject] = []
        self.rejected = 0

    def reject(self, line: int, field: str, code: str, detail: str = "", message: str = "") -> None:
        """Keep why a row was not taken."""
        self.rejected += 1
        if len(self.rejects) < MOST_REJECTS:
            self.rejects.append(Reject(line, field, code, detail, message))

    def write_rejects(self, path: Path, called: str | None = None) -> None:
        """Write the rejects by line, of a file that is called like this. Raises RejectsNotWritten."""
        rejects = sorted(self.rejects, key=lambda each: each.line)
        write_rejects(path, called or self.table.file.name, rejects, self.table.rows())


async def program_of(url: str) -> Program:
    """The program in force. Raises NothingToImportInto."""
    connection = await connect(url)
    try:
        program = await current_program(connection)
    finally:
        await connection.close(timeout=5)
    if program is None:
        raise NothingToImportInto("There is no program yet: apply one with `jifen program apply FILE`.")
    return program


def _digest(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as content:
        while chunk := content.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()[:24]
