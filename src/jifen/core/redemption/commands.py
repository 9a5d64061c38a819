"""What can be asked of rewards, redemptions and coupons."""

from __future__ import annotations

import msgspec

from jifen.core.identity import MemberReference
from jifen.core.redemption.quotes import Quote


class RedeemReward(msgspec.Struct, frozen=True, gc=False):
    """A member asks for a reward. The rung of the ladder: `price` (counted from 0), else the one of `points` a piece,
    else the cheapest that is for the member. `expected_points`: what all pieces together should cost, or it is refused.
    `from_household`: with the points of all in the member's `household`, which is filled in by whoever looked it up.
    `order_id`: the order that an add-on is taken with.
    """

    member: MemberReference
    reward: str
    quantity: int = 1
    price: int | None = None
    points: int | None = None
    expected_points: int | None = None
    quote: Quote | None = None
    from_household: bool = False
    household: int = 0
    order_id: str | None = None


class ApproveRedemption(msgspec.Struct, frozen=True, gc=False):
    """Agree to a redemption, in one of the roles that the caller has."""

    member: int
    redemption: int


class RejectRedemption(msgspec.Struct, frozen=True, gc=False):
    """Refuse a redemption: the points return to their lots."""

    member: int
    redemption: int


class PayRedemption(msgspec.Struct, frozen=True, gc=False):
    """The money part was paid; `payment` is what the shop calls it. It pays for one thing, once."""

    member: int
    redemption: int
    payment: str


class FulfilRedemption(msgspec.Struct, frozen=True, gc=False):
    """It was shipped, booked or delivered; `delivery` says how (carrier, number, place, time, link)."""

    member: int
    redemption: int
    delivery: dict[str, str] = {}


class CancelRedemption(msgspec.Struct, frozen=True, gc=False):
    """The member does not want it after all, or cannot have it; nothing was delivered or used. `order_id`: the order
    with which it ends, as that was given back."""

    member: int
    redemption: int
    order_id: str | None = None


class ReturnRedemption(msgspec.Struct, frozen=True, gc=False):
    """What was delivered came back: the points return to their lots."""

    member: int
    redemption: int


class SettleRedemption(msgspec.Struct, frozen=True, gc=False):
    """Book what time has done to a redemption: payment or approval that did not come."""

    member: int
    redemption: int


class WriteOffCoupon(msgspec.Struct, frozen=True, gc=False):
    """A coupon is used at a till, all of it or (where it may be) a part. `code` is canonical."""

    code: str
    amount_cents: int | None = None
    store: str | None = None
    order_id: str | None = None
    member: None = None


class CancelWriteOff(msgspec.Struct, frozen=True, gc=False):
    """Undo a write-off of a coupon: the one that a transaction (by its id) booked; none said: the only one there is."""

    code: str
    write_off: str | None = None
    member: None = None


StepCommand = (
    ApproveRedemption
    | RejectRedemption
    | PayRedemption
    | FulfilRedemption
    | CancelRedemption
    | ReturnRedemption
    | SettleRedemption
)
CouponCommand = WriteOffCoupon | CancelWriteOff
RedemptionCommand = RedeemReward | StepCommand | CouponCommand
