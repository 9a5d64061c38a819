"""Cells that were merged over several rows: the value stands in the first, and is meant for all of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from jifen.services.imports.marked import Fault
from jifen.services.imports.workbooks.parts import Parts, UnfitWorkbook

MAXIMUM_MERGES_BYTES: Final = 64 << 20
_LIST: Final = re.compile(rb"<(?:[A-Za-z0-9]+:)?mergeCells[\s>]")
_ONE: Final = re.compile(
    rb"<(?:[A-Za-z0-9]+:)?mergeCell\s[^>]*?ref=[\"']([A-Z]{1,3})([0-9]{1,7}):[A-Z]{1,3}([0-9]{1,7})[\"']"
)
_OVERLAP: Final = 64

#: First row, last row, and column (0 is A) of cells that were merged over several rows.
Merge = tuple[int, int, int]


def find_merges(parts: Parts, sheet: str) -> list[Merge]:
    """The merges of a sheet that go over several rows, by first row. They stand behind all rows, so the sheet is
    unpacked once to the end."""
    merges = [
        (int(first), int(last), column_of(letters.decode()))
        for letters, first, last in _ONE.findall(_list_of(parts, sheet))
        if int(last) > int(first)
    ]
    return sorted(merges)


def _list_of(parts: Parts, sheet: str) -> bytes:
    chunks = parts.chunks(sheet)
    tail = b""
    for chunk in chunks:
        text = tail + chunk
        if found := _LIST.search(text):
            return _until_end(text[found.start() :], chunks)
        tail = text[-_OVERLAP:]
    return b""


def _until_end(begun: bytes, chunks: Iterator[bytes]) -> bytes:
    pieces, size = [begun], len(begun)
    for chunk in chunks:
        size += len(chunk)
        if size > MAXIMUM_MERGES_BYTES:
            raise UnfitWorkbook("合并单元格过多", "holds too many merged cells")
        pieces.append(chunk)
    return b"".join(pieces)


def column_of(letters: str) -> int:
    """The place of a column: A is 0, AA is 26."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1


class RunningMerges:
    """The merges that go over the row at hand, row after row."""

    def __init__(self, merges: list[Merge]) -> None:
        self._waiting = iter(merges)
        self._next = next(self._waiting, None)
        #: By column: the last row, the value, and why there is none.
        self._running: dict[int, tuple[int, str, Fault | None]] = {}

    def fill(self, row: int, cells: dict[int, str], faults: dict[int, Fault]) -> frozenset[int]:
        """Put in what merges mean for a row; its columns that are merged with other rows."""
        if self._next is None and not self._running:
            return frozenset()
        self._running = {column: each for column, each in self._running.items() if each[0] >= row}
        for column, (_, value, fault) in self._running.items():
            cells[column] = value
            if fault is not None:
                faults[column] = fault
        while self._next is not None and self._next[0] <= row:
            first, last, column = self._next
            if last >= row:
                # A row that is not written at all is empty: then so is the merge that begins there.
                began = first == row
                value, fault = (cells.get(column, ""), faults.get(column)) if began else ("", None)
                self._running[column] = (last, value, fault)
            self._next = next(self._waiting, None)
        return frozenset(self._running)
