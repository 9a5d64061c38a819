"""Rows of which more is to be said than the text of their cells."""

from __future__ import annotations

#: Why a cell has no value: a code and what stands there.
Fault = tuple[str, str]


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
