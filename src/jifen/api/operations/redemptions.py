"""Redemptions and coupons: asked for, paid, approved, delivered, written off, cancelled, returned."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from jifen.api.answers import redemption_answer
from jifen.api.bodies import Body, RedemptionAnswer, Reference
from jifen.api.operations.base import Operation, member_of, payment_of
from jifen.core.commands import Command
from jifen.core.limits import MAXIMUM_AMOUNT, MAXIMUM_TEXT
from jifen.core.redemption.checks import MAXIMUM_PIECES
from jifen.core.redemption.codes import canonical_code
from jifen.core.redemption.commands import (
    ApproveRedemption,
    CancelRedemption,
    CancelWriteOff,
    FulfilRedemption,
    PayRedemption,
    RedeemReward,
    RejectRedemption,
    ReturnRedemption,
    WriteOffCoupon,
)
from jifen.core.redemption.quotes import read_quote
from jifen.core.refusal import Refusal
from jifen.engine.redemptions import unknown_redemption
from jifen.services.catalog import Catalog
from jifen.services.members import parse_transaction_id

RewardId = Annotated[str, Meta(pattern="^[a-z][a-z0-9_-]{0,39}$")]
Pieces = Annotated[int, Meta(ge=1, le=MAXIMUM_PIECES)]
Rung = Annotated[int, Meta(ge=0, le=99)]
SomePoints = Annotated[int, Meta(ge=0, le=MAXIMUM_AMOUNT)]
Detail = Annotated[str, Meta(min_length=1, max_length=1_000)]
Delivery = Annotated[dict[Annotated[str, Meta(min_length=1, max_length=40)], Detail], Meta(max_length=20)]
#: Whose points pay.
Purse = Literal["member", "household"]
TransactionName = Annotated[str, Meta(pattern="^[1-9][0-9]{0,18}-[1-9][0-9]{0,9}$")]


class RedeemBody(Body, frozen=True):
    """Ask for a reward. Which rung of the ladder: `price` (counted from 0), or the one of `points` a piece; none said:
    the cheapest for the member, of those paid as their first rung is (wallet, money). `quote` holds a price that was
    quoted, for one redemption; `expected_points`: what all pieces should cost, else it is refused. `from`: `household`
    takes the points of all in the member's household, all or nothing. `order_id`: the member's order that an add-on is
    taken with."""

    reward: RewardId
    quantity: Pieces = 1
    price: Rung | None = None
    points: SomePoints | None = None
    expected_points: SomePoints | None = None
    quote: Annotated[str, Meta(min_length=1, max_length=1_000)] | None = None
    from_: Purse = msgspec.field(name="from", default="member")
    order_id: Annotated[str, Meta(min_length=1, max_length=MAXIMUM_TEXT)] | None = None


class ApproveBody(Body, frozen=True):
    """Agree, in a role that the key has (`jifen keys create --role`). Whoever asked for it cannot."""


class RejectBody(Body, frozen=True):
    """Refuse; the points return to their lots."""


class PayBody(Body, frozen=True):
    """The money part was paid; `payment`: what the shop calls it. A payment counts once."""

    payment: Reference


class FulfilBody(Body, frozen=True):
    """It was delivered. `delivery` says how: `carrier` and `number` for shipping, `at` (and `place`) for a booking,
    `content` for something digital; further entries are kept."""

    delivery: Delivery = msgspec.field(default_factory=dict)


class CancelBody(Body, frozen=True):
    """End it before anything was delivered or used; the points return to their lots."""


class ReturnBody(Body, frozen=True):
    """What was delivered came back; the points return to their lots."""


class WriteOffBody(Body, frozen=True):
    """Use a coupon at a till. `amount_cents`: a part of a fixed face value, where that may be; none: all of it."""

    amount_cents: Annotated[int, Meta(ge=1, le=MAXIMUM_AMOUNT)] | None = None
    store: Annotated[str, Meta(min_length=1, max_length=MAXIMUM_TEXT)] | None = None
    order_id: Annotated[str, Meta(min_length=1, max_length=MAXIMUM_TEXT)] | None = None


class CancelWriteOffBody(Body, frozen=True):
    """Undo a write-off: the one that a transaction booked (`write_off`, needed where the coupon has several)."""

    write_off: TransactionName | None = None


def _redeem(name: str, body: RedeemBody) -> Command | Refusal:
    member = member_of(name)
    if isinstance(member, Refusal):
        return member
    return RedeemReward(
        member,
        body.reward,
        body.quantity,
        body.price,
        body.points,
        body.expected_points,
        from_household=body.from_ == "household",
        order_id=body.order_id,
    )


def _with_quote(catalog: Catalog, command: RedeemReward, body: RedeemBody) -> Command | Refusal:
    """A quote is read where its secret is known; whether it still holds is decided later, with everything else."""
    if body.quote is None:
        return command
    quote = read_quote(body.quote, catalog.quote_secret)
    return quote if isinstance(quote, Refusal) else msgspec.structs.replace(command, quote=quote)


def _step(make: Callable[[int, int, Any], Command | Refusal]) -> Callable[[str, Any], Command | Refusal]:
    def command(name: str, body: Any) -> Command | Refusal:
        found = parse_transaction_id(name)
        return unknown_redemption(name) if found is None else make(*found, body)

    return command


def _pay(member: int, sequence: int, body: PayBody) -> Command | Refusal:
    payment = payment_of(body.payment, "/payment")
    return payment if isinstance(payment, Refusal) else PayRedemption(member, sequence, payment)


def _write_off(name: str, body: WriteOffBody) -> Command | Refusal:
    return WriteOffCoupon(canonical_code(name), body.amount_cents, body.store, body.order_id)


def _cancel_write_off(name: str, body: CancelWriteOffBody) -> Command | Refusal:
    return CancelWriteOff(canonical_code(name), body.write_off)


_COUPON = {
    "code": "7K3M-Q9TX-0VBH-2R8D-WN5C",
    "face": "fixed",
    "cents": 500,
    "percent": 0,
    "remaining_cents": 500,
    "until": "2026-12-11T16:00:00Z",
    "is_partly_usable": False,
    "is_usable": True,
    "uses": [],
}
EXAMPLE_REDEMPTION = {
    "redemption_id": "100001-8",
    "member_id": "100001",
    "reward": "five-yuan",
    "kind": "coupon",
    "quantity": 1,
    "state": "approved",
    "wallet": "points",
    "points": 100,
    "cash_cents": 0,
    "requested_at": "2026-11-11T02:03:04.567Z",
    "requested_by": "key:5f0c2b7a91",
    "until": None,
    "payment": None,
    "approval": None,
    "fulfilment": "none",
    "delivery": {},
    "coupons": [_COUPON],
    "refund_cents": 0,
    "tickets_used": 0,
    "won_by": None,
    "household_id": None,
    "paid_by": [],
    "order_id": None,
}
EXAMPLE_DETAIL = EXAMPLE_REDEMPTION | {
    "steps": [
        {
            "step": "redeem",
            "state": "approved",
            "actor": "key:5f0c2b7a91",
            "at": "2026-11-11T02:03:04.567Z",
            "reason": None,
            "transaction_id": "100001-8",
        }
    ]
}
EXAMPLE_COUPON = {"coupon": _COUPON, "redemption": EXAMPLE_DETAIL}
_REDEEMED = {
    "status": "applied",
    "transaction_id": "100001-8",
    "member_id": "100001",
    "kind": "redeem",
    "occurred_at": "2026-11-11T02:03:04.567Z",
    "recorded_at": "2026-11-11T02:03:04.567Z",
    "program_version": 1,
    "balances": {"points": {"available": 1080, "pending": 0, "held": 0, "debt": 0}},
    "wallet": "points",
    "points": 100,
    "redemption": EXAMPLE_REDEMPTION,
}
_STEPPED = _REDEEMED | {"transaction_id": "100001-9", "kind": "step", "points": 0, "refers_to": "100001-8"}
_STEP_CODES = ("unknown_redemption", "step_not_allowed")
_ROLE_CODES = (*_STEP_CODES, "approval_by_requester", "already_agreed", "role_missing", "member_frozen")
_GIVES_BACK = (*_STEP_CODES, "coupon_used", "ticket_used", "balance_too_large", "amount_too_large")
_COUPON_CODES = ("unknown_coupon", "mistyped_coupon")


def _operation(
    name: str,
    verb: str,
    words: tuple[str, str],
    body: type[Body],
    codes: tuple[str, ...],
    *,
    is_body_needed: bool = False,
    **more: Any,
) -> Operation:
    """A step of a redemption."""
    example = {"reason": "as agreed by phone"} | more.pop("example", {})
    return Operation(
        name=name,
        path=f"/v1/redemptions/{{redemption_id}}/{verb}",
        summary=words[0],
        summary_zh=words[1],
        body=body,
        is_body_needed=is_body_needed,
        answer_type=RedemptionAnswer,
        answer=redemption_answer,
        codes=codes,
        example=example,
        example_answer=_STEPPED,
        **more,
    )


OPERATIONS = (
    Operation(
        name="redeem_reward",
        path="/v1/members/{member_id}/redemptions",
        summary="Redeem a reward",
        summary_zh="兑换",
        body=RedeemBody,
        answer_type=RedemptionAnswer,
        status=201,
        command=_redeem,
        refine=_with_quote,
        answer=redemption_answer,
        codes=(
            "unknown_member",
            "unknown_reward",
            "reward_retired",
            "reward_not_open",
            "not_eligible",
            "unknown_price",
            "price_changed",
            "invalid_quote",
            "quote_mismatch",
            "quote_expired",
            "quote_used",
            "unknown_wallet",
            "invalid_quantity",
            "limit_reached",
            "order_needed",
            "order_not_needed",
            "order_not_found",
            "order_given_back",
            "order_too_small",
            "order_limit_reached",
            "sold_out",
            "waiting_in_line",
            "invalid_ticket",
            "captcha_needed",
            "invalid_captcha",
            "captcha_mismatch",
            "captcha_expired",
            "captcha_used",
            "insufficient_points",
            "no_household",
        ),
        takes_ticket=True,
        takes_captcha=True,
        example={"reward": "five-yuan", "quantity": 1},
        example_answer=_REDEEMED,
    ),
    _operation(
        "approve_redemption",
        "approve",
        ("Agree to a redemption", "审批通过兑换单"),
        ApproveBody,
        _ROLE_CODES,
        command=_step(lambda member, sequence, _: ApproveRedemption(member, sequence)),
    ),
    _operation(
        "reject_redemption",
        "reject",
        ("Refuse a redemption", "驳回兑换单"),
        RejectBody,
        _ROLE_CODES,
        command=_step(lambda member, sequence, _: RejectRedemption(member, sequence)),
    ),
    _operation(
        "pay_redemption",
        "pay",
        ("Say that the money part was paid", "确认现金部分已付款"),
        PayBody,
        (*_STEP_CODES, "payment_used"),
        is_body_needed=True,
        command=_step(_pay),
        example={"payment": "wx-4200001"},
    ),
    _operation(
        "fulfil_redemption",
        "fulfil",
        ("Say that a redemption was delivered", "确认兑换单已履约"),
        FulfilBody,
        (*_STEP_CODES, "delivery_incomplete"),
        command=_step(lambda member, sequence, body: FulfilRedemption(member, sequence, body.delivery)),
        example={"delivery": {"carrier": "SF", "number": "SF1234567890"}},
    ),
    _operation(
        "cancel_redemption",
        "cancel",
        ("Cancel a redemption", "取消兑换单"),
        CancelBody,
        _GIVES_BACK,
        command=_step(lambda member, sequence, _: CancelRedemption(member, sequence)),
    ),
    _operation(
        "return_redemption",
        "return",
        ("Take back what was delivered", "退回兑换品"),
        ReturnBody,
        _GIVES_BACK,
        command=_step(lambda member, sequence, _: ReturnRedemption(member, sequence)),
    ),
    Operation(
        name="write_off_coupon",
        path="/v1/coupons/{code}/write-off",
        summary="Write a coupon off",
        summary_zh="核销优惠券",
        body=WriteOffBody,
        is_body_needed=False,
        answer_type=RedemptionAnswer,
        command=_write_off,
        answer=redemption_answer,
        codes=(
            *_COUPON_CODES,
            "coupon_used",
            "coupon_void",
            "coupon_expired",
            "coupon_exceeded",
            "coupon_not_partly_usable",
        ),
        example={"store": "SH-01", "order_id": "1001"},
        example_answer=_STEPPED,
    ),
    Operation(
        name="cancel_write_off",
        path="/v1/coupons/{code}/cancel",
        summary="Undo a write-off",
        summary_zh="撤销核销",
        body=CancelWriteOffBody,
        is_body_needed=False,
        answer_type=RedemptionAnswer,
        command=_cancel_write_off,
        answer=redemption_answer,
        codes=(*_COUPON_CODES, "step_not_allowed", "unknown_write_off", "write_off_needed"),
        example={"write_off": "100001-9", "reason": "scanned by mistake"},
        example_answer=_STEPPED,
    ),
)
