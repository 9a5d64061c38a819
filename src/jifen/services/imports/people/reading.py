"""What holds for every file of people: whose it is (its digest), where its columns stand, and its rejects."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final

from jifen.core.program import Program
from jifen.db.connection import connect
from jifen.services.imports.people.mapping import BalanceMapping, MemberMapping
from jifen.services.imports.rejects import Reject, Rejects, write_rejects
from jifen.services.imports.run import NothingToImportInto
from jifen.services.imports.tables import Table, check_marks, check_width, columns_at
from jifen.services.programs import current_program

_CHUNK_BYTES = 1 << 20
NOTHING: Final[Mapping[int, str]] = {}


class PeopleFile:
    """A file with its columns. Close it when done. Raises UnreadableFile."""

    def __init__(self, file: Path, mapping: MemberMapping | BalanceMapping, columns: Sequence[str]) -> None:
        self.table = Table(file, mapping.file, mapping.sheet, mapping.header_row)
        self._rejects = Rejects()
        try:
            self.place = columns_at(self.table.header, columns, file)
            self._names = {place: name for name, place in self.place.items()}
            self._width = len(self.table.header)
            #: Part of the keys: the same file again changes nothing, however it is called.
            self.digest = _digest(file)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> PeopleFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give back what is kept on disk."""
        self.table.close()
        self._rejects.close()

    @property
    def rejected(self) -> int:
        """How many rows were not taken."""
        return self._rejects.count

    def cells(self, values: list[str] | None) -> list[str]:
        """The cells of a row that has all columns, and nothing beyond them. Raises RowFault."""
        return check_width(values, self._width)

    def check_cells(self, cells: Sequence[str], single: Mapping[int, str] = NOTHING) -> None:
        """Raise RowFault where a mapped column has no value; in `single` it must be the row's own."""
        check_marks(cells, self._names, single, "merged_points")

    def reject(self, line: int, field: str, code: str, detail: str = "") -> None:
        """Keep why a row was not taken."""
        self._rejects.add(Reject(line, field, code, detail))

    def add_reject(self, reject: Reject) -> None:
        """The same, put together elsewhere."""
        self._rejects.add(reject)

    def write_rejects(self, path: Path, called: str | None = None) -> None:
        """Write the rejects by line, of a file that is called like this. Raises RejectsNotWritten."""
        write_rejects(path, called or self.table.file.name, self._rejects.by_line(), self.table.rows())


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
