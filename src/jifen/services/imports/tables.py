"""Files with a header, row by row: CSV, Excel workbooks and JSON lines look alike from here on.

Every kind is read as it streams by, so that a large file does not have to fit into memory. Rows without anything in
them are passed over.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from jifen.services.imports.cells import clean
from jifen.services.imports.faults import RowFault, WrongColumns
from jifen.services.imports.kinds import kind_of
from jifen.services.imports.mapping import FileShape
from jifen.services.imports.marked import MarkedRow
from jifen.services.imports.reading import (
    MAXIMUM_FIELD,
    bounded_lines,
    find_encoding,
    open_bytes,
    read_rows,
    unreadable_file,
)
from jifen.services.imports.workbooks import UnfitWorkbook, Workbook

#: The columns of JSON lines are those of so many first lines; what comes later and is new is told as a fault.
_LINES_FOR_HEADER: Final = 1_000
_ROWS_BETWEEN_PROGRESS: Final = 5_000
#: So many columns of a file are named where one is missing.
_COLUMNS_TOLD: Final = 40

Told = Callable[[int], None]
#: The line of the file (of a workbook: the row), and its values by column, of a workbook perhaps with marks
#: (`MarkedRow`); None: it cannot be read as a row.
TableRow = tuple[int, list[str] | None]


class Table:
    """A file with named columns. Close it when done.

    `header_row` is the line or row that names the columns, what stands above is passed over; None: the first that has
    something in it. `sheet`: of a workbook; None: the first that is not hidden.
    """

    def __init__(self, file: Path, shape: FileShape, sheet: str | None = None, header_row: int | None = None) -> None:
        """Find out what the file is. Raises UnreadableFile."""
        self.file = file
        self._shape = shape
        self.header_row = header_row
        kind = kind_of(file)
        self._book: Workbook | None = None
        if kind == "workbook":
            try:
                self._book = Workbook(file, sheet)
            except UnfitWorkbook as error:
                raise unreadable_file(self.file, error.zh, error.en) from None
        self._encoding = "" if self._book is not None else find_encoding(file, shape.encoding)
        self._is_json = kind == "json"
        try:
            self.header = self._read_header()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Table:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give back what a workbook keeps on disk."""
        if self._book is not None:
            self._book.close()

    @property
    def is_text(self) -> bool:
        """Whether it is CSV or the like."""
        return self._book is None and not self._is_json

    @property
    def hidden(self) -> int:
        """How many rows with values are hidden in the workbook, once all rows were read. They count like others."""
        return 0 if self._book is None else self._book.hidden

    @property
    def other_sheets(self) -> list[str]:
        """The sheets that can be seen in the workbook and are not read."""
        return [] if self._book is None else self._book.others

    def rows(self, told: Told = lambda read_bytes: None) -> Iterator[TableRow]:
        """All rows below the header. `told` hears now and then how many bytes were read."""
        rows = self._from_header(told)
        next(rows, None)
        return rows if self._book is None else self._widened(rows)

    def _widened(self, rows: Iterator[TableRow]) -> Iterator[TableRow]:
        """Rows of a workbook, which end with their last cell that holds something, as wide as the header."""
        width = len(self.header)
        for line, values in rows:
            if values is not None and len(values) < width:
                values.extend([""] * (width - len(values)))
            yield line, values

    def _from_header(self, told: Told = lambda read_bytes: None) -> Iterator[TableRow]:
        if self._is_json:
            yield from self._json_rows(told)
            return
        first = self.header_row or 0
        for row in self._all(told):
            line, values = row
            if line >= first and (values is None or any(values) or getattr(values, "faults", None)):
                yield row

    def _all(self, told: Told) -> Iterator[TableRow]:
        if self._book is None:
            return read_rows(self.file, self._shape, self._encoding, progress=told)
        return self._workbook_rows(self._book, told)

    def _read_header(self) -> list[str]:
        if self._is_json:
            return self._json_header()
        line, header = next(self._from_header(), (0, None))
        wanted = self.header_row
        names = [] if header is None or wanted not in (None, line) else [clean(name) for name in header]
        while names and not names[-1]:
            names.pop()
        if not names:
            number = wanted or line or 1
            raise unreadable_file(self.file, f"第 {number} 行须为列名", f"line {number} must name the columns")
        return names

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
            raise unreadable_file(self.file, "没有一行是 JSON 对象", "has no line that is a JSON object")
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
                yield number, self._json_row(value)

    def _json_row(self, value: Mapping[str, Any]) -> list[str]:
        """The row of an object. One within it is no value of a cell."""
        values = [_as_text(value.get(name)) for name in self.header]
        faults = {
            at: ("nested_value", values[at]) for at, name in enumerate(self.header) if _is_nested(value.get(name))
        }
        return MarkedRow(values, faults, frozenset()) if faults else values

    def _text_lines(self) -> Iterator[str]:
        with open_bytes(self.file) as (content, raw), io.TextIOWrapper(content, encoding=self._encoding) as text:
            yield from text if content is raw else bounded_lines(self.file, text)

    # --- workbooks ---

    def _workbook_rows(self, book: Workbook, told: Told) -> Iterator[TableRow]:
        try:
            yield from book.rows(told)
        except UnfitWorkbook as error:
            raise unreadable_file(self.file, error.zh, error.en) from None


def columns_at(
    header: Sequence[str], names: Sequence[str], file: Path, optional: Collection[str] = ()
) -> dict[str, int]:
    """Where the wanted columns stand. Raises WrongColumns where one is missing that is not optional, or stands there
    twice."""
    missing = [name for name in names if name not in header and name not in optional]
    if missing:
        there, there_zh = ", ".join(header[:_COLUMNS_TOLD]), "、".join(header[:_COLUMNS_TOLD])
        message = (
            f"{file}: there is no column {', '.join(map(repr, missing))}; the file has {there}. Is it the right "
            "mapping? Where the names stand lower down, header_row of the mapping says in which row; file.delimiter "
            "says what is between them."
        )
        zh = (
            f"{file}：没有列 {'、'.join(map(repr, missing))}；文件有 {there_zh}。映射用对了吗？列名若在下面的行，"
            "请用映射的 header_row 写明是第几行；file.delimiter 写明列之间用什么分隔。"
        )
        raise WrongColumns(message, message_zh=zh, missing=missing)
    twice = [name for name in names if header.count(name) > 1]
    if twice:
        message = f"{file}: the column {twice[0]!r} stands there twice; rename one."
        raise WrongColumns(message, message_zh=f"{file}：列 {twice[0]!r} 出现了两次，请改名。", missing=twice)
    return {name: header.index(name) for name in names if name in header}


def check_width(values: list[str] | None, width: int) -> list[str]:
    """A row that has all columns, and nothing beyond them. Raises RowFault."""
    if values is None:
        raise RowFault("", "malformed_line")
    if len(values) < width or (len(values) > width and any(values[width:])):
        raise RowFault("", "wrong_column_count", f"{len(values)} / {width}")
    return values


def check_marks(values: Sequence[str], names: Mapping[int, str], single: Mapping[int, str], code: str) -> None:
    """Raise RowFault where a mapped column (by its place) has no value that a cell can have, or (with this code) one of
    `single` shares its own with other rows: whose it is cannot be told."""
    if not isinstance(values, MarkedRow):
        return
    for place, (fault, detail) in values.faults.items():
        if place in names:
            raise RowFault(names[place], fault, detail)
    for place, name in single.items():
        if place in values.merged:
            raise RowFault(name, code)


def _object(line: str) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _is_nested(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and any(isinstance(each, dict | list) for each in value))


def _as_text(value: Any) -> str:
    """A value of JSON as a person reads it: whole numbers without a point."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, list):
        return ",".join(_as_text(each) for each in value)
    return str(value).strip()[:MAXIMUM_FIELD]
