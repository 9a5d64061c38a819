"""What a batch changes of members as people: their state in life, their data, the identities that find them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

import msgspec

from jifen.core.calendar import local_day
from jifen.core.identity import Identity, in_full, shard_of_identity, shard_of_member, spellings
from jifen.core.ledger.values import MemberState, MemberStatus
from jifen.core.limits import MAXIMUM_IDENTITIES
from jifen.core.members.commands import (
    AddIdentities,
    ChangeLife,
    DescribePerson,
    PersonCommand,
    RemoveIdentities,
    VerifyIdentities,
)
from jifen.core.members.life import act_of, check_life
from jifen.core.members.person import NOBODY_KNOWN, Person, describe
from jifen.core.program import Program
from jifen.core.refusal import Refusal
from jifen.core.rules.standing import NO_PROFILE, Profile
from jifen.db.connection import Connection
from jifen.db.queries import load_queries
from jifen.engine.fields import check_fields
from jifen.engine.newcomers import Newcomer
from jifen.engine.submission import Submission

_SQL = load_queries("people")
_encode = msgspec.json.Encoder().encode
_decode_person = msgspec.json.Decoder(Person).decode

#: Commands about people that the roll decides; what else is asked of people moves points as well.
ON_THE_ROLL = (DescribePerson, AddIdentities, RemoveIdentities, VerifyIdentities)


class Change(msgspec.Struct, frozen=True, gc=False):
    """A step to be kept in the log of a member, without personal data."""

    member_id: int
    kind: str
    status: MemberStatus
    actor: str
    reason: str | None
    details: dict[str, Any] | None = None


class KnownPeople:
    """What was loaded of the people whom a batch may change."""

    def __init__(self) -> None:
        self.persons: dict[int, Person] = {}
        #: By member: the identities that find them, and when each was verified.
        self.identities: dict[int, dict[Identity, datetime | None]] = {}

    async def load(self, connection: Connection, members: Iterable[int], shards: int) -> None:
        """Load persons and identities of these members, who are locked."""
        wanted = sorted(members)
        keys = ([shard_of_member(member, shards) for member in wanted], wanted)
        self.identities |= {member: {} for member in wanted}
        for member_id, person in await connection.fetch(_SQL["load_persons"], *keys):
            self.persons[member_id] = NOBODY_KNOWN if person is None else _decode_person(person)
        for member_id, kind, value, verified_at in await connection.fetch(_SQL["load_identities"], wanted):
            self.identities[member_id][Identity(kind, value)] = verified_at


class Roll:
    """The work of one batch on people. Made anew where a batch decides once more."""

    def __init__(self, known: KnownPeople) -> None:
        self._known = known
        self._persons: dict[int, Person] = {}
        self._identities: dict[int, dict[Identity, datetime | None]] = {}
        #: Identities that find somebody since this batch, and those that find nobody any more.
        self.found: dict[Identity, int] = {}
        self.gone: dict[Identity, int] = {}
        self.profiles: dict[int, Profile] = {}
        self.statuses: dict[int, tuple[MemberStatus, int]] = {}
        self.changes: list[Change] = []
        self._erased: set[int] = set()

    def decide(
        self,
        program: Program,
        state: MemberState,
        command: PersonCommand,
        owners: dict[Identity, int],
        by: Change,
        now: datetime,
    ) -> MemberState | Refusal:
        """The member after a command about the person, or why not. `owners`: whom the identities find at the moment."""
        if refusal := check_life(program, state, act_of(command)):
            return refusal
        if isinstance(command, DescribePerson):
            return self._describe(program, state, command, by, local_day(now, program.zone))
        if isinstance(command, AddIdentities):
            return self._add(state, command, owners, by, now)
        if isinstance(command, RemoveIdentities):
            return self._remove(state, command, by)
        assert isinstance(command, VerifyIdentities)
        return self._verify(state, command, by, now)

    def _describe(
        self, program: Program, state: MemberState, command: DescribePerson, by: Change, today: date
    ) -> MemberState | Refusal:
        person = self._persons.get(state.member_id) or self._known.persons.get(state.member_id, NOBODY_KNOWN)
        said = check_fields(program, command.fields) or describe(program, state.profile, person, command, today)
        if isinstance(said, Refusal):
            return said
        profile, after = said
        if after != person:
            self._persons[state.member_id] = after
        if profile != state.profile:
            self.profiles[state.member_id] = msgspec.structs.replace(profile, registered_at=None)
        self._log_described(by, command)
        return msgspec.structs.replace(state, profile=profile)

    def introduce(self, known: Newcomer, verified: Sequence[Identity], by: Change, now: datetime) -> None:
        """Keep what was said of a member who has just been registered, and which identities were verified."""
        member = by.member_id
        if known.person != NOBODY_KNOWN:
            self._persons[member] = known.person
        if known.profile != NO_PROFILE:
            self.profiles[member] = known.profile
        if known.description is not None:
            self._log_described(by, known.description)
        if verified:
            self._of(member).update(dict.fromkeys(verified, now))
            self._log(by, "identities_verified", verified)

    def _log_described(self, by: Change, command: DescribePerson) -> None:
        names = sorted((*command.said, *(f"fields/{name}" for name in command.fields)))
        names += ["tags"] if command.add_tags or command.remove_tags else []
        self.changes.append(msgspec.structs.replace(by, kind="described", details={"names": names}))

    def respelled(self, command: PersonCommand, member: int, region: str | None) -> PersonCommand:
        """The command with identities in the spelling in which the member has them; new ones in full."""
        if region is None or not isinstance(command, AddIdentities | RemoveIdentities | VerifyIdentities):
            return command
        mine = self._of(member)
        identities = tuple(
            next((spelled for spelled in spellings(each, region) if spelled in mine), in_full(each, region))
            for each in command.identities
        )
        return msgspec.structs.replace(command, identities=identities)

    def _of(self, member: int) -> dict[Identity, datetime | None]:
        if member not in self._identities:
            self._identities[member] = dict(self._known.identities.get(member, {}))
        return self._identities[member]

    def _add(
        self, state: MemberState, command: AddIdentities, owners: dict[Identity, int], by: Change, now: datetime
    ) -> MemberState | Refusal:
        member, mine = state.member_id, self._of(state.member_id)
        for index, identity in enumerate(command.identities):
            owner = owners.get(identity)
            if owner is not None and owner != member:
                message = f"{identity} finds member {owner} already."
                return Refusal("identity_taken", message, f"/identities/{index}", {"member_id": str(owner)})
        news = [identity for identity in dict.fromkeys(command.identities) if identity not in mine]
        if len(mine) + len(news) > MAXIMUM_IDENTITIES:
            message = f"A member has {MAXIMUM_IDENTITIES} identities at most; this would be {len(mine) + len(news)}."
            return Refusal("too_many_identities", message, "/identities")
        for identity in news:
            mine[identity] = now if command.verified else None
            self.found[identity] = member
        self._log(by, "identities_added", news)
        return msgspec.structs.replace(state)

    def _remove(self, state: MemberState, command: RemoveIdentities, by: Change) -> MemberState | Refusal:
        member, mine = state.member_id, self._of(state.member_id)
        if refusal := _not_theirs(state, command.identities, mine):
            return refusal
        if set(mine) <= set(command.identities):
            message = "The last identity of a member cannot be removed: nothing would find the member any more."
            return Refusal("last_identity", message, "/identities")
        for identity in dict.fromkeys(command.identities):
            del mine[identity]
            self.forget(identity, member)
        self._log(by, "identities_removed", command.identities)
        return msgspec.structs.replace(state)

    def _verify(
        self, state: MemberState, command: VerifyIdentities, by: Change, now: datetime
    ) -> MemberState | Refusal:
        mine = self._of(state.member_id)
        if refusal := _not_theirs(state, command.identities, mine):
            return refusal
        for identity in command.identities:
            mine[identity] = mine[identity] or now
        self._log(by, "identities_verified", command.identities)
        return msgspec.structs.replace(state)

    def forget(self, identity: Identity, member: int) -> None:
        """The identity finds this member no more."""
        if self.found.pop(identity, None) is None:
            self.gone[identity] = member

    def _log(self, by: Change, kind: str, identities: Iterable[Identity]) -> None:
        kinds = [identity.kind for identity in identities]
        self.changes.append(msgspec.structs.replace(by, kind=kind, details={"kinds": kinds}))

    def enter(self, before: MemberState, after: MemberState, command: ChangeLife, by: Change) -> None:
        """Keep a step in the life of a member that was decided."""
        if after.status is before.status:
            return
        self.set_status(after.member_id, after.status)
        self.changes.append(msgspec.structs.replace(by, kind=command.step, status=after.status))
        if after.status is MemberStatus.ANONYMISED:
            member = after.member_id
            for identity in self._of(member):
                self.forget(identity, member)
            self._identities[member] = {}
            self._persons[member] = NOBODY_KNOWN
            self.profiles[member] = NO_PROFILE
            self._erased.add(member)

    def merge(self, states: Sequence[MemberState], *, undone: bool, by: Submission) -> None:
        """Keep that two members became one, or two again: first the survivor, then the other."""
        survivor, absorbed = states
        self.set_status(absorbed.member_id, absorbed.status, 0 if undone else survivor.member_id)
        for state, other, kind in ((survivor, absorbed, "merge"), (absorbed, survivor, "merged")):
            details = {"member_id": str(other.member_id)}
            named = "merge_undone" if undone else kind
            self.changes.append(Change(state.member_id, named, state.status, by.actor, by.reason, details))

    def set_status(self, member: int, status: MemberStatus, merged_into: int = 0) -> None:
        """What a member is from now on."""
        self.statuses[member] = (status, merged_into)

    def known_of(self, member: int) -> tuple[Person, dict[Identity, datetime | None]]:
        """A person, and the identities that find it, as this batch leaves them."""
        person = self._persons.get(member) or self._known.persons.get(member, NOBODY_KNOWN)
        return person, self._of(member)

    # --- write ---

    async def write_first(self, connection: Connection, shards: int) -> None:
        """Let go of identities, so that others may take them in the same batch."""
        if self.gone:
            columns = [
                (shard_of_identity(identity, shards), identity.kind, identity.value, member)
                for identity, member in self.gone.items()
            ]
            await connection.execute(_SQL["remove_identities"], *_turned(columns, 4))

    async def write(self, connection: Connection, shards: int, now: datetime) -> None:
        """Write the rest, after the ledger's rows were changed where they lie."""
        if self._identities:
            await self._write_identities(connection, shards, now)
        if self._persons:
            rows = [
                (shard_of_member(member, shards), member, None if person == NOBODY_KNOWN else _encode(person).decode())
                for member, person in self._persons.items()
            ]
            await connection.execute(_SQL["write_persons"], *_turned(rows, 3))
        if self._erased:
            members = sorted(self._erased)
            keys = ([shard_of_member(member, shards) for member in members], members)
            await connection.execute(_SQL["erase_merges"], *keys)
        if self.statuses:
            rows_of_status = [
                (shard_of_member(member, shards), member, status.name.lower(), int(status), merged_into or None)
                for member, (status, merged_into) in self.statuses.items()
            ]
            await connection.execute(_SQL["write_statuses"], *_turned(rows_of_status, 5))
        if self.changes:
            rows_of_changes = [
                (
                    shard_of_member(each.member_id, shards),
                    each.member_id,
                    each.kind,
                    each.status.name.lower(),
                    each.actor,
                    each.reason,
                    None if each.details is None else _encode(each.details).decode(),
                )
                for each in self.changes
            ]
            await connection.execute(_SQL["write_changes"], *_turned(rows_of_changes, 7), now)

    async def _write_identities(self, connection: Connection, shards: int, now: datetime) -> None:
        actors = {change.member_id: change.actor for change in self.changes}
        rows = []
        for member, identities in self._identities.items():
            known = self._known.identities.get(member, {})
            for identity, verified_at in identities.items():
                if identity in known and known[identity] == verified_at and identity not in self.gone:
                    continue
                shard = shard_of_identity(identity, shards)
                by = None if verified_at is None else actors.get(member)
                home = shard_of_member(member, shards)
                rows.append((shard, identity.kind, identity.value, member, home, verified_at, by))
        if rows:
            await connection.execute(_SQL["write_identities"], *_turned(rows, 7), now)


def _turned(rows: list[tuple[Any, ...]], width: int) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(width)]


def _not_theirs(state: MemberState, identities: Iterable[Identity], mine: dict[Identity, Any]) -> Refusal | None:
    for index, identity in enumerate(identities):
        if identity not in mine:
            message = f"{identity} is no identity of member {state.member_id}."
            return Refusal("unknown_identity", message, f"/identities/{index}")
    return None
