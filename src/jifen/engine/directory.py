"""Whom the commands of a batch name: the members who are found, and those whom the batch registers itself."""

from __future__ import annotations

from jifen.core.commands import Command, RecordOrder, TransferPoints
from jifen.core.identity import Identity, MemberReference, in_full, spellings
from jifen.core.ledger.values import MemberState
from jifen.core.refusal import Refusal
from jifen.db.connection import Connection
from jifen.engine.claims import Claims
from jifen.engine.gathering import Gathering, Surroundings
from jifen.engine.references import new_member_state, unknown_member, unknown_order
from jifen.engine.roll import Roll
from jifen.engine.submission import Submission, digest_order
from jifen.engine.writing import Registration


class FreshIds:
    """Numbers for new members. What an earlier pass over the batch has fetched is used again."""

    def __init__(self, surroundings: Surroundings, connection: Connection, fetched: list[int]) -> None:
        self._surroundings = surroundings
        self._connection = connection
        self._fetched = fetched
        self._used = 0

    async def next(self) -> int:
        """A number that no member has."""
        if self._used == len(self._fetched):
            self._fetched.append(await self._surroundings.new_member_id(self._connection))
        self._used += 1
        return self._fetched[self._used - 1]


class Directory:
    """Who is meant by which number, identity or order, as one command of a batch is decided after another.

    `states` is shared with whoever decides: who is added here has a state there.
    """

    def __init__(
        self, known: Gathering, claims: Claims, roll: Roll, states: dict[int, MemberState], fresh_ids: FreshIds
    ) -> None:
        self._known = known
        self._claims = claims
        self._roll = roll
        self._states = states
        self._fresh_ids = fresh_ids
        self.registrations: list[Registration] = []
        self._new_identities: dict[Identity, int] = {}

    def lookup(self, identity: Identity) -> int | None:
        """Whom an identity finds by now."""
        for spelled in spellings(identity, self._known.phone_region):
            found = self._new_identities.get(spelled) or self._roll.found.get(spelled)
            if found is None and spelled not in self._roll.gone:
                found = self._known.identities.get(spelled)
            if found is not None:
                return found
        return None

    def is_owner(self, command: Command, member_id: int) -> bool:
        """Whether the member that an order event names is the one for whom the order was recorded."""
        if not isinstance(command, RecordOrder):
            return True
        named = command.member
        owners = (member_id, *self._known.links.survivors.get(member_id, ()))
        if isinstance(named, int):
            return named in owners
        return (self.lookup(named) or self._known.late_identities.get(named)) in owners

    def owner_of_order(self, order_id: str, said: MemberReference | None, waiting: set[int]) -> int | Refusal:
        """Whose order it is; `said` is whose it is said to be. Whoever is not known well enough joins the waiting."""
        digest = digest_order(order_id)
        if digest in self._known.links.orders:
            owner = self._known.links.orders[digest][0]
        elif (claimed := self._claims.owner_of(digest)) is not None:
            owner = claimed
        elif digest in self._known.found_keys:
            # Recorded by someone else after we had looked, and told again in this very batch.
            owner = self._known.found_keys[digest].member_id
            waiting.add(owner)
        else:
            return unknown_order(order_id)
        named = said if said is None or isinstance(said, int) else self.lookup(said)
        if said is not None and named != owner and named not in self._known.links.survivors.get(owner, ()):
            return Refusal("order_of_other_member", f"The order {order_id!r} is not this member's.", "/subject")
        return owner

    def receiver_of(self, command: TransferPoints, sender: int) -> MemberState | Refusal:
        """The other member of a transfer."""
        to = command.to
        receiver = to if isinstance(to, int) else self.lookup(to)
        if receiver is None or receiver not in self._states:
            return unknown_member(str(to), "/to")
        if receiver == sender:
            return Refusal("same_member", "Points cannot be transferred to the member they come from.", "/to")
        return self._states[receiver]

    async def add(self, identities: tuple[Identity, ...], submission: Submission) -> int:
        """Register a member whom these identities find."""
        member = await self._fresh_ids.next()
        identities = tuple(dict.fromkeys(in_full(each, self._known.phone_region) for each in identities))
        self._new_identities |= dict.fromkeys(identities, member)
        self.registrations.append(Registration(member, identities, submission.occurred_at or self._known.now))
        assert self._known.program is not None
        self._states[member] = new_member_state(member, self._known.program)
        return member

    def was_added_last(self, member: int) -> bool:
        """Whether nobody was registered after this member."""
        return bool(self.registrations) and self.registrations[-1].member_id == member

    def forget(self, member: int) -> None:
        """A refused command leaves nothing behind, also not the member that it would have registered."""
        if self._states[member].sequence:
            return  # an earlier command of this batch registered the member
        if self._claims.are_about(member):
            return
        registration = self.registrations.pop()
        for identity in registration.identities:
            del self._new_identities[identity]
        del self._states[member]
