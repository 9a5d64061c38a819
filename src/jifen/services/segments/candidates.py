"""Members one by one, with the facts that CEL needs: for what of a condition has no SQL, and to prove the SQL."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from typing import Final

import msgspec

from jifen.core.conditions.sql import Fragment, joined
from jifen.core.program import Program
from jifen.core.rules.facts import MemberFacts
from jifen.core.rules.standing import NO_COUNTERS, NO_PROFILE, Counters, Profile, facts_of
from jifen.core.segments.membership import with_more
from jifen.db.connection import Connection

_CHUNK: Final = 2_000
_QUERY: Final = """
SELECT m.shard, m.member_id, m.registered_at, m.profile,
       (SELECT array_agg(l.segment_id ORDER BY l.segment_id) FROM segment_members l
        WHERE l.shard = m.shard AND l.member_id = m.member_id) AS lists,
       (SELECT a.counters FROM accounts a
        WHERE a.shard = m.shard AND a.member_id = m.member_id AND a.counters IS NOT NULL) AS counters,
       (SELECT json_object_agg(a.wallet, a.available) FROM accounts a
        WHERE a.shard = m.shard AND a.member_id = m.member_id AND a.available > 0) AS balances,
       (SELECT json_object_agg(t.tier_set, t.tier) FROM member_tiers t
        WHERE t.shard = m.shard AND t.member_id = m.member_id) AS tiers
FROM {} WHERE {} ORDER BY m.shard, m.member_id
"""
_decode_profile = msgspec.json.Decoder(Profile).decode
_decode_counters = msgspec.json.Decoder(Counters).decode
_decode_balances = msgspec.json.Decoder(dict[int, int], strict=False).decode
_decode_tiers = msgspec.json.Decoder(dict[str, str]).decode


class Candidate(msgspec.Struct, frozen=True, gc=False):
    """A member, and what conditions see of the member. `balances`: points that can be spent, by wallet."""

    shard: int
    member_id: int
    facts: MemberFacts
    balances: dict[str, int]


async def candidates(
    connection: Connection, source: Fragment, test: Fragment, program: Program, day: date
) -> AsyncIterator[list[Candidate]]:
    """The members that pass a test, in order of shard and number, chunk by chunk. Needs a transaction."""
    query = joined(_QUERY, source, test)
    cursor = await connection.cursor(query.numbered(), *query.arguments)
    while rows := await cursor.fetch(_CHUNK):
        yield [_candidate(program, day, *row) for row in rows]


def _candidate(
    program: Program,
    day: date,
    shard: int,
    member_id: int,
    registered_at: object,
    said: str | None,
    lists: list[str] | None,
    counted: str | None,
    available: str | None,
    standing: str | None,
) -> Candidate:
    profile = NO_PROFILE if said is None else _decode_profile(said)
    segments = with_more(profile.segments, lists or ())
    profile = msgspec.structs.replace(profile, registered_at=registered_at, segments=segments)
    counters = NO_COUNTERS if counted is None else _decode_counters(counted)
    balances = {} if available is None else _decode_balances(available)
    named = {program.wallet_ids[number]: points for number, points in balances.items()}
    tiers = {each.id: each.base for each in program.tier_sets} | ({} if standing is None else _decode_tiers(standing))
    tier = tiers[program.tier_sets[0].id] if program.tier_sets else None
    return Candidate(shard, member_id, facts_of(profile, counters, day, tier, tiers), named)
