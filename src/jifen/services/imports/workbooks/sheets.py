"""The rows of a sheet, as they stream by."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final
from xml.parsers import expat

from jifen.services.imports.reading import MAXIMUM_FIELD
from jifen.services.imports.workbooks.merges import Fault, Merge, RunningMerges, column_of
from jifen.services.imports.workbooks.parts import Parts, UnfitWorkbook
from jifen.services.imports.workbooks.strings import Texts, plain
from jifen.services.imports.workbooks.values import Formats

#: Excel's own limits.
MAXIMUM_COLUMNS: Final = 16_384
MAXIMUM_ROWS: Final = 1_048_576
_TRUTHS: Final = {"1": "true", "0": "false"}


class MarkedRow(list[str]):
    """A row with cells of which more is to be said than their text."""

    #: By column: why there is no value.
    faults: dict[int, Fault]
    #: Columns that are merged with those of other rows.
    merged: frozenset[int]

    def __init__(self, values: list[str], faults: dict[int, Fault], merged: frozenset[int]) -> None:
        super().__init__(values)
        self.faults = faults
        self.merged = merged


class SheetReader:
    """Parses one sheet. `hidden` counts rows that have values and are hidden, as a filter does."""

    def __init__(self, texts: Texts | None, formats: Formats, merges: list[Merge]) -> None:
        self._texts = texts
        self._formats = formats
        self._merges = RunningMerges(merges)
        self._columns: dict[str, int] = {}
        self._ready: list[tuple[int, list[str]]] = []
        self._row = 0
        self._is_hidden = False
        self._cells: dict[int, str] = {}
        self._faults: dict[int, Fault] = {}
        self._column = -1
        self._kind = "n"
        self._style = 0
        self._has_formula = False
        self._pieces: list[str] = []
        self._size = 0
        self._takes = False
        self._phonetic = False
        self.hidden = 0

    def rows(self, parts: Parts, name: str, told: Callable[[int], None]) -> Iterator[tuple[int, list[str]]]:
        """All rows with something in them, by their number in the sheet."""
        parser = expat.ParserCreate()
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        for _ in parts.parse(name, parser, told):
            ready, self._ready = self._ready, []
            yield from ready

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "v" or name == "t":
            self._takes = not self._phonetic
        elif name == "c":
            self._begin_cell(attributes)
        elif name == "row":
            self._row = int(attributes.get("r") or self._row + 1)
            self._is_hidden = attributes.get("hidden") in ("1", "true")
            self._cells, self._faults, self._column = {}, {}, -1
            if not 0 < self._row <= MAXIMUM_ROWS:
                raise UnfitWorkbook(
                    f"有第 {self._row} 行；工作表最多 {MAXIMUM_ROWS} 行",
                    f"has a row {self._row}; a sheet has {MAXIMUM_ROWS} at most",
                )
        elif name == "f":
            self._has_formula = True
        elif name == "rPh":
            self._phonetic = True
        elif ":" in name:
            self._start(name.rpartition(":")[2], attributes)

    def _end(self, name: str) -> None:
        if name == "v" or name == "t":
            self._takes = False
        elif name == "c":
            self._end_cell()
        elif name == "row":
            self._end_row()
        elif name == "rPh":
            self._phonetic = False
        elif ":" in name:
            self._end(name.rpartition(":")[2])

    def _characters(self, data: str) -> None:
        if self._takes:
            self._size += len(data)
            if self._size > MAXIMUM_FIELD:
                raise UnfitWorkbook(
                    f"第 {self._row} 行有单元格超过 {MAXIMUM_FIELD} 个字符",
                    f"holds more than {MAXIMUM_FIELD} characters in one cell of row {self._row}",
                )
            self._pieces.append(data)

    def _begin_cell(self, attributes: dict[str, str]) -> None:
        reference = attributes.get("r")
        if reference is None:
            self._column += 1
        else:
            letters = reference.rstrip("0123456789")
            column = self._columns.get(letters)
            if column is None:
                column = self._columns[letters] = column_of(letters.upper())
            self._column = column
        if not 0 <= self._column < MAXIMUM_COLUMNS:
            raise UnfitWorkbook(
                f"第 {self._row} 行有单元格超出 {MAXIMUM_COLUMNS} 列",
                f"has a cell beyond its {MAXIMUM_COLUMNS} columns in row {self._row}",
            )
        self._kind = attributes.get("t", "n")
        self._style = int(attributes.get("s", "0"))
        self._has_formula = False
        self._pieces, self._size = [], 0

    def _end_cell(self) -> None:
        text = "".join(self._pieces)
        if not text:
            if self._has_formula and self._kind != "str":
                self._faults[self._column] = ("formula_without_value", "")
            return
        kind = self._kind
        if kind == "n":
            try:
                self._cells[self._column] = self._formats.number(text, self._style)
            except ValueError:
                self._faults[self._column] = ("cell_error", text)
        elif kind == "s":
            shared = None if self._texts is None or not text.isdigit() else self._texts.text(int(text))
            if shared is None:
                raise UnfitWorkbook(
                    f"Excel 文件已损坏：第 {self._row} 行所指的文本 {text!r} 不存在",
                    f"is damaged: row {self._row} names a text {text!r} that is not there",
                )
            self._cells[self._column] = plain(shared).strip()
        elif kind == "b":
            self._cells[self._column] = _TRUTHS.get(text, text)
        elif kind == "e":
            self._faults[self._column] = ("cell_error", text)
        else:
            # Text of a formula, text in the cell itself, or a day in ISO 8601.
            self._cells[self._column] = plain(text).strip()

    def _end_row(self) -> None:
        cells, faults = self._cells, self._faults
        is_empty = not (faults or any(cells.values()))
        merged = self._merges.fill(self._row, cells, faults)
        if is_empty:
            return
        self.hidden += self._is_hidden
        values = [""] * (max((*cells, *faults), default=-1) + 1)
        for column, text in cells.items():
            values[column] = text
        self._ready.append((self._row, MarkedRow(values, faults, merged) if faults or merged else values))
