"""Steps in the life of a member, and what becomes of the points of those who leave."""

from __future__ import annotations

from jifen.core.counted import counted
from jifen.core.decide.context import Decision
from jifen.core.decide.finish import LEFT, end_forfeit
from jifen.core.ledger.journal import NotLoaded
from jifen.core.ledger.values import Bucket
from jifen.core.members.commands import ChangeLife
from jifen.core.members.life import STATUS_AFTER
from jifen.core.refusal import Refusal


def change_life(decision: Decision, command: ChangeLife) -> Refusal | None:
    """Take a step in life. Whoever leaves (closed, anonymised) has no open holds, and loses the points where the
    program says so; what is owed stays in the ledger."""
    after = STATUS_AFTER[command.step]
    before = decision.state.status
    if after is before:
        return None
    if after in LEFT and before not in LEFT:
        if refusal := refuse_open_holds(decision):
            return refusal
        if decision.program.document.members.closed_points == "forfeit":
            _forfeit(decision)
    decision.status = after
    return None


def refuse_open_holds(decision: Decision) -> Refusal | None:
    """Refuse while points are held, by holds or by redemptions, also those of others in the household."""
    holds = [account for account in decision.state.accounts if decision.journal.look(account.wallet).held]
    if not holds:
        return None
    member = str(decision.journal.member_id)
    held = sum(decision.journal.look(account.wallet).held for account in holds)
    message = (
        f"Held for member {member}: {counted(held, 'points')}. Capture or release the holds, and complete, "
        f"reject or cancel the "
        "redemptions that they pay for, first."
    )
    return Refusal("holds_open", message, None, {"member_id": member, "held": held})


def _forfeit(decision: Decision) -> None:
    """Take all points, those that wait as well: one transaction for each wallet that has any."""
    journal = decision.journal
    for account in decision.state.accounts:
        wallet = account.wallet
        draft = journal.look(wallet)
        points = draft.available + draft.pending + draft.saved
        if not points:
            continue
        if not draft.is_complete:
            # What waits would be passed over.
            raise NotLoaded(journal.member_id)
        decision.begin()
        for lot in list(draft.pending_lots):
            journal.take_from_lot(wallet, Bucket.ADJUSTED, lot.lot, lot.remaining)
        if draft.saved:
            journal.take_from_savings(wallet, Bucket.ADJUSTED, draft.saved)
        if draft.available:
            journal.take(wallet, Bucket.ADJUSTED, draft.available)
        end_forfeit(decision, wallet, points, "closed")
