"""What waits for a second person: the request, and whether it may be decided."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from jifen.core.refusal import Refusal

ApprovalKind = Literal["adjust"]
ApprovalState = Literal["waiting", "approved", "rejected"]


class Approval(msgspec.Struct, frozen=True, gc=False):
    """A request. `command` is JSON, and is done when somebody else approves it, before it lapses; `sequence` is the
    transaction that this made. `asked_by` is an actor, `asked_by_name` what the actor's key is called."""

    approval_id: int
    member_id: int
    kind: ApprovalKind
    command: bytes
    asked_by: str
    asked_at: datetime
    lapses_at: datetime
    reason: str | None = None
    state: ApprovalState = "waiting"
    decided_by: str | None = None
    decided_at: datetime | None = None
    decision_reason: str | None = None
    sequence: int | None = None
    asked_by_name: str | None = None


def check_decision(approval: Approval, actor: str, actor_name: str | None, now: datetime) -> Refusal | None:
    """Refuse to decide what was decided, what has lapsed, and one's own request: the actor must be another, and so
    must be the name of the actor's key, as a second key of the same name belongs to the same person."""
    name = str(approval.approval_id)
    if approval.state != "waiting":
        return Refusal(
            "approval_decided",
            f"The request {name} was {approval.state} by {approval.decided_by}.",
            None,
            {"approval_id": name, "state": approval.state},
        )
    if now >= approval.lapses_at:
        message = f"The request {name} waited too long and has lapsed; ask again."
        return Refusal("approval_lapsed", message, None, {"approval_id": name})
    is_same_name = actor_name is not None and actor_name == approval.asked_by_name
    if actor == approval.asked_by or is_same_name:
        message = f"The request {name} is your own: somebody else must decide it."
        return Refusal("own_request", message, None, {"approval_id": name})
    return None
