"""The segments that were saved: made, changed, deleted, and what uses them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Collection, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, ClassVar, Final, Literal

import msgspec

from jifen.analytics.proofs.places import places_beside_rules
from jifen.core.conditions import Condition, InvalidCondition
from jifen.core.errors import JifenError
from jifen.core.program import LocalizedText, Program
from jifen.core.rules.book import segments_asked
from jifen.core.text import unfit_text
from jifen.db.connection import Connection
from jifen.db.locking import LOCK_FOR_ONE
from jifen.db.queries import load_queries
from jifen.services.programs import current_program, program_versions_from_now

_SQL = load_queries("segments")
_ID: Final = re.compile(r"[a-z][a-z0-9_-]{0,39}")
#: "segments" in ASCII: the advisory lock under which the catalog changes.
_CATALOG_LOCK: Final = 0x7365676D656E7473
#: Would be taken for something else in a path.
_RESERVED: Final = ("preview",)
_MOST_TEXT: Final = 200
MAXIMUM_SEGMENTS: Final = 1_000

SegmentKind = Literal["condition", "list"]


class UnknownSegment(JifenError):
    """There is no such segment."""

    code: ClassVar[str] = "unknown_segment"


class SegmentExists(JifenError):
    """The id is taken by another segment."""

    code: ClassVar[str] = "segment_exists"


class SegmentInUse(JifenError):
    """A program, or the condition of another segment, asks for the segment by name."""

    code: ClassVar[str] = "segment_in_use"


class InvalidSegment(JifenError):
    """The segment makes no sense: its id, its name, a condition that is superfluous or that asks for what conditions
    cannot see."""

    code: ClassVar[str] = "invalid_segment"


class InvalidSegmentCondition(JifenError):
    """The condition is no CEL over what is known of members; `problems` says where and why."""

    code: ClassVar[str] = "invalid_condition"


class NoProgramForSegments(JifenError):
    """Fields and wallets are the program's: without one, no condition can be read."""

    code: ClassVar[str] = "no_program"


class Segment(msgspec.Struct, frozen=True):
    """A set of members. `condition` (CEL) says who belongs to it; null: whoever is on its list."""

    segment_id: str
    name: LocalizedText
    kind: SegmentKind
    condition: str | None
    created_at: datetime
    created_by: str
    changed_at: datetime
    changed_by: str


async def all_segments(connection: Connection) -> list[Segment]:
    """Every segment, by id."""
    return [_segment_of(row) for row in await connection.fetch(_SQL["all_segments"])]


async def conditions_of(connection: Connection, program: Program, asked: Collection[str]) -> dict[str, Condition]:
    """The conditions of those of these segments that have one which this program can read; to others nobody belongs by
    a condition."""
    found = {
        each.segment_id: try_condition(program, each.condition)
        for each in (await all_segments(connection) if asked else [])
        if each.condition is not None and each.segment_id in asked
    }
    return {segment: condition for segment, condition in found.items() if condition is not None}


async def find_segment(connection: Connection, segment_id: str) -> Segment:
    """A segment by its id. Raises UnknownSegment."""
    row = await connection.fetchrow(_SQL["one_segment"], segment_id) if _ID.fullmatch(segment_id) else None
    if row is None:
        raise UnknownSegment(f"There is no segment {segment_id[:40]!r}.", segment_id=segment_id[:40])
    return _segment_of(row)


@asynccontextmanager
async def _alone(connection: Connection) -> AsyncIterator[None]:
    """One change of the catalog at a time: what a change may be hangs on all other segments."""
    async with connection.transaction():
        await connection.execute(LOCK_FOR_ONE, _CATALOG_LOCK)
        yield


async def create_segment(
    connection: Connection, segment_id: str, name: LocalizedText, condition: str | None, actor: str
) -> Segment:
    """Save a new segment: of whom the condition is true, or (None) whose list is empty as yet.

    Raises:
        InvalidSegment, InvalidSegmentCondition, NoProgramForSegments, SegmentExists: nothing was saved.
    """
    if not _ID.fullmatch(segment_id) or segment_id in _RESERVED:
        message = f"{segment_id[:50]!r} is no id of a segment; write a-z, 0-9, _ and -, 1 to 40 characters."
        zh = f"{segment_id[:50]!r} 不能作为分群的 id；须为 a-z、0-9、_ 和 -，1 至 40 个字符。"
        raise InvalidSegment(message, message_zh=zh, pointer="/segment_id")
    _check_name(name)
    async with _alone(connection):
        saved = await all_segments(connection)
        if condition is not None:
            program = await program_of(connection)
            _compile_over_lists(program, condition, {segment_id, *_conditional(saved)})
            _check_unasked(program, segment_id, saved)
        if len(saved) >= MAXIMUM_SEGMENTS:
            message = f"There are {MAXIMUM_SEGMENTS} segments already: delete those that nobody uses."
            raise InvalidSegment(message, message_zh=f"已有 {MAXIMUM_SEGMENTS} 个分群；请删除不用的。")
        kind = "list" if condition is None else "condition"
        values = (segment_id, _encoded(name), kind, condition, datetime.now(UTC), actor)
        if await connection.fetchval(_SQL["write_segment"], *values) is None:
            raise SegmentExists(f"There is a segment {segment_id} already.", segment_id=segment_id)
        return await find_segment(connection, segment_id)


async def change_segment(
    connection: Connection, segment_id: str, name: LocalizedText | None, condition: str | None, actor: str
) -> Segment:
    """Give a segment another name or another condition; what is None stays.

    Raises:
        UnknownSegment, InvalidSegment, InvalidSegmentCondition, NoProgramForSegments: nothing was changed.
    """
    async with _alone(connection):
        segment = await find_segment(connection, segment_id)
        if name is not None:
            _check_name(name)
        if condition is not None:
            if segment.kind == "list":
                message, zh = f"{segment_id} is a list and has no condition.", f"{segment_id} 是名单，没有条件。"
                raise InvalidSegment(message, message_zh=zh, pointer="/condition")
            conditional = {segment_id, *_conditional(await all_segments(connection))}
            _compile_over_lists(await program_of(connection), condition, conditional)
        values = (_encoded(name or segment.name), condition or segment.condition, datetime.now(UTC), actor)
        await connection.execute(_SQL["change_segment"], segment_id, *values)
        return await find_segment(connection, segment_id)


async def delete_segment(connection: Connection, segment_id: str) -> Segment:
    """Forget a segment and its list. Raises UnknownSegment, SegmentInUse."""
    async with _alone(connection):
        segment = await find_segment(connection, segment_id)
        users = await users_of(connection, segment_id)
        if users:
            message = f"{segment_id} is asked for by {', '.join(users)}: change that first."
            raise SegmentInUse(message, segment_id=segment_id, used_by=users)
        await connection.execute(_SQL["delete_segment"], segment_id)
        return segment


async def users_of(connection: Connection, segment_id: str) -> list[str]:
    """What asks for a segment by name: conditions of program versions that hold now or later (of rules, tiers, rewards,
    lotteries, approval flows), and other segments."""
    programs = await program_versions_from_now(connection)
    users = [f"{user} of version {program.version}" for program in programs for user in _users_in(program, segment_id)]
    if programs:
        asking = _asking_for(programs[0], segment_id, await all_segments(connection))
        users += [f"segment {each}" for each in asking if each != segment_id]
    return users


def _asking_for(program: Program, segment_id: str, saved: Iterable[Segment]) -> list[str]:
    """The saved segments whose condition asks for this one by name."""
    conditions = {each.segment_id: try_condition(program, each.condition) for each in saved if each.condition}
    return [name for name, each in conditions.items() if each is not None and segment_id in segments_asked(each)]


async def compile_unsaved(connection: Connection, program: Program, source: str) -> Condition:
    """A condition that no segment has as yet, but might. Raises InvalidSegment, InvalidSegmentCondition."""
    return _compile_over_lists(program, source, _conditional(await all_segments(connection)))


def _conditional(saved: Iterable[Segment]) -> set[str]:
    """The ids of those of the segments that have a condition."""
    return {each.segment_id for each in saved if each.kind == "condition"}


def _compile_over_lists(program: Program, source: str, conditional: Collection[str]) -> Condition:
    """A condition of a segment that asks for none of the conditional ones, its own among them: it sees the lists alone,
    and would never find anybody there. Raises InvalidSegment, InvalidSegmentCondition."""
    condition = compile_condition(program, source)
    named = sorted(segments_asked(condition).intersection(conditional))
    if named:
        message = f"The condition asks for {', '.join(named)}, but sees lists only, no segments that have a condition."
        zh = f"条件提到 {'、'.join(named)}；分群的条件只能看到名单，看不到按条件的分群。"
        message += " Write that segment's own condition here, or ask for a list."
        zh += "请直接写出该分群的条件，或改用名单。"
        raise InvalidSegment(message, message_zh=zh, pointer="/condition")
    return condition


def _check_unasked(program: Program, segment_id: str, saved: Iterable[Segment]) -> None:
    """Refuse a new segment with a condition where conditions of others ask for it, as they would for a list. Raises
    InvalidSegment."""
    users = _asking_for(program, segment_id, saved)
    if users:
        message = f"The condition of {', '.join(users)} asks for {segment_id}, but sees lists only."
        zh = f"分群 {'、'.join(users)} 的条件提到 {segment_id}；分群的条件只能看到名单。请先修改它，或建为名单。"
        message += " Change that first, or save a list."
        raise InvalidSegment(message, message_zh=zh, pointer="/condition")


def _users_in(program: Program, segment_id: str) -> list[str]:
    rules = [rule for book in program.books.values() for rule in book.rules]
    users = [f"rule {rule.id}" for rule in rules if segment_id in rule.segments]
    beside = (place for place in places_beside_rules(program) if segment_id in segments_asked(place.condition))
    return list(dict.fromkeys([*users, *(place.owner.replace(":", " ", 1) for place in beside)]))


async def program_of(connection: Connection) -> Program:
    """The program in force. Raises NoProgramForSegments."""
    program = await current_program(connection)
    if program is None:
        raise NoProgramForSegments("There is no program yet: apply one with `jifen program apply FILE`.")
    return program


def compile_condition(program: Program, source: str) -> Condition:
    """A condition over the members of a program. Raises InvalidSegmentCondition."""
    try:
        return program.segment_vocabulary.vocabulary.compile(source)
    except InvalidCondition as error:
        problems = [each.details for each in error.problems]
        message = f"The condition is wrong: {error.message}"
        raise InvalidSegmentCondition(
            message, message_zh=error.message_zh, pointer="/condition", problems=problems
        ) from None


def try_condition(program: Program, source: str) -> Condition | None:
    """The condition, or None where the program has no longer what it names."""
    try:
        return compile_condition(program, source)
    except InvalidSegmentCondition:
        return None


def _check_name(name: LocalizedText) -> None:
    for language, text in (("zh", name.zh), ("en", name.en)):
        if not text.strip() or len(text) > _MOST_TEXT or unfit_text(text):
            message = f"A name has 1 to {_MOST_TEXT} characters in each language, without control characters."
            zh = f"每种语言的名称须为 1 至 {_MOST_TEXT} 个字符，不含控制字符。"
            raise InvalidSegment(message, message_zh=zh, pointer=f"/name/{language}")


def _encoded(name: LocalizedText) -> str:
    return msgspec.json.encode(name).decode()


def _segment_of(row: Any) -> Segment:
    return Segment(
        row["segment_id"],
        msgspec.json.decode(row["name"], type=LocalizedText),
        row["kind"],
        row["condition"],
        row["created_at"],
        row["created_by"],
        row["changed_at"],
        row["changed_by"],
    )
