"""Points go out, are corrected by hand, or change hands."""

from __future__ import annotations

from jifen.core.commands import AdjustPoints, SpendPoints, TransferPoints
from jifen.core.decide.context import Decision
from jifen.core.decide.earn import check_room
from jifen.core.ledger.values import Bucket, Kind, LotTerms
from jifen.core.limits import MAXIMUM_AMOUNT
from jifen.core.refusal import Refusal


def check_points(points: int) -> Refusal | None:
    """Refuse a number of points that no command can mean."""
    if not 1 <= points <= MAXIMUM_AMOUNT:
        return Refusal("invalid_points", f"Points must lie between 1 and {MAXIMUM_AMOUNT}.", "/points")
    return None


def check_available(decision: Decision, wallet: int, points: int) -> Refusal | None:
    """Refuse what goes beyond the available points, saying how many are missing."""
    available = decision.journal.look(wallet).available
    if points <= available:
        return None
    missing = points - available
    return Refusal(
        "insufficient_points",
        f"{points} points were asked for and {available} are available: {missing} points short.",
        "/points",
        {"requested": points, "available": available, "missing": missing},
    )


def spend_points(decision: Decision, command: SpendPoints) -> Refusal | None:
    """Take available points, soonest-expiring lots first."""
    wallet = decision.wallet_number(command.wallet)
    if isinstance(wallet, Refusal):
        return wallet
    if refusal := check_points(command.points) or check_available(decision, wallet, command.points):
        return refusal
    decision.begin()
    decision.journal.take(wallet, Bucket.SPENT, command.points)
    decision.end(
        Kind.SPEND,
        decision.context.occurred_at,
        wallet=wallet,
        points=command.points,
        reference=command.reference,
        is_answer=True,
    )
    return None


def adjust_points(decision: Decision, command: AdjustPoints) -> Refusal | None:
    """Correct a balance: up opens a lot, down takes available points."""
    context, points = decision.context, command.points
    wallet = decision.wallet_number(command.wallet)
    if isinstance(wallet, Refusal):
        return wallet
    if refusal := check_points(abs(points)):
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
    decision.begin()
    if points < 0:
        decision.journal.take(wallet, Bucket.ADJUSTED, -points)
    else:
        decision.journal.open_lot(wallet, Bucket.ADJUSTED, points, terms, pending=False)
    decision.end(Kind.ADJUST, context.occurred_at, wallet=wallet, points=points, is_answer=True)
    return None


def transfer_points(sender: Decision, receiver: Decision, command: TransferPoints) -> Refusal | None:
    """Move available points to another member. They keep their terms, so that passing them on prolongs nothing."""
    wallet = sender.wallet_number(command.wallet)
    if isinstance(wallet, Refusal):
        return wallet
    if refusal := check_points(command.points) or check_available(sender, wallet, command.points):
        return refusal
    if refusal := check_room(receiver, wallet, command.points):
        return refusal
    occurred_at = sender.context.occurred_at
    sender.begin()
    receiver.begin()
    pieces = sender.journal.take(wallet, Bucket.TRANSIT, command.points)
    for piece in pieces:
        receiver.journal.open_lot(wallet, Bucket.TRANSIT, piece.amount, piece.terms, pending=False)
    there = (receiver.journal.member_id, receiver.journal.sequence)
    here = (sender.journal.member_id, sender.journal.sequence)
    sender.end(Kind.TRANSFER, occurred_at, wallet=wallet, points=-command.points, counterpart=there, is_answer=True)
    receiver.end(Kind.TRANSFER, occurred_at, wallet=wallet, points=command.points, counterpart=here, is_answer=True)
    return None
