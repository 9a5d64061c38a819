"""The pure core: one plain function answers every command, live, imported, tried or replayed."""

from __future__ import annotations

from collections.abc import Mapping

from jifen.core.commands import (
    AdjustPoints,
    CaptureHold,
    Command,
    CorrectOrder,
    PlaceHold,
    RecordEvent,
    RecordOrder,
    RefundOrder,
    RegisterMember,
    ReleaseHold,
    ReverseTransaction,
    SetProfile,
    SettleMember,
    SpendPoints,
    TransferPoints,
)
from jifen.core.decide.context import Context, Decision, Effects, PastTransaction
from jifen.core.decide.earn import record_event, record_order
from jifen.core.decide.hold import capture_hold, place_hold, release_hold
from jifen.core.decide.reverse import correct_order, refund_order, reverse_transaction
from jifen.core.decide.settle import settle
from jifen.core.decide.spend import adjust_points, spend_points, transfer_points
from jifen.core.ledger.values import MemberState
from jifen.core.program import Program
from jifen.core.refusal import Refusal

__all__ = ["Context", "Effects", "PastTransaction", "decide"]


def decide(
    program: Program,
    command: Command,
    context: Context,
    state: MemberState,
    *,
    past: PastTransaction | None = None,
    receiver: MemberState | None = None,
    shared_used: Mapping[str, int] = {},
) -> Effects | Refusal:
    """What a command does to a member, or why it is refused. Reads no clock, touches no database, changes no argument.

    `state` is the member's, as locked; `past` the transaction that a refund, reversal, capture or release refers to;
    `receiver` the other member of a transfer; `shared_used` what all members together used of caps, by usage name.
    Raises NotLoaded where the state was loaded too sparsely.
    """
    decision = Decision(program, context, state, shared_used)
    settle(decision)
    if isinstance(command, TransferPoints):
        assert receiver is not None
        return _decide_transfer(decision, Decision(program, context, receiver), command)
    refusal = _apply(decision, command, past)
    if refusal is not None:
        return refusal
    settle(decision, not_before=context.occurred_at)
    return decision.effects()


def _apply(decision: Decision, command: Command, past: PastTransaction | None) -> Refusal | None:
    match command:
        case RecordOrder():
            return record_order(decision, command)
        case RecordEvent():
            return record_event(decision, command)
        case SpendPoints():
            return spend_points(decision, command)
        case PlaceHold():
            return place_hold(decision, command)
        case AdjustPoints():
            return adjust_points(decision, command)
        case SettleMember() | RegisterMember() | TransferPoints() | SetProfile():
            return None
    assert past is not None
    match command:
        case RefundOrder():
            return refund_order(decision, command, past)
        case CorrectOrder():
            return correct_order(decision, command, past)
        case CaptureHold():
            return capture_hold(decision, command, past)
        case ReleaseHold():
            return release_hold(decision, command, past)
        case ReverseTransaction():
            return reverse_transaction(decision, command, past)


def _decide_transfer(sender: Decision, receiver: Decision, command: TransferPoints) -> Effects | Refusal:
    settle(receiver)
    refusal = transfer_points(sender, receiver, command)
    if refusal is not None:
        return refusal
    settle(sender, not_before=sender.context.occurred_at)
    settle(receiver, not_before=sender.context.occurred_at)
    here, there = sender.effects(), receiver.effects()
    return Effects(here.transactions + there.transactions, here.states + there.states, here.answer, here.trace)
