"""Between a member's wallets: conversion and savings; and what waits for a second person."""

from __future__ import annotations

from jifen.api import answers, bodies
from jifen.api.operations.base import Operation, member_of
from jifen.core.commands import Command
from jifen.core.refusal import Refusal
from jifen.core.wallets.commands import ConvertPoints, DecideApproval, SavePoints, UnsavePoints
from jifen.services.approvals import approval_number


def _convert(name: str, body: bodies.ConvertBody) -> Command | Refusal:
    member = member_of(name)
    return member if isinstance(member, Refusal) else ConvertPoints(member, body.conversion, body.points)


def _save(name: str, body: bodies.SavingsBody) -> Command | Refusal:
    member = member_of(name)
    return member if isinstance(member, Refusal) else SavePoints(member, body.points)


def _unsave(name: str, body: bodies.SavingsBody) -> Command | Refusal:
    member = member_of(name)
    return member if isinstance(member, Refusal) else UnsavePoints(member, body.points)


def _approve(name: str, _: bodies.DecisionBody) -> Command | Refusal:
    return _decide(name, is_approved=True)


def _reject(name: str, _: bodies.DecisionBody) -> Command | Refusal:
    return _decide(name, is_approved=False)


def _decide(name: str, *, is_approved: bool) -> Command | Refusal:
    number = approval_number(name)
    if number is None:
        return Refusal("unknown_approval", f"There is no request {name[:40]!r}.")
    return DecideApproval(number, is_approved)


_TRANSACTION = {
    "status": "applied",
    "transaction_id": "100001-8",
    "member_id": "100001",
    "kind": "convert",
    "occurred_at": "2026-11-11T02:03:04.567Z",
    "recorded_at": "2026-11-11T02:03:04.567Z",
    "program_version": 1,
    "balances": {
        "points": {"available": 1080, "pending": 0, "held": 0, "debt": 0},
        "miles": {"available": 49, "pending": 0, "held": 0, "debt": 0},
    },
    "wallet": "points",
    "points": 100,
}
_CONVERTED = {"conversion": "to-miles", "wallet": "miles", "gross": 50, "fee": 1, "got": 49}
_SAVED = {"points": {"available": 1080, "pending": 0, "held": 0, "debt": 0, "saved": 100}}
_MEMBER = ("unknown_member", "member_frozen", "member_closed", "member_anonymised", "member_merged")
_DECISIONS = ("unknown_approval", "approval_decided", "approval_lapsed", "own_request")

OPERATIONS = (
    Operation(
        name="convert_points",
        path="/v1/members/{member_id}/convert",
        summary="Convert points of one wallet into points of another",
        summary_zh="转换为另一账户的积分",
        body=bodies.ConvertBody,
        answer_type=bodies.TransactionAnswer,
        command=_convert,
        answer=answers.transaction_answer,
        codes=(
            *_MEMBER,
            "unknown_conversion",
            "below_least",
            "not_a_whole_step",
            "insufficient_points",
            "fee_exceeds_points",
            "limit_reached",
            "amount_too_large",
            "balance_too_large",
        ),
        example={"conversion": "to-miles", "points": 100},
        example_answer=_TRANSACTION | {"converted": _CONVERTED},
    ),
    Operation(
        name="save_points",
        path="/v1/members/{member_id}/save",
        summary="Put points that expire soon into savings",
        summary_zh="存入积分银行",
        body=bodies.SavingsBody,
        answer_type=bodies.TransactionAnswer,
        command=_save,
        answer=answers.transaction_answer,
        codes=(*_MEMBER, "no_bank", "not_expiring_soon", "limit_reached"),
        example={"points": 100},
        example_answer=_TRANSACTION | {"kind": "save", "balances": _SAVED},
    ),
    Operation(
        name="unsave_points",
        path="/v1/members/{member_id}/unsave",
        summary="Take points out of savings",
        summary_zh="从积分银行取出",
        body=bodies.SavingsBody,
        answer_type=bodies.TransactionAnswer,
        command=_unsave,
        answer=answers.transaction_answer,
        codes=(*_MEMBER, "no_bank", "insufficient_savings"),
        example={"points": 40},
        example_answer=_TRANSACTION
        | {
            "kind": "unsave",
            "points": 40,
            "balances": {"points": {"available": 1120, "pending": 0, "held": 0, "debt": 0, "saved": 60}},
        },
    ),
    Operation(
        name="approve_request",
        path="/v1/approvals/{approval_id}/approve",
        summary="Approve what waits for a second person: it is done at once",
        summary_zh="批准待复核的请求（立即执行）",
        body=bodies.DecisionBody,
        is_body_needed=False,
        answer_type=bodies.TransactionAnswer,
        command=_approve,
        answer=answers.transaction_answer,
        codes=(
            *_DECISIONS,
            "insufficient_points",
            "balance_too_large",
            "instant_in_past",
            "unknown_wallet",
            "unknown_reason_code",
            "reason_code_needed",
        ),
        example={"reason": "checked with the shop"},
        example_answer=_TRANSACTION
        | {
            "kind": "adjust",
            "points": 8000,
            "balances": {"points": {"available": 9180, "pending": 0, "held": 0, "debt": 0}},
            "approval_id": "5",
        },
    ),
    Operation(
        name="reject_request",
        path="/v1/approvals/{approval_id}/reject",
        summary="Reject what waits for a second person",
        summary_zh="驳回待复核的请求",
        body=bodies.DecisionBody,
        is_body_needed=False,
        answer_type=bodies.ApprovalAnswer,
        command=_reject,
        answer=answers.rejected_answer,
        codes=_DECISIONS,
        example={"reason": "no such parcel"},
        example_answer={"status": "applied", "approval_id": "5", "member_id": "100001", "state": "rejected"},
    ),
)
