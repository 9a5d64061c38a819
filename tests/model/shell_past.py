"""What the engine looks up of earlier transactions, looked up in plain lists instead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from jifen.core.decide import PastTransaction
from jifen.core.ledger.values import LOTS_PER_TRANSACTION, Bucket, Kind, LotTerms, Movement, Transaction
from jifen.core.program import Program
from jifen.core.trace import Merged, decode_trace

Transactions = Mapping[int, Sequence[Transaction]]


def past_of(
    transactions: Transactions, programs: Mapping[int, Program], member_id: int, sequence: int
) -> PastTransaction:
    """An earlier transaction, with what has become of it since."""
    mine = transactions[member_id]
    transaction = mine[sequence - 1]
    roots = _roots(mine)
    expired: dict[int, int] = {}
    for later in mine[sequence:]:
        for movement in later.movements:
            if _root_of(roots, movement.lot) != sequence:
                continue
            if movement.target is Bucket.EXPIRED:
                expired[movement.lot] = expired.get(movement.lot, 0) + movement.amount
            if movement.source is Bucket.EXPIRED:
                expired[movement.lot] = expired.get(movement.lot, 0) - movement.amount
    return PastTransaction(
        sequence,
        transaction.kind,
        programs[transaction.program_version],
        transaction.occurred_at,
        transaction.facts,
        decode_trace(transaction.trace),
        tuple(_with_terms(mine, movement) for movement in transaction.movements),
        tuple((each.kind, decode_trace(each.trace)) for each in mine if each.refers_to == sequence),
        expired,
        _forgiven(mine, transaction, roots),
        transaction.source,
        additions=tuple(
            movement
            for each in mine
            if roots.get(each.sequence) == sequence
            for movement in each.movements
            if movement.lot // LOTS_PER_TRANSACTION == each.sequence
        ),
        roots=roots,
        member_id=member_id,
    )


def _roots(mine: Sequence[Transaction]) -> dict[int, int]:
    """By the sequence of each correction and refund that opened a lot: that of the order for which it did."""
    return {
        each.sequence: each.refers_to
        for each in mine
        if each.refers_to is not None
        and any(
            movement.source is Bucket.REVERSED and movement.lot // LOTS_PER_TRANSACTION == each.sequence
            for movement in each.movements
        )
    }


def _root_of(roots: Mapping[int, int], lot: int) -> int:
    opened = lot // LOTS_PER_TRANSACTION
    return roots.get(opened, opened)


def _with_terms(mine: Sequence[Transaction], movement: Movement) -> Movement:
    if not movement.lot:
        return movement
    sequence, position = divmod(movement.lot, LOTS_PER_TRANSACTION)
    terms: LotTerms | None = mine[sequence - 1].movements[position].terms
    return msgspec.structs.replace(movement, terms=terms)


def _forgiven(mine: Sequence[Transaction], transaction: Transaction, roots: Mapping[int, int]) -> dict[int, int]:
    """What refunds forgave of the lots that a transaction took from, and nothing has given up since."""
    trace = decode_trace(transaction.trace)
    wallet, lots = trace.wallet, {movement.lot for movement in transaction.movements if movement.lot}
    if trace.dealings is not None and trace.dealings.offset is not None:
        wallet, lots = trace.dealings.offset.wallet, {piece.lot for piece in trace.dealings.offset.pieces}
    forgiven: dict[int, int] = {}
    for opened in {_root_of(roots, lot) for lot in lots}:
        for each in mine:
            if each.refers_to == opened:
                taken_back = decode_trace(each.trace).taken_back
                points = sum(taken.forgiven for taken in taken_back if taken.wallet == wallet)
                forgiven[opened] = forgiven.get(opened, 0) + points
            for movement in each.movements:
                is_given_up = movement.source in (Bucket.SPENT, Bucket.ADJUSTED) and movement.target is Bucket.REVERSED
                if is_given_up and movement.wallet == wallet and _root_of(roots, movement.lot) == opened:
                    forgiven[opened] = forgiven.get(opened, 0) - movement.amount
    return forgiven


def notes_between(transactions: Transactions, lower: int, upper: int, after: int = 0) -> list[Merged]:
    """What passed between a merged member and the survivor, as the survivor's transactions say."""
    notes = [
        decode_trace(each.trace).merged
        for each in transactions[upper]
        if each.kind is Kind.MERGE and each.sequence > after and each.counterpart and each.counterpart[0] == lower
    ]
    return [note for note in notes if note is not None]


def with_origins(
    transactions: Transactions, member: int, past: PastTransaction, survivors: Sequence[int]
) -> PastTransaction:
    """A transaction of a merged member, with where the points of its lots are, and what of them has expired there."""
    origins: list[dict[int, int]] = []
    expired = dict(past.expired_by_lot)
    roots = {movement.lot: movement.lot for movement in past.movements if movement.lot}
    for lower, upper in zip((member, *survivors), survivors, strict=False):
        notes = notes_between(transactions, lower, upper)
        hop = {moved.lot: moved.origin for note in notes if note.step != "recall" for moved in note.lots}
        origins.append(hop)
        roots = {lot: roots[origin] for lot, origin in hop.items() if origin in roots}
        for movement in (movement for each in transactions[upper] for movement in each.movements):
            if movement.lot in roots:
                gone = (movement.target is Bucket.EXPIRED) - (movement.source is Bucket.EXPIRED)
                root = roots[movement.lot]
                expired[root] = expired.get(root, 0) + gone * movement.amount
    return msgspec.structs.replace(past, origins=tuple(origins), expired_by_lot=expired)


def earned_this_year(mine: Sequence[Transaction], program: Program, now: datetime) -> int:
    """What was earned this year in the wallet of the bank, less what was taken back of it."""
    bank = program.document.bank
    if bank is None:
        return 0
    wallet, zone, points = program.wallet_numbers[bank.wallet], program.zone, 0
    for each in mine:
        origin = each if each.refers_to is None else mine[each.refers_to - 1]
        is_this_year = each.occurred_at.astimezone(zone).year >= now.astimezone(zone).year
        if not is_this_year or each.kind not in (Kind.EARN, Kind.REVERSE, Kind.CORRECT):
            continue
        for movement in each.movements if origin.kind is Kind.EARN else ():
            if movement.wallet == wallet:
                came = movement.source in (Bucket.ISSUED, Bucket.REVERSED)
                points += movement.amount * (came - (movement.target is Bucket.REVERSED))
    return points
