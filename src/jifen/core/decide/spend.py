"""Points are spent."""

from __future__ import annotations

from jifen.core.commands import SpendPoints
from jifen.core.counted import counted
from jifen.core.decide.context import Decision
from jifen.core.ledger.values import Bucket, Kind
from jifen.core.limits import MAXIMUM_AMOUNT
from jifen.core.refusal import Refusal


def check_points(points: int) -> Refusal | None:
    """Refuse a number of points that no command can mean."""
    if not 1 <= points <= MAXIMUM_AMOUNT:
        message, zh = f"Points must lie between 1 and {MAXIMUM_AMOUNT}.", "须为 1 至 10^15 的整数。"
        return Refusal("invalid_points", message, "/points", message_zh=zh)
    return None


def check_available(decision: Decision, wallet: int, points: int) -> Refusal | None:
    """Refuse what goes beyond the available points, saying how many are missing."""
    available = decision.journal.look(wallet).available
    if points <= available:
        return None
    missing = points - available
    return Refusal(
        "insufficient_points",
        f"{counted(points, 'points')} asked for, {available:,} available: {counted(missing, 'points')} short.",
        "/points",
        {"requested": points, "available": available, "missing": missing},
    )


def spend_points(decision: Decision, command: SpendPoints) -> Refusal | None:
    """Take available points, soonest-expiring lots first."""
    wallet = decision.spendable_wallet(command.wallet)
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
