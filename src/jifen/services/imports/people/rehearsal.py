"""The dry run of an import of members: the same decisions as the engine's, on what the database holds and what earlier
rows would have changed; nothing is written and nobody locked out."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from typing import Final

import msgspec

from jifen.core.calendar import local_day
from jifen.core.commands import RegisterMember
from jifen.core.identity import Identity, in_full, shard_of_member
from jifen.core.ledger.values import MemberState, MemberStatus
from jifen.core.members.commands import AddIdentities, DescribePerson
from jifen.core.members.person import Person
from jifen.core.program import Program
from jifen.core.refusal import Refusal
from jifen.core.rules.standing import Profile
from jifen.db.connection import Connection, connect
from jifen.engine.known import load_known
from jifen.engine.loading import FoundKey, find_identities, find_keys
from jifen.engine.newcomers import newcomer
from jifen.engine.places import Places
from jifen.engine.references import check_instant, key_conflict, unknown_member
from jifen.engine.roll import Change, KnownPeople, Roll
from jifen.engine.submission import Answer, Outcome, Submission

#: Numbers of members who would be registered: far beyond those that there are.
_FIRST_NEW: Final = 1 << 62
_STATUSES: Final = """
SELECT a.member_id, max(a.status)::int, max(m.merged_into)
FROM unnest($1::smallint[], $2::bigint[]) AS wanted (shard, member_id)
JOIN accounts a ON a.shard = wanted.shard AND a.member_id = wanted.member_id
JOIN members m ON m.shard = wanted.shard AND m.member_id = wanted.member_id
GROUP BY a.member_id
"""
_SCHEMA: Final = """
CREATE TABLE identities (identity TEXT PRIMARY KEY, member INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE people (member INTEGER PRIMARY KEY, known BLOB NOT NULL);
"""


class _Known(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A member as the rows before would have left it."""

    status: MemberStatus
    profile: Profile
    person: Person
    identities: tuple[Identity, ...]


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Known).decode
_NEW: Final = _Known(MemberStatus.ACTIVE, Profile(), Person(), ())


class _Drafts:
    """What the rows so far would have changed, in a temporary database of its own, which goes to disk as it grows."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("")
        self._database.executescript(_SCHEMA)

    def close(self) -> None:
        """Give the space back."""
        self._database.close()

    def owners(self, identities: Iterable[Identity]) -> dict[Identity, int]:
        """Whom identities would find that found nobody before."""
        found = {}
        for identity in identities:
            row = self._database.execute(
                "SELECT member FROM identities WHERE identity = ?", (str(identity),)
            ).fetchone()
            if row is not None:
                found[identity] = row[0]
        return found

    def add_owner(self, identities: Iterable[Identity], member: int) -> None:
        """The identities would find this member."""
        rows = [(str(identity), member) for identity in identities]
        self._database.executemany("INSERT OR IGNORE INTO identities VALUES (?, ?)", rows)

    def known(self, member: int) -> _Known | None:
        """A member, if a row before was about it."""
        row = self._database.execute("SELECT known FROM people WHERE member = ?", (member,)).fetchone()
        return None if row is None else _decode(row[0])

    def keep(self, member: int, known: _Known) -> None:
        """A member as a row would leave it."""
        self._database.execute("INSERT OR REPLACE INTO people VALUES (?, ?)", (member, _encode(known)))


class MemberRehearsal:
    """Stands in for the engine: takes registrations, identities and descriptions."""

    def __init__(self, connection: Connection, shards: int, program: Program, drafts: _Drafts) -> None:
        self._connection = connection
        self._shards = shards
        self._program = program
        self._drafts = drafts
        self._next_member = _FIRST_NEW
        self._keys: dict[bytes, FoundKey] = {}
        self._owners: dict[Identity, int] = {}

    async def submit_group(self, submissions: Sequence[Submission]) -> list[Outcome]:
        """What the engine would answer."""
        submissions = [self._in_full(each) for each in submissions]
        digests = [digest for each in submissions for digest, _ in each.keys()]  # noqa: SIM118 - no mapping
        self._keys = await find_keys(self._connection, digests, self._shards)
        identities = list(
            dict.fromkeys(
                identity
                for each in submissions
                if isinstance(each.command, RegisterMember | AddIdentities)
                for identity in each.command.identities
            )
        )
        region = self._program.document.phone_region
        self._owners = await find_identities(self._connection, identities, self._shards, region)
        self._owners |= self._drafts.owners(identity for identity in identities if identity not in self._owners)
        described = {
            member
            for each in submissions
            if isinstance(each.command, DescribePerson | AddIdentities)
            and isinstance(member := each.command.member, int)
        }
        states, roll = await self._load(described)
        now = datetime.now(UTC)
        outcomes = [self._decide(each, states, roll, now) for each in submissions]
        for member in described & states.keys():
            state = states[member]
            person, mine = roll.known_of(member)
            self._drafts.keep(member, _Known(state.status, state.profile, person, tuple(mine)))
        return outcomes

    def _in_full(self, submission: Submission) -> Submission:
        """The same with identities as they would be stored: rows may spell one phone in several ways."""
        command, region = submission.command, self._program.document.phone_region
        if region is None or not isinstance(command, RegisterMember | AddIdentities):
            return submission
        identities = tuple(dict.fromkeys(in_full(each, region) for each in command.identities))
        return msgspec.structs.replace(submission, command=msgspec.structs.replace(command, identities=identities))

    async def _load(self, members: set[int]) -> tuple[dict[int, MemberState], Roll]:
        """These members as the database has them, or as the rows before would have left them."""
        states: dict[int, MemberState] = {}
        people = KnownPeople()
        unknown = []
        for member in sorted(members):
            known = self._drafts.known(member)
            if known is None and member < _FIRST_NEW:
                unknown.append(member)
                continue
            known = known or _NEW
            states[member] = MemberState(member, 0, (), profile=known.profile, status=known.status)
            people.persons[member] = known.person
            people.identities[member] = dict.fromkeys(known.identities)
        if unknown:
            keys = ([shard_of_member(member, self._shards) for member in unknown], unknown)
            found = {}
            for member, status, merged_into in await self._connection.fetch(_STATUSES, *keys):
                found[member] = MemberState(
                    member, 0, (), status=MemberStatus(status or 0), merged_into=merged_into or 0
                )
            await load_known(self._connection, found, Places(), self._shards, profiles=list(found))
            await people.load(self._connection, found, self._shards)
            states |= found
        return states, Roll(people)

    def _decide(self, submission: Submission, states: dict[int, MemberState], roll: Roll, now: datetime) -> Outcome:
        for position, (digest, payload) in enumerate(submission.keys()):
            found = self._keys.get(digest)
            if found is not None and found.payload != payload:
                return key_conflict(submission.command, position, (found.member_id, found.sequence))
            if found is not None:
                return Answer(found.member_id, found.sequence, True)
        if refusal := check_instant(submission.occurred_at, now):
            return refusal
        command = submission.command
        if isinstance(command, RegisterMember):
            return self._register(command, local_day(now, self._program.zone))
        assert isinstance(command, DescribePerson | AddIdentities) and isinstance(command.member, int)
        state = states.get(command.member)
        if state is None:
            return unknown_member(str(command.member))
        by = Change(state.member_id, "", state.status, submission.actor, submission.reason)
        theirs = roll.respelled(command, command.member, self._program.document.phone_region)
        after = roll.decide(self._program, state, theirs, self._owners, by, now)
        if isinstance(after, Refusal):
            return after
        states[command.member] = after
        if isinstance(command, AddIdentities):
            self._take(command.identities, command.member)
        return Answer(command.member, 0, False)

    def _register(self, command: RegisterMember, today: date) -> Outcome:
        owners = {owner for identity in command.identities if (owner := self._owners.get(identity)) is not None}
        if owners:
            if command.known_is_fine and len(owners) == 1 and all(each in self._owners for each in command.identities):
                return Answer(owners.pop(), 0, True)
            found = ", ".join(str(member) for member in sorted(owners))
            message = f"An identity finds a member already ({found})."
            return Refusal("identity_taken", message, "/identities", {"member_id": found})
        known = newcomer(self._program, command, today)
        if isinstance(known, Refusal):
            return known
        member = self._next_member
        self._next_member += 1
        self._take(command.identities, member)
        self._drafts.keep(member, _Known(MemberStatus.ACTIVE, known.profile, known.person, command.identities))
        return Answer(member, 0, False)

    def _take(self, identities: Sequence[Identity], member: int) -> None:
        news = [identity for identity in identities if identity not in self._owners]
        self._owners |= dict.fromkeys(news, member)
        self._drafts.add_owner(news, member)


@asynccontextmanager
async def rehearsing(url: str, program: Program) -> AsyncIterator[MemberRehearsal]:
    """A rehearsal on a connection of its own."""
    drafts = _Drafts()
    connection = await connect(url)
    try:
        shards: int = await connection.fetchval("SELECT shards FROM installation")
        yield MemberRehearsal(connection, shards, program, drafts)
    finally:
        await connection.close(timeout=5)
        drafts.close()
