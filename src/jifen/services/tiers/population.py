"""All members page by page, as far as tiers ask about them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from jifen.core.identity import shard_of_member
from jifen.core.ledger.values import Account, MemberState, MemberStatus
from jifen.core.program import Program
from jifen.core.rules.standing import NO_COUNTERS, NO_PROFILE, Counters, Profile
from jifen.core.tiers.situations import foreseen
from jifen.core.tiers.standing import Standing, TierChange
from jifen.db.connection import Connection
from jifen.db.queries import load_queries
from jifen.engine.loading import decode_counters
from jifen.engine.standings import count_months, decode_standing, merged_into
from jifen.engine.tier_moves import Seen

#: So many members are looked at together: few enough that whoever shares the process hardly notices.
PAGE: Final = 500

#: Where somebody stands who stands in no tier set.
NOWHERE: Final[Mapping[str, Standing]] = {}

_SQL: Final = load_queries("tiers")
_decode_profile = msgspec.json.Decoder(Profile).decode


class Person(msgspec.Struct, gc=False):
    """A member as tiers see one. `seen`: the account rows, by wallet. `uncounted`: the counters as they are written,
    where the months were counted only now; `is_survivor`: among them are those of members who were merged into this
    one."""

    state: MemberState
    seen: dict[int, Seen]
    uncounted: Counters | None = None
    is_survivor: bool = False

    @property
    def as_written(self) -> MemberState:
        """The member as the database has it."""
        return self.state if self.uncounted is None else msgspec.structs.replace(self.state, counters=self.uncounted)

    @property
    def balances(self) -> dict[int, int]:
        """What the member has in each wallet, as tiers count it."""
        return {each.wallet: each.available + each.held - each.debt for each in self.state.accounts}

    @property
    def standings(self) -> Mapping[str, Standing]:
        """Where the member stands, by tier set."""
        return self.state.tiers or {}

    def is_due(self, now: datetime) -> bool:
        """Whether time has done something by now that nobody has booked."""
        for account in self.state.accounts:
            if account.next_change_at <= now:
                return True
        return any(each.look_at is not None and each.look_at <= now for each in self.standings.values())

    def foreseen(self, program: Program, now: datetime) -> list[tuple[TierChange, str]]:
        """What a recalculation would change, as things stand, with the tier to which each change leads, at once or when
        days of grace are over."""
        state = self.state
        return foreseen(program.tier_sets, self.standings, state.profile, state.counters, self.balances, now)


class Page(msgspec.Struct):
    """Members of one shard, in the order of their numbers."""

    shard: int
    people: list[Person]


async def pages(
    connection: Connection, program: Program, shards: int, first_shard: int = 0, after_member: int = 0
) -> AsyncIterator[Page]:
    """All members who have not left (closed, anonymised, merged), or those of them behind a place."""
    for shard in range(first_shard, shards):
        after = after_member if shard == first_shard else 0
        while people := await read_page(connection, program, shard, shards, after):
            yield Page(shard, people)
            after = people[-1].state.member_id
            if len(people) < PAGE:
                break


async def read_person(connection: Connection, program: Program, shards: int, member_id: int) -> Person | None:
    """One member, by number, whatever became of them."""
    shard = shard_of_member(member_id, shards)
    found = await read_page(connection, program, shard, shards, member_id - 1, most=1, with_gone=True)
    return found[0] if found and found[0].state.member_id == member_id else None


async def read_page(
    connection: Connection,
    program: Program,
    shard: int,
    shards: int,
    after: int,
    *,
    most: int | None = None,
    with_gone: bool = False,
) -> list[Person]:
    """The next members of a shard."""
    rows = await connection.fetch(_SQL["page_of_members"], shard, after, most or PAGE, with_gone)
    if not rows:
        return []
    people = _people(rows)
    last = rows[-1]["member_id"]
    standings: dict[int, dict[str, Standing]] = {}
    for member_id, tier_set, standing in await connection.fetch(_SQL["page_of_tiers"], shard, after, last):
        standings.setdefault(member_id, {})[tier_set] = decode_standing(standing)
    for member_id in standings.keys() & people.keys():
        person = people[member_id]
        person.state = msgspec.structs.replace(person.state, tiers=standings[member_id])
    if program.tiers_ask_profiles:
        await _read_profiles(connection, people, shard, after, last)
    if program.counts_months:
        await _count_months(connection, program, people, shards)
    return list(people.values())


def _people(rows: Iterable[Any]) -> dict[int, Person]:
    """The members behind account rows, which come member by member."""
    people: dict[int, Person] = {}
    for (
        member_id,
        wallet,
        available,
        pending,
        held,
        debt,
        sequence,
        change_at,
        counted,
        status,
        saved,
        place,
        left_by,
    ) in rows:
        account = Account(wallet, available, pending, held, debt, sequence, change_at, is_complete=False, saved=saved)
        counters = NO_COUNTERS if counted is None else decode_counters(counted)
        state = MemberState(
            member_id,
            sequence,
            (account,),
            counters=counters,
            status=MemberStatus(status) if status else MemberStatus.ACTIVE,
            tiers=NOWHERE,
        )
        person = people.get(member_id)
        if person is None:
            people[member_id] = Person(state, {wallet: (place, left_by)})
        else:
            person.seen[wallet] = (place, left_by)
            person.state = _together(person.state, state)
    return people


def _together(before: MemberState, more: MemberState) -> MemberState:
    """A member with one more account. The counters stand on one of them."""
    return msgspec.structs.replace(
        before,
        sequence=max(before.sequence, more.sequence),
        accounts=before.accounts + more.accounts,
        counters=more.counters if before.counters is NO_COUNTERS else before.counters,
        status=before.status or more.status,
    )


async def _read_profiles(connection: Connection, people: dict[int, Person], shard: int, after: int, last: int) -> None:
    for member_id, registered_at, said in await connection.fetch(_SQL["page_of_profiles"], shard, after, last):
        if (person := people.get(member_id)) is not None:
            profile = NO_PROFILE if said is None else _decode_profile(said)
            profile = msgspec.structs.replace(profile, registered_at=registered_at)
            person.state = msgspec.structs.replace(person.state, profile=profile)


async def _count_months(connection: Connection, program: Program, people: dict[int, Person], shards: int) -> None:
    states = {member: each.state for member, each in people.items() if each.state.counters.months is None}
    uncounted = await count_months(connection, states, program, shards)
    survivors = {survivor for survivor, _ in await merged_into(connection, uncounted, shards)} if uncounted else set()
    for member, counters in uncounted.items():
        person = people[member]
        person.state, person.uncounted, person.is_survivor = states[member], counters, member in survivors
