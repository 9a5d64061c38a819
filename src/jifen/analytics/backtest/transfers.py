"""Transfers of the ledger, once more: who gave and who received are replayed apart, each from what was recorded."""

from __future__ import annotations

from typing import Final

from jifen.analytics.backtest.entries import Entry
from jifen.analytics.backtest.recorded import OpenedLot, decode_opened
from jifen.core.commands import TransferPoints
from jifen.core.decide import Context, Effects, decide
from jifen.core.ledger.values import Account, Lot, LotTerms, MemberState
from jifen.core.program import Program
from jifen.core.refusal import Refusal
from jifen.engine.references import new_member_state

#: The other side of a transfer: it is only there because the core decides both sides together.
_STRANGER: Final = -1


def transfer(
    entry: Entry, program: Program, context: Context, state: MemberState, wallet: str, current: Program
) -> Effects | Refusal:
    """One side of a transfer. Who receives gets what was recorded, whatever became of who gave."""
    trace, member = entry.trace, state.member_id
    assert trace.wallet is not None and trace.points is not None
    if trace.points < 0:
        command = TransferPoints(member, _STRANGER, wallet, -trace.points)
        stranger = new_member_state(_STRANGER, program)
        return decide(program, command, context, state, receiver=stranger, current=current)
    opened = [] if entry.opened is None else decode_opened(entry.opened)
    command = TransferPoints(_STRANGER, member, wallet, trace.points)
    effects = decide(program, command, context, _giver(trace.wallet, opened), receiver=state, current=current)
    if isinstance(effects, Refusal):
        return effects
    return Effects(effects.transactions, effects.states[1:], None, None)


def _giver(wallet: int, lots: list[OpenedLot]) -> MemberState:
    """Somebody who has just what was received, in lots with the same terms."""
    given = tuple(
        Lot(number, LotTerms(each.earned_at, each.effective_at, each.expires_at), each.amount)
        for number, each in enumerate(lots, 1)
    )
    account = Account(wallet, available=sum(lot.remaining for lot in given), lots=given)
    return MemberState(_STRANGER, 0, (account,))
