"""Points: spent, held, captured, released, adjusted, transferred, reversed."""

from __future__ import annotations

from jifen.api import answers, bodies
from jifen.api.operations.base import Operation, member_of
from jifen.core.commands import (
    AdjustPoints,
    CaptureHold,
    Command,
    PlaceHold,
    ReleaseHold,
    ReverseTransaction,
    SpendPoints,
    TransferPoints,
)
from jifen.core.identity import Identity, parse_identity
from jifen.core.members.commands import SpendFromHousehold
from jifen.core.refusal import Refusal
from jifen.services.instants import to_utc
from jifen.services.members import parse_transaction_id


def _spend(name: str, body: bodies.SpendBody) -> Command | Refusal:
    member = member_of(name)
    if not isinstance(member, Refusal) and body.from_ == "household":
        return SpendFromHousehold(member, body.wallet, body.points, body.reference)
    return member if isinstance(member, Refusal) else SpendPoints(member, body.wallet, body.points, body.reference)


def _adjust(name: str, body: bodies.AdjustBody) -> Command | Refusal:
    member = member_of(name)
    if isinstance(member, Refusal):
        return member
    expires_at = None if body.expires_at is None else to_utc(body.expires_at, "/expires_at")
    if isinstance(expires_at, Refusal):
        return expires_at
    return AdjustPoints(member, body.wallet, body.points, expires_at, body.reason_code)


def _transfer(name: str, body: bodies.TransferBody) -> Command | Refusal:
    member = member_of(name)
    if isinstance(member, Refusal):
        return member
    to = _receiver(body.to)
    return to if isinstance(to, Refusal) else TransferPoints(member, to, body.wallet, body.points)


def _hold(_: str, body: bodies.HoldBody) -> Command | Refusal:
    member = member_of(body.member_id, "/member_id")
    if isinstance(member, Refusal):
        return member
    expires_at = None if body.expires_at is None else to_utc(body.expires_at, "/expires_at")
    if isinstance(expires_at, Refusal):
        return expires_at
    return PlaceHold(member, body.wallet, body.points, expires_at, body.reference)


def _capture(name: str, body: bodies.CaptureBody) -> Command | Refusal:
    hold = parse_transaction_id(name)
    return _no_hold(name) if hold is None else CaptureHold(*hold, body.points, body.release_rest)


def _release(name: str, _: bodies.ReleaseBody) -> Command | Refusal:
    hold = parse_transaction_id(name)
    return _no_hold(name) if hold is None else ReleaseHold(*hold)


def _reverse(name: str, _: bodies.ReverseBody) -> Command | Refusal:
    past = parse_transaction_id(name)
    if past is None:
        return Refusal("unknown_transaction", f"There is no transaction {name[:40]!r}.")
    return ReverseTransaction(*past)


def _receiver(name: str) -> int | Identity | Refusal:
    return parse_identity(name, "/to") if ":" in name else member_of(name, "/to")


def _no_hold(name: str) -> Refusal:
    return Refusal("unknown_hold", f"There is no hold {name[:40]!r}.")


_BALANCES = {"points": {"available": 1180, "pending": 0, "held": 0, "debt": 0}}
_TRANSACTION = {
    "status": "applied",
    "transaction_id": "100001-8",
    "member_id": "100001",
    "kind": "spend",
    "occurred_at": "2026-11-11T02:03:04.567Z",
    "recorded_at": "2026-11-11T02:03:04.567Z",
    "program_version": 1,
    "balances": _BALANCES,
    "wallet": "points",
    "points": 120,
}
_MEMBER = ("unknown_member", "member_frozen", "member_closed", "member_anonymised", "member_merged")
_TAKES_POINTS = (*_MEMBER, "unknown_wallet", "insufficient_points", "wallet_not_spendable")

OPERATIONS = (
    Operation(
        name="spend_points",
        path="/v1/members/{member_id}/spend",
        summary="Spend points",
        summary_zh="消耗积分",
        body=bodies.SpendBody,
        answer_type=bodies.TransactionAnswer,
        command=_spend,
        answer=answers.transaction_answer,
        codes=(*_TAKES_POINTS, "no_household", "limit_reached"),
        example={"points": 120, "reference": "coffee"},
        example_answer=_TRANSACTION,
    ),
    Operation(
        name="adjust_points",
        path="/v1/members/{member_id}/adjust",
        summary="Correct a balance by hand",
        summary_zh="人工调整积分",
        body=bodies.AdjustBody,
        answer_type=bodies.TransactionAnswer,
        waiting_type=bodies.ApprovalAnswer,
        command=_adjust,
        answer=answers.adjusted_answer,
        codes=(
            "unknown_member",
            "unknown_wallet",
            "insufficient_points",
            "reason_code_needed",
            "unknown_reason_code",
            "invalid_points",
            "amount_too_large",
            "balance_too_large",
            "expiry_not_applicable",
            "instant_in_past",
            "instant_too_far",
        ),
        example={"points": 50, "reason": "goodwill for a late parcel"},
        example_answer=_TRANSACTION | {"kind": "adjust", "points": 50},
    ),
    Operation(
        name="transfer_points",
        path="/v1/members/{member_id}/transfer",
        summary="Transfer points to another member",
        summary_zh="转赠积分",
        body=bodies.TransferBody,
        answer_type=bodies.TransactionAnswer,
        command=_transfer,
        answer=answers.transaction_answer,
        codes=(
            *_TAKES_POINTS,
            "same_member",
            "balance_too_large",
            "amount_too_large",
            "invalid_identity",
            "gifts_not_allowed",
            "below_least",
            "above_most",
            "limit_reached",
            "cooling_down",
        ),
        example={"to": "phone:13900139000", "points": 100},
        example_answer=_TRANSACTION | {"kind": "transfer", "points": -100, "counterpart": "100002-3"},
    ),
    Operation(
        name="place_hold",
        path="/v1/holds",
        summary="Hold points",
        summary_zh="预占积分",
        body=bodies.HoldBody,
        answer_type=bodies.HoldAnswer,
        status=201,
        command=_hold,
        answer=answers.hold_answer,
        codes=(*_TAKES_POINTS, "instant_in_past", "instant_too_far"),
        example={"member_id": "100001", "points": 120, "reference": "cart 7"},
        example_answer=_TRANSACTION | {"kind": "hold", "hold_id": "100001-8", "expires_at": "2026-11-11T02:33:04.567Z"},
    ),
    Operation(
        name="capture_hold",
        path="/v1/holds/{hold_id}/capture",
        summary="Capture held points, all or part",
        summary_zh="核销预占的积分",
        body=bodies.CaptureBody,
        is_body_needed=False,
        answer_type=bodies.TransactionAnswer,
        command=_capture,
        answer=answers.transaction_answer,
        codes=("unknown_hold", "hold_closed", "hold_exceeded", *_MEMBER[1:]),
        example={"points": 100, "release_rest": True},
        example_answer=_TRANSACTION | {"kind": "capture", "points": 100, "refers_to": "100001-7"},
    ),
    Operation(
        name="release_hold",
        path="/v1/holds/{hold_id}/release",
        summary="Release a hold",
        summary_zh="释放预占",
        body=bodies.ReleaseBody,
        is_body_needed=False,
        answer_type=bodies.TransactionAnswer,
        command=_release,
        answer=answers.transaction_answer,
        codes=("unknown_hold", "hold_closed"),
        example={},
        example_answer=_TRANSACTION | {"kind": "release", "refers_to": "100001-7"},
    ),
    Operation(
        name="reverse_transaction",
        path="/v1/transactions/{transaction_id}/reverse",
        summary="Reverse a transaction",
        summary_zh="冲正一笔流水",
        body=bodies.ReverseBody,
        is_body_needed=False,
        answer_type=bodies.TransactionAnswer,
        command=_reverse,
        answer=answers.transaction_answer,
        codes=(
            "unknown_transaction",
            "already_reversed",
            "already_refunded",
            "not_reversible",
            "points_already_spent",
            "balance_too_large",
        ),
        example={"reason": "cancelled by the customer"},
        example_answer=_TRANSACTION | {"kind": "reverse", "refers_to": "100001-7"},
    ),
)
