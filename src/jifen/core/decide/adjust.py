"""Balances corrected by hand, with a reason, and above a limit by two persons."""

from __future__ import annotations

from jifen.core.commands import AdjustPoints
from jifen.core.decide.context import Decision
from jifen.core.decide.earn import check_room
from jifen.core.decide.spend import check_available
from jifen.core.ledger.values import Bucket, Kind, LotTerms
from jifen.core.limits import MAXIMUM_AMOUNT
from jifen.core.refusal import Refusal
from jifen.core.trace import Dealings

#: The code of the refusal that says: this must be approved first. The engine keeps the request where it can.
APPROVAL_NEEDED = "approval_needed"


def adjust_points(decision: Decision, command: AdjustPoints) -> Refusal | None:
    """Correct a balance: up opens a lot, down takes available points."""
    context, points = decision.context, command.points
    wallet = decision.wallet_number(command.wallet)
    if isinstance(wallet, Refusal):
        return wallet
    if refusal := _check_change(points) or _check_reason(decision, command):
        return refusal
    if points < 0:
        if command.expires_at is not None:
            return Refusal(
                "expiry_not_applicable",
                "Only points that are added can be given an expiry; leave it out.",
                "/expires_at",
            )
        if refusal := check_available(decision, wallet, -points):
            return refusal
    elif refusal := check_room(decision, wallet, points):
        return refusal
    terms = decision.new_terms(wallet, context.occurred_at)
    if command.expires_at is not None:
        if command.expires_at <= context.now:
            return Refusal("instant_in_past", "The expiry must lie in the future.", "/expires_at")
        terms = LotTerms(terms.earned_at, terms.effective_at, command.expires_at)
    if refusal := _check_limit(decision, points):
        return refusal
    decision.begin()
    if points < 0:
        decision.journal.take(wallet, Bucket.ADJUSTED, -points)
    else:
        decision.journal.open_lot(wallet, Bucket.ADJUSTED, points, terms, pending=False)
    decision.end(
        Kind.ADJUST,
        context.occurred_at,
        wallet=wallet,
        points=points,
        dealings=_dealings(decision, command),
        is_answer=True,
    )
    return None


def _check_change(points: int) -> Refusal | None:
    """Refuse a change that changes nothing, or more than any wallet may hold."""
    if 1 <= abs(points) <= MAXIMUM_AMOUNT:
        return None
    message = f"A correction lies between -{MAXIMUM_AMOUNT} and {MAXIMUM_AMOUNT}, and is not 0."
    zh = "调整数须在 -10^15 至 10^15 之间，且不为 0。"
    return Refusal("invalid_points", message, "/points", message_zh=zh)


def _check_reason(decision: Decision, command: AdjustPoints) -> Refusal | None:
    policy = decision.program.document.adjustments
    codes = [] if policy is None else [each.code for each in policy.reasons]
    if command.reason_code is None:
        if not codes:
            return None
        message = f"Say in `reason_code` why: one of {', '.join(codes)}."
        return Refusal("reason_code_needed", message, "/reason_code", {"known": codes})
    if command.reason_code not in codes:
        message = f"There is no reason code {command.reason_code!r}; the program has {', '.join(codes) or 'none'}."
        return Refusal("unknown_reason_code", message, "/reason_code", {"known": codes})
    return None


def _check_limit(decision: Decision, points: int) -> Refusal | None:
    policy = decision.program.document.adjustments
    if policy is None or abs(points) <= policy.limit_points or decision.context.approval is not None:
        return None
    return Refusal(
        APPROVAL_NEEDED,
        f"More than {policy.limit_points} points at once need the approval of a second person.",
        "/points",
        {"limit": policy.limit_points, "requested": points},
    )


def _dealings(decision: Decision, command: AdjustPoints) -> Dealings | None:
    context = decision.context
    if command.reason_code is None and context.approval is None:
        return None
    return Dealings(reason_code=command.reason_code, approval=context.approval, asked_by=context.asked_by)
