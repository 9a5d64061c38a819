"""The points of a redemption: bound while it waits, then spent or released; given back where it ends after all.

All of it happens within the transaction that has begun, and is the same for whoever asked and for whoever else pays.
"""

from __future__ import annotations

from datetime import datetime

from jifen.core.decide.context import Decision, PastTransaction
from jifen.core.decide.earn import check_room
from jifen.core.decide.reverse import pieces_to_return
from jifen.core.decide.settle import return_pieces
from jifen.core.ledger.journal import NotLoaded
from jifen.core.ledger.values import Bucket, Hold, Piece
from jifen.core.limits import NEVER
from jifen.core.refusal import Refusal


def bind(decision: Decision, wallet: int, points: int, *, is_held: bool) -> datetime | None:
    """Bind points, or spend them at once where nothing is to be waited for; until when they are bound."""
    if not points:
        return None
    if is_held:
        decision.journal.place_hold(wallet, points, NEVER)
        return NEVER
    decision.journal.take(wallet, Bucket.SPENT, points)
    return None


def spend_bound(decision: Decision, wallet: int, sequence: int) -> int:
    """Spend what a transaction has bound; how many points."""
    hold = _hold_of(decision, wallet, sequence)
    for piece in decision.journal.take_from_hold(hold, hold.remaining):
        decision.journal.pass_on(wallet, Bucket.HELD, Bucket.SPENT, piece.lot, piece.amount)
    return hold.remaining


def release_bound(decision: Decision, wallet: int, sequence: int, at: datetime) -> int:
    """Release what a transaction has bound; how many points."""
    hold = _hold_of(decision, wallet, sequence)
    return_pieces(decision, wallet, Bucket.HELD, decision.journal.take_from_hold(hold, hold.remaining), at)
    return hold.remaining


def _hold_of(decision: Decision, wallet: int, sequence: int) -> Hold:
    draft = decision.journal.look(wallet)
    for hold in draft.holds:
        if hold.sequence == sequence:
            return hold
    assert not draft.is_complete, "what a redemption has bound stays bound until the redemption says otherwise"
    raise NotLoaded(decision.journal.member_id)


class Returning:
    """What goes back to the lots of origin, just as after a cancelled spend. Bound points are spent later without
    another lot being touched, so what the transaction that bound them took is what returns."""

    def __init__(self, past: PastTransaction, wallet: int) -> None:
        self._wallet = wallet
        self._pieces: list[Piece]
        self._pieces, self._kept = pieces_to_return(past, wallet)
        self.points = sum(piece.amount for piece in self._pieces)
        #: What stays gone, because a refund had forgiven it.
        self.withheld = sum(part for _, part in self._kept)

    def check(self, decision: Decision) -> Refusal | None:
        """Refuse where there is no room for it."""
        return check_room(decision, self._wallet, self.points)

    def book(self, decision: Decision) -> None:
        """Give it back."""
        for lot, part in self._kept:
            decision.journal.pass_on(self._wallet, Bucket.SPENT, Bucket.REVERSED, lot, part)
        return_pieces(decision, self._wallet, Bucket.SPENT, self._pieces, decision.context.now)
