"""Rows of a file that are about somebody who stood in an earlier row."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from itertools import pairwise
from typing import Final

from jifen.core.identity import Identity

_PARTS: Final = 256

#: An identity that stands in several rows: a number for it, and its kind.
Repeated = tuple[int, str]


class Repeats:
    """Which identities stand in several rows. Keeps eight bytes of each, so that a file may have millions."""

    def __init__(self) -> None:
        self._hashes = [array("q") for _ in range(_PARTS)]
        self._repeated: set[int] = set()
        self._seen: set[int] = set()

    def add(self, identities: Iterable[Identity]) -> None:
        """Learn of the identities of a row."""
        for identity in identities:
            number = hash(identity)
            self._hashes[number % _PARTS].append(number)

    def end(self) -> None:
        """All rows are known: what stood in one row alone is forgotten."""
        for index, numbers in enumerate(self._hashes):
            if len(numbers) > 1:
                ordered = sorted(numbers)
                self._repeated.update(number for number, following in pairwise(ordered) if number == following)
            self._hashes[index] = array("q")

    def repeated_among(self, identities: Iterable[Identity]) -> list[Repeated]:
        """Of the identities of a row those that stand in several rows."""
        if not self._repeated:
            return []
        numbered = ((hash(identity), identity.kind) for identity in identities)
        return [(number, kind) for number, kind in numbered if number in self._repeated]

    def is_later(self, repeated: Iterable[Repeated]) -> bool:
        """Whether a row is about somebody of an earlier one, by those of its identities that stand in several rows;
        asked in the order of the file."""
        shared = [number for number, _ in repeated]
        is_later = not self._seen.isdisjoint(shared)
        self._seen.update(shared)
        return is_later
