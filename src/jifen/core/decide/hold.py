"""Two-step spending: points are held, then captured or released."""

from __future__ import annotations

from datetime import timedelta

from jifen.core.commands import CaptureHold, PlaceHold, ReleaseHold
from jifen.core.counted import counted
from jifen.core.decide.context import Decision, PastTransaction
from jifen.core.decide.settle import return_pieces
from jifen.core.decide.spend import check_available, check_points
from jifen.core.ledger.journal import NotLoaded
from jifen.core.ledger.values import Bucket, Hold, Kind, transaction_id
from jifen.core.limits import MAXIMUM_HOLD
from jifen.core.refusal import Refusal
from jifen.core.trace import Dealings


def place_hold(decision: Decision, command: PlaceHold) -> Refusal | None:
    """Bind available points; they no longer count as available from this moment."""
    context = decision.context
    wallet = decision.spendable_wallet(command.wallet)
    if isinstance(wallet, Refusal):
        return wallet
    if refusal := check_points(command.points) or check_available(decision, wallet, command.points):
        return refusal
    until = command.expires_at or context.now + timedelta(minutes=decision.program.document.holds.minutes)
    if until <= context.now:
        return Refusal("instant_in_past", "A hold must end in the future.", "/expires_at")
    if until > context.now + MAXIMUM_HOLD:
        message, zh = f"A hold may last {MAXIMUM_HOLD.days} days at most.", f"预占最长 {MAXIMUM_HOLD.days} 天。"
        return Refusal("instant_too_far", message, "/expires_at", message_zh=zh)
    decision.begin()
    decision.journal.place_hold(wallet, command.points, until)
    decision.end(
        Kind.HOLD,
        context.occurred_at,
        wallet=wallet,
        points=command.points,
        until=until,
        reference=command.reference,
        is_answer=True,
    )
    return None


def capture_hold(decision: Decision, command: CaptureHold, placed: PastTransaction) -> Refusal | None:
    """Spend held points, all or part; `release_rest` frees the rest in a transaction of its own."""
    hold = open_hold(decision, placed)
    if isinstance(hold, Refusal):
        return hold
    points = hold.remaining if command.points is None else command.points
    if refusal := check_points(points):
        return refusal
    if points > hold.remaining:
        return Refusal(
            "hold_exceeded",
            f"{counted(points, 'points')} to be captured, {hold.remaining:,} held.",
            "/points",
            {"requested": points, "held": hold.remaining},
        )
    capture_from(decision, hold, points, release_rest=command.release_rest, is_answer=True)
    return None


def capture_from(
    decision: Decision,
    hold: Hold,
    points: int,
    *,
    release_rest: bool,
    is_answer: bool = False,
    dealings: Dealings | None = None,
) -> None:
    """Spend so many of the held points, and free the rest if asked to."""
    decision.begin()
    for piece in decision.journal.take_from_hold(hold, points):
        decision.journal.pass_on(hold.wallet, Bucket.HELD, Bucket.SPENT, piece.lot, piece.amount)
    decision.end(
        Kind.CAPTURE,
        decision.context.occurred_at,
        wallet=hold.wallet,
        points=points,
        dealings=dealings,
        refers_to=hold.sequence,
        is_answer=is_answer,
        is_asked=True,
    )
    rest = next((each for each in decision.journal.look(hold.wallet).holds if each.sequence == hold.sequence), None)
    if release_rest and rest is not None:
        _release(decision, rest, is_answer=False)


def release_hold(decision: Decision, command: ReleaseHold, placed: PastTransaction) -> Refusal | None:
    """Free all that remains of a hold: the points return to the lots they came from."""
    hold = open_hold(decision, placed)
    if isinstance(hold, Refusal):
        return hold
    _release(decision, hold, is_answer=True)
    return None


def _release(decision: Decision, hold: Hold, *, is_answer: bool) -> None:
    decision.begin()
    pieces = decision.journal.take_from_hold(hold, hold.remaining)
    return_pieces(decision, hold.wallet, Bucket.HELD, pieces, decision.context.now)
    decision.end(
        Kind.RELEASE,
        decision.context.occurred_at,
        wallet=hold.wallet,
        points=hold.remaining,
        refers_to=hold.sequence,
        is_answer=is_answer,
        is_asked=True,
    )


def _find_hold(decision: Decision, placed: PastTransaction) -> Hold | None:
    wallet = placed.trace.wallet
    assert wallet is not None
    draft = decision.journal.look(wallet)
    if not draft.is_complete:
        raise NotLoaded(decision.journal.member_id)
    return next((hold for hold in draft.holds if hold.sequence == placed.sequence), None)


def open_hold(decision: Decision, placed: PastTransaction) -> Hold | Refusal:
    """The hold that a transaction placed, if anything of it is left."""
    name = transaction_id(decision.journal.member_id, placed.sequence)
    if placed.kind is not Kind.HOLD:
        return Refusal("unknown_hold", f"Transaction {name} is not a hold.")
    hold = _find_hold(decision, placed)
    if hold is None:
        return Refusal("hold_closed", f"Hold {name} was captured, released, or has expired: nothing of it is left.")
    return hold
