"""What follows a command within the same commit: time, what comes back to whoever has left, tiers."""

from __future__ import annotations

from jifen.core.decide.context import Decision
from jifen.core.decide.settle import settle
from jifen.core.decide.tiers import raise_tiers
from jifen.core.ledger.values import Bucket, Kind, MemberStatus
from jifen.core.trace import Dealings, Forfeit

#: Whose points may be forfeited.
LEFT = (MemberStatus.CLOSED, MemberStatus.ANONYMISED)
_MERGED = MemberStatus.MERGED
_BUCKETS = (Bucket.AVAILABLE, Bucket.PENDING)


def finish(decision: Decision) -> None:
    """Book what follows from a command that has been decided."""
    settle(decision, not_before=decision.context.occurred_at)
    if decision.state.status in LEFT and decision.program.document.members.closed_points == "forfeit":
        _forfeit_what_came_back(decision)
    if decision.status is not _MERGED:
        raise_tiers(decision)


def _forfeit_what_came_back(decision: Decision) -> None:
    """Take what this decision brought to a member who had left before: just that, and from the lots where it is."""
    journal = decision.journal
    came: dict[int, dict[int, int]] = {}
    brought_by: dict[int, int] = {}
    for transaction in decision.transactions:
        for each in transaction.movements:
            if each.target in _BUCKETS and each.source is not Bucket.PENDING:
                lots = came.setdefault(each.wallet, {})
                lots[each.lot] = lots.get(each.lot, 0) + each.amount
                brought_by[each.wallet] = transaction.sequence
    for wallet, lots in came.items():
        draft = journal.look(wallet)
        if lots.keys().isdisjoint(lot.lot for lot in (*draft.lots, *draft.pending_lots)):
            # It has expired, or paid what was owed.
            continue
        decision.begin()
        points = sum(journal.take_from_lot(wallet, Bucket.ADJUSTED, lot, amount) for lot, amount in lots.items())
        end_forfeit(decision, wallet, points, "came_back", brought_by[wallet])


def end_forfeit(decision: Decision, wallet: int, points: int, why: Forfeit, refers_to: int | None = None) -> None:
    """Close the transaction that took the points of a member who has left, or leaves."""
    decision.end(
        Kind.ADJUST,
        decision.context.occurred_at,
        wallet=wallet,
        points=-points,
        dealings=Dealings(forfeited=why),
        refers_to=refers_to,
        is_asked=True,
    )
