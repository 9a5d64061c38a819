"""Segments, and who is in them."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from jifen.api.reads.base import Asked, Query, Read
from jifen.api.segments import EXAMPLE_PREVIEW, EXAMPLE_SEGMENT, SEGMENT_PATH, SEGMENTS_PATH, SegmentView, view_of
from jifen.core.errors import JifenError
from jifen.core.refusal import Refusal, refusal_from
from jifen.services.segments import catalog
from jifen.services.segments.previews import (
    SegmentPage,
    SegmentPreview,
    decode_cursor,
    preview_segment,
    segment_page,
)
from jifen.services.segments.selection import MOST_CANDIDATES


class SegmentList(msgspec.Struct, frozen=True):
    """All segments, by id."""

    segments: list[catalog.Segment]


class FirstQuery(Query, frozen=True):
    """How many members to name."""

    limit: Annotated[int, Meta(ge=1, le=200)] = 20


class MembersQuery(Query, frozen=True):
    """So many members, after the page that ended with this cursor."""

    limit: Annotated[int, Meta(ge=1, le=1_000)] = 100
    cursor: Annotated[str, Meta(max_length=64)] | None = None


async def _segments(asked: Asked) -> SegmentList:
    return SegmentList(await catalog.all_segments(asked.connection))


async def _segment(asked: Asked) -> SegmentView | Refusal:
    try:
        segment = await catalog.find_segment(asked.connection, asked.name)
        return view_of(segment, await catalog.users_of(asked.connection, asked.name))
    except JifenError as error:
        return refusal_from(error)


async def _preview(asked: Asked) -> SegmentPreview | Refusal:
    try:
        segment = await catalog.find_segment(asked.connection, asked.name)
        program = await catalog.program_of(asked.connection)
        limit = asked.query.limit
        return await preview_segment(asked.connection, program, segment, asked.now, limit=limit, most=MOST_CANDIDATES)
    except JifenError as error:
        return refusal_from(error)


async def _members(asked: Asked) -> SegmentPage | Refusal:
    query: MembersQuery = asked.query
    after = None if query.cursor is None else decode_cursor(query.cursor)
    if isinstance(after, Refusal):
        return after
    try:
        segment = await catalog.find_segment(asked.connection, asked.name)
        program = await catalog.program_of(asked.connection)
        return await segment_page(
            asked.connection, program, segment, asked.now, after=after, limit=query.limit, most=MOST_CANDIDATES
        )
    except JifenError as error:
        return refusal_from(error)


READS = (
    Read(
        name="list_segments",
        path=SEGMENTS_PATH,
        summary="All segments",
        summary_zh="会员分群列表",
        answer_type=SegmentList,
        run=_segments,
        example_answer={"segments": [{name: value for name, value in EXAMPLE_SEGMENT.items() if name != "used_by"}]},
    ),
    Read(
        name="get_segment",
        path=SEGMENT_PATH,
        summary="A segment, and what uses it",
        summary_zh="一个会员分群及其使用者",
        answer_type=SegmentView,
        run=_segment,
        codes=("unknown_segment",),
        example_answer=EXAMPLE_SEGMENT,
    ),
    Read(
        name="preview_segment",
        path=f"{SEGMENT_PATH}/preview",
        summary="How many members a segment has, and the first of them",
        summary_zh="会员分群的人数与前几位会员",
        query=FirstQuery,
        answer_type=SegmentPreview,
        run=_preview,
        codes=("unknown_segment", "invalid_condition", "segment_too_large", "no_program"),
        example_answer=EXAMPLE_PREVIEW,
    ),
    Read(
        name="list_segment_members",
        path=f"{SEGMENT_PATH}/members",
        summary="The members of a segment, page by page",
        summary_zh="会员分群的会员（分页）",
        query=MembersQuery,
        answer_type=SegmentPage,
        run=_members,
        codes=("unknown_segment", "invalid_condition", "segment_too_large", "no_program"),
        example_answer={"member_ids": ["100001", "100007"], "next_cursor": "NjMtMTAwMDA3"},
    ),
)
