"""What the commands of a batch refer to (orders, earlier transactions, merges, common spends), and who is behind it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

import msgspec

from jifen.core.commands import (
    CaptureHold,
    Command,
    RecordOrder,
    ReleaseHold,
    ReverseTransaction,
    order_named,
)
from jifen.core.decide import Behind, PastTransaction
from jifen.core.decide.context import SharedStep
from jifen.core.draws.commands import DrawPrize
from jifen.core.ledger.values import MemberState, MemberStatus
from jifen.core.members.commands import UndoMerge
from jifen.core.redemption.commands import StepCommand
from jifen.core.redemption.values import Payer, Redemption
from jifen.db.connection import Connection
from jifen.engine.households import keep_parts, learn_of_parts
from jifen.engine.past import load_past
from jifen.engine.programs import ProgramVersions
from jifen.engine.redemptions import Redeeming
from jifen.engine.references import Reference, needs_past
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
        self._parts = {
            reference: known_parts[reference]
            for each in (self._commands if known_parts else ())
            if (reference := self._paid_for(each)) is not None and reference in known_parts
        }
        self.orders: dict[bytes, Reference] = {}
        #: Of merged members whose past is asked about: who survived, and who survived that one, in turn.
        self.survivors: dict[int, tuple[int, ...]] = {}
        #: Who was absorbed in merges that are to be undone.
        self.absorbed: dict[Reference, int] = {}
        self.past: dict[Reference, PastTransaction] = {}

    async def find(self, connection: Connection, *, look_for_merged: bool) -> None:
        """Find what must be known before anything is locked: the orders behind refunds (whose they are never changes),
        who survived merged members whose past is asked about, and who was absorbed in merges that are to be undone.

        Hardly any hold or redemption is a merged member's: those are looked for only where one turned out to be."""
        merged = {each.member for each in self._commands if isinstance(each, ReverseTransaction)}
        orders = [digest_order(name) for each in self._commands if (name := order_named(each)) is not None]
        merged |= {member for each in self._commands for member, _ in self.parts(each)}
        if look_for_merged:
            named = [*map(self.reference, self._commands), *self._redeeming.references]
            merged |= {reference[0] for reference in named if reference is not None}
        if orders:
            self.orders, merged_owners = await find_orders(connection, orders, self._shards)
            merged |= merged_owners
        if merged:
            self.survivors = await find_survivors(connection, merged)
        undone = [(each.member, each.sequence) for each in self._commands if isinstance(each, UndoMerge)]
        if undone:
            self.absorbed = await find_absorbed(connection, undone, self._shards)

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
        if not needs_past(command):
            return None
        order_id = order_named(command)
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
        payers = {payer for step in steps for payer in step.redemption.payers}
        return {
            each: Behind(self.past.get((each.member, each.sequence)), self.survivors.get(each.member, ()))
            for each in payers
        }

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
