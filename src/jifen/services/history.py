"""What happened to a member: pages of transactions, one transaction with its movements and trace, and holds."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

from jifen.core.identity import shard_of_member
from jifen.core.ledger.values import LOTS_PER_TRANSACTION, Bucket, Kind, transaction_id
from jifen.core.limits import NEVER
from jifen.core.refusal import Refusal
from jifen.core.trace import Trace, decode_trace
from jifen.db.connection import Connection
from jifen.db.queries import load_queries
from jifen.services.add_ons import EndedAddOnView, add_ons_of
from jifen.services.catalog import NO_PROGRAM, Catalog, WalletBalances
from jifen.services.cursors import no_cursor, read_cursor, write_cursor
from jifen.services.drawn import DrawnView, view_of_drawn
from jifen.services.members import LARGEST_SEQUENCE, find_member, settled_state, unknown_member

_SQL = load_queries("reads")

KindName = Literal[
    "earn",
    "spend",
    "hold",
    "capture",
    "release",
    "hold_expire",
    "expire",
    "reverse",
    "adjust",
    "transfer",
    "mature",
    "correct",
    "merge",
    "tier",
    "redeem",
    "step",
    "convert",
    "save",
    "unsave",
    "draw",
]
BucketName = Literal[
    "pending", "available", "held", "saved", "debt", "issued", "spent", "expired", "reversed", "adjusted", "transit"
]


class AwardView(msgspec.Struct, frozen=True):
    """What a rule gave: points for a wallet, for so much money in minor units."""

    rule: str
    wallet: str
    points: int
    rated_cents: int


class TakenBackView(msgspec.Struct, frozen=True):
    """How a refund or correction took points back: from the lots of origin, from what had expired of them, from other
    lots; what was no longer there became debt or was forgiven. `given` went into new lots, where rules earn more than
    before; `points` is what was taken less what was given."""

    wallet: str
    points: int
    from_lot: int
    expired: int
    other_lots: int
    debt: int
    forgiven: int
    given: int


class CommonSpendView(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a household spent together: `points` in all, by the transaction `spent_by` of whoever asked for it, which
    names those of the others who paid (`transaction_ids`); `redemption_id` where it was for a reward."""

    household_id: str
    points: int
    spent_by: str
    transaction_ids: list[str] = []
    redemption_id: str | None = None


class TransactionView(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A transaction. `points` is the command's own figure, `balances` are those after it, of the wallets it touched.
    `changes`: by wallet, what the member has more by it, or less (below 0). Held, saved and pending points are had,
    debt counts against them: a hold changes nothing, its capture does.

    `refers_to` is the transaction that this one reverses, captures or releases; `counterpart` the other side of a
    transfer. `source` and `key` are what made the command unique. `withheld`: what a cancelled spend did not give
    back, because a refund had forgiven these points. `drawn`: what came of drawing from a lottery.
    `household`: what of it was paid together. `add_ons`: what became of what had been taken with an order that this
    gave back; `ended_with`: the order with which an add-on ended.
    """

    transaction_id: str
    member_id: str
    kind: KindName
    occurred_at: datetime
    recorded_at: datetime
    program_version: int
    source: str
    key: str
    actor: str
    balances: dict[str, WalletBalances]
    changes: dict[str, int] = {}
    awards: list[AwardView] = []
    taken_back: list[TakenBackView] = []
    wallet: str | None = None
    points: int | None = None
    reason: str | None = None
    reference: str | None = None
    withheld: int | None = None
    refers_to: str | None = None
    counterpart: str | None = None
    drawn: DrawnView | None = None
    household: CommonSpendView | None = None
    add_ons: list[EndedAddOnView] = []
    ended_with: str | None = None


class TransactionPage(msgspec.Struct, frozen=True):
    """Transactions, newest first. `next_cursor` asks for the page after this one; null: this is the last."""

    transactions: list[TransactionView]
    next_cursor: str | None


class LotView(msgspec.Struct, frozen=True):
    """The points of one award with their terms. `expires_at` null: never."""

    lot_id: str
    earned_at: datetime
    effective_at: datetime
    expires_at: datetime | None


class MovementView(msgspec.Struct, frozen=True):
    """Points moved from one bucket to another: a debit and a credit in one. `lot` null: debt has no lot."""

    wallet: str
    source: BucketName
    target: BucketName
    points: int
    lot: LotView | None


class TransactionDetail(TransactionView, frozen=True, omit_defaults=True, kw_only=True):
    """A transaction with its movements and the facts it was decided on.

    `returned` says what a refund returned by line, `until` when a hold ends, `referred_by` what later reversed,
    captured or released it.
    """

    movements: list[MovementView]
    facts: dict[str, Any] | None = None
    returned: dict[str, int] = {}
    until: datetime | None = None
    referred_by: list[str] = []


class HoldView(msgspec.Struct, frozen=True, omit_defaults=True):
    """Points bound for a later capture: `points` at first, `captured` so far, `remaining` now."""

    hold_id: str
    member_id: str
    status: Literal["open", "captured", "released", "expired"]
    wallet: str
    points: int
    captured: int
    remaining: int
    placed_at: datetime
    expires_at: datetime
    reference: str | None = None


_decode_facts = msgspec.json.Decoder(dict[str, Any]).decode
KIND_NUMBERS = {kind.name.lower(): int(kind) for kind in Kind}


def encode_cursor(sequence: int) -> str:
    """A cursor says where a page ended. Its form is ours alone."""
    return write_cursor(f"s{sequence}".encode())


def decode_cursor(cursor: str) -> int | Refusal:
    """The sequence before which the next page begins."""
    text = read_cursor(cursor).decode("ascii", "replace")
    digits = text[1:]
    if text[:1] != "s" or not digits.isdigit() or len(digits) > 10 or not 0 < int(digits) <= LARGEST_SEQUENCE:
        return no_cursor()
    return int(digits)


async def transactions_page(
    connection: Connection, catalog: Catalog, member_id: int, *, before: int | None, limit: int, kind: KindName | None
) -> TransactionPage | Refusal:
    """One page of a member's transactions, newest first. Needs a snapshot."""
    shard = shard_of_member(member_id, catalog.shards)
    rows = await connection.fetch(
        _SQL["page"],
        shard,
        member_id,
        LARGEST_SEQUENCE if before is None else before,
        None if kind is None else KIND_NUMBERS[kind],
        limit + 1,
    )
    if not rows and await find_member(connection, catalog, member_id) is None:
        return unknown_member(str(member_id))
    changes = await _changes(connection, catalog, member_id, [row["sequence"] for row in rows[:limit]])
    views = [
        TransactionView(**_common(catalog, member_id, row), changes=changes.get(row["sequence"], {}))
        for row in rows[:limit]
    ]
    return TransactionPage(views, encode_cursor(rows[limit - 1]["sequence"]) if len(rows) > limit else None)


async def find_transaction(
    connection: Connection, catalog: Catalog, member_id: int, sequence: int
) -> TransactionDetail | Refusal:
    """One transaction with everything that explains it. Needs a snapshot."""
    key = (shard_of_member(member_id, catalog.shards), member_id, sequence)
    row = await connection.fetchrow(_SQL["transaction"], *key)
    if row is None:
        name = transaction_id(member_id, sequence)
        return Refusal("unknown_transaction", f"There is no transaction {name}.")
    trace = decode_trace(row["trace"])
    referring = await connection.fetch(_SQL["referring"], *key)
    movements = await connection.fetch(_SQL["movements"], *key)
    return TransactionDetail(
        **_common(catalog, member_id, row),
        changes=(await _changes(connection, catalog, member_id, [sequence])).get(sequence, {}),
        movements=[_movement(catalog, member_id, each) for each in movements],
        facts=None if row["facts"] is None else _decode_facts(row["facts"]),
        returned=trace.returned,
        until=trace.until,
        referred_by=[transaction_id(member_id, each["sequence"]) for each in referring],
    )


async def _changes(
    connection: Connection, catalog: Catalog, member_id: int, sequences: list[int]
) -> dict[int, dict[str, int]]:
    """What transactions changed of what the member has, by sequence and wallet; without those that changed nothing."""
    rows = await connection.fetch(_SQL["changes"], shard_of_member(member_id, catalog.shards), member_id, sequences)
    changes: dict[int, dict[str, int]] = {}
    for sequence, wallet, change in rows:
        if change:
            changes.setdefault(sequence, {})[catalog.wallet_ids[wallet]] = change
    return changes


async def find_hold(
    connection: Connection, catalog: Catalog, member_id: int, sequence: int, now: datetime
) -> HoldView | Refusal:
    """A hold as it stands at this moment. Needs a snapshot."""
    key = (shard_of_member(member_id, catalog.shards), member_id, sequence)
    row = await connection.fetchrow(_SQL["transaction"], *key)
    name = transaction_id(member_id, sequence)
    if row is None or row["kind"] != Kind.HOLD:
        return Refusal("unknown_hold", f"There is no hold {name}.")
    program = await catalog.program(connection)
    state = None if program is None else await settled_state(connection, catalog, program, member_id, now)
    if state is None:
        return NO_PROGRAM
    trace = decode_trace(row["trace"])
    assert trace.wallet is not None and trace.points is not None and trace.until is not None
    remaining = sum(hold.remaining for each in state.accounts for hold in each.holds if hold.sequence == sequence)
    referring = await connection.fetch(_SQL["referring"], *key)
    captured = sum(decode_trace(each["trace"]).points or 0 for each in referring if each["kind"] == Kind.CAPTURE)
    return HoldView(
        name,
        str(member_id),
        _hold_status(trace.points, captured, remaining, any(each["kind"] == Kind.RELEASE for each in referring)),
        catalog.wallet_ids[trace.wallet],
        trace.points,
        captured,
        remaining,
        row["recorded_at"],
        trace.until,
        trace.reference,
    )


def _hold_status(
    points: int, captured: int, remaining: int, is_released: bool
) -> Literal["open", "captured", "released", "expired"]:
    if remaining:
        return "open"
    if captured == points:
        return "captured"
    # What time has ended and nothing has booked yet has no transaction that says so.
    return "released" if is_released else "expired"


def _common(catalog: Catalog, member_id: int, row: Any) -> dict[str, Any]:
    trace = decode_trace(row["trace"])
    names = catalog.wallet_ids
    there = row["counterpart_id"]
    return {
        "transaction_id": transaction_id(member_id, row["sequence"]),
        "member_id": str(member_id),
        "kind": Kind(row["kind"]).name.lower(),
        "occurred_at": row["occurred_at"],
        "recorded_at": row["recorded_at"],
        "program_version": row["program_version"],
        "source": row["source"],
        "key": row["key_id"],
        "actor": row["actor"],
        "balances": catalog.balances(trace.balances),
        "awards": awards_of(trace, names),
        "taken_back": _taken_back(trace, names),
        "wallet": None if trace.wallet is None else names[trace.wallet],
        "points": trace.points,
        "reason": row["reason"],
        "reference": trace.reference,
        "withheld": trace.withheld,
        "refers_to": None if row["refers_to"] is None else transaction_id(member_id, row["refers_to"]),
        "counterpart": None if there is None else transaction_id(there, row["counterpart_sequence"]),
        "drawn": None if trace.drawn is None else view_of_drawn(member_id, trace.drawn, names),
        "household": _common_spend(trace),
        "add_ons": add_ons_of(trace),
        "ended_with": None if trace.dealings is None else trace.dealings.ended_with,
    }


def _common_spend(trace: Trace) -> CommonSpendView | None:
    pooled = None if trace.dealings is None else trace.dealings.pooled
    if pooled is None:
        return None
    return CommonSpendView(
        str(pooled.household),
        pooled.points,
        transaction_id(pooled.spender, pooled.sequence),
        [transaction_id(part.member, part.sequence) for part in pooled.parts],
        transaction_id(pooled.spender, pooled.redemption) if pooled.redemption else None,
    )


def awards_of(trace: Trace, names: dict[int, str]) -> list[AwardView]:
    """The awards of a transaction, with wallets by id."""
    return [AwardView(each.rule, names[each.wallet], each.points, each.rated_cents) for each in trace.awards]


def _taken_back(trace: Trace, names: dict[int, str]) -> list[TakenBackView]:
    return [
        TakenBackView(
            names[each.wallet],
            each.points,
            each.from_lot,
            each.expired,
            each.other_lots,
            each.debt,
            each.forgiven,
            each.given,
        )
        for each in trace.taken_back
    ]


def _movement(catalog: Catalog, member_id: int, row: Any) -> MovementView:
    lot = None
    if row["lot"]:
        opened, position = divmod(row["lot"], LOTS_PER_TRANSACTION)
        expires_at = row["expires_at"] if row["expires_at"] < NEVER else None
        lot = LotView(f"{member_id}-{opened}-{position}", row["earned_at"], row["effective_at"], expires_at)
    return MovementView(
        catalog.wallet_ids[row["wallet"]],
        _BUCKETS[row["from_bucket"]],
        _BUCKETS[row["to_bucket"]],
        row["amount"],
        lot,
    )


_BUCKETS: dict[int, BucketName] = {
    Bucket.PENDING: "pending",
    Bucket.AVAILABLE: "available",
    Bucket.HELD: "held",
    Bucket.SAVED: "saved",
    Bucket.DEBT: "debt",
    Bucket.ISSUED: "issued",
    Bucket.SPENT: "spent",
    Bucket.EXPIRED: "expired",
    Bucket.REVERSED: "reversed",
    Bucket.ADJUSTED: "adjusted",
    Bucket.TRANSIT: "transit",
}
