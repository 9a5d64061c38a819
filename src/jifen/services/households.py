"""Households as they stand: who is in one, and what they have together."""

from __future__ import annotations

from datetime import datetime

import msgspec

from jifen.core.identity import shard_of_member
from jifen.core.refusal import Refusal
from jifen.db.connection import Connection
from jifen.db.queries import load_queries
from jifen.services.catalog import NO_PROGRAM, Catalog
from jifen.services.members import find_member, settled_state, unknown_member

_SQL = load_queries("households")


class HouseholdView(msgspec.Struct, frozen=True):
    """Members who spend their points together. `available`: what those who may spend have in all, by each wallet that
    can be spent from."""

    household_id: str
    name: str
    head_id: str
    member_ids: list[str]
    available: dict[str, int]


async def find_household(
    connection: Connection, catalog: Catalog, member_id: int, now: datetime
) -> HouseholdView | Refusal:
    """The household that a member is in. Needs a snapshot."""
    program = await catalog.program(connection)
    if program is None:
        return NO_PROGRAM
    shard = shard_of_member(member_id, catalog.shards)
    row = await connection.fetchrow(_SQL["households_around"], [shard], [member_id])
    if row is None:
        if await find_member(connection, catalog, member_id) is None:
            return unknown_member(str(member_id))
        return Refusal("no_household", f"Member {member_id} is in no household.", None, {"member_id": str(member_id)})
    available = {id: 0 for id, number in program.wallet_numbers.items() if number not in program.qualifying}
    for member in row["members"]:
        found = await find_member(connection, catalog, member)
        state = await settled_state(connection, catalog, program, member, now)
        if state is None or found is None or found.status != "active":
            continue
        for account in state.accounts:
            if (wallet := program.wallet_ids[account.wallet]) in available:
                available[wallet] += account.available
    members = [str(member) for member in row["members"]]
    return HouseholdView(str(row["household_id"]), row["name"], str(row["head_id"]), members, available)
