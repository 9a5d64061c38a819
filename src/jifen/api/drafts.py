"""Drafts of the program under /v1/program/drafts: made, checked, compared, published, thrown away."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from jifen.core.errors import JifenError
from jifen.core.limits import MAXIMUM_REASON
from jifen.core.program import InvalidProgram
from jifen.core.refusal import Refusal, refusal_from
from jifen.db.connection import Connection
from jifen.services import drafts
from jifen.services.instants import Instant, to_utc
from jifen.services.program_changes import Change, changes_between
from jifen.services.programs import THE_DRAFT, program_version
from jifen.services.publishing import report_on
from jifen.services.segments.catalog import all_segments
from jifen.settings import Settings


class DraftBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A program on its way: the text of its YAML file. It is made from the newest version."""

    program: Annotated[str, Meta(min_length=1)]


class CheckBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing is to be said."""


class PublishBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When it begins to hold (left out: at once), and why it is published in spite of findings, where there are any.
    `overtake`: versions that would begin later never will."""

    effective_at: Instant | None = None
    accept_findings: Annotated[str, Meta(min_length=1, max_length=MAXIMUM_REASON)] | None = None
    overtake: bool = False


class DraftView(msgspec.Struct, frozen=True):
    """A draft. `report` is that of the last check (`findings`, `not_proven`); `changes` say what differs from the
    newest version, in words."""

    draft_id: str
    base_version: int
    status: Literal["draft", "checked", "published"]
    created_at: datetime
    created_by: str
    checked_at: datetime | None
    report: dict[str, Any] | None
    published_version: int | None
    program: str
    changes: list[Change]


class PublishedView(msgspec.Struct, frozen=True):
    """The version that a draft became. `is_new` false: the newest version says the same already."""

    version: int
    is_new: bool


class Asked(msgspec.Struct, frozen=True):
    """What a call was made with. `name` is the part of the path in braces, `key` the Idempotency-Key, if any."""

    connection: Connection
    actor: str
    name: str
    body: Any
    key: str | None = None
    settings: Settings = Settings()


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """A call that changes drafts, backtests or stock; neither it nor its repetition moves points, so only some take an
    Idempotency-Key (`takes_key`)."""

    name: str
    method: Literal["POST", "DELETE"]
    path: str
    summary: str
    summary_zh: str
    body: type[msgspec.Struct]
    answer_type: type[msgspec.Struct]
    status: int = 200
    takes_key: bool = False
    run: Callable[[Asked], Awaitable[msgspec.Struct]]
    codes: tuple[str, ...]
    example: dict[str, Any]
    example_answer: dict[str, Any]


async def view_of_draft(connection: Connection, draft: drafts.Draft) -> DraftView:
    """A draft with what it would change."""
    try:
        newest = (await program_version(connection)).document
        changes = changes_between(newest, draft.document)
    except JifenError:
        changes = []
    return DraftView(
        str(draft.id),
        draft.base_version,
        draft.status,
        draft.created_at,
        draft.created_by,
        draft.checked_at,
        draft.report,
        draft.published_version,
        draft.source,
        changes,
    )


async def find_draft(connection: Connection, draft_id: str) -> drafts.Draft:
    """A draft by the number in a path. Raises UnknownDraft."""
    is_number = draft_id.isascii() and draft_id.isdigit() and len(draft_id) < 19
    return await drafts.find_draft(connection, int(draft_id) if is_number else 0)


async def _make(asked: Asked) -> DraftView:
    return await view_of_draft(
        asked.connection, await drafts.make_draft(asked.connection, asked.body.program, asked.actor)
    )


async def _check(asked: Asked) -> DraftView:
    draft = await find_draft(asked.connection, asked.name)
    return await view_of_draft(asked.connection, await _checked(asked.connection, draft))


async def _checked(connection: Connection, draft: drafts.Draft) -> drafts.Draft:
    # Proofs take seconds of a processor: elsewhere, so that events go on.
    saved = [each.segment_id for each in await all_segments(connection)]
    report = await asyncio.to_thread(report_on, draft.source, THE_DRAFT, saved)
    return await drafts.keep_report(connection, draft, report)


async def _publish(asked: Asked) -> PublishedView:
    effective_at = None if asked.body.effective_at is None else to_utc(asked.body.effective_at, "/effective_at")
    if isinstance(effective_at, Refusal):
        raise Refused(effective_at)
    draft = await find_draft(asked.connection, asked.name)
    applied = await drafts.publish_draft(
        asked.connection,
        draft,
        asked.actor,
        effective_at=effective_at,
        accepted_because=asked.body.accept_findings,
        overtakes=asked.body.overtake,
    )
    return PublishedView(applied.version, applied.is_new)


async def _delete(asked: Asked) -> DraftView:
    draft = await find_draft(asked.connection, asked.name)
    gone = await view_of_draft(asked.connection, draft)
    await drafts.delete_draft(asked.connection, draft)
    return gone


class Refused(Exception):
    """Ends a call with a refusal."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.code)
        self.refusal = refusal


def refusal_of(error: JifenError, body: type[msgspec.Struct]) -> Refusal:
    """The refusal that an error of the services stands for."""
    in_program = isinstance(error, InvalidProgram) and "program" in body.__struct_fields__
    return refusal_from(error, "/program" if in_program else None)


EXAMPLE_DRAFT = {
    "draft_id": "7",
    "base_version": 3,
    "status": "checked",
    "created_at": datetime(2026, 11, 1, 8, tzinfo=UTC).isoformat(),
    "created_by": "key:1",
    "checked_at": datetime(2026, 11, 1, 8, 1, tzinfo=UTC).isoformat(),
    "report": {"findings": [], "not_proven": []},
    "published_version": None,
    "program": "name: {zh: 茶铺会员积分, en: Tea shop points}\n",
    "changes": [{"path": "$.earning", "zh": "新增规则 double", "en": "The rule double is new"}],
}
DRAFTS_PATH = "/v1/program/drafts"
DRAFT_PATH = f"{DRAFTS_PATH}/{{draft_id}}"

#: What any of these calls can be refused with.
CALL_CODES = (
    "unauthorized",
    "malformed_json",
    "body_too_large",
    "unsupported_media_type",
    "invalid_field",
    "missing_field",
    "unknown_field",
    "invalid_text",
    "invalid_parameter",
    "internal",
    "database_unavailable",
)
CALLS = (
    Call(
        name="make_draft",
        method="POST",
        path=DRAFTS_PATH,
        summary="Keep a program as a draft",
        summary_zh="保存积分计划草稿",
        body=DraftBody,
        answer_type=DraftView,
        status=201,
        run=_make,
        codes=("invalid_program",),
        example={"program": "name: {zh: 茶铺会员积分, en: Tea shop points}\n"},
        example_answer=EXAMPLE_DRAFT | {"status": "draft", "checked_at": None, "report": None},
    ),
    Call(
        name="check_draft",
        method="POST",
        path=f"{DRAFT_PATH}/check",
        summary="Check the rules of a draft",
        summary_zh="检查草稿的规则",
        body=CheckBody,
        answer_type=DraftView,
        run=_check,
        codes=("unknown_draft", "draft_published"),
        example={},
        example_answer=EXAMPLE_DRAFT,
    ),
    Call(
        name="publish_draft",
        method="POST",
        path=f"{DRAFT_PATH}/publish",
        summary="Publish a checked draft, at once or at an instant",
        summary_zh="发布已检查的草稿（立即或定时）",
        body=PublishBody,
        answer_type=PublishedView,
        run=_publish,
        codes=(
            "unknown_draft",
            "draft_published",
            "draft_not_checked",
            "findings_not_accepted",
            "draft_outdated",
            "program_change_refused",
            "instant_too_far",
        ),
        example={"effective_at": "2026-11-11T00:00:00+08:00"},
        example_answer={"version": 4, "is_new": True},
    ),
    Call(
        name="delete_draft",
        method="DELETE",
        path=DRAFT_PATH,
        summary="Throw a draft away",
        summary_zh="删除草稿",
        body=CheckBody,
        answer_type=DraftView,
        run=_delete,
        codes=("unknown_draft", "draft_published"),
        example={},
        example_answer=EXAMPLE_DRAFT,
    ),
)
