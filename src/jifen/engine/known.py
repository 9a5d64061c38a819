"""What is known of members beside their accounts: loaded with one statement, whatever is asked of whom."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from jifen.core.identity import shard_of_member
from jifen.core.ledger.values import MemberState
from jifen.core.rules.standing import NO_PROFILE, Profile
from jifen.core.tiers.standing import Standing
from jifen.db.connection import Connection
from jifen.db.queries import load_queries
from jifen.engine.places import Places
from jifen.engine.standings import decode_standing

_SQL = load_queries("engine")
_decode_profile = msgspec.json.Decoder(Profile).decode


async def load_known(
    connection: Connection,
    states: dict[int, MemberState],
    places: Places,
    shards: int,
    *,
    profiles: Collection[int] = (),
    lists: Collection[int] = (),
    standings: Collection[int] = (),
    usages: Collection[tuple[int, str]] = (),
    with_registration: bool = True,
) -> None:
    """Put into the states of members what is asked of each: what is said of them (and when they registered, where that
    matters), the lists on which they are, where they stand in tier sets (nowhere is an answer as well), and what they
    used of caps, by member and name (with their places)."""
    if not (profiles or lists or standings or usages):
        return
    users = [member for member, _ in usages]
    shard_of = {member: shard_of_member(member, shards) for member in {*profiles, *lists, *standings, *users}}
    rows = await connection.fetch(
        _SQL["load_known"],
        *(part for members in (profiles, lists, standings, users) for part in _keys(members, shard_of)),
        [name for _, name in usages],
        with_registration,
    )
    said: dict[int, Profile] = {}
    on: dict[int, list[str]] = {}
    stands: dict[int, dict[str, Standing]] = {member: {} for member in standings}
    used: dict[int, dict[str, int]] = {}
    for part, member, name, number, registered_at, content, place in rows:
        if part == "use":
            places.usages[member, name] = place
            used.setdefault(member, {})[name] = number
        elif part == "standing":
            stands[member][name] = decode_standing(content)
        elif part == "list":
            on.setdefault(member, []).append(name)
        else:
            profile = NO_PROFILE if content is None else _decode_profile(content)
            said[member] = msgspec.structs.replace(profile, registered_at=registered_at)
    for member in said.keys() | on.keys() | stands.keys() | used.keys():
        state = states[member]
        changes: dict[str, Any] = {}
        if member in said:
            changes["profile"] = said[member]
        if member in on:
            changes["lists"] = tuple(sorted(on[member]))
        if member in stands:
            changes["tiers"] = stands[member]
        if member in used:
            changes["used"] = {**state.used, **used[member]} if state.used else used[member]
        states[member] = msgspec.structs.replace(state, **changes)


def _keys(members: Collection[int], shard_of: Mapping[int, int]) -> tuple[list[int], list[int]]:
    return [shard_of[member] for member in members], list(members)
