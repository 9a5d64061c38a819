"""The life of a member: one table says what each state allows, for the code, the documents and the tests."""

from __future__ import annotations

from typing import Final, Literal

from jifen.core.commands import (
    AdjustPoints,
    CaptureHold,
    Command,
    CorrectOrder,
    PlaceHold,
    RecordEvent,
    RecordOrder,
    RefundOrder,
    RegisterMember,
    ReleaseHold,
    ReverseTransaction,
    SetProfile,
    SettleMember,
    SpendPoints,
    TransferPoints,
)
from jifen.core.draws.commands import DrawPrize
from jifen.core.ledger.values import MemberState, MemberStatus
from jifen.core.members.commands import (
    AddIdentities,
    ChangeLife,
    DescribePerson,
    FoundHousehold,
    JoinHousehold,
    LeaveHousehold,
    MergeMembers,
    RemoveIdentities,
    SpendFromHousehold,
    UndoMerge,
    VerifyIdentities,
)
from jifen.core.program import Program
from jifen.core.redemption.commands import (
    ApproveRedemption,
    CancelRedemption,
    CancelWriteOff,
    FulfilRedemption,
    PayRedemption,
    RedeemReward,
    RejectRedemption,
    ReturnRedemption,
    SettleRedemption,
    WriteOffCoupon,
)
from jifen.core.refusal import Refusal
from jifen.core.tiers.commands import GrantTier, RecalculateTiers
from jifen.core.wallets.commands import ConvertPoints, DecideApproval, SavePoints, UnsavePoints

Act = Literal[
    "earn",
    "receive",
    "spend",
    "send",
    "adjust",
    "release",
    "refund",
    "use",
    "time",
    "describe",
    "identify",
    "freeze",
    "unfreeze",
    "close",
    "anonymise",
    "merge",
    "undo_merge",
]
ACTS: Final[tuple[Act, ...]] = Act.__args__  # type: ignore[attr-defined]

#: What each kind of command is to the member whom it is about.
ACT_OF: Final[dict[type, Act]] = {
    RegisterMember: "describe",
    RecordOrder: "earn",
    RecordEvent: "earn",
    SpendPoints: "spend",
    PlaceHold: "spend",
    CaptureHold: "spend",
    TransferPoints: "send",
    AdjustPoints: "adjust",
    ReleaseHold: "release",
    RefundOrder: "refund",
    CorrectOrder: "refund",
    ReverseTransaction: "refund",
    SettleMember: "time",
    SetProfile: "describe",
    DescribePerson: "describe",
    AddIdentities: "identify",
    RemoveIdentities: "identify",
    VerifyIdentities: "identify",
    MergeMembers: "merge",
    UndoMerge: "undo_merge",
    FoundHousehold: "describe",
    JoinHousehold: "describe",
    LeaveHousehold: "release",
    SpendFromHousehold: "spend",
    RedeemReward: "spend",
    PayRedemption: "spend",
    ApproveRedemption: "spend",
    RejectRedemption: "release",
    CancelRedemption: "refund",
    FulfilRedemption: "release",
    ReturnRedemption: "refund",
    SettleRedemption: "time",
    WriteOffCoupon: "use",
    CancelWriteOff: "refund",
    ConvertPoints: "spend",
    SavePoints: "spend",
    UnsavePoints: "spend",
    DecideApproval: "adjust",
    DrawPrize: "spend",
    GrantTier: "describe",
    RecalculateTiers: "time",
}

_REFUSALS: Final = {
    MemberStatus.FROZEN: "member_frozen",
    MemberStatus.CLOSED: "member_closed",
    MemberStatus.ANONYMISED: "member_anonymised",
    MemberStatus.MERGED: "member_merged",
}
#: What goes on whatever becomes of a member: time passes, goods come back, holds are let go.
_ALWAYS: Final[frozenset[Act]] = frozenset(("time", "refund", "release"))
#: What beside that is allowed. Steps that lead where the member stands already change nothing.
_ALLOWED: Final[dict[MemberStatus, frozenset[Act]]] = {
    MemberStatus.ACTIVE: frozenset(ACTS),
    MemberStatus.FROZEN: frozenset(
        (
            "earn",
            "receive",
            "adjust",
            "describe",
            "identify",
            "freeze",
            "unfreeze",
            "close",
            "anonymise",
            "undo_merge",
        )
    ),
    MemberStatus.CLOSED: frozenset(("close", "anonymise", "undo_merge")),
    MemberStatus.ANONYMISED: frozenset(("anonymise",)),
    MemberStatus.MERGED: frozenset(("use",)),
}
#: For every state and act: None, or the code of the refusal.
LIFE: Final[dict[MemberStatus, dict[Act, str | None]]] = {
    status: {act: None if act in allowed | _ALWAYS else _REFUSALS[status] for act in ACTS}
    for status, allowed in _ALLOWED.items()
}
#: Acts that a program may refuse to frozen members (`members.frozen: refuse`).
EARNING: Final[frozenset[Act]] = frozenset(("earn", "receive"))

#: Where a step leads.
STATUS_AFTER: Final[dict[str, MemberStatus]] = {
    "freeze": MemberStatus.FROZEN,
    "unfreeze": MemberStatus.ACTIVE,
    "close": MemberStatus.CLOSED,
    "anonymise": MemberStatus.ANONYMISED,
}


def act_of(command: Command) -> Act:
    """What a command is to the member whom it is about."""
    return command.step if isinstance(command, ChangeLife) else ACT_OF[type(command)]


def check_life(program: Program, state: MemberState, act: Act, pointer: str | None = None) -> Refusal | None:
    """Refuse what the state of a member does not allow, saying why, and for a merged one who survived."""
    status = state.status
    if status is MemberStatus.ACTIVE:
        return None
    code = LIFE[status][act]
    if status is MemberStatus.FROZEN and act in EARNING and program.document.members.frozen == "refuse":
        code = "member_frozen"
    return None if code is None else refuse_member(state, code, pointer)


def refuse_member(state: MemberState, code: str, pointer: str | None = None) -> Refusal:
    """A refusal because of the member's state."""
    member = str(state.member_id)
    details: dict[str, object] = {"member_id": member}
    if code == "member_merged":
        details["into"] = str(state.merged_into)
        return Refusal(code, f"Member {member} was merged into {state.merged_into}: use that number.", pointer, details)
    return Refusal(code, _MESSAGES[code].format(member=member), pointer, details)


_MESSAGES: Final = {
    "member_frozen": "Member {member} is frozen: points cannot be spent, redeemed or passed on until it is unfrozen.",
    "member_closed": "Member {member} is closed: nothing new can happen; refunds and expiry still do.",
    "member_anonymised": "Member {member} was anonymised: only the ledger is left of it.",
}
