"""Redemptions as the outside sees them: one, a member's, those that wait for somebody, and coupons."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from jifen.core.identity import shard_of_digest, shard_of_member
from jifen.core.ledger.values import transaction_id
from jifen.core.limits import NEVER
from jifen.core.redemption.agreeing import open_roles
from jifen.core.redemption.codes import canonical_code, digest_code
from jifen.core.redemption.document import FulfilmentKind, RewardKind
from jifen.core.redemption.machine import State, Step
from jifen.core.redemption.values import Coupon, Payer, Redemption, decode_redemption
from jifen.core.refusal import Refusal
from jifen.db.connection import Connection
from jifen.db.queries import load_queries
from jifen.engine.redemptions import unknown_coupon, unknown_redemption
from jifen.services.catalog import Catalog
from jifen.services.cursors import no_cursor, read_cursor, write_cursor
from jifen.services.history import decode_cursor, encode_cursor
from jifen.services.members import LARGEST_SEQUENCE, find_member, unknown_member

_SQL = load_queries("redemption_reads")
#: So many steps of one redemption are told.
MAXIMUM_STEPS = 1_000
WAITING: tuple[State, ...] = ("waiting_for_payment", "waiting_for_approval", "approved")


class CouponUseView(msgspec.Struct, frozen=True):
    """A write-off, by the transaction that booked it; `at`, `actor`: when and by whom (null: before that was kept)."""

    transaction_id: str
    cents: int
    store: str | None
    order_id: str | None
    at: datetime | None
    actor: str | None


class CouponView(msgspec.Struct, frozen=True):
    """A coupon. `is_usable`: a till would take it now; `until` is the end of its validity (null: none)."""

    code: str
    face: Literal["fixed", "percent", "voucher"]
    cents: int
    percent: int
    remaining_cents: int
    until: datetime | None
    is_partly_usable: bool
    is_usable: bool
    uses: list[CouponUseView]


class AgreementView(msgspec.Struct, frozen=True):
    """Who agreed, for which role of which step (counted from 1), when, and in which transaction (null: before that was
    kept). No role: time did."""

    step: int
    role: str
    actor: str
    at: datetime | None
    transaction_id: str | None


class RedemptionApprovalView(msgspec.Struct, frozen=True):
    """The approval that a redemption goes through: the present step, and the roles that may still decide there."""

    flow: str
    step: int
    steps: int
    needs: Literal["any", "all"]
    waiting_for: list[str]
    agreements: list[AgreementView]


class PaidPartView(msgspec.Struct, frozen=True):
    """What one of a household pays of a redemption, by which transaction of theirs."""

    member_id: str
    transaction_id: str
    points: int


class RedemptionView(msgspec.Struct, frozen=True):
    """A redemption as it stands. `points` and `cash_cents` are for all pieces; `until`: when time ends what it waits
    for; `refund_cents`: money that the merchant owes back; `tickets_used`: how many lottery tickets of it were drawn
    with; `won_by`: the draw that it was won in (a transaction). `household_id`: the household whose points were asked
    for, and `paid_by` who of them pays what, whoever asked first (empty: the member alone). `order_id`: the order that
    an add-on was taken with."""

    redemption_id: str
    member_id: str
    reward: str
    kind: RewardKind
    quantity: int
    state: State
    wallet: str
    points: int
    cash_cents: int
    requested_at: datetime
    requested_by: str
    until: datetime | None
    payment: str | None
    approval: RedemptionApprovalView | None
    fulfilment: FulfilmentKind
    delivery: dict[str, str]
    coupons: list[CouponView]
    refund_cents: int
    tickets_used: int
    won_by: str | None
    household_id: str | None
    paid_by: list[PaidPartView]
    order_id: str | None


class StepView(msgspec.Struct, frozen=True):
    """Something that was done to a redemption: what, by whom, when and why; and how it stood since. The first is
    `redeem`."""

    step: Step | Literal["redeem"]
    state: State
    actor: str
    at: datetime
    reason: str | None
    transaction_id: str


class RedemptionDetail(RedemptionView, frozen=True):
    """A redemption as it stands, with everything that was done to it, the first step first (of very many the last)."""

    steps: list[StepView]


class RedemptionPage(msgspec.Struct, frozen=True):
    """Redemptions. `next_cursor` asks for the page after this one; null: this is the last."""

    redemptions: list[RedemptionView]
    next_cursor: str | None


class CouponDetail(msgspec.Struct, frozen=True):
    """A coupon and the redemption that it was issued in, with its steps."""

    coupon: CouponView
    redemption: RedemptionDetail


def view_of_redemption(
    member_id: int, sequence: int, redemption: Redemption, names: dict[int, str], now: datetime | None = None
) -> RedemptionView:
    """A redemption with its wallet by id. Raises KeyError for a wallet newer than `names`."""
    instant = now or datetime.now(UTC)
    coupons = [_coupon(member_id, redemption, each, instant) for each in redemption.coupons]
    return RedemptionView(
        transaction_id(member_id, sequence),
        str(member_id),
        redemption.reward,
        redemption.kind,
        redemption.quantity,
        redemption.state,
        names[redemption.wallet],
        redemption.points,
        redemption.cash_cents,
        redemption.requested_at,
        redemption.requested_by,
        redemption.until,
        redemption.payment,
        _approval(member_id, redemption),
        redemption.fulfilment,
        redemption.delivery,
        coupons,
        redemption.refund_cents,
        redemption.used,
        transaction_id(member_id, redemption.won_by) if redemption.won_by else None,
        str(redemption.household) if redemption.household else None,
        _paid_by(member_id, sequence, redemption) if redemption.household else [],
        redemption.order_id or None,
    )


def _paid_by(member_id: int, sequence: int, redemption: Redemption) -> list[PaidPartView]:
    parts = (Payer(member_id, sequence, redemption.own_points), *redemption.payers)
    return [
        PaidPartView(str(each.member), transaction_id(each.member, each.sequence), each.points)
        for each in parts
        if each.points
    ]


def _coupon(member_id: int, redemption: Redemption, coupon: Coupon, now: datetime) -> CouponView:
    is_usable = (
        redemption.state == "approved" and not coupon.is_used_up and (coupon.until is None or now < coupon.until)
    )
    uses = [
        CouponUseView(
            transaction_id(member_id, each.sequence), each.cents, each.store, each.order_id, each.at, each.actor
        )
        for each in coupon.uses
    ]
    return CouponView(
        coupon.code,
        coupon.face,
        coupon.cents,
        coupon.percent,
        coupon.remaining_cents,
        coupon.until,
        coupon.is_partly_usable,
        is_usable,
        uses,
    )


def _approval(member_id: int, redemption: Redemption) -> RedemptionApprovalView | None:
    approval = redemption.approval
    if approval is None:
        return None
    is_waiting = redemption.state == "waiting_for_approval"
    return RedemptionApprovalView(
        approval.flow,
        approval.step + 1,
        len(approval.steps),
        approval.steps[approval.step].needs,
        open_roles(approval) if is_waiting else [],
        [
            AgreementView(
                each.step + 1,
                each.role,
                each.actor,
                each.at,
                transaction_id(member_id, each.sequence) if each.sequence else None,
            )
            for each in approval.agreements
        ],
    )


async def find_redemption(
    connection: Connection, catalog: Catalog, member_id: int, sequence: int, now: datetime
) -> RedemptionDetail | Refusal:
    """One redemption, as it was booked last, with its steps. Needs a snapshot."""
    shard = shard_of_member(member_id, catalog.shards)
    content = await connection.fetchval(_SQL["redemption"], shard, member_id, sequence)
    if content is None:
        return unknown_redemption(transaction_id(member_id, sequence))
    rows = await connection.fetch(_SQL["steps_of_redemption"], shard, member_id, sequence, MAXIMUM_STEPS)
    steps = [
        StepView(
            row["step"],
            row["state"],
            row["actor"],
            row["occurred_at"],
            row["reason"],
            transaction_id(member_id, row["sequence"]),
        )
        for row in reversed(rows)
    ]
    view = view_of_redemption(member_id, sequence, decode_redemption(content), catalog.wallet_ids, now)
    return RedemptionDetail(**msgspec.structs.asdict(view), steps=steps)


async def redemptions_of_member(
    connection: Connection,
    catalog: Catalog,
    member_id: int,
    *,
    cursor: str | None,
    limit: int,
    state: State | None,
    now: datetime,
) -> RedemptionPage | Refusal:
    """One page of a member's redemptions, newest first. Needs a snapshot."""
    before = LARGEST_SEQUENCE if cursor is None else decode_cursor(cursor)
    if isinstance(before, Refusal):
        return before
    shard = shard_of_member(member_id, catalog.shards)
    rows = await connection.fetch(_SQL["redemptions_of_member"], shard, member_id, before, state, limit + 1)
    if not rows and await find_member(connection, catalog, member_id) is None:
        return unknown_member(str(member_id))
    views = [_view(catalog, row, now) for row in rows[:limit]]
    return RedemptionPage(views, encode_cursor(rows[limit - 1]["sequence"]) if len(rows) > limit else None)


Place = tuple[datetime, int, int]
_FIRST: Place = (datetime(1970, 1, 1, tzinfo=UTC), 0, 0)
_LAST: Place = (NEVER, 0, 0)


async def open_redemptions(
    connection: Connection,
    catalog: Catalog,
    *,
    states: list[str],
    cursor: str | None,
    limit: int,
    now: datetime,
) -> RedemptionPage | Refusal:
    """One page of the redemptions that wait for somebody, those that wait longest first. Approved ones wait for their
    delivery; coupons and tickets, which wait for their members, are not among them."""
    after = _FIRST if cursor is None else _decode_place(cursor)
    if isinstance(after, Refusal):
        return after
    rows = await connection.fetch(_SQL["open_redemptions"], states, *after, limit + 1)
    return _page(catalog, rows, limit, now)


async def deliveries(
    connection: Connection, catalog: Catalog, *, cursor: str | None, limit: int, now: datetime
) -> RedemptionPage | Refusal:
    """One page of what was delivered, newest first."""
    before = _LAST if cursor is None else _decode_place(cursor)
    if isinstance(before, Refusal):
        return before
    rows = await connection.fetch(_SQL["deliveries"], *before, limit + 1)
    return _page(catalog, rows, limit, now)


def _page(catalog: Catalog, rows: list[Any], limit: int, now: datetime) -> RedemptionPage:
    views = [_view(catalog, row, now) for row in rows[:limit]]
    last = rows[limit - 1] if len(rows) > limit else None
    place = None if last is None else (last["requested_at"], last["member_id"], last["sequence"])
    return RedemptionPage(views, None if place is None else _encode_place(place))


def _view(catalog: Catalog, row: Any, now: datetime) -> RedemptionView:
    redemption = decode_redemption(row["content"])
    return view_of_redemption(row["member_id"], row["sequence"], redemption, catalog.wallet_ids, now)


async def find_coupon(connection: Connection, catalog: Catalog, text: str, now: datetime) -> CouponDetail | Refusal:
    """A coupon by its code, as people type it. Needs a snapshot."""
    code = canonical_code(text)
    digest = digest_code(code)
    row = await connection.fetchrow(_SQL["coupon"], shard_of_digest(digest, catalog.shards), digest)
    if row is None:
        return unknown_coupon(code)
    found = await find_redemption(connection, catalog, row["member_id"], row["sequence"], now)
    if isinstance(found, Refusal):
        return unknown_coupon(code)
    return CouponDetail(next(each for each in found.coupons if each.code == code), found)


_encode = msgspec.json.Encoder().encode
_decode_json = msgspec.json.Decoder(tuple[datetime, int, int]).decode


def _encode_place(place: Place) -> str:
    return write_cursor(_encode(place))


def _decode_place(cursor: str) -> Place | Refusal:
    try:
        place = _decode_json(read_cursor(cursor))
    except (ValueError, msgspec.DecodeError):
        return no_cursor()
    fits = place[0].tzinfo is not None and 0 <= place[1] < 2**63 and 0 <= place[2] < 2**31
    return place if fits else no_cursor()
