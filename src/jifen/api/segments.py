"""Segments under /v1/segments: made, changed, deleted, previewed; members put on lists and taken off."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from jifen.api.drafts import Asked, Call
from jifen.core.limits import MAXIMUM_TEXT
from jifen.core.program import LocalizedText
from jifen.services.segments import catalog, lists
from jifen.services.segments.previews import SegmentPreview, preview_condition
from jifen.services.segments.selection import MOST_CANDIDATES
from jifen.services.snapshot import one_moment

Condition = Annotated[str, Meta(min_length=1, max_length=2_000)]
MemberName = Annotated[str, Meta(min_length=1, max_length=MAXIMUM_TEXT + 16)]


class SegmentBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A new segment: of whom the `condition` (CEL) is true; without one, a list that is empty at first."""

    segment_id: Annotated[str, Meta(pattern="^[a-z][a-z0-9_-]{0,39}$")]
    name: LocalizedText
    condition: Condition | None = None


class SegmentChangeBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Another name, another condition; what is left out stays. A list gets no condition."""

    name: LocalizedText | None = None
    condition: Condition | None = None


class SegmentPreviewBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A condition that was not saved, and how many of its members to name."""

    condition: Condition
    limit: Annotated[int, Meta(ge=0, le=200)] = 20


class ListBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Members, by number or by identity (`kind:value`)."""

    members: Annotated[list[MemberName], Meta(min_length=1, max_length=10_000)]


class NothingBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing is to be said."""


class SegmentView(msgspec.Struct, frozen=True):
    """A set of members. `condition` null: a list. `used_by`: the rules and other segments that ask for it."""

    segment_id: str
    name: LocalizedText
    kind: Literal["condition", "list"]
    condition: str | None
    created_at: datetime
    created_by: str
    changed_at: datetime
    changed_by: str
    used_by: list[str]


def view_of(segment: catalog.Segment, used_by: list[str]) -> SegmentView:
    """A segment and what uses it."""
    return SegmentView(**msgspec.structs.asdict(segment), used_by=used_by)


async def _create(asked: Asked) -> SegmentView:
    body: SegmentBody = asked.body
    made = await catalog.create_segment(asked.connection, body.segment_id, body.name, body.condition, asked.actor)
    return view_of(made, await catalog.users_of(asked.connection, made.segment_id))


async def _change(asked: Asked) -> SegmentView:
    body: SegmentChangeBody = asked.body
    changed = await catalog.change_segment(asked.connection, asked.name, body.name, body.condition, asked.actor)
    return view_of(changed, await catalog.users_of(asked.connection, changed.segment_id))


async def _delete(asked: Asked) -> SegmentView:
    return view_of(await catalog.delete_segment(asked.connection, asked.name), [])


async def _preview(asked: Asked) -> SegmentPreview:
    body: SegmentPreviewBody = asked.body
    program = await catalog.program_of(asked.connection)
    async with one_moment(asked.connection):
        return await preview_condition(
            asked.connection, program, body.condition, datetime.now(UTC), limit=body.limit, most=MOST_CANDIDATES
        )


async def _add(asked: Asked) -> lists.ListChange:
    segment = await catalog.find_segment(asked.connection, asked.name)
    return await lists.change_list(asked.connection, segment, asked.body.members, adds=True, actor=asked.actor)


async def _remove(asked: Asked) -> lists.ListChange:
    segment = await catalog.find_segment(asked.connection, asked.name)
    return await lists.change_list(asked.connection, segment, asked.body.members, adds=False, actor=asked.actor)


SEGMENTS_PATH: Final = "/v1/segments"
SEGMENT_PATH: Final = f"{SEGMENTS_PATH}/{{segment_id}}"
EXAMPLE_SEGMENT: Final[dict[str, Any]] = {
    "segment_id": "vip-buyers",
    "name": {"zh": "高价值会员", "en": "VIP buyers"},
    "kind": "condition",
    "condition": "member.orders >= 3 && member.spent_cents_year >= 100000",
    "created_at": "2026-11-01T08:00:00Z",
    "created_by": "key:1",
    "changed_at": "2026-11-01T08:00:00Z",
    "changed_by": "key:1",
    "used_by": ["rule double of version 3"],
}
EXAMPLE_PREVIEW: Final[dict[str, Any]] = {
    "count": 1280,
    "member_ids": ["100001", "100007"],
    "evaluated_by": "sql",
    "left_out": [],
}

SEGMENT_CALLS = (
    Call(
        name="create_segment",
        method="POST",
        path=SEGMENTS_PATH,
        summary="Save a segment: a condition, or a list",
        summary_zh="新建会员分群（条件或名单）",
        body=SegmentBody,
        answer_type=SegmentView,
        status=201,
        run=_create,
        codes=("invalid_segment", "invalid_condition", "segment_exists", "no_program"),
        example={name: EXAMPLE_SEGMENT[name] for name in ("segment_id", "name", "condition")},
        example_answer=EXAMPLE_SEGMENT | {"used_by": []},
    ),
    Call(
        name="preview_condition",
        method="POST",
        path=f"{SEGMENTS_PATH}/preview",
        summary="How many members a condition is true of, and the first of them",
        summary_zh="预览条件：人数与前几位会员",
        body=SegmentPreviewBody,
        answer_type=SegmentPreview,
        run=_preview,
        codes=("invalid_segment", "invalid_condition", "segment_too_large", "no_program"),
        example={"condition": "member.orders >= 3 && balance.points > 1000", "limit": 2},
        example_answer=EXAMPLE_PREVIEW,
    ),
    Call(
        name="change_segment",
        method="POST",
        path=SEGMENT_PATH,
        summary="Give a segment another name or condition",
        summary_zh="修改会员分群",
        body=SegmentChangeBody,
        answer_type=SegmentView,
        run=_change,
        codes=("unknown_segment", "invalid_segment", "invalid_condition", "no_program"),
        example={"condition": EXAMPLE_SEGMENT["condition"]},
        example_answer=EXAMPLE_SEGMENT,
    ),
    Call(
        name="delete_segment",
        method="DELETE",
        path=SEGMENT_PATH,
        summary="Delete a segment that nothing asks for",
        summary_zh="删除未被使用的会员分群",
        body=NothingBody,
        answer_type=SegmentView,
        run=_delete,
        codes=("unknown_segment", "segment_in_use"),
        example={},
        example_answer=EXAMPLE_SEGMENT | {"used_by": []},
    ),
    Call(
        name="add_to_segment",
        method="POST",
        path=f"{SEGMENT_PATH}/members/add",
        summary="Put members on a list",
        summary_zh="把会员加入名单",
        body=ListBody,
        answer_type=lists.ListChange,
        run=_add,
        codes=("unknown_segment", "segment_not_a_list"),
        example={"members": ["100001", "phone:13800138000"]},
        example_answer={"changed": 1, "unchanged": 1, "unknown": []},
    ),
    Call(
        name="remove_from_segment",
        method="POST",
        path=f"{SEGMENT_PATH}/members/remove",
        summary="Take members off a list",
        summary_zh="把会员移出名单",
        body=ListBody,
        answer_type=lists.ListChange,
        run=_remove,
        codes=("unknown_segment", "segment_not_a_list"),
        example={"members": ["100001"]},
        example_answer={"changed": 1, "unchanged": 0, "unknown": []},
    ),
)
