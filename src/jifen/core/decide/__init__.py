"""The pure core: one plain function answers every command, live, imported, tried or replayed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from jifen.core.commands import (
    AdjustPoints,
    CaptureHold,
    Command,
    CorrectOrder,
    PlaceHold,
    RecordEvent,
    RecordOrder,
    RefundOrder,
    ReleaseHold,
    ReverseTransaction,
    SpendPoints,
    TransferPoints,
)
from jifen.core.decide.adjust import adjust_points
from jifen.core.decide.bank import save_points, unsave_points
from jifen.core.decide.context import TIME_SOURCE, Context, Decision, Effects, PastTransaction
from jifen.core.decide.convert import convert_points
from jifen.core.decide.coupons import cancel_write_off, write_off_coupon
from jifen.core.decide.draw import draw_prize
from jifen.core.decide.earn import record_event, record_order
from jifen.core.decide.finish import finish
from jifen.core.decide.gift import transfer_points
from jifen.core.decide.hold import capture_hold, place_hold, release_hold
from jifen.core.decide.offset import record_paid_order
from jifen.core.decide.redeem import redeem_reward
from jifen.core.decide.reverse import correct_order, refund_order, reverse_transaction
from jifen.core.decide.settle import settle
from jifen.core.decide.spend import spend_points
from jifen.core.decide.steps import (
    approve_redemption,
    cancel_redemption,
    fulfil_redemption,
    pay_redemption,
    reject_redemption,
    return_redemption,
    settle_redemption,
    settle_redemptions,
)
from jifen.core.decide.tiers import grant_tier, look_at_tiers, recalculate_tiers
from jifen.core.draws.commands import DrawPrize
from jifen.core.ledger.values import MemberState
from jifen.core.members.closing import change_life
from jifen.core.members.commands import ChangeLife, MergeMembers, SpendFromHousehold, UndoMerge
from jifen.core.members.life import act_of, check_life
from jifen.core.members.merging import decide_for_merged, decide_merge, decide_undo
from jifen.core.members.paying import Behind, decide_pooled_redemption, follow_steps
from jifen.core.members.pooling import decide_pooled_spend
from jifen.core.program import Program
from jifen.core.redemption.commands import (
    ApproveRedemption,
    CancelRedemption,
    CancelWriteOff,
    FulfilRedemption,
    PayRedemption,
    RedeemReward,
    RejectRedemption,
    ReturnRedemption,
    SettleRedemption,
    WriteOffCoupon,
)
from jifen.core.redemption.values import NO_SUPPLIES, Supplies
from jifen.core.refusal import Refusal
from jifen.core.segments.membership import SegmentConditions
from jifen.core.tiers.commands import GrantTier, RecalculateTiers
from jifen.core.wallets.commands import ConvertPoints, SavePoints, UnsavePoints

__all__ = ["Behind", "Context", "Effects", "PastTransaction", "decide", "decide_pooled_reversal", "follow_steps"]


def decide(
    program: Program,
    command: Command,
    context: Context,
    state: MemberState,
    *,
    past: PastTransaction | None = None,
    receiver: MemberState | None = None,
    others: Sequence[MemberState] = (),
    shared_used: Mapping[str, int] = {},
    current: Program | None = None,
    segments: SegmentConditions | None = None,
    supplies: Supplies = NO_SUPPLIES,
) -> Effects | Refusal:
    """What a command does to a member, or why it is refused. Reads no clock, touches no database, changes no argument.

    `state` is the member's, as locked; `past` the transaction that a refund, reversal, capture or release refers to, or
    the member's own order that an add-on is taken with;
    `receiver` the other member of a transfer; `others` the other member of a merge, the survivors of a merged member in
    turn, or the rest of a household; `shared_used` what all members together used of caps, by usage name; `current` the
    version in force now, which decides about tiers, where `program` is that of the time of an event; `segments` the
    conditions of those segments that rules of this program ask for; `supplies` the stock, codes and rounds that
    redemptions and draws need.
    Where the effects have `shared_steps`, `follow_steps` lets the points of others follow.
    Raises NotLoaded where the state was loaded too sparsely.
    """
    if state.status and (refusal := check_life(program, state, act_of(command))):
        return refusal
    decision = Decision(program, context, state, shared_used, current, segments, supplies)
    if isinstance(command, RedeemReward) and command.from_household:
        beside = [Decision(program, context, each, current=current) for each in others]
        return decide_pooled_redemption(decision, beside, command, past)
    if others or isinstance(command, SpendFromHousehold):
        return _decide_on_several(program, command, context, (state, *others), past, current, shared_used)
    look_at_tiers(decision)
    settle(decision)
    if state.redemptions:
        settle_redemptions(decision, command)
    if isinstance(command, TransferPoints):
        assert receiver is not None
        if refusal := check_life(program, receiver, "receive", "/to"):
            return refusal
        return _decide_transfer(decision, Decision(program, context, receiver, current=current), command)
    refusal = _apply(decision, command, past)
    if refusal is not None:
        return refusal
    finish(decision)
    return decision.effects()


def _apply(decision: Decision, command: Command, past: PastTransaction | None) -> Refusal | None:
    if isinstance(command, RecordOrder) and past is not None:
        return record_paid_order(decision, command, past)
    on_state = _ON_THE_STATE.get(type(command))
    if on_state is not None:
        return on_state(decision, command)
    on_more = _ON_THE_STATE_AND_MORE.get(type(command))
    if on_more is not None:
        return on_more(decision, command, past)
    on_past = _ON_THE_PAST.get(type(command))
    if on_past is None:
        # All that was to be done was to settle, or the shell does it.
        return None
    assert past is not None
    return on_past(decision, command, past)


#: What decides a command that needs to know the member alone,
_ON_THE_STATE: Final[dict[type, Callable[[Decision, Any], Refusal | None]]] = {
    RecordOrder: record_order,
    RecordEvent: record_event,
    SpendPoints: spend_points,
    PlaceHold: place_hold,
    AdjustPoints: adjust_points,
    ChangeLife: change_life,
    GrantTier: grant_tier,
    RecalculateTiers: recalculate_tiers,
    PayRedemption: pay_redemption,
    ApproveRedemption: approve_redemption,
    RejectRedemption: reject_redemption,
    FulfilRedemption: fulfil_redemption,
    SettleRedemption: settle_redemption,
    WriteOffCoupon: write_off_coupon,
    CancelWriteOff: cancel_write_off,
    ConvertPoints: convert_points,
    SavePoints: save_points,
    UnsavePoints: unsave_points,
    DrawPrize: draw_prize,
}
#: one that may need an earlier transaction as well (the order of an add-on, what was spent and comes back),
_ON_THE_STATE_AND_MORE: Final[dict[type, Callable[[Decision, Any, PastTransaction | None], Refusal | None]]] = {
    RedeemReward: redeem_reward,
    CancelRedemption: cancel_redemption,
    ReturnRedemption: return_redemption,
}
#: and one that refers to an earlier transaction.
_ON_THE_PAST: Final[dict[type, Callable[[Decision, Any, PastTransaction], Refusal | None]]] = {
    RefundOrder: refund_order,
    CorrectOrder: correct_order,
    CaptureHold: capture_hold,
    ReleaseHold: release_hold,
    ReverseTransaction: reverse_transaction,
}


def _decide_on_several(
    program: Program,
    command: Command,
    context: Context,
    states: Sequence[MemberState],
    past: PastTransaction | None,
    current: Program | None,
    shared_used: Mapping[str, int],
) -> Effects | Refusal:
    if isinstance(command, SpendFromHousehold):
        spender, *beside = (Decision(program, context, state, current=current) for state in states)
        return decide_pooled_spend(spender, beside, command)
    if isinstance(command, MergeMembers | UndoMerge):
        first, second = (Decision(program, context, state, current=current) for state in states)
        if isinstance(command, MergeMembers):
            return decide_merge(first, second, command)
        assert past is not None
        return decide_undo(first, second, command, past)
    assert past is not None
    return decide_for_merged(
        (program, context, current),
        states,
        past,
        lambda decision, its_past: _apply(decision, command, its_past),
        shared_used,
    )


def decide_pooled_reversal(
    program: Program,
    context: Context,
    states: Mapping[int, MemberState],
    parts: Sequence[tuple[int, PastTransaction, Sequence[int]]],
    current: Program | None = None,
) -> Effects | Refusal:
    """Give back to each of a household what they paid of a spend, all or nothing. `parts`: members, the spender first,
    their transactions, and who survived them in turn, if they were merged."""
    now = dict(states)
    done: list[Effects] = []
    # The key is that of the spender's transaction, which answers: what comes back to the others has none of its own.
    without_key = msgspec.structs.replace(context, source=TIME_SOURCE, key="")
    for index, (member, past, survivors) in enumerate(parts):
        command = ReverseTransaction(member, past.sequence)
        others = [now[each] for each in survivors]
        by = without_key if index else context
        effects = decide(program, command, by, now[member], past=past, others=others, current=current)
        if isinstance(effects, Refusal):
            return effects
        now |= {state.member_id: state for state in effects.states}
        done.append(effects)
    return Effects(
        tuple(transaction for each in done for transaction in each.transactions),
        tuple(now[member] for member in dict.fromkeys(state.member_id for each in done for state in each.states)),
        done[0].answer,
        done[0].trace,
    )


def _decide_transfer(sender: Decision, receiver: Decision, command: TransferPoints) -> Effects | Refusal:
    look_at_tiers(receiver)
    settle(receiver)
    refusal = transfer_points(sender, receiver, command)
    if refusal is not None:
        return refusal
    finish(sender)
    finish(receiver)
    here, there = sender.effects(), receiver.effects()
    return Effects(here.transactions + there.transactions, here.states + there.states, here.answer, here.trace)
