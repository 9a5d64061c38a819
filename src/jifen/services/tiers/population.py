"""All members page by page, as far as tiers ask about them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Final

import msgspec

from jifen.core.identity import shard_of_member
from jifen.core.program import Program
from jifen.core.rules.standing import NO_COUNTERS, NO_PROFILE, Counters, Profile
from jifen.core.tiers.situations import foreseen, recalculated
from jifen.core.tiers.standing import Standing, TierChange
from jifen.db.connection import Connection
from jifen.db.queries import load_queries
from jifen.engine.loading import decode_counters
from jifen.engine.standings import decode_standing, load_months

#: So many members are looked at together: few enough that whoever shares the process hardly notices.
PAGE: Final = 500

_SQL: Final = load_queries("tiers")
_decode_profile = msgspec.json.Decoder(Profile).decode


class Person(msgspec.Struct, gc=False):
    """A member as tiers see one. `is_due`: time has done something that nobody has booked yet; `is_uncounted`: their
    months were counted only now, and are not kept."""

    member_id: int
    counters: Counters = NO_COUNTERS
    balances: dict[int, int] = {}
    sequence: int = 0
    next_change_at: datetime | None = None
    profile: Profile = NO_PROFILE
    standings: dict[str, Standing] = {}
    is_uncounted: bool = False

    def is_due(self, now: datetime) -> bool:
        """Whether time has done something by now that nobody has booked."""
        if self.next_change_at is not None and self.next_change_at <= now:
            return True
        return any(each.look_at is not None and each.look_at <= now for each in self.standings.values())

    def changes(self, program: Program, now: datetime) -> list[TierChange]:
        """What a recalculation would change, as things stand."""
        return recalculated(program.tier_sets, self.standings, self.profile, self.counters, self.balances, now)

    def foreseen(self, program: Program, now: datetime) -> list[tuple[TierChange, str]]:
        """The same with the tier to which each change leads, at once or when days of grace are over."""
        return foreseen(program.tier_sets, self.standings, self.profile, self.counters, self.balances, now)


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
            after = people[-1].member_id
            if len(people) < PAGE:
                break


async def read_person(connection: Connection, program: Program, shards: int, member_id: int) -> Person | None:
    """One member, by number, whatever became of them."""
    shard = shard_of_member(member_id, shards)
    found = await read_page(connection, program, shard, shards, member_id - 1, most=1, with_gone=True)
    return found[0] if found and found[0].member_id == member_id else None


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
    people: dict[int, Person] = {}
    rows = await connection.fetch(_SQL["page_of_members"], shard, after, most or PAGE, with_gone)
    for member_id, wallet, available, held, debt, last_sequence, next_change_at, counted in rows:
        person = people.get(member_id)
        if person is None:
            person = people[member_id] = Person(member_id, balances={}, next_change_at=next_change_at)
        person.balances[wallet] = available + held - debt
        if last_sequence > person.sequence:
            person.sequence = last_sequence
        if next_change_at < person.next_change_at:
            person.next_change_at = next_change_at
        if counted is not None:
            person.counters = decode_counters(counted)
    if not people:
        return []
    found = list(people.values())
    last = found[-1].member_id
    for member_id, tier_set, standing in await connection.fetch(_SQL["page_of_tiers"], shard, after, last):
        if member_id in people:
            people[member_id].standings = people[member_id].standings | {tier_set: decode_standing(standing)}
    if program.tiers_ask_profiles:
        await _read_profiles(connection, people, shard, after, last)
    if program.counts_months:
        await _count_months(connection, program, found, shards)
    return found


async def _read_profiles(connection: Connection, people: dict[int, Person], shard: int, after: int, last: int) -> None:
    for member_id, registered_at, said in await connection.fetch(_SQL["page_of_profiles"], shard, after, last):
        if member_id in people:
            profile = NO_PROFILE if said is None else _decode_profile(said)
            people[member_id].profile = msgspec.structs.replace(profile, registered_at=registered_at)


async def _count_months(connection: Connection, program: Program, people: list[Person], shards: int) -> None:
    uncounted = [each for each in people if each.counters.months is None]
    with_history = [each.member_id for each in uncounted if each.sequence]
    months = await load_months(connection, with_history, program.document.time_zone, shards) if with_history else {}
    for each in uncounted:
        each.is_uncounted = True
        each.counters = msgspec.structs.replace(each.counters, months=months.get(each.member_id, ()))
