"""What the commands of a batch refer to (orders, earlier transactions, merges, common spends), and who is behind it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

import msgspec

from jifen.core.add_ons import BehindAddOns
from jifen.core.commands import (
    CaptureHold,
    Command,
    RecordOrder,
    ReleaseHold,
    ReverseTransaction,
    order_sought,
)
from jifen.core.decide import Behind, PastTransaction
from jifen.core.decide.context import SharedStep
from jifen.core.draws.commands import DrawPrize
from jifen.core.ledger.values import Kind, MemberState, MemberStatus
from jifen.core.members.commands import UndoMerge
from jifen.core.members.paying import behind_of
from jifen.core.redemption.commands import CancelRedemption, RedeemReward, StepCommand
from jifen.core.redemption.values import Payer, Redemption
from jifen.db.connection import Connection
from jifen.engine.add_ons import AddOns
from jifen.engine.households import keep_parts, learn_of_parts
from jifen.engine.past import load_past
from jifen.engine.programs import ProgramVersions
from jifen.engine.redemptions import Redeeming
from jifen.engine.references import Reference, gives_order_back, needs_order, needs_past
from jifen.engine.submission import digest_order
from jifen.engine.survivors import MembersMoved, find_absorbed, find_orders, find_survivors, with_notes, with_origins

Parts = dict[Reference, tuple[Reference, ...]]


class Links:
    """What a batch's commands refer to. First `find`, before anything is locked; `load_past` when everything is."""

    def __init__(self, commands: Iterable[Command], redeeming: Redeeming, known_parts: Parts, shards: int) -> None:
        """`known_parts`: who paid of common spends, as far as earlier batches learned it; it never changes."""
        self._commands = list(commands)
        self._redeeming = redeeming
        self._shards = shards
        self._known_parts = known_parts
        #: As it was when this began: who is in it gets locked, whatever others learn meanwhile.
        self._parts: Parts = {}
        self._note_parts(self._commands)
        self.orders: dict[bytes, Reference] = {}
        #: What may end with orders that are given back.
        self.brought: list[CancelRedemption] = []
        #: Of merged members whose past is asked about: who survived, and who survived that one, in turn.
        self.survivors: dict[int, tuple[int, ...]] = {}
        #: Who was absorbed in merges that are to be undone.
        self.absorbed: dict[Reference, int] = {}
        self.past: dict[Reference, PastTransaction] = {}
        self._add_ons = AddOns()

    def _note_parts(self, commands: Iterable[Command]) -> None:
        for each in commands if self._known_parts else ():
            reference = self._paid_for(each)
            if reference is not None and reference in self._known_parts:
                self._parts[reference] = self._known_parts[reference]

    async def find(self, connection: Connection, *, look_for_merged: bool) -> None:
        """Find what must be known before anything is locked: the orders behind refunds (whose they are never changes),
        who survived merged members whose past is asked about, and who was absorbed in merges that are to be undone.

        Hardly any hold or redemption is a merged member's: those are looked for only where one turned out to be."""
        merged = {each.member for each in self._commands if isinstance(each, ReverseTransaction)}
        orders = [digest_order(name) for each in self._commands if (name := order_sought(each)) is not None]
        if orders:
            self.orders, merged_owners = await find_orders(connection, orders, self._shards)
            merged |= merged_owners
        await self._find_add_ons(connection)
        merged |= {member for each in self._commands for member, _ in self.parts(each)}
        if look_for_merged:
            named = [*map(self.reference, self._commands), *self._redeeming.references]
            merged |= {reference[0] for reference in named if reference is not None}
        if merged:
            self.survivors = await find_survivors(connection, merged)
        undone = [(each.member, each.sequence) for each in self._commands if isinstance(each, UndoMerge)]
        if undone:
            self.absorbed = await find_absorbed(connection, undone, self._shards)

    async def _find_add_ons(self, connection: Connection) -> None:
        """Whoever may give an order back may end what was taken with it, as if that were asked for as well."""
        brought = await self._add_ons.find(connection, self._given_back)
        self._commands += brought
        self._redeeming.bring(brought)
        self._note_parts(brought)
        self.brought = brought

    @property
    def _given_back(self) -> set[Reference]:
        """The orders that commands may give back."""
        found = {self.reference(each) for each in self._commands if gives_order_back(each)}
        return {each for each in found if each is not None}

    async def load_add_ons(self, connection: Connection) -> None:
        """Load what was taken with orders. Raises MembersMoved where that is more than was locked."""
        ending = self._given_back
        asked = {self.reference(each) for each in self._commands if needs_order(each)}
        await self._add_ons.load(connection, ending.union(each for each in asked if each is not None), ending)

    def ending_with(self, command: Command) -> list[CancelRedemption]:
        """The cancellations that a command may bring with it, as it may give an order back."""
        return self._add_ons.ending_with(self.reference(command)) if gives_order_back(command) else []

    def beside(self, command: Command) -> set[int]:
        """Whose points a command moves besides: who paid a part, whose add-ons end with it, and who survived those."""
        ending = self.ending_with(command)
        found = [part for each in (command, *ending) for part, _ in self.parts(each)]
        return {each for member in (*found, *(each.member for each in ending)) for each in self.with_survivors(member)}

    def order_beside(self, command: RedeemReward, member: int) -> PastTransaction | None:
        """The order that an add-on is taken with; None: the member, or whom the member survived, has no such order."""
        reference = self.reference(command)
        if reference is None or member not in self.with_survivors(reference[0]):
            return None
        past = self.past.get(reference)
        return past if past is not None and past.kind is Kind.EARN else None

    @property
    def behind_add_ons(self) -> BehindAddOns:
        """What is known behind the add-ons that may end."""
        return BehindAddOns(self.past, self.survivors)

    @property
    def members(self) -> set[int]:
        """Everybody behind what the commands refer to: all are locked."""
        found = set(self.absorbed.values())
        for command in self._commands:
            for member, _ in self.references(command):
                found.update(self.with_survivors(member))
        for member, _ in self._redeeming.references:
            found.update(self.with_survivors(member))
        return found

    def with_survivors(self, member: int) -> tuple[int, ...]:
        """A member, and who survived it in turn, if it was merged."""
        return (member, *self.survivors.get(member, ()))

    def reference(self, command: Command) -> Reference | None:
        """The transaction that a command refers to, as far as the database knows it."""
        if not (needs_past(command) or needs_order(command)):
            return None
        order_id = order_sought(command)
        if order_id is not None:
            return self.orders.get(digest_order(order_id))
        if isinstance(command, RecordOrder):
            return None if command.order.offset is None else command.order.offset.hold
        if isinstance(command, CaptureHold | ReleaseHold):
            return (command.member, command.hold)
        return (command.member, command.sequence) if isinstance(command, ReverseTransaction | UndoMerge) else None

    def parts(self, command: Command) -> tuple[Reference, ...]:
        """What the others of a household paid of a spend that is to be cancelled, or of a redemption."""
        paid_for = self._paid_for(command) if self._parts else None
        return () if paid_for is None else self._parts.get(paid_for, ())

    def _paid_for(self, command: Command) -> Reference | None:
        """What others of a household may have paid for. A coupon is there only when everything is paid."""
        if isinstance(command, ReverseTransaction):
            return (command.member, command.sequence)
        return self._redeeming.reference(command) if isinstance(command, StepCommand | DrawPrize) else None

    def learn_payers(self, redemptions: Mapping[Reference, Redemption]) -> None:
        """Raise MembersMoved where others pay for redemptions and are not locked yet: next time they are."""
        unknown = {reference: each for reference, each in redemptions.items() if reference not in self._parts}
        for reference, redemption in unknown.items():
            keep_parts(self._known_parts, reference, ((each.member, each.sequence) for each in redemption.payers))
        if unknown:
            raise MembersMoved

    def behind(self, steps: Iterable[SharedStep]) -> dict[Payer, Behind]:
        """What is known behind the parts of others that must follow these steps."""
        return behind_of(steps, self.past, self.survivors)

    def references(self, command: Command) -> tuple[Reference, ...]:
        """All transactions behind a command: the one that it refers to, and what others paid of that."""
        reference = self.reference(command)
        return self.parts(command) if reference is None else (reference, *self.parts(command))

    async def look_after_merged(
        self, connection: Connection, states: dict[int, MemberState], named: Collection[int]
    ) -> None:
        """Let the states of merged members name who survived; `named`: whom identities found. Raises MembersMoved
        where that is not who was locked."""
        merged = {member for member, state in states.items() if state.status is MemberStatus.MERGED}
        if not merged:
            return
        if not merged.isdisjoint(named):
            # An identity led to someone who was merged while we waited: now it leads to the survivor.
            raise MembersMoved
        found = await find_survivors(connection, merged)
        about_the_past = {member for member, _ in self._redeeming.references} | self.survivors.keys()
        for command in self._commands:
            about_the_past.update(member for member, _ in self.references(command))
        for member in merged:
            if member in about_the_past and self.survivors.get(member) != found[member]:
                raise MembersMoved
            states[member] = msgspec.structs.replace(states[member], merged_into=found[member][-1])

    async def learn_survivors(self, connection: Connection, members: Collection[int]) -> None:
        """Find out who survived these members, too."""
        self.survivors = await find_survivors(connection, members) | self.survivors

    async def load_past(
        self,
        connection: Connection,
        references: Collection[Reference],
        programs: ProgramVersions,
        states: dict[int, MemberState],
    ) -> None:
        """Load these transactions. Raises MembersMoved where others paid of one who are not locked yet."""
        self.past = await load_past(connection, sorted(references), programs, self._shards)
        if learn_of_parts(self.past, self._parts, self._known_parts):
            raise MembersMoved
        self._add_ons.put_into(self.past)
        await self._follow_past(connection, states)

    async def _follow_past(self, connection: Connection, states: dict[int, MemberState]) -> None:
        """Find out where the points of merged members' lots are, and what passed since a merge."""
        shards = self._shards
        for reference, past in self.past.items():
            member = reference[0]
            if reference in self.absorbed:
                self.past[reference] = await with_notes(connection, reference, past, self.absorbed[reference], shards)
            elif member in self.survivors and states[member].status is MemberStatus.MERGED:
                self.past[reference] = await with_origins(connection, member, past, self.survivors[member], shards)
