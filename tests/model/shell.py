"""A shell of dictionaries around the pure core: what the engine does with PostgreSQL, without any of its cleverness."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import msgspec

from jifen.core.add_ons import BehindAddOns, Ending, end_add_ons
from jifen.core.commands import (
    CaptureHold,
    Command,
    CorrectOrder,
    RecordOrder,
    RefundOrder,
    ReleaseHold,
    ReverseTransaction,
    TransferPoints,
)
from jifen.core.decide import Context, Effects, PastTransaction, decide, decide_pooled_reversal
from jifen.core.decide.past_order import gives_back_all
from jifen.core.ledger.journal import NotLoaded
from jifen.core.ledger.values import Account, MemberState, Transaction, transaction_id
from jifen.core.limits import NEVER
from jifen.core.members.commands import MembershipCommand, MergeMembers, SpendFromHousehold, UndoMerge
from jifen.core.program import Program
from jifen.core.redemption.codes import RANDOM_BYTES, code_of
from jifen.core.redemption.commands import RedeemReward, StepCommand
from jifen.core.redemption.values import Redemption, Stock, Supplies
from jifen.core.refusal import Refusal
from jifen.core.rules.standing import Profile
from jifen.core.wallets.commands import SavePoints
from jifen.engine.household_work import change_household
from jifen.engine.households import Household, KnownHouseholds
from jifen.engine.redemptions import gives_back, pool_changes, unknown_redemption
from jifen.engine.references import Reference, check_hold_owner, gives_order_back, new_member_state, unknown_past
from jifen.engine.survivors import others_named
from tests.model.shell_past import earned_this_year, notes_between, past_of, with_origins

Ask = Callable[[Sequence[MemberState], MemberState | None], Effects | Refusal]


class Shell:
    """Members, their transactions and the orders that find them, in memory.

    Every command is decided twice: on whole states and on sparsely loaded ones. Both must agree, unless the sparse
    ones say that they need more.
    """

    def __init__(self, program: Program) -> None:
        self.programs = {program.version: program}
        self.program = program
        self.states: dict[int, MemberState] = {}
        self.transactions: dict[int, list[Transaction]] = {}
        self.orders: dict[str, Reference] = {}
        #: What all members together used of caps, by usage name.
        self.shared_used: dict[str, int] = {}
        #: Pieces of rewards, and codes that wait to be issued.
        self.stocks: dict[str, Stock] = {}
        self.pools: dict[str, tuple[str, ...]] = {}
        #: Who was absorbed, by the survivor's transaction of the merge; and who survived whom, as of now.
        self.merges: dict[Reference, int] = {}
        self.into: dict[int, int] = {}
        self.households: dict[int, Household] = {}
        self.not_loaded = 0
        self._codes = 0

    def publish(self, program: Program) -> None:
        """A new version takes over."""
        self.programs[program.version] = program
        self.program = program

    def add_member(self, member_id: int, registered_at: datetime | None = None) -> None:
        """A member without history."""
        state = new_member_state(member_id, self.program)
        self.states[member_id] = msgspec.structs.replace(state, profile=Profile(registered_at=registered_at))
        self.transactions[member_id] = []

    def run(
        self,
        member_id: int,
        command: Command,
        now: datetime,
        occurred_at: datetime | None = None,
        source: str = "test",
        actor: str = "tester",
        roles: Sequence[str] = (),
        names: Mapping[str, str] = {},
    ) -> Transaction | Refusal | None:
        """Decide a command and keep what it did; its transaction, if it made one."""
        context = Context(now, occurred_at or now, source, "key", actor, roles=tuple(roles), names=names)
        if refusal := check_hold_owner(command, member_id) or self._unknown(member_id, command):
            return refusal
        past = self._past_needed(member_id, command)
        receiver = None
        if isinstance(command, TransferPoints):
            assert isinstance(command.to, int)
            if command.to == member_id:
                return Refusal("same_member", "Points cannot be transferred to the member they come from.")
            receiver = self.states[command.to]
        others = self._others(member_id, command)
        if isinstance(others, Refusal):
            return others
        known = KnownInMemory(self.households)
        if refusal := known.check(command, set()):
            return refusal
        if isinstance(command, MembershipCommand):
            return self._change_household(known, command)
        if isinstance(command, SpendFromHousehold):
            command, others = known.named(command), known.beside(member_id)
        pooled = None if past is None or past.trace.dealings is None else past.trace.dealings.pooled
        if pooled is not None and isinstance(command, ReverseTransaction):
            parts = [(member_id, command.sequence), *((part.member, part.sequence) for part in pooled.parts)]
            if (member_id, command.sequence) != (pooled.spender, pooled.sequence):
                return Refusal("not_reversible", "This was paid for somebody else.")
            found = [(each, self.past(each, sequence), self.survivors(each)) for each, sequence in parts]
            return self._done(decide_pooled_reversal(self.program, context, self.states, found))
        states = [self.states[each] for each in (member_id, *others)]
        if isinstance(command, SavePoints):
            earned = earned_this_year(self.transactions[member_id], self.program, now)
            states[0] = msgspec.structs.replace(states[0], earned_this_year=earned)
        supplies = Supplies(self.stocks, self.pools, self._fresh_codes())
        if isinstance(command, RedeemReward):
            past = self._order_beside(member_id, command)
        ending = self._end_add_ons(command, context, past, supplies)
        if isinstance(ending, Refusal):
            return ending
        if ending is not None:
            past, states = ending.order, [ending.states[each.member_id] for each in states]

        def ask(states: Sequence[MemberState], receiver: MemberState | None) -> Effects | Refusal:
            return decide(
                self.program,
                command,
                context,
                states[0],
                past=past,
                receiver=receiver,
                others=states[1:],
                shared_used=self.shared_used,
                supplies=supplies,
            )

        effects = ask(states, receiver)
        if not others:
            # Whatever is decided on several members at once is decided on whole ones.
            self._compare_with_sparse(effects, ask, states, receiver)
        if ending is not None and isinstance(effects, Effects):
            for each in ending.effects:
                self.keep(each)
        answer = self._done(effects)
        if isinstance(command, MergeMembers | UndoMerge) and isinstance(answer, Transaction):
            self._note_merge(command, answer)
        return answer

    def keep(self, effects: Effects) -> None:
        """Write down what was decided."""
        for after in effects.states:
            for reward, code, owner in pool_changes(self.states[after.member_id], after):
                free = tuple(each for each in self.pools.get(reward, ()) if each != code)
                self.pools[reward] = (*free, code) if owner is None else free
            self.states[after.member_id] = after
        for name, number in effects.shared_uses.items():
            self.shared_used[name] = self.shared_used.get(name, 0) + number
        for reward, pieces in effects.taken.items():
            stock = self.stocks[reward]
            self.stocks[reward] = Stock(stock.pieces, stock.taken + pieces)
        for transaction in effects.transactions:
            mine = self.transactions[transaction.member_id]
            assert transaction.sequence == len(mine) + 1, "sequences have no gap"
            mine.append(transaction)
        for state in effects.states:
            assert state.sequence == len(self.transactions[state.member_id])

    def _done(self, effects: Effects | Refusal) -> Transaction | Refusal | None:
        if isinstance(effects, Refusal):
            return effects
        self.keep(effects)
        return effects.answer

    def past(self, member_id: int, sequence: int) -> PastTransaction:
        """An earlier transaction, with what has become of it since, and what was taken with it."""
        past = past_of(self.transactions, self.programs, member_id, sequence)
        past = msgspec.structs.replace(past, add_ons=self._add_ons(transaction_id(member_id, sequence)))
        survivors = self.survivors(member_id)
        return with_origins(self.transactions, member_id, past, survivors) if survivors else past

    def survivors(self, member_id: int) -> tuple[int, ...]:
        """Who survived a merged member, and who survived that one, in turn."""
        into = self.into.get(member_id)
        return () if into is None else (into, *self.survivors(into))

    # --- what was taken with an order ---

    def _add_ons(self, order: str) -> dict[Reference, Redemption]:
        return {
            (member, sequence): redemption
            for member, state in self.states.items()
            for sequence, redemption in state.redemptions.items()
            if redemption.order == order
        }

    def _order_beside(self, member_id: int, command: RedeemReward) -> PastTransaction | None:
        owner, sequence = self.orders.get(command.order_id or "", (0, 0))
        return self.past(owner, sequence) if owner and member_id in (owner, *self.survivors(owner)) else None

    def _end_add_ons(
        self, command: Command, context: Context, order: PastTransaction | None, supplies: Supplies
    ) -> Ending | Refusal | None:
        if order is None or not order.add_ons or not gives_order_back(command) or not gives_back_all(command, order):
            return None
        payers = {(each.member, each.sequence) for found in order.add_ons.values() for each in found.payers}
        behind = BehindAddOns(
            {reference: self.past(*reference) for reference in payers.union(order.add_ons)},
            {each: self.survivors(each) for each in self.into},
        )
        by, place = (self.program, context, None), (order.member_id, order.sequence)
        return end_add_ons(by, self.states, place, order, behind, lambda _command, _state: supplies)

    # --- what a command refers to ---

    def _reference(self, member_id: int, command: Command) -> Reference | None:
        match command:
            case RecordOrder():
                return None if command.order.offset is None else command.order.offset.hold
            case RefundOrder():
                return self.orders.get(command.refund.order_id, (member_id, 0))
            case CorrectOrder():
                return self.orders.get(command.correction.order_id, (member_id, 0))
            case CaptureHold() | ReleaseHold():
                return (member_id, command.hold)
            case ReverseTransaction() | UndoMerge():
                return (member_id, command.sequence)
        return None

    def _unknown(self, member_id: int, command: Command) -> Refusal | None:
        """The refusal of what refers to something that does not exist."""
        reference = self._reference(member_id, command)
        if reference is not None and not 0 < reference[1] <= len(self.transactions[reference[0]]):
            return unknown_past(command)
        if isinstance(command, StepCommand) and command.redemption not in self.states[member_id].redemptions:
            return unknown_redemption(transaction_id(member_id, command.redemption))
        return None

    def _past_needed(self, member_id: int, command: Command) -> PastTransaction | None:
        reference = self._reference(member_id, command)
        if reference is None and gives_back(command, self.states):
            assert isinstance(command, StepCommand)
            reference = (member_id, command.redemption)
        if reference is None:
            return None
        past = self.past(*reference)
        if not isinstance(command, UndoMerge) or reference not in self.merges:
            return past
        notes = notes_between(self.transactions, self.merges[reference], member_id, after=reference[1])
        return msgspec.structs.replace(past, notes=tuple(notes))

    def _others(self, member_id: int, command: Command) -> Sequence[int] | Refusal:
        survivors = {each: self.survivors(each) for each in self.into}
        return others_named(command, self.states[member_id], self.states, self.merges, survivors)

    def _note_merge(self, command: MergeMembers | UndoMerge, answer: Transaction) -> None:
        if isinstance(command, MergeMembers):
            self.merges[answer.member_id, answer.sequence] = command.absorbed
            self.into[command.absorbed] = command.member
        else:
            del self.into[self.merges[command.member, command.sequence]]

    def _change_household(self, known: KnownInMemory, command: MembershipCommand) -> Refusal | None:
        number = 1 + max((each.household_id for each in self.households.values()), default=0)
        change = change_household(self.program, known, command, self.states, number)
        if isinstance(change, Refusal):
            return change
        for member in change.went:
            del self.households[member]
        members = sorted({*change.household.members, *change.came} - set(change.went))
        for member in members:
            self.households[member] = msgspec.structs.replace(change.household, members=tuple(members))
        return None

    def _fresh_codes(self) -> tuple[str, ...]:
        self._codes += 9
        # The last bit is none of the code's.
        numbers = range(self._codes - 9, self._codes)
        return tuple(code_of((2 * number).to_bytes(RANDOM_BYTES, "big")) for number in numbers)

    # --- sparsely loaded ---

    def _compare_with_sparse(
        self, expected: Effects | Refusal, ask: Ask, states: Sequence[MemberState], receiver: MemberState | None
    ) -> None:
        """Sparsely loaded states give the same transactions, or NotLoaded, never anything else."""
        for most in (0, 1, 3):
            try:
                found = ask([_thin(each, most) for each in states], None if receiver is None else _thin(receiver, most))
            except NotLoaded:
                self.not_loaded += 1
                continue
            if isinstance(expected, Refusal) or isinstance(found, Refusal):
                assert found == expected
            else:
                assert found.transactions == expected.transactions


class KnownInMemory(KnownHouseholds):
    """The households, as they are at hand."""

    def __init__(self, by_member: dict[int, Household]) -> None:
        super().__init__((), 1)
        self._by_member = by_member


def _thin(state: MemberState, most: int) -> MemberState:
    """The state as an engine may have loaded it: so many lots of a wallet, and neither pending lots nor holds."""
    return msgspec.structs.replace(state, accounts=tuple(_thin_account(each, most) for each in state.accounts))


def _thin_account(account: Account, most: int) -> Account:
    lots = account.lots[:most]
    first = (datetime.min.replace(tzinfo=NEVER.tzinfo),) * 2
    horizon = (lots[-1].order if lots else (*first, -1)) if len(lots) == most and account.available else None
    is_complete = not (account.pending or account.held or account.saved)
    return msgspec.structs.replace(
        account, lots=lots, horizon=horizon, pending_lots=(), holds=(), deposits=(), is_complete=is_complete
    )
