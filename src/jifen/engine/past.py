"""Earlier transactions, with all that has become of them since: what refunds, reversals and captures are decided on."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec

from jifen.core.decide import PastTransaction
from jifen.core.decide.context import adds_points
from jifen.core.ledger.values import LOTS_PER_TRANSACTION, Bucket, Kind, LotTerms, Movement
from jifen.core.trace import Trace, decode_trace
from jifen.db.connection import Connection
from jifen.db.queries import load_queries
from jifen.engine.loading import ReferenceColumns, columns_of
from jifen.engine.programs import ProgramVersions
from jifen.engine.references import Reference

_SQL = load_queries("engine")
_TAKES = (Kind.SPEND, Kind.CAPTURE, Kind.ADJUST, Kind.REDEEM, Kind.STEP, Kind.CONVERT)


async def load_past(
    connection: Connection, references: Iterable[Reference], programs: ProgramVersions, shards: int
) -> dict[Reference, PastTransaction]:
    """The transactions that refunds, reversals, captures and releases refer to. Unknown ones are missing."""
    keys = columns_of(references, shards)
    referring: dict[Reference, list[tuple[Kind, Trace]]] = {}
    added: dict[Reference, int] = {}
    for member_id, refers_to, sequence, kind, trace in await connection.fetch(_SQL["load_referring"], *keys):
        decoded = decode_trace(trace)
        referring.setdefault((member_id, refers_to), []).append((Kind(kind), decoded))
        if any(taken.given for taken in decoded.taken_back):
            added[member_id, sequence] = refers_to
    movements = await _load_movements(connection, keys)
    expired = await _load_expired(connection, keys)
    additions: dict[Reference, list[Movement]] = {}
    if added:
        columns = columns_of(added, shards)
        for (member, sequence), each in (await _load_movements(connection, columns)).items():
            opened = [movement for movement in each if adds_points(sequence, movement)]
            additions.setdefault((member, added[member, sequence]), []).extend(opened)
        for (member, sequence), amounts in (await _load_expired(connection, columns)).items():
            expired.setdefault((member, added[member, sequence]), {}).update(amounts)
    past = {}
    for row in await connection.fetch(_SQL["load_transactions"], *keys):
        reference = (row["member_id"], row["sequence"])
        past[reference] = PastTransaction(
            row["sequence"],
            Kind(row["kind"]),
            await programs.get(connection, row["program_version"]),
            row["occurred_at"],
            None if row["facts"] is None else row["facts"].encode(),
            decode_trace(row["trace"]),
            tuple(movements.get(reference, ())),
            tuple(referring.get(reference, ())),
            expired.get(reference, {}),
            source=row["source"],
            additions=tuple(additions.get(reference, ())),
            member_id=row["member_id"],
        )
    return past | await _with_forgiven(connection, past, shards)


async def _load_movements(connection: Connection, keys: ReferenceColumns) -> dict[Reference, list[Movement]]:
    """The movements of these transactions, with the terms of their lots."""
    movements: dict[Reference, list[Movement]] = {}
    for (
        member_id,
        sequence,
        wallet,
        source,
        target,
        lot,
        amount,
        earned_at,
        effective_at,
        expires_at,
    ) in await connection.fetch(_SQL["load_movements"], *keys):
        terms = None if earned_at is None else LotTerms(earned_at, effective_at, expires_at)
        movements.setdefault((member_id, sequence), []).append(
            Movement(wallet, Bucket(source), Bucket(target), lot, amount, terms)
        )
    return movements


async def load_moments(
    connection: Connection, references: Iterable[Reference], shards: int
) -> list[tuple[int, datetime, int]]:
    """Whose these transactions are, when they happened, and by which version they were decided."""
    return [tuple(row) for row in await connection.fetch(_SQL["load_moments"], *columns_of(references, shards))]


async def _load_expired(connection: Connection, keys: ReferenceColumns) -> dict[Reference, dict[int, int]]:
    """By lot, what of the lots that these transactions opened has expired."""
    expired: dict[Reference, dict[int, int]] = {}
    for member_id, sequence, lot, amount in await connection.fetch(_SQL["load_expired"], *keys):
        expired.setdefault((member_id, sequence), {})[lot] = amount
    return expired


async def _with_forgiven(
    connection: Connection, past: dict[Reference, PastTransaction], shards: int
) -> dict[Reference, PastTransaction]:
    """Those of these transactions that took points which a refund forgave, with how many of them are still open."""
    took = {reference: found for reference, each in past.items() if (found := _taken_by(each)) is not None}
    openings = {(member, lot // LOTS_PER_TRANSACTION) for (member, _), (_, lots) in took.items() for lot in lots}
    if not openings:
        return {}
    rows = await connection.fetch(_SQL["load_roots"], *columns_of(openings, shards))
    roots = {(member, opened): root for member, opened, root in rows}
    openings = {(member, roots.get((member, opened), opened)) for member, opened in openings}
    forgiven: dict[tuple[int, int, int], int] = {}
    #: Whatever opened lots for these transactions later, to be looked at with them.
    added: dict[Reference, int] = {}
    for member, opened, sequence, _, trace in await connection.fetch(
        _SQL["load_referring"], *columns_of(openings, shards)
    ):
        for taken in decode_trace(trace).taken_back:
            if taken.forgiven:
                key = (member, opened, taken.wallet)
                forgiven[key] = forgiven.get(key, 0) + taken.forgiven
            if taken.given:
                added[member, sequence] = opened
    if not forgiven:
        return {}
    places = {(member, opened, wallet): opened for member, opened, wallet in forgiven}
    for (member, sequence), opened in added.items():
        places |= {
            (member, sequence, wallet): root for (who, root, wallet) in forgiven if (who, root) == (member, opened)
        }
    columns = columns_of([(member, opened) for member, opened, _ in places], shards)
    for member, opened, wallet, withheld in await connection.fetch(
        _SQL["load_withheld"],
        *columns,
        [wallet for _, _, wallet in places],
        [Bucket.SPENT, Bucket.ADJUSTED],
        Bucket.REVERSED,
    ):
        forgiven[member, places[member, opened, wallet], wallet] -= withheld
    return {
        (member, sequence): msgspec.structs.replace(
            past[member, sequence],
            forgiven={
                opened: points
                for (owner, opened, where), points in forgiven.items()
                if owner == member and where == wallet
            },
            roots={opened: root for (owner, opened), root in roots.items() if owner == member},
        )
        for (member, sequence), (wallet, _) in took.items()
    }


def _taken_by(past: PastTransaction) -> tuple[int, list[int]] | None:
    """The wallet and the lots that a transaction took points from for good; an order did where points paid part."""
    dealings = past.trace.dealings
    if dealings is not None and dealings.offset is not None:
        return dealings.offset.wallet, [piece.lot for piece in dealings.offset.pieces]
    wallet = past.trace.wallet
    if past.kind not in _TAKES or wallet is None:
        return None
    return wallet, [each.lot for each in past.movements if each.lot and each.wallet == wallet]
