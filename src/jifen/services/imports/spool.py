"""Rows that are kept on disk until they are needed again."""

from __future__ import annotations

from collections.abc import Iterator
from tempfile import TemporaryFile
from typing import Generic, TypeVar

import msgspec

from jifen.services.imports.marked import Fault, MarkedRow

T = TypeVar("T", bound=msgspec.Struct)


class Records(Generic[T]):
    """Records of one kind, in the order in which they came. Read them one reader at a time, and close them."""

    def __init__(self, kind: type[T]) -> None:
        self._file = TemporaryFile(prefix="jifen-import-")  # noqa: SIM115 - it lives as long as this
        self._encode = msgspec.json.Encoder().encode
        self._decode = msgspec.json.Decoder(kind).decode
        self.size_bytes = 0

    def close(self) -> None:
        """Give the file back."""
        self._file.close()

    def add(self, record: T) -> None:
        """Keep a record."""
        self.size_bytes += self._file.write(self._encode(record) + b"\n")

    def all(self) -> Iterator[T]:
        """The records, as they came."""
        self._file.seek(0)
        decode = self._decode
        for line in self._file:
            yield decode(line)


class _Kept(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True, gc=False):
    line: int
    values: list[str]
    faults: dict[int, Fault] = {}
    merged: frozenset[int] = frozenset()


class Spool:
    """The cells of rows with their marks, in the order in which they came. Read them one reader at a time."""

    def __init__(self) -> None:
        self._records = Records(_Kept)

    @property
    def size_bytes(self) -> int:
        """What all rows come to."""
        return self._records.size_bytes

    def close(self) -> None:
        """Give the file back."""
        self._records.close()

    def add(self, line: int, values: list[str]) -> None:
        """Keep a row."""
        if isinstance(values, MarkedRow):
            self._records.add(_Kept(line, list(values), values.faults, values.merged))
        else:
            self._records.add(_Kept(line, values))

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """The rows, as they came."""
        for kept in self._records.all():
            values = kept.values
            if kept.faults or kept.merged:
                values = MarkedRow(values, kept.faults, kept.merged)
            yield kept.line, values
