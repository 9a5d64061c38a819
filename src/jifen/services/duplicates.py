"""Members who may be one person: a list for somebody to look through before merging them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any, Final

import msgspec

from jifen.core.members.likeness import Reason, alike_names, score
from jifen.core.refusal import Refusal
from jifen.db.connection import Connection
from jifen.db.queries import load_queries

_SQL = load_queries("duplicates")
#: What more members than this share says nothing of them: a shop's own phone, the first of January.
MOST_IN_COMMON: Final = 500
LEAST_PERCENT: Final = 50
_CURSOR = re.compile(r"([0-9]{1,3})-([1-9][0-9]{0,18})-([1-9][0-9]{0,18})")

Pair = tuple[int, int]


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
        message = "`cursor` is not one that a page before ended with."
        return Refusal("invalid_parameter", message, None, {"parameter": "cursor"})
    pairs: dict[Pair, set[Reason]] = {}
    shared: list[Shared] = []
    await _compare_identities(connection, "same_phone", "phone", pairs, shared)
    await _compare_identities(connection, "same_email", "email", pairs, shared)
    await _compare_people(connection, pairs, shared)
    for row in await connection.fetch(_SQL["parted"]):
        pairs.pop((row["one"], row["other"]), None)
    places = sorted((-points, pair) for pair, reasons in pairs.items() if (points := score(reasons)) >= percent)
    total = len(places)
    if after is not None:
        points, one, other = map(int, after.groups())
        places = [each for each in places if each > (-points, (one, other))]
    page = places[:limit]
    return Duplicates(
        total,
        [Duplicate(str(one), str(other), -points, sorted(pairs[one, other])) for points, (one, other) in page],
        shared,
        f"{-page[-1][0]}-{page[-1][1][0]}-{page[-1][1][1]}" if len(places) > limit else None,
    )


async def _compare_identities(
    connection: Connection, query: str, reason: Reason, pairs: dict[Pair, set[Reason]], shared: list[Shared]
) -> None:
    for row in await connection.fetch(_SQL[query], MOST_IN_COMMON):
        members: Sequence[int] = row["members"]
        if len(members) > MOST_IN_COMMON:
            shared.append(Shared(reason, row["key"]))
            continue
        for pair in combinations(members, 2):
            pairs.setdefault(pair, set()).add(reason)


async def _compare_people(connection: Connection, pairs: dict[Pair, set[Reason]], shared: list[Shared]) -> None:
    rows = await connection.fetch(_SQL["same_birthday"], MOST_IN_COMMON)
    # Millions of names may be compared: meanwhile the worker answers others.
    await asyncio.to_thread(_compare_names, rows, pairs, shared)


def _compare_names(rows: Sequence[Mapping[str, Any]], pairs: dict[Pair, set[Reason]], shared: list[Shared]) -> None:
    for row in rows:
        if row["members"] is None:
            shared.append(Shared("name_and_birthday", row["key"]))
            continue
        members = row["members"]
        for one, other, reason in alike_names(row["names"]):
            pairs.setdefault((members[one], members[other]), set()).add(reason)
