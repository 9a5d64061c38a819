"""Rows that are kept on disk until they are needed again."""

from __future__ import annotations

from collections.abc import Iterator
from tempfile import TemporaryFile

import msgspec

from jifen.services.imports.marked import Fault, MarkedRow


class _Kept(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True, gc=False):
    line: int
    values: list[str]
    faults: dict[int, Fault] = {}
    merged: frozenset[int] = frozenset()


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Kept).decode


class Spool:
    """Rows with their marks, in the order in which they came. Read them one reader at a time."""

    def __init__(self) -> None:
        self._file = TemporaryFile(prefix="jifen-import-")  # noqa: SIM115 - it lives as long as this
        self.size_bytes = 0

    def close(self) -> None:
        """Give the file back."""
        self._file.close()

    def add(self, line: int, values: list[str]) -> None:
        """Keep a row."""
        if isinstance(values, MarkedRow):
            kept = _Kept(line, list(values), values.faults, values.merged)
        else:
            kept = _Kept(line, values)
        self.size_bytes += self._file.write(_encode(kept) + b"\n")

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """The rows, as they came."""
        self._file.seek(0)
        for line in self._file:
            kept = _decode(line)
            values = kept.values
            if kept.faults or kept.merged:
                values = MarkedRow(values, kept.faults, kept.merged)
            yield kept.line, values
