"""What moves with a merge beside the points: one move for each table, in one list. A new table adds its own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Final

import msgspec

from jifen.core.decide import Effects
from jifen.core.identity import shard_of_member
from jifen.core.members.commands import UndoMerge
from jifen.core.members.person import NOBODY_KNOWN, Person, join_persons, join_profiles
from jifen.core.rules.standing import NO_PROFILE, Profile
from jifen.db.connection import Connection
from jifen.db.queries import load_queries
from jifen.engine.marks import PROFILE
from jifen.engine.submission import Submission

_SQL = load_queries("people")
_encode = msgspec.json.Encoder().encode
_decode_person = msgspec.json.Decoder(Person).decode
_decode_profile = msgspec.json.Decoder(Profile).decode


class Merging(msgspec.Struct, frozen=True):
    """A merge, or the undoing of one: both members are locked, their ledgers are written. `sequence`: the survivor's
    transaction of the merge; `undone_sequence`: that of its undoing."""

    survivor: int
    absorbed: int
    sequence: int
    undone_sequence: int
    actor: str
    reason: str | None
    now: datetime
    shards: int

    @property
    def survivor_key(self) -> tuple[int, int]:
        """Shard and number of the survivor."""
        return (shard_of_member(self.survivor, self.shards), self.survivor)

    @property
    def absorbed_key(self) -> tuple[int, int]:
        """Shard and number of the member who was absorbed."""
        return (shard_of_member(self.absorbed, self.shards), self.absorbed)


def merging_of(submission: Submission, effects: Effects, now: datetime, shards: int) -> Merging:
    """The merge, or the undoing of one, that was decided."""
    command, answer = submission.command, effects.answer
    assert answer is not None and answer.counterpart is not None
    undone = isinstance(command, UndoMerge)
    return Merging(
        answer.member_id,
        answer.counterpart[0],
        command.sequence if isinstance(command, UndoMerge) else answer.sequence,
        answer.sequence if undone else 0,
        submission.actor,
        submission.reason,
        now,
        shards,
    )


class Move(msgspec.Struct, frozen=True):
    """How the rows of one table move. `carry` says, as JSON would, what it moved; `give_back` gets that again."""

    name: str
    carry: Callable[[Connection, Merging], Awaitable[Any]]
    give_back: Callable[[Connection, Merging, Any], Awaitable[None]]


async def _carry_identities(connection: Connection, merging: Merging) -> list[tuple[str, str]]:
    shard, survivor = merging.survivor_key
    rows = await connection.fetch(_SQL["move_identities"], merging.absorbed, survivor, shard)
    return [(row["kind"], row["value"]) for row in rows]


async def _return_identities(connection: Connection, merging: Merging, moved: list[tuple[str, str]]) -> None:
    kinds, values = [kind for kind, _ in moved], [value for _, value in moved]
    shard = shard_of_member(merging.absorbed, merging.shards)
    await connection.execute(_SQL["return_identities"], merging.survivor, merging.absorbed, shard, kinds, values)


async def _carry_people(connection: Connection, merging: Merging) -> dict[str, Any]:
    """The survivor's word counts, gaps are filled. The merged member's own row stays as it is, for the undoing."""
    mine, theirs = (
        await _people(connection, merging, merging.survivor),
        await _people(connection, merging, merging.absorbed),
    )
    profile, person = join_profiles(mine[0], theirs[0]), join_persons(mine[1], theirs[1])
    await _write_people(connection, merging, profile, person)
    return {"profile": [mine[0], profile], "person": [mine[1], person]}


async def _return_people(connection: Connection, merging: Merging, moved: dict[str, Any]) -> None:
    """The survivor is again as before the merge, unless something was said since: then that stays."""
    profile, person = await _people(connection, merging, merging.survivor)
    profile_before, profile_joined = msgspec.convert(moved["profile"], list[Profile])
    person_before, person_joined = msgspec.convert(moved["person"], list[Person])
    await _write_people(
        connection,
        merging,
        profile_before if profile == profile_joined else profile,
        person_before if person == person_joined else person,
    )


async def _people(connection: Connection, merging: Merging, member: int) -> tuple[Profile, Person]:
    row = await connection.fetchrow(_SQL["load_people"], [shard_of_member(member, merging.shards)], [member])
    profile = NO_PROFILE if row["profile"] is None else _decode_profile(row["profile"])
    return profile, NOBODY_KNOWN if row["person"] is None else _decode_person(row["person"])


async def _write_people(connection: Connection, merging: Merging, profile: Profile, person: Person) -> None:
    await connection.execute(
        _SQL["write_people"],
        *merging.survivor_key,
        None if profile == NO_PROFILE else _encode(profile).decode(),
        None if person == NOBODY_KNOWN else _encode(person).decode(),
        PROFILE,
    )


async def _carry_lists(connection: Connection, merging: Merging) -> list[tuple[str, bool]]:
    """The lists of segments, and whether the survivor was not on them."""
    rows = await connection.fetch(_SQL["move_lists"], *merging.absorbed_key, *merging.survivor_key)
    return [(row["segment_id"], row["gained"]) for row in rows]


async def _return_lists(connection: Connection, merging: Merging, moved: list[tuple[str, bool]]) -> None:
    """A list that the survivor was taken off since gets neither of them back."""
    lists, gained = [name for name, _ in moved], [name for name, was_gained in moved if was_gained]
    await connection.execute(_SQL["return_lists"], *merging.survivor_key, *merging.absorbed_key, lists, gained)


#: In this order; undone in the same. Points, counters and uses of caps move with the ledger (core.members.merging).
MOVES: Final[tuple[Move, ...]] = (
    Move("identities", _carry_identities, _return_identities),
    Move("people", _carry_people, _return_people),
    Move("lists", _carry_lists, _return_lists),
)


async def carry_all(connection: Connection, merging: Merging) -> None:
    """Move everything beside the points, and keep what was moved."""
    moved = {move.name: await move.carry(connection, merging) for move in MOVES}
    await connection.execute(
        _SQL["add_merge"],
        *merging.survivor_key,
        merging.sequence,
        merging.absorbed,
        merging.now,
        merging.actor,
        merging.reason,
        _encode(moved).decode(),
    )


async def give_back_all(connection: Connection, merging: Merging) -> None:
    """Give back what was moved, as far as it is still there."""
    text = await connection.fetchval(_SQL["moved_with_merge"], *merging.survivor_key, merging.sequence)
    moved = {} if text is None else msgspec.json.decode(text)
    for move in MOVES:
        if move.name in moved:
            await move.give_back(connection, merging, moved[move.name])
    await connection.execute(
        _SQL["end_merge"], *merging.survivor_key, merging.sequence, merging.now, merging.undone_sequence
    )
