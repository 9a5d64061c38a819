"""What time does to an account by itself: lots mature and expire, holds end, savings expire."""

from __future__ import annotations

from datetime import datetime

from jifen.core.decide.context import Decision
from jifen.core.ledger.values import Bucket, Deposit, Hold, Kind, LotTerms, Piece


def settle(decision: Decision, *, not_before: datetime | None = None, until: datetime | None = None) -> None:
    """Book everything that is due by now (or by `until`), in the order in which it became due.

    `not_before`: when the command that has just been decided happened; what follows from it cannot have happened
    earlier (points returned to an expired lot expire when they return, not when the lot expired).
    """
    journal, now = decision.journal, until or decision.context.now
    if not journal.is_due(now):
        return
    for wallet in journal.wallets_due(now):
        while (instant := journal.next_change_of(wallet)) <= now:
            _settle_instant(decision, wallet, instant, instant if not_before is None else max(instant, not_before))
        journal.plan_next_change(wallet)


def _settle_instant(decision: Decision, wallet: int, instant: datetime, occurred_at: datetime) -> None:
    journal = decision.journal
    draft = journal.look(wallet)
    maturing = [lot for lot in draft.pending_lots if lot.terms.effective_at <= instant]
    if maturing:
        decision.begin()
        journal.mature(wallet, maturing)
        decision.end(Kind.MATURE, occurred_at, wallet=wallet, points=sum(lot.remaining for lot in maturing))
    for hold in [hold for hold in draft.holds if hold.expires_at <= instant]:
        _end_hold(decision, hold, occurred_at)
    expiring = sum(lot.remaining for lot in draft.lots if lot.terms.expires_at <= instant)
    if expiring:
        # The lots that expire are the first in spending order, so taking their sum takes just these.
        decision.begin()
        journal.take(wallet, Bucket.EXPIRED, expiring)
        decision.end(Kind.EXPIRE, occurred_at, wallet=wallet, points=expiring)

    for deposit in [each for each in sorted(draft.deposits, key=_order) if each.expires_at <= instant]:
        decision.begin()
        journal.take_from_savings(wallet, Bucket.EXPIRED, deposit.remaining)
        decision.end(Kind.EXPIRE, occurred_at, wallet=wallet, points=deposit.remaining, refers_to=deposit.sequence)


def _order(deposit: Deposit) -> tuple[datetime, int]:
    return deposit.order


def _end_hold(decision: Decision, hold: Hold, occurred_at: datetime) -> None:
    decision.begin()
    pieces = decision.journal.take_from_hold(hold, hold.remaining)
    return_pieces(decision, hold.wallet, Bucket.HELD, pieces, occurred_at)
    decision.end(Kind.HOLD_EXPIRE, occurred_at, wallet=hold.wallet, points=hold.remaining, refers_to=hold.sequence)


def return_pieces(decision: Decision, wallet: int, source: Bucket, pieces: list[Piece], returned_at: datetime) -> None:
    """Give points back to the lots they came from; the program says what happens where a lot has expired."""
    journal = decision.journal
    policy = decision.program.document.returns.expired_lots
    for piece in pieces:
        if source is Bucket.ADJUSTED and piece.terms.effective_at > returned_at:
            # They waited when they were forfeited, and do so again. What was held or spent did not wait.
            journal.put_back_pending(wallet, source, piece)
            continue
        if policy == "expire" or piece.terms.expires_at > returned_at:
            # A lot that has expired opens for a moment: the settling that follows books its expiry.
            journal.put_back(wallet, source, piece)
            continue
        if policy == "grace":
            terms = LotTerms(piece.terms.earned_at, returned_at, decision.end_of_grace(returned_at))
        else:
            terms = decision.new_terms(wallet, returned_at)
        # Not by way of "expired": a later refund of the order must not take these points for lost.
        if source is Bucket.HELD:
            journal.pass_on(wallet, Bucket.HELD, Bucket.SPENT, piece.lot, piece.amount)
        came_from = Bucket.SPENT if source is Bucket.HELD else source
        journal.open_lot(wallet, came_from, piece.amount, terms, pending=False)
