"""Points change hands, within what the program allows as gifts."""

from __future__ import annotations

from datetime import timedelta

from jifen.core.commands import TransferPoints
from jifen.core.counted import counted
from jifen.core.decide.context import Decision
from jifen.core.decide.earn import check_room
from jifen.core.decide.limits import use_limits
from jifen.core.decide.spend import check_available, check_points
from jifen.core.ledger.values import Bucket, Kind
from jifen.core.program import locally
from jifen.core.refusal import Refusal


def transfer_points(sender: Decision, receiver: Decision, command: TransferPoints) -> Refusal | None:
    """Move available points to another member. They keep their terms, so that passing them on prolongs nothing."""
    wallet = sender.spendable_wallet(command.wallet)
    if isinstance(wallet, Refusal):
        return wallet
    points = command.points
    refusal = check_points(points) or _check_gift(sender, receiver, wallet, points)
    if refusal := refusal or check_available(sender, wallet, points) or check_room(receiver, wallet, points):
        return refusal
    given = use_limits(sender, sender.program.gift_limits, points, "giver")
    if isinstance(given, Refusal):
        return given
    received = use_limits(receiver, sender.program.receiver_limits, points, "receiver")
    if isinstance(received, Refusal):
        return received
    occurred_at = sender.context.occurred_at
    sender.begin()
    receiver.begin()
    pieces = sender.journal.take(wallet, Bucket.TRANSIT, points)
    for piece in pieces:
        receiver.journal.open_lot(wallet, Bucket.TRANSIT, piece.amount, piece.terms, pending=False)
    there = (receiver.journal.member_id, receiver.journal.sequence)
    here = (sender.journal.member_id, sender.journal.sequence)
    sender.end(Kind.TRANSFER, occurred_at, wallet=wallet, points=-points, uses=given, counterpart=there, is_answer=True)
    receiver.end(
        Kind.TRANSFER, occurred_at, wallet=wallet, points=points, uses=received, counterpart=here, is_answer=True
    )
    return None


def _check_gift(sender: Decision, receiver: Decision, wallet: int, points: int) -> Refusal | None:
    gifts = sender.program.document.gifts
    if gifts is None:
        return None
    name = sender.program.wallet_ids[wallet]
    if gifts.wallets and name not in gifts.wallets:
        message = f"Points of the wallet {name!r} cannot be given; those of {', '.join(gifts.wallets)} can."
        return Refusal("gifts_not_allowed", message, "/wallet", {"wallet": name, "allowed": gifts.wallets})
    if points < gifts.least:
        message = f"At least {counted(gifts.least, 'points')} can be given at once."
        return Refusal("below_least", message, "/points", {"least": gifts.least, "requested": points})
    if gifts.most is not None and points > gifts.most:
        message = f"At most {counted(gifts.most, 'points')} can be given at once."
        return Refusal("above_most", message, "/points", {"most": gifts.most, "requested": points})
    return _check_age(sender, gifts.cooling_days, "The giver") or _check_age(
        receiver, gifts.receiver_cooling_days, "The receiver"
    )


def _check_age(decision: Decision, days: int, whose: str) -> Refusal | None:
    """Refuse who joined too short a time ago: accounts made to gather gifts are young (known failure 88)."""
    registered_at = decision.state.profile.registered_at
    if not days or registered_at is None:
        return None
    allowed_at = registered_at + timedelta(days=days)
    if decision.context.now >= allowed_at:
        return None
    allowed = locally(decision.program, allowed_at)
    return Refusal(
        "cooling_down",
        f"{whose} joined too recently: gifts are possible from {allowed} on.",
        None,
        {"allowed_at": allowed_at.isoformat(), "allowed_locally": allowed, "days": days},
    )
