"""Who survived merged members, and where their points went."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from jifen.core.commands import Command
from jifen.core.decide import PastTransaction
from jifen.core.identity import shard_of_digest, shard_of_member
from jifen.core.ledger.values import Kind, MemberState, MemberStatus
from jifen.core.members.commands import MergeMembers, UndoMerge
from jifen.core.refusal import Refusal
from jifen.core.trace import Merged, decode_trace
from jifen.db.connection import Connection
from jifen.db.queries import load_queries
from jifen.engine.redemptions import gives_back
from jifen.engine.references import Reference, needs_past, unknown_member, unknown_past

_SQL = load_queries("people")


class MembersMoved(Exception):
    """Members were merged, or parted, between looking them up and locking them: look again."""


def others_named(
    command: Command,
    state: MemberState,
    states: Mapping[int, MemberState],
    absorbed: Mapping[Reference, int],
    survivors: Mapping[int, tuple[int, ...]],
) -> Sequence[int] | Refusal:
    """On whom a command is decided beside the member: the other side of a merge, or who survived a merged member whose
    past is meant. Nobody: on the member alone."""
    if isinstance(command, MergeMembers):
        if command.absorbed not in states:
            return unknown_member(str(command.absorbed), "/from")
        if command.absorbed == state.member_id:
            return Refusal("same_member", "A member cannot be merged into itself.", "/from")
        return (command.absorbed,)
    if isinstance(command, UndoMerge):
        other = absorbed.get((command.member, command.sequence))
        return unknown_past(command) if other is None else (other,)
    if state.status is MemberStatus.MERGED and (needs_past(command) or gives_back(command, states)):
        return survivors.get(state.member_id, ())
    return ()


async def find_orders(
    connection: Connection, digests: list[bytes], shards: int
) -> tuple[dict[bytes, Reference], set[int]]:
    """The transactions of these orders, and those of their members who were merged since."""
    rows = await connection.fetch(_SQL["find_orders"], [shard_of_digest(each, shards) for each in digests], digests)
    orders = {row["digest"]: (row["member_id"], row["sequence"]) for row in rows}
    return orders, {row["member_id"] for row in rows if row["is_merged"]}


async def find_survivors(connection: Connection, members: Iterable[int]) -> dict[int, tuple[int, ...]]:
    """For each of these members who was merged: who survived, and who survived that one, in turn."""
    chains: dict[int, tuple[int, ...]] = {}
    for row in await connection.fetch(_SQL["find_survivors"], sorted(members)):
        chains[row["member_id"]] = (*chains.get(row["member_id"], ()), row["survivor"])
    return chains


async def find_absorbed(connection: Connection, merges: Sequence[Reference], shards: int) -> dict[Reference, int]:
    """Who was absorbed in these merges, named by the survivors' transactions."""
    rows = await connection.fetch(
        _SQL["find_absorbed"],
        [shard_of_member(member, shards) for member, _ in merges],
        [member for member, _ in merges],
        [sequence for _, sequence in merges],
    )
    return {(row["member_id"], row["sequence"]): row["from_id"] for row in rows}


async def with_notes(
    connection: Connection, reference: Reference, past: PastTransaction, absorbed: int, shards: int
) -> PastTransaction:
    """A merge with what passed between the two since."""
    survivor, sequence = reference
    notes = await _notes(connection, absorbed, survivor, shards, after=sequence)
    return msgspec.structs.replace(past, notes=tuple(notes))


async def with_origins(
    connection: Connection, member: int, past: PastTransaction, chain: Sequence[int], shards: int
) -> PastTransaction:
    """A transaction of a merged member with where the points of its lots are, and what of them has expired there."""
    origins: list[dict[int, int]] = []
    expired = dict(past.expired_by_lot)
    roots = {movement.lot: movement.lot for movement in (*past.movements, *past.additions) if movement.lot}
    for lower, upper in zip((member, *chain), chain, strict=False):
        notes = await _notes(connection, lower, upper, shards)
        hop = {moved.lot: moved.origin for note in notes if note.step != "recall" for moved in note.lots}
        origins.append(hop)
        # Only what goes back to lots of this very transaction matters from here on.
        roots = {lot: roots[origin] for lot, origin in hop.items() if origin in roots}
        keys = (shard_of_member(upper, shards), upper, sorted(roots))
        for lot, amount in await connection.fetch(_SQL["expired_of_lots"], *keys):
            expired[roots[lot]] = expired.get(roots[lot], 0) + amount
    return msgspec.structs.replace(past, origins=tuple(origins), expired_by_lot=expired)


async def _notes(connection: Connection, lower: int, upper: int, shards: int, after: int = 0) -> list[Merged]:
    rows = await connection.fetch(
        _SQL["load_notes"], shard_of_member(upper, shards), upper, lower, int(Kind.MERGE), after
    )
    notes = [decode_trace(row["trace"]).merged for row in rows]
    return [note for note in notes if note is not None]
