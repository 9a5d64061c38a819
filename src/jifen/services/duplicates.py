"""Members who may be one person: a list for somebody to look through before merging them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence, Set
from functools import lru_cache
from itertools import combinations
from operator import itemgetter
from typing import Any, Final

import msgspec

from jifen.core.members.likeness import Reason, alike_names, score
from jifen.core.refusal import Refusal
from jifen.db.connection import Connection
from jifen.db.queries import load_queries
from jifen.services.cursors import no_cursor

_SQL = load_queries("duplicates")
#: What more members than this share says nothing of them: a shop's own phone, the first of January.
MOST_IN_COMMON: Final = 500
LEAST_PERCENT: Final = 50
#: So many birthdays are compared at once, each of as many members at most.
_DAYS_AT_ONCE: Final = 50
#: So many pairs are kept before those that are not shown are dropped.
_LEAST_KEPT: Final = 1_000
_NO_REASON: Final[frozenset[Reason]] = frozenset()
_CURSOR = re.compile(r"([0-9]{1,3})-([1-9][0-9]{0,18})-([1-9][0-9]{0,18})")

Pair = tuple[int, int]
#: Where a pair stands in the list: the likeliest first, then by number.
Place = tuple[int, Pair]


class Duplicate(msgspec.Struct, frozen=True):
    """Two members who may be one person. `member_id` is the older number; `score` is in percent."""

    member_id: str
    other_id: str
    score: int
    reasons: list[Reason]


class Shared(msgspec.Struct, frozen=True):
    """What so many members have in common that it says nothing: who shares it was not compared by it."""

    reason: Reason
    value: str


class Duplicates(msgspec.Struct, frozen=True, omit_defaults=True):
    """Members who may be one person, the likeliest first. `total`: all pairs of at least that score."""

    total: int
    duplicates: list[Duplicate]
    shared_by_too_many: list[Shared] = []
    next_cursor: str | None = None


async def find_duplicates(
    connection: Connection, *, percent: int = LEAST_PERCENT, limit: int = 100, cursor: str | None = None
) -> Duplicates | Refusal:
    """Compare all members by phone, e-mail, name and birthday. Pairs whose merge was undone are left out. Needs a
    snapshot."""
    after = None if cursor is None else _CURSOR.fullmatch(cursor)
    if cursor is not None and after is None:
        return no_cursor()
    shared: list[Shared] = []
    identities: dict[Pair, frozenset[Reason]] = {}
    await _compare_identities(connection, "same_phone", "phone", identities, shared)
    await _compare_identities(connection, "same_email", "email", identities, shared)
    parted = {(row["one"], row["other"]) for row in await connection.fetch(_SQL["parted"])}
    page = _Page(percent, limit, None if after is None else _place(*map(int, after.groups())), parted)
    days = await connection.cursor(_SQL["same_birthday"], MOST_IN_COMMON)
    while rows := await days.fetch(_DAYS_AT_ONCE):
        # Many names may be compared: meanwhile the worker answers others.
        await asyncio.to_thread(_compare_names, rows, identities, page, shared)
    for pair, reasons in identities.items():
        page.add(pair, reasons)
    return page.answer(shared)


def _place(points: int, one: int, other: int) -> Place:
    return -points, (one, other)


class _Page:
    """The likeliest pairs behind a place. However many there are, no more are kept than are shown; all are counted."""

    def __init__(self, percent: int, limit: int, after: Place | None, parted: Set[Pair]) -> None:
        self._percent = percent
        self._limit = limit
        self._after = after
        self._parted = parted
        self._total = 0
        self._found: list[tuple[Place, frozenset[Reason]]] = []
        #: From here on nothing is shown.
        self._end: Place | None = None

    def add(self, pair: Pair, reasons: frozenset[Reason]) -> None:
        """Take a pair for all its reasons."""
        points = _score(reasons)
        if points < self._percent or pair in self._parted:
            return
        self._total += 1
        place = _place(points, *pair)
        if (self._after is not None and place <= self._after) or (self._end is not None and place >= self._end):
            return
        self._found.append((place, reasons))
        if len(self._found) > 2 * self._limit + _LEAST_KEPT:
            self._cut()

    def _cut(self) -> None:
        self._found.sort(key=itemgetter(0))
        # One more than is shown, as there is then a next page.
        del self._found[self._limit + 1 :]
        if len(self._found) > self._limit:
            self._end = self._found[-1][0]

    def answer(self, shared: list[Shared]) -> Duplicates:
        """The page, in order."""
        self._cut()
        shown = [
            Duplicate(str(one), str(other), -points, sorted(reasons))
            for (points, (one, other)), reasons in self._found[: self._limit]
        ]
        last = shown[-1] if len(self._found) > self._limit else None
        cursor = None if last is None else f"{last.score}-{last.member_id}-{last.other_id}"
        return Duplicates(self._total, shown, shared, cursor)


@lru_cache
def _score(reasons: frozenset[Reason]) -> int:
    return score(reasons)


async def _compare_identities(
    connection: Connection, query: str, reason: Reason, pairs: dict[Pair, frozenset[Reason]], shared: list[Shared]
) -> None:
    for row in await connection.fetch(_SQL[query], MOST_IN_COMMON):
        members: Sequence[int] = row["members"]
        if len(members) > MOST_IN_COMMON:
            shared.append(Shared(reason, row["key"]))
            continue
        for pair in combinations(members, 2):
            pairs[pair] = pairs.get(pair, _NO_REASON) | {reason}


def _compare_names(
    rows: Sequence[Mapping[str, Any]], identities: dict[Pair, frozenset[Reason]], page: _Page, shared: list[Shared]
) -> None:
    """Put the pairs of some days into the page, with what else they have in common; that is then taken from
    `identities`, as nobody is born twice."""
    for row in rows:
        if row["members"] is None:
            shared.append(Shared("name_and_birthday", row["key"]))
            continue
        members = row["members"]
        for one, other, reason in alike_names(row["names"]):
            pair = members[one], members[other]
            page.add(pair, identities.pop(pair, _NO_REASON) | {reason})
