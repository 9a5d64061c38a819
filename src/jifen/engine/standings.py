"""What members did month by month, and where they stand in tier sets: read from rows, written with the batch."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from jifen.core.identity import shard_of_member
from jifen.core.ledger.values import MemberState
from jifen.core.program import Program
from jifen.core.rules.months import Month, changed
from jifen.core.rules.standing import Counters
from jifen.core.tiers.standing import Standing
from jifen.db.connection import Connection
from jifen.db.queries import load_queries

_SQL = load_queries("tiers")
_encode = msgspec.json.Encoder().encode
decode_standing = msgspec.json.Decoder(Standing).decode


async def count_months(
    connection: Connection, states: dict[int, MemberState], program: Program, shards: int
) -> dict[int, Counters]:
    """Put what these members did month by month into their states, where tiers ask for it and nobody has counted it
    yet; whose it was, with the counters as they were."""
    if not program.counts_months:
        return {}
    uncounted = {member: each.counters for member, each in states.items() if each.counters.months is None}
    with_history = [member for member in uncounted if states[member].sequence]
    found: dict[int, tuple[Month, ...]] = dict.fromkeys(uncounted, ())
    if with_history:
        found |= await load_months(connection, with_history, program.document.time_zone, shards)
    for member, months in found.items():
        counters = msgspec.structs.replace(uncounted[member], months=months)
        states[member] = msgspec.structs.replace(states[member], counters=counters)
    return uncounted


async def load_months(
    connection: Connection, members: Iterable[int], zone: str, shards: int
) -> dict[int, tuple[Month, ...]]:
    """What the transactions of these members, and of those who were merged into them, say of each local month; of whom
    nothing is said: no month."""
    wanted = list(members)
    months: dict[int, tuple[Month, ...]] = dict.fromkeys(wanted, ())
    owners = {member: [member] for member in wanted}
    for survivor, merged in await merged_into(connection, wanted, shards):
        owners.setdefault(merged, []).append(survivor)
    everybody = list(owners)
    keys = ([shard_of_member(member, shards) for member in everybody], everybody)
    for member_id, month, orders, spent, wallet, points in await connection.fetch(_SQL["load_months"], *keys, zone):
        earned = {} if wallet is None or not points else {wallet: points}
        if orders or spent or earned:
            for owner in owners[member_id]:
                months[owner] = changed(months[owner], month, orders=orders, spent_cents=spent, earned=earned)
    return months


async def merged_into(connection: Connection, members: Iterable[int], shards: int) -> list[tuple[int, int]]:
    """For each of these members those who were merged into them, directly or by way of others."""
    found: list[tuple[int, int]] = []
    level = {member: [member] for member in members}
    while level:
        keys = ([shard_of_member(member, shards) for member in level], list(level))
        below: dict[int, list[int]] = {}
        for survivor, merged in await connection.fetch(_SQL["merged_into"], *keys):
            below.setdefault(merged, []).extend(level[survivor])
        found += [(survivor, merged) for merged, survivors in below.items() for survivor in survivors]
        level = below
    return found


def standing_rows(shard: int, before: MemberState, after: MemberState) -> list[tuple[Any, ...]]:
    """The rows of a member's standings that have changed."""
    was = before.tiers or {}
    return [
        (
            shard,
            after.member_id,
            tier_set,
            each.tier,
            each.since,
            each.by,
            each.valid_until,
            each.look_at,
            _encode(each).decode(),
        )
        for tier_set, each in (after.tiers or {}).items()
        if was.get(tier_set) is not each
    ]


async def write_standings(connection: Connection, columns: list[list[Any]]) -> None:
    """Write the rows, turned into columns."""
    await connection.execute(_SQL["write_tiers"], *columns)
