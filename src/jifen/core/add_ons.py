"""What was taken with an order ends with it: whoever gives the order back cannot keep its add-ons.

The add-ons end first, each by the very command by which anybody cancels a redemption, and what gives the order back is
decided on what that left: so the points that come back are there when those that the order had earned are taken.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from jifen.core.commands import Command
from jifen.core.decide import decide, follow_steps
from jifen.core.decide.context import TIME_SOURCE, Context, Effects, PastTransaction
from jifen.core.ledger.values import Bucket, Kind, MemberState, Transaction
from jifen.core.members.paying import behind_of
from jifen.core.program import Program
from jifen.core.redemption.commands import CancelRedemption, SettleRedemption
from jifen.core.redemption.machine import FINAL
from jifen.core.redemption.values import Redemption, Supplies
from jifen.core.refusal import Refusal
from jifen.core.trace import EndedAddOn, decode_trace

Reference = tuple[int, int]
Supply = Callable[[Command, MemberState], Supplies]


class BehindAddOns(msgspec.Struct, frozen=True, gc=False):
    """What is known behind the add-ons of an order: the transactions that asked for them and those of others who pay
    for them, and who survived merged members in turn."""

    past: Mapping[Reference, PastTransaction]
    survivors: Mapping[int, Sequence[int]]


class Ending(msgspec.Struct, frozen=True, gc=False):
    """What ended with an order, in turn; the states that this left, and the order as what gives it back must see it."""

    effects: Sequence[Effects]
    states: Mapping[int, MemberState]
    order: PastTransaction


def end_add_ons(
    by: tuple[Program, Context, Program | None],
    states: Mapping[int, MemberState],
    place: Reference,
    order: PastTransaction,
    behind: BehindAddOns,
    supply: Supply,
) -> Ending | Refusal:
    """End the add-ons of an order that is to be given back, all or nothing. What was delivered or used stays.

    `place`: the member and the transaction of the order; `states` has everybody behind the add-ons, as locked.
    """
    work = _Work(by, states, behind, supply)
    ended = []
    for reference in sorted(order.add_ons):
        told = work.end(reference, order.add_ons[reference].order_id)
        if isinstance(told, Refusal):
            return told
        ended += told
    transactions = [transaction for each in work.done for transaction in each.transactions]
    chain = (place[0], *behind.survivors.get(place[0], ()))
    order = msgspec.structs.replace(order, ended=tuple(ended))
    return Ending(work.done, work.states, _as_left(order, chain, transactions))


class _Work:
    """The add-ons of one order as they end, one after another."""

    def __init__(
        self,
        by: tuple[Program, Context, Program | None],
        states: Mapping[int, MemberState],
        behind: BehindAddOns,
        supply: Supply,
    ) -> None:
        program, context, current = by
        # The key is that of what gives the order back.
        self._by = (program, msgspec.structs.replace(context, source=TIME_SOURCE, key=""), current)
        self.states = dict(states)
        self._behind = behind
        self._supply = supply
        self.done: list[Effects] = []

    def end(self, reference: Reference, order_id: str) -> list[EndedAddOn] | Refusal:
        """End one, unless it is over; what is to be told of it."""
        member, sequence = reference
        redemption = self._redemption(reference)
        if redemption.until is not None and redemption.until <= self._by[1].now:
            # Time has decided on it already.
            if refusal := self._decide(SettleRedemption(member, sequence)):
                return refusal
            redemption = self._redemption(reference)
        if redemption.state in FINAL:
            return []
        is_kept = not redemption.may_be_cancelled
        if not is_kept:
            if refusal := self._decide(CancelRedemption(member, sequence, order_id)):
                return refusal
            redemption = self._redemption(reference)
        told = (redemption.reward, redemption.wallet, redemption.points, redemption.refund_cents)
        return [EndedAddOn(member, sequence, *told, is_kept=is_kept)]

    def _redemption(self, reference: Reference) -> Redemption:
        return self.states[reference[0]].redemptions[reference[1]]

    def _decide(self, command: CancelRedemption | SettleRedemption) -> Refusal | None:
        program, context, current = self._by
        member = command.member
        state, survivors = self.states[member], self._behind.survivors.get(member, ())
        past = self._behind.past.get((member, command.redemption)) if isinstance(command, CancelRedemption) else None
        others = [self.states[each] for each in survivors] if past is not None else []
        supplies = self._supply(command, state)
        effects = decide(program, command, context, state, past=past, others=others, current=current, supplies=supplies)
        if isinstance(effects, Effects) and effects.shared_steps:
            behind = behind_of(effects.shared_steps, self._behind.past, self._behind.survivors)
            effects = follow_steps(effects, self._by, self.states, behind)
        if isinstance(effects, Refusal):
            return effects
        self.states |= {each.member_id: each for each in effects.states}
        self.done.append(effects)
        return None


def _as_left(order: PastTransaction, chain: Sequence[int], transactions: Sequence[Transaction]) -> PastTransaction:
    """The order with what these transactions of its member, and of who survived, did to the points of its lots: they
    may have gone on to new lots of a survivor, or expired as they came back."""
    origins = [dict(each) for each in order.origins]
    expired = dict(order.expired_by_lot)
    for transaction in transactions:
        if transaction.member_id not in chain:
            continue
        level = chain.index(transaction.member_id)
        if transaction.kind is Kind.MERGE and level:
            note = decode_trace(transaction.trace).merged
            if note is not None and note.step == "follow" and note.other == chain[level - 1]:
                origins[level - 1] |= {moved.lot: moved.origin for moved in note.lots if moved.origin}
        for movement in transaction.movements:
            if movement.target is Bucket.EXPIRED and (lot := _first_lot(movement.lot, origins[:level])):
                expired[lot] = expired.get(lot, 0) + movement.amount
    return msgspec.structs.replace(order, origins=tuple(origins), expired_by_lot=expired)


def _first_lot(lot: int, origins: Sequence[Mapping[int, int]]) -> int:
    """The lot of the order's member whose points are in a lot of somebody who survived; 0: none."""
    for each in reversed(origins):
        lot = each.get(lot, 0)
    return lot
