"""What the commands of a batch come to, kept in memory until it is written together."""

from __future__ import annotations

from jifen.core.decide import Effects
from jifen.core.ledger.values import MemberState, Transaction
from jifen.db.connection import Connection
from jifen.engine.approvals import Requests
from jifen.engine.claims import Claims
from jifen.engine.directory import Directory, FreshIds
from jifen.engine.gathering import Gathering, Surroundings
from jifen.engine.household_work import HouseholdWork
from jifen.engine.moves import Merging, carry_all, give_back_all
from jifen.engine.redemption_rows import RedemptionRows
from jifen.engine.redemptions import SuppliesAtHand
from jifen.engine.roll import Roll
from jifen.engine.submission import Answer, answer_of
from jifen.engine.writing import BatchRows


class Decided:
    """Everything that a batch has changed so far, beginning from what was gathered."""

    def __init__(
        self, surroundings: Surroundings, known: Gathering, connection: Connection, fresh_ids: list[int]
    ) -> None:
        """`fresh_ids`: numbers of members that an earlier pass has fetched; more are added to it."""
        self._shards = surroundings.shards
        self._known = known
        self._connection = connection
        self.states = dict(known.states)
        self._transactions: list[Transaction] = []
        self.roll = Roll(known.people)
        self.merges: list[Merging] = []
        self.households = HouseholdWork(known.households)
        self.claims = Claims(known)
        self.directory = Directory(
            known, self.claims, self.roll, self.states, FreshIds(surroundings, connection, fresh_ids)
        )
        self.shared_used = dict(known.shared_used)
        self.supplies = SuppliesAtHand(known.redeeming)
        self.requests = Requests(known.approvals)

    def claim_plain(self, index: int, member: int) -> Answer:
        """The answer to what is no transaction."""
        answer = Answer(member, 0, False)
        self.claims.claim(index, answer)
        return answer

    def keep(self, index: int, member_id: int, effects: Effects) -> Answer:
        """Go on from what a command did to a member; the answer to it."""
        self.book(effects)
        answer, trace = effects.answer, effects.trace
        if answer is None:
            return Answer(member_id, effects.states[0].sequence, False, settled=len(effects.transactions))
        if trace is not None and trace.drawn is not None:
            self.supplies.draws.note(member_id, answer.sequence, trace.drawn)
        outcome = answer_of(answer, trace)
        self.claims.claim(index, outcome)
        return outcome

    def book(self, effects: Effects) -> None:
        """Go on from what was decided."""
        self._transactions += effects.transactions
        for state in effects.states:
            before = self.states[state.member_id]
            if state.redemptions is not before.redemptions:
                self.supplies.keep(before, state, effects.taken)
            self.states[state.member_id] = state
        for name, number in effects.shared_uses.items():
            self.shared_used[name] = self.shared_used.get(name, 0) + number

    async def write(self) -> None:
        """Write everything that was decided, in few statements."""
        rows = BatchRows(self._shards, self._known.places)
        for registration in self.directory.registrations:
            rows.add_registration(registration)
        redeemed = RedemptionRows(self._shards, self._known.places, self._transactions)
        for member, profile in self.roll.profiles.items():
            rows.add_profile(member, profile)
        for member, state in self.states.items():
            before = self._known.states.get(member)
            if before is not state or member in self._known.uncounted or member in self.roll.profiles:
                rows.add_state(self._known.as_written(member) or MemberState(member, 0, ()), state)
                redeemed.add_state(before or MemberState(member, 0, ()), state)
        rows.add_shared_usages(self._known.shared_used, self.shared_used)
        self.claims.add_to(rows, self._transactions)
        await self.roll.write_first(self._connection, self._shards)
        if not redeemed.is_empty:
            redeemed.add_stocks(self._known.redeeming.stocks, self.supplies.stocks)
            await redeemed.write(self._connection)
        await self.supplies.draws.write(self._connection, self._shards)
        await self.requests.write(self._connection, self._shards)
        await rows.write(self._connection, self._known.now)
        await self.roll.write(self._connection, self._shards, self._known.now)
        await self.households.write(self._connection, self._shards, self._known.now)
        for merging in self.merges:
            await (give_back_all if merging.undone_sequence else carry_all)(self._connection, merging)
