"""The rows of a sheet, as they stream by."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final
from xml.parsers import expat

from jifen.services.imports.marked import Fault, MarkedRow
from jifen.services.imports.reading import MAXIMUM_FIELD, MAXIMUM_PACKED_LINE
from jifen.services.imports.workbooks.merges import Merge, RunningMerges, column_of
from jifen.services.imports.workbooks.parts import Parts, UnfitWorkbook
from jifen.services.imports.workbooks.strings import Texts, plain
from jifen.services.imports.workbooks.values import Formats

#: Excel's own limits.
MAXIMUM_COLUMNS: Final = 16_384
MAXIMUM_ROWS: Final = 1_048_576
_TRUTHS: Final = {"1": "true", "0": "false"}


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
        self._text = ""
        self._row_size = 0
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

    # These run for every cell of millions: what comes most often comes first, and calls are saved.

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "v" or name == "t":
            self._takes = not self._phonetic
        elif name == "c":
            reference = attributes.get("r")
            column = self._column + 1
            if reference is not None:
                letters = reference.rstrip("0123456789")
                known = self._columns.get(letters)
                column = self._column_of(letters) if known is None else known
            if not 0 <= column < MAXIMUM_COLUMNS:
                raise UnfitWorkbook(
                    f"第 {self._row} 行有单元格超出 {MAXIMUM_COLUMNS} 列",
                    f"has a cell beyond its {MAXIMUM_COLUMNS} columns in row {self._row}",
                )
            self._column = column
            self._kind = attributes.get("t", "n")
            self._style = int(attributes.get("s", "0"))
            self._has_formula = False
            self._text = ""
        elif name == "row":
            self._row = int(attributes.get("r") or self._row + 1)
            self._is_hidden = attributes.get("hidden") in ("1", "true")
            self._cells, self._faults, self._column, self._row_size = {}, {}, -1, 0
            if not 0 < self._row <= MAXIMUM_ROWS:
                zh = f"有第 {self._row} 行；工作表最多 {MAXIMUM_ROWS} 行"
                raise UnfitWorkbook(zh, f"has a row {self._row}; a sheet has {MAXIMUM_ROWS} at most")
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
            self._text += data
            if len(self._text) > MAXIMUM_FIELD:
                raise UnfitWorkbook(
                    f"第 {self._row} 行有一个单元格超过 {MAXIMUM_FIELD} 个字符",
                    f"holds more than {MAXIMUM_FIELD} characters in one cell of row {self._row}",
                )

    def _column_of(self, letters: str) -> int:
        column = self._columns[letters] = column_of(letters.upper())
        return column

    def _end_cell(self) -> None:
        text, kind = self._text, self._kind
        if not text:
            if self._has_formula and kind != "str":
                self._faults[self._column] = ("formula_without_value", "")
        elif kind == "n":
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
            self._keep(shared)
        elif kind == "b":
            self._cells[self._column] = _TRUTHS.get(text, text)
        elif kind == "e":
            self._faults[self._column] = ("cell_error", text)
        else:
            # Text of a formula, text in the cell itself, or a day in ISO 8601.
            self._keep(text)

    def _keep(self, text: str) -> None:
        """Take a text, which a thousand cells may share: so a row may come to more than the whole file."""
        self._row_size += len(text)
        if self._row_size > MAXIMUM_PACKED_LINE:
            raise UnfitWorkbook(
                f"第 {self._row} 行超过 {MAXIMUM_PACKED_LINE} 个字符",
                f"holds more than {MAXIMUM_PACKED_LINE} characters in row {self._row}",
            )
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
