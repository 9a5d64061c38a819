"""What a segment comes to: how many members it has, and the first of them."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

import msgspec

from jifen.core.program import Program
from jifen.core.refusal import Refusal
from jifen.db.connection import Connection
from jifen.services.cursors import no_cursor, read_cursor, write_cursor
from jifen.services.segments.catalog import Segment, compile_unsaved
from jifen.services.segments.selection import (
    EvaluatedBy,
    Place,
    Selection,
    count,
    page,
    select_condition,
    select_segment,
)

_CURSOR: Final = re.compile(r"([0-9]{1,4})-([1-9][0-9]{0,18})")


class SegmentPreview(msgspec.Struct, frozen=True):
    """How many members a segment has, and the first of them, by number. `evaluated_by` python: SQL cannot say all of
    the condition (`left_out`), so that members are looked at one by one."""

    count: int
    member_ids: list[str]
    evaluated_by: EvaluatedBy
    left_out: list[str]


class SegmentPage(msgspec.Struct, frozen=True):
    """Members of a segment, in an order that stays. `next_cursor` asks for the page after this one; null: this is the
    last."""

    member_ids: list[str]
    next_cursor: str | None


async def preview_segment(
    connection: Connection, program: Program, segment: Segment, now: datetime, *, limit: int, most: int | None = None
) -> SegmentPreview:
    """The size of a saved segment, and its first members. Needs a snapshot.

    Raises InvalidSegmentCondition, SegmentTooLarge.
    """
    return await _preview(connection, select_segment(program, segment, now), limit, most)


async def preview_condition(
    connection: Connection, program: Program, source: str, now: datetime, *, limit: int, most: int | None = None
) -> SegmentPreview:
    """The same of a condition that was not saved. Also raises InvalidSegment: it could not be saved either."""
    condition = await compile_unsaved(connection, program, source)
    return await _preview(connection, select_condition(program, condition, now), limit, most)


async def segment_page(
    connection: Connection,
    program: Program,
    segment: Segment,
    now: datetime,
    *,
    after: Place | None,
    limit: int,
    most: int | None = None,
) -> SegmentPage:
    """A page of the members of a saved segment. Needs a snapshot. Raises InvalidSegmentCondition, SegmentTooLarge."""
    selection = select_segment(program, segment, now)
    places = await page(connection, selection, after=after, limit=limit + 1, most_candidates=most)
    cursor = encode_cursor(places[limit - 1]) if len(places) > limit else None
    return SegmentPage([str(member) for _, member in places[:limit]], cursor)


def encode_cursor(place: Place) -> str:
    """A cursor says where a page ended. Its form is ours alone."""
    return write_cursor(f"{place[0]}-{place[1]}".encode())


def decode_cursor(cursor: str) -> Place | Refusal:
    """The place at which a page ended."""
    found = _CURSOR.fullmatch(read_cursor(cursor).decode("ascii", "replace"))
    if found is None or int(found.group(2)) >= 2**63:
        return no_cursor()
    return int(found.group(1)), int(found.group(2))


async def _preview(connection: Connection, selection: Selection, limit: int, most: int | None) -> SegmentPreview:
    number = await count(connection, selection, most_candidates=most)
    places = await page(connection, selection, limit=limit, most_candidates=most)
    members = [str(member) for _, member in places]
    return SegmentPreview(number, members, selection.evaluated_by, list(selection.left_out))
