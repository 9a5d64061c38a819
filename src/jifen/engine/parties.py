"""Who the commands of a batch are about, and who of them must wait for the next batch."""

from __future__ import annotations

from collections.abc import Sequence

from jifen.core.commands import (
    CaptureHold,
    Command,
    RecordOrder,
    RegisterMember,
    ReleaseHold,
    ReverseTransaction,
    order_named,
    order_sought,
)
from jifen.core.decide import PastTransaction
from jifen.core.ledger.values import MemberState, MemberStatus, transaction_id
from jifen.core.members.commands import UndoMerge
from jifen.core.redemption.commands import CouponCommand, RedeemReward, StepCommand
from jifen.core.refusal import Refusal
from jifen.core.wallets.commands import DecideApproval
from jifen.engine.approvals import unknown_approval
from jifen.engine.directory import Directory
from jifen.engine.gathering import Gathering
from jifen.engine.households import takes_from_household
from jifen.engine.redemptions import gives_back, unknown_coupon, unknown_redemption
from jifen.engine.references import late_day, needs_past, registers_unknown_member, unknown_member, unknown_past
from jifen.engine.submission import Submission, digest_order
from jifen.engine.survivors import others_named


class Parties:
    """Who is meant by the commands of a batch, as one is decided after another. Whoever is `waiting` was changed in a
    way that only the next batch can look up.

    `states` is shared with whoever decides.
    """

    def __init__(self, known: Gathering, states: dict[int, MemberState], directory: Directory) -> None:
        self._known = known
        self._states = states
        self._directory = directory
        self.waiting: set[int] = set()
        self._waiting_orders: set[bytes] = set()

    def order_is_waiting(self, command: Command) -> bool:
        """Whether a command is about an order that waits for the next batch, so that it must wait behind it."""
        if not self._waiting_orders:
            return False
        if isinstance(command, RecordOrder):
            return digest_order(command.order.order_id) in self._waiting_orders
        order_id = order_sought(command)
        return order_id is not None and digest_order(order_id) in self._waiting_orders

    def wait_behind(self, command: Command) -> None:
        """What else is asked of the order of a command that waits must wait as well."""
        if isinstance(command, RecordOrder):
            self._waiting_orders.add(digest_order(command.order.order_id))

    def changed(self, member: int) -> bool:
        """Whether this batch has done something to a member."""
        return self._states[member] is not self._known.states.get(member)

    def is_late(self, submission: Submission, member: int) -> bool:
        """Whether a command happened so early that the counters of that day decide about it."""
        program, counters = self._known.program_for(submission), self._states[member].counters
        return late_day(submission.command, submission.occurred_at, program, counters) is not None

    async def member_of(self, submission: Submission, command: Command) -> int | Refusal:
        """The member a command is about; an unknown identity registers one where the program says so."""
        assert not isinstance(command, RegisterMember)
        if isinstance(command, CouponCommand):
            owned = self._known.redeeming.reference(command)
            return unknown_coupon(command.code) if owned is None else owned[0]
        if isinstance(command, DecideApproval):
            found = self._known.approval_members.get(command.approval)
            return unknown_approval(command.approval) if found is None else found
        reference = command.member
        order_id = order_named(command)
        if order_id is not None:
            return self._directory.owner_of_order(order_id, reference, self.waiting)
        if isinstance(reference, int):
            return reference if reference in self._states else _nobody(command, reference)
        assert reference is not None
        member = self._directory.lookup(reference)
        if member is not None:
            if self._states[member].status is MemberStatus.MERGED:
                # Merged in this very batch: the next one finds the survivor.
                self.waiting.add(member)
            return member
        assert self._known.program is not None
        if not (self._known.program.document.register_unknown_members and registers_unknown_member(command)):
            return unknown_member(str(reference))
        return await self._directory.add((reference,), submission)

    def others_of(self, command: Command, member: int) -> Sequence[MemberState] | Refusal:
        """Who else a command is decided on: the other side of a merge, the rest of a household, or who survived a
        merged member whose past is meant. If one of them must wait, all do, and so does whoever paid a part."""
        if takes_from_household(command):
            return [self._states[each] for each in self._known.households.beside(member)]
        links = self._known.links
        others = others_named(command, self._states[member], self._states, links.absorbed, links.survivors)
        if isinstance(others, Refusal):
            # The merge that is to be undone may have been made in this very batch.
            return [] if isinstance(command, UndoMerge) and member in self.waiting else others
        involved = {member, *others} if others else set()
        if beside := links.beside(command):
            involved |= {member, *beside}
        asks_back = needs_past(command) or gives_back(command, self._states)
        if involved & self.waiting or (asks_back and any(map(self.changed, involved))):
            self.waiting |= involved
        return [self._states[each] for each in others]

    def order_beside(self, command: RedeemReward, member: int) -> PastTransaction | None:
        """The member's order that an add-on is taken with. If this batch did something to it, the member waits."""
        links = self._known.links
        behind = {each for owner, _ in links.references(command) for each in links.with_survivors(owner)}
        if behind & self.waiting or any(map(self.changed, behind & self._states.keys())):
            self.waiting.add(member)
            return None
        return links.order_beside(command, member)


def _nobody(command: Command, member: int) -> Refusal:
    """There is no such member. Whoever names a redemption, a hold or a transaction names no member, so it is that which
    is missed."""
    if isinstance(command, StepCommand):
        return unknown_redemption(transaction_id(member, command.redemption))
    if isinstance(command, CaptureHold | ReleaseHold | ReverseTransaction):
        return unknown_past(command)
    return unknown_member(str(member))
