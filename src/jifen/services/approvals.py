"""What waits for a second person, or waited, as people read it."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Literal

import msgspec

from jifen.core.refusal import Refusal
from jifen.core.wallets.approvals import Approval, ApprovalKind
from jifen.db.connection import Connection
from jifen.db.queries import load_queries
from jifen.engine.approvals import approval_of
from jifen.services.cursors import no_cursor

_SQL = load_queries("approvals")
_NUMBER = re.compile(r"[1-9][0-9]{0,9}")
_LARGEST = 2**31 - 1

StateName = Literal["waiting", "approved", "rejected", "lapsed"]


class ApprovalView(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A request. `command` is what is done when it is approved; `asked_by` and `decided_by` are actors;
    `transaction_id` is what approving it did. Who asked cannot decide, also not with another key of the same name."""

    approval_id: str
    state: StateName
    kind: ApprovalKind
    member_id: str
    command: dict[str, Any]
    asked_by: str
    asked_at: datetime
    lapses_at: datetime
    reason: str | None = None
    asked_by_name: str | None = None
    decided_by: str | None = None
    decided_at: datetime | None = None
    decision_reason: str | None = None
    transaction_id: str | None = None


class ApprovalPage(msgspec.Struct, frozen=True):
    """Requests, newest first. `next_cursor` asks for the page after this one; null: this is the last."""

    approvals: list[ApprovalView]
    next_cursor: str | None


def approval_number(text: str) -> int | None:
    """The number of a request, or None where there can be none."""
    number = int(text) if _NUMBER.fullmatch(text) else 0
    return number if 0 < number <= _LARGEST else None


async def approvals_page(
    connection: Connection, now: datetime, *, state: StateName | None = None, before: str | None = None, limit: int = 50
) -> ApprovalPage | Refusal:
    """Requests in a state (None: all)."""
    below = _LARGEST if before is None else approval_number(before)
    if below is None:
        return no_cursor()
    rows = await connection.fetch(_SQL["approvals_page"], state, below, limit + 1, now)
    views = [view_of(approval_of(row), now) for row in rows[:limit]]
    return ApprovalPage(views, views[-1].approval_id if len(rows) > limit else None)


async def find_approval(connection: Connection, number: int, now: datetime) -> ApprovalView | None:
    """A request by its number."""
    row = await connection.fetchrow(_SQL["approval"], number)
    return None if row is None else view_of(approval_of(row), now)


def view_of(approval: Approval, now: datetime) -> ApprovalView:
    """A request as it stands at an instant."""
    has_lapsed = approval.state == "waiting" and now >= approval.lapses_at
    said = {name: value for name, value in msgspec.json.decode(approval.command).items() if value is not None}
    return ApprovalView(
        approval_id=str(approval.approval_id),
        state="lapsed" if has_lapsed else approval.state,
        kind=approval.kind,
        member_id=str(approval.member_id),
        command={name: value for name, value in said.items() if name != "member"},
        asked_by=approval.asked_by,
        asked_at=approval.asked_at,
        lapses_at=approval.lapses_at,
        reason=approval.reason,
        asked_by_name=approval.asked_by_name,
        decided_by=approval.decided_by,
        decided_at=approval.decided_at,
        decision_reason=approval.decision_reason,
        transaction_id=None if approval.sequence is None else f"{approval.member_id}-{approval.sequence}",
    )
