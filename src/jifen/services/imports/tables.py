"""Files with a header, row by row: CSV, Excel workbooks and JSON lines look alike from here on.

A workbook is read as it streams by, so that a large one does not have to fit into memory. Of formulas the value counts
that the spreadsheet program has worked out; of merged cells the first one has the value.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from jifen.services.imports.mapping import FileShape
from jifen.services.imports.reading import MAXIMUM_FIELD, UnreadableFile, find_encoding, open_bytes, read_rows

_WORKBOOK: Final = b"PK"
_LEADING_BYTES: Final = 64
_SPOILT_FROM: Final = 10**15
#: The columns of JSON lines are those of so many first lines; what comes later and is new is told as a fault.
_LINES_FOR_HEADER: Final = 1_000
_ROWS_BETWEEN_PROGRESS: Final = 5_000

Told = Callable[[int], None]
#: The line of the file (of a workbook: the row), and its values by column; None: it cannot be read as a row.
TableRow = tuple[int, list[str] | None]


class Table:
    """A file with named columns."""

    def __init__(self, file: Path, shape: FileShape, sheet: str | None = None) -> None:
        """Find out what the file is. Raises UnreadableFile."""
        self.file = file
        self._shape = shape
        self._sheet = sheet
        with open_bytes(file) as (content, _):
            first = content.read(_LEADING_BYTES)
        self._is_workbook = first[:2] == _WORKBOOK
        self._encoding = "" if self._is_workbook else find_encoding(file, shape.encoding)
        self._is_json = not self._is_workbook and first.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n\0")[:1] == b"{"
        self.header = self._read_header()

    def rows(self, told: Told = lambda read_bytes: None) -> Iterator[TableRow]:
        """All rows below the header. `told` hears now and then how many bytes were read."""
        rows = self._all(told)
        next(rows, None)
        yield from rows

    def _all(self, told: Told = lambda read_bytes: None) -> Iterator[TableRow]:
        if self._is_workbook:
            return self._workbook_rows(told)
        if self._is_json:
            return self._json_rows(told)
        return read_rows(self.file, self._shape, self._encoding, progress=told)

    def _read_header(self) -> list[str]:
        if self._is_json:
            return self._json_header()
        line, header = next(self._all(), (0, None))
        names = [] if header is None else [name.strip() for name in header]
        while names and not names[-1]:
            names.pop()
        if not names:
            raise self._unreadable(f"line {line or 1} must name the columns")
        twice = [name for index, name in enumerate(names) if name and name in names[:index]]
        if twice:
            raise self._unreadable(f"the column {twice[0]!r} stands there twice")
        return names

    def _unreadable(self, what: str) -> UnreadableFile:
        return UnreadableFile(f"{self.file}: {what}.", file=str(self.file))

    # --- JSON lines ---

    def _json_header(self) -> list[str]:
        names: dict[str, None] = {}
        for number, line in enumerate(self._text_lines(), 1):
            value = _object(line)
            if value is not None:
                names |= dict.fromkeys(value)
            if number == _LINES_FOR_HEADER:
                break
        if not names:
            raise self._unreadable("has no line that is a JSON object")
        return list(names)

    def _json_rows(self, told: Told) -> Iterator[TableRow]:
        yield 0, self.header
        read = 0
        for number, line in enumerate(self._text_lines(), 1):
            read += len(line)
            if number % _ROWS_BETWEEN_PROGRESS == 0:
                told(read)
            if not line.strip():
                continue
            value = _object(line)
            if value is None or not value.keys() <= set(self.header):
                yield number, None
            else:
                yield number, [_as_text(value.get(name)) for name in self.header]

    def _text_lines(self) -> Iterator[str]:
        with open_bytes(self.file) as (content, _), io.TextIOWrapper(content, encoding=self._encoding) as text:
            yield from text

    # --- workbooks ---

    def _workbook_rows(self, told: Told) -> Iterator[TableRow]:
        from openpyxl import load_workbook
        from openpyxl.utils.exceptions import InvalidFileException

        try:
            book = load_workbook(self.file, read_only=True, data_only=True)
        except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
            raise self._unreadable(f"is no Excel workbook (.xlsx) that can be read: {error}") from None
        try:
            if self._sheet is not None and self._sheet not in book.sheetnames:
                raise self._unreadable(f"has no sheet {self._sheet!r}; there is {', '.join(book.sheetnames)}")
            sheet = book[self._sheet or book.sheetnames[0]]
            size = self.file.stat().st_size
            width = 0
            for number, cells in enumerate(sheet.iter_rows(values_only=True), 1):
                values = [_cell_text(cell) for cell in cells]
                if number == 1:
                    width = len(values)
                elif not any(values):
                    continue
                if number % _ROWS_BETWEEN_PROGRESS == 0 and sheet.max_row:
                    told(size * number // sheet.max_row)
                yield number, [*values, *[""] * (width - len(values))]
        finally:
            book.close()


def columns_at(header: Sequence[str], names: Sequence[str], file: Path) -> dict[str, int]:
    """Where the wanted columns stand. Raises UnreadableFile where one is missing."""
    missing = [name for name in names if name not in header]
    if missing:
        there = ", ".join(header)
        raise UnreadableFile(f"{file}: there is no column {missing[0]!r}; the file has {there}.", file=str(file))
    return {name: header.index(name) for name in names}


def _object(line: str) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _cell_text(cell: Any) -> str:
    """A cell of a workbook. Numbers keep fifteen digits there; longer ones are written as such, not as whole."""
    is_number = isinstance(cell, int | float) and not isinstance(cell, bool)
    return f"{cell:.14E}" if is_number and abs(cell) >= _SPOILT_FROM else _as_text(cell)


def _as_text(value: Any) -> str:
    """A cell as a person reads it: whole numbers without a point, days without a midnight."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, datetime):
        is_day = (value.hour, value.minute, value.second, value.microsecond) == (0, 0, 0, 0)
        return value.date().isoformat() if is_day else value.isoformat(sep=" ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list):
        return ",".join(_as_text(each) for each in value)
    return str(value).strip()[:MAXIMUM_FIELD]
