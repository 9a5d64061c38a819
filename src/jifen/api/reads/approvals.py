"""What waits for a second person."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from jifen.api.reads.base import Asked, Query, Read
from jifen.core.refusal import Refusal
from jifen.services import approvals


class ApprovalsQuery(Query, frozen=True):
    """So many requests, after the page that ended with this cursor, in this state only."""

    limit: Annotated[int, Meta(ge=1, le=200)] = 50
    cursor: Annotated[str, Meta(max_length=64)] | None = None
    state: approvals.StateName | None = None


async def _approvals(asked: Asked) -> approvals.ApprovalPage | Refusal:
    query: ApprovalsQuery = asked.query
    return await approvals.approvals_page(
        asked.connection, asked.now, state=query.state, before=query.cursor, limit=query.limit
    )


async def _approval(asked: Asked) -> approvals.ApprovalView | Refusal:
    number = approvals.approval_number(asked.name)
    found = None if number is None else await approvals.find_approval(asked.connection, number, asked.now)
    return Refusal("unknown_approval", f"There is no request {asked.name[:40]!r}.") if found is None else found


_APPROVAL: dict[str, Any] = {
    "approval_id": "5",
    "state": "waiting",
    "kind": "adjust",
    "member_id": "100001",
    "command": {"points": 8000, "reason_code": "goodwill"},
    "asked_by": "key:5f0c2b7a91",
    "asked_at": "2026-11-11T02:03:04.567Z",
    "lapses_at": "2026-11-18T02:03:04.567Z",
    "reason": "parcel lost",
    "asked_by_name": "support desk",
}

READS = (
    Read(
        name="list_approvals",
        path="/v1/approvals",
        summary="What waits for a second person, or waited, newest first",
        summary_zh="待复核的请求（最新在前）",
        query=ApprovalsQuery,
        answer_type=approvals.ApprovalPage,
        run=_approvals,
        example_answer={"approvals": [_APPROVAL], "next_cursor": None},
    ),
    Read(
        name="get_approval",
        path="/v1/approvals/{approval_id}",
        summary="A request as it stands",
        summary_zh="请求的当前状态",
        answer_type=approvals.ApprovalView,
        run=_approval,
        codes=("unknown_approval",),
        example_answer=_APPROVAL,
    ),
)
