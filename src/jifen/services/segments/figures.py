"""Figures of many conditions at once: each pass over the members tests some dozens of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from jifen.core.conditions import Condition
from jifen.core.conditions.condition import free_names
from jifen.core.conditions.sql import Fragment, compile_sql, joined
from jifen.core.conditions.syntax import Constant, Node, walk
from jifen.core.program import Program
from jifen.core.rules.book import SEGMENTS
from jifen.core.rules.facts import Moment
from jifen.core.segments.facts import BALANCE
from jifen.db.connection import Connection
from jifen.services.segments.columns import MemberColumns
from jifen.services.segments.selection import SETTINGS

_AT_ONCE: Final = 40
# Frozen members can have nothing that is to be paid with points.
_COUNTS: Final = "SELECT {} FROM {} WHERE m.status = 'active'"
_COUNTS_OF_TAKERS: Final = "SELECT {} FROM {} {} WHERE m.status = 'active'"
_MEDIAN: Final = (
    "SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY {}) FROM {} WHERE m.status = 'active' AND ({}) AND {} > 0"
)
_TOOK: Final = (
    "JOIN (SELECT DISTINCT r.shard, r.member_id, r.reward FROM redemptions r WHERE r.requested_at >= {}"
    " AND r.state NOT IN ('rejected', 'cancelled', 'expired')) AS took"
    " ON took.shard = m.shard AND took.member_id = m.member_id"
)


class Uncountable(msgspec.Struct, frozen=True):
    """What of a condition SQL cannot say."""

    what: tuple[str, ...]


class Reach(msgspec.Struct, frozen=True):
    """Of active members: `able`, those for whom a condition holds, and who took the reward though it does not hold
    any more (they have spent the points); `takers`, all who took it."""

    able: int
    takers: int


class Figures:
    """Counts members by conditions of one program at one moment. `segments`: the conditions of saved segments by id,
    which the conditions may ask for."""

    def __init__(
        self, connection: Connection, program: Program, now: datetime, segments: Mapping[str, Condition]
    ) -> None:
        self._connection = connection
        self._program = program
        self._moment = Moment(now, program.zone)
        self._segments = segments

    async def reach(self, conditions: Mapping[str, Node], since: datetime) -> dict[str, Reach | Uncountable]:
        """For each reward, by its condition: who can have it, and who took it since an instant."""
        await self._connection.execute(SETTINGS)
        found: dict[str, Reach | Uncountable] = {}
        for part in _parts(conditions, _AT_ONCE):
            columns = self._columns(list(part.values()))
            tests: dict[str, Fragment] = {}
            for reward, condition in part.items():
                test = self._test(condition, columns)
                if isinstance(test, Uncountable):
                    found[reward] = test
                else:
                    tests[reward] = test
            if tests:
                found |= await self._reach(columns.source, tests, since)
        return found

    async def median(self, condition: Node, wallet: str) -> int:
        """What half of the members have, at least, for whom a condition (that SQL can say) holds and who have points of
        a wallet; 0 where there are none."""
        name = f"{BALANCE}{wallet}"
        columns = self._columns([condition], name)
        test = self._test(condition, columns)
        assert isinstance(test, Fragment)
        balance = columns.facts.values[name]
        median = await self._row(_MEDIAN, balance, columns.source, test, balance)
        return median[0] or 0

    async def _reach(self, source: Fragment, tests: Mapping[str, Fragment], since: datetime) -> dict[str, Reach]:
        counted = _listed(["count(*) FILTER (WHERE {})"] * len(tests), list(tests.values()))
        able = await self._row(_COUNTS, counted, source)
        pieces: list[Fragment] = []
        for reward, test in tests.items():
            name = Fragment("$?::text", (reward,))
            pieces += [name, name, test]
        columns = ["count(*) FILTER (WHERE took.reward = {})"]
        columns.append("count(*) FILTER (WHERE took.reward = {} AND ({}) IS NOT TRUE)")
        took = joined(_TOOK, Fragment("$?::timestamptz", (since,)))
        counted = _listed(columns * len(tests), pieces)
        takers = await self._row(_COUNTS_OF_TAKERS, counted, source, took)
        return {
            reward: Reach(able[place] + takers[2 * place + 1], takers[2 * place]) for place, reward in enumerate(tests)
        }

    def _columns(self, conditions: Sequence[Node], *names: str) -> MemberColumns:
        read = set(names).union(*(free_names(each) for each in conditions))
        asked = set[str]().union(*(_texts(each) for each in conditions)) if SEGMENTS in read else set()
        segments = {name: each for name, each in self._segments.items() if name in asked}
        return MemberColumns(self._program, self._moment, read, segments)

    def _test(self, condition: Node, columns: MemberColumns) -> Fragment | Uncountable:
        compiled = compile_sql(condition, columns.facts)
        unsaid = [*compiled.left_out]
        if SEGMENTS in free_names(condition):
            unsaid += [f"the segment {name}" for name in sorted(columns.not_in_sql & _texts(condition))]
        return Uncountable(tuple(unsaid)) if unsaid else compiled.test

    async def _row(self, template: str, *pieces: Fragment) -> Any:
        query = joined(template, *pieces)
        return await self._connection.fetchrow(query.numbered(), *query.arguments)


def _texts(condition: Node) -> set[str]:
    return {each.value for each in walk(condition) if isinstance(each, Constant) and isinstance(each.value, str)}


def _listed(templates: Sequence[str], pieces: Sequence[Fragment]) -> Fragment:
    return joined(", ".join(templates), *pieces)


def _parts(conditions: Mapping[str, Node], size: int) -> list[dict[str, Node]]:
    items = list(conditions.items())
    return [dict(items[start : start + size]) for start in range(0, len(items), size)]
