"""Who is in a segment: counted and listed by PostgreSQL, as far as SQL can say what the condition says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from datetime import datetime
from typing import ClassVar, Final, Literal

import msgspec

from jifen.core.conditions import Condition
from jifen.core.conditions.sql import Fragment, SqlCondition, all_of, compile_sql, joined
from jifen.core.errors import JifenError
from jifen.core.program import Program
from jifen.core.rules.facts import Moment
from jifen.core.segments.membership import belongs
from jifen.db.connection import Connection
from jifen.services.segments.candidates import Candidate, candidates
from jifen.services.segments.catalog import Segment, compile_condition
from jifen.services.segments.columns import MEMBERS, MemberColumns

#: Members that have left are in no segment.
_PRESENT: Final = Fragment("m.status IN ('active', 'frozen')")
_ON_LIST: Final = "JOIN segment_members l ON l.shard = m.shard AND l.member_id = m.member_id"
#: So many candidates of a condition that SQL cannot say as a whole are looked at for one answer over HTTP.
MOST_CANDIDATES: Final = 200_000
#: A hash over a million members fits; and a count may use every core, which no batch does.
SETTINGS: Final = "SET LOCAL work_mem = '96MB'; SET LOCAL max_parallel_workers_per_gather = 4; SET LOCAL jit = off"
#: How many a condition on JSON leaves cannot be foreseen: of few PostgreSQL would look up each, and they may be all.
SETTINGS_FOR_MANY: Final = f"{SETTINGS}; SET LOCAL enable_nestloop = off"

EvaluatedBy = Literal["sql", "python"]
Place = tuple[int, int]


class SegmentTooLarge(JifenError):
    """SQL cannot say what the condition says, and too many members would have to be looked at one by one."""

    code: ClassVar[str] = "segment_too_large"


class Selection(msgspec.Struct, frozen=True):
    """A question for members. `left_out` names what of the condition only CEL can evaluate: then members who pass the
    test are candidates, and the condition is evaluated for each."""

    source: Fragment
    test: Fragment
    program: Program
    moment: Moment
    condition: Condition | None = None
    left_out: tuple[str, ...] = ()

    @property
    def evaluated_by(self) -> EvaluatedBy:
        """Who says which members belong to it."""
        return "python" if self.left_out else "sql"


def select_segment(program: Program, segment: Segment, now: datetime) -> Selection:
    """The members of a saved segment. Raises InvalidSegmentCondition where the program has not what it names."""
    if segment.condition is not None:
        return select_condition(program, compile_condition(program, segment.condition), now)
    source = Fragment(f"{MEMBERS} {_ON_LIST} AND l.segment_id = $?::text", (segment.segment_id,))
    return Selection(source, _PRESENT, program, _moment(program, now))


def select_condition(program: Program, condition: Condition, now: datetime) -> Selection:
    """The members of whom a condition is true."""
    moment = _moment(program, now)
    columns = MemberColumns(program, moment, condition.names)
    compiled: SqlCondition = compile_sql(condition.root, columns.facts)
    return Selection(columns.source, all_of([_PRESENT, compiled.test]), program, moment, condition, compiled.left_out)


async def count(connection: Connection, selection: Selection, *, most_candidates: int | None = None) -> int:
    """How many members. Needs a snapshot. Raises SegmentTooLarge where more would have to be looked at one by one."""
    if not selection.left_out:
        query = joined("SELECT count(*) FROM {} WHERE {}", selection.source, selection.test)
        await connection.execute(SETTINGS if selection.condition is None else SETTINGS_FOR_MANY)
        found: int = await connection.fetchval(query.numbered(), *query.arguments)
        if selection.condition is not None:
            await connection.execute("SET LOCAL enable_nestloop = on")
        return found
    await connection.execute(SETTINGS)
    number = 0
    async for chunk in _candidates(connection, selection, most_candidates):
        number += sum(1 for _ in _members_of(selection, chunk))
    return number


async def page(
    connection: Connection,
    selection: Selection,
    *,
    after: Place | None = None,
    limit: int,
    most_candidates: int | None = None,
) -> list[Place]:
    """The first members (shard and number) behind a place, in order of shard and number. Needs a snapshot.

    Raises SegmentTooLarge where more would have to be looked at one by one.
    """
    if not selection.left_out:
        tests = [selection.test]
        if after is not None:
            tests.append(_behind(after))
        query = joined(
            "SELECT m.shard, m.member_id FROM {} WHERE {} ORDER BY m.shard, m.member_id LIMIT {}",
            selection.source,
            all_of(tests),
            Fragment("$?::bigint", (limit,)),
        )
        return [(row[0], row[1]) for row in await connection.fetch(query.numbered(), *query.arguments)]
    found: list[Place] = []
    async for chunk in _candidates(connection, selection, most_candidates, after):
        found += [(each.shard, each.member_id) for each in _members_of(selection, chunk)]
        if len(found) >= limit:
            return found[:limit]
    return found


async def _candidates(
    connection: Connection, selection: Selection, most: int | None, after: Place | None = None
) -> AsyncIterator[list[Candidate]]:
    tests = [selection.test] if after is None else [selection.test, _behind(after)]
    day = selection.moment.local.date()
    looked_at = 0
    async for chunk in candidates(connection, selection.source, all_of(tests), selection.program, day):
        looked_at += len(chunk)
        if most is not None and looked_at > most:
            raise SegmentTooLarge(
                f"SQL cannot evaluate {', '.join(selection.left_out)}, and more than {most} members would have to be "
                "looked at one by one: add a term that leaves fewer, or ask `jifen segments count`.",
                left_out=list(selection.left_out),
            )
        yield chunk
        # Whoever shares the process goes on meanwhile.
        await asyncio.sleep(0)


def _behind(place: Place) -> Fragment:
    return Fragment("(m.shard, m.member_id) > ($?::smallint, $?::bigint)", place)


def _members_of(selection: Selection, chunk: Iterable[Candidate]) -> Iterator[Candidate]:
    condition = selection.condition
    assert condition is not None
    vocabulary = selection.program.segment_vocabulary
    for each in chunk:
        facts = vocabulary.facts(condition.names, each.facts, selection.moment, each.balances)
        if belongs(condition, facts):
            yield each


def _moment(program: Program, now: datetime) -> Moment:
    return Moment(now, program.zone)
