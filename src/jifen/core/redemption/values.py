"""The values of redemption. All frozen; instants are UTC; money is in minor units."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal

import msgspec

from jifen.core.draws.values import Round
from jifen.core.redemption.document import ApprovalStep, CouponTerms, Delegation, FulfilmentKind, RewardKind
from jifen.core.redemption.machine import State, next_state


class CouponUse(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A write-off: the transaction that booked it, so much of the face value (0: where there is none), where, when, by
    whom."""

    sequence: int
    cents: int = 0
    store: str | None = None
    order_id: str | None = None
    at: datetime | None = None
    actor: str | None = None


class Coupon(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A code that was issued. `remaining_cents` is what is left of a fixed face value; `until` (excluded; none: for
    ever) is the end of its validity."""

    code: str
    face: Literal["fixed", "percent", "voucher"]
    cents: int = 0
    percent: int = 0
    remaining_cents: int = 0
    until: datetime | None = None
    is_partly_usable: bool = False
    uses: tuple[CouponUse, ...] = ()

    @property
    def is_used_up(self) -> bool:
        """Whether nothing of it is left."""
        return bool(self.uses) and self.remaining_cents == 0


class Agreement(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Somebody agreed, for a role of a step (counted from 0): when, and in which transaction. `roles`: all in which
    they could have, so that they count in another one where somebody who has only theirs agrees as well."""

    step: int
    role: str
    actor: str
    at: datetime | None = None
    sequence: int = 0
    roles: tuple[str, ...] = ()


class Approval(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """The flow that a redemption goes through, as it stood when the redemption was made, and who has agreed so far."""

    flow: str
    steps: tuple[ApprovalStep, ...]
    delegations: tuple[Delegation, ...] = ()
    step: int = 0
    agreements: tuple[Agreement, ...] = ()


class Payer(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Somebody else of the household who pays a part, by a transaction of their own that bound or spent it."""

    member: int
    sequence: int
    points: int


class Redemption(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """An order of a reward as it stands. Named by the transaction that asked for it; every step keeps it as a whole.

    `points` and `cash_cents` are for all pieces. `spent_by` is the transaction that spent the points (0: they are held,
    or were never spent). `until`: when time ends what it waits for. `counted` is what it uses of the limits, by
    usage name, and `taken` how many pieces of stock; both are nothing once it came to nothing. `reserved`: codes of a
    pool that are bound and not issued yet. `refund_cents`: money that the merchant owes back. `used`: how many lottery
    tickets of it were used up. `won_by`: the draw (a transaction of the member) that it was won in.
    `household`: the one whose points were asked for; `payers`: the others who pay for it. `quote`: the nonce of the
    quote that held its price. `order_id`: the order that an add-on was taken with, and `order` the transaction that
    recorded it.
    """

    reward: str
    kind: RewardKind
    quantity: int
    wallet: int
    points: int
    state: State
    requested_by: str
    requested_at: datetime
    version: int
    cash_cents: int = 0
    spent_by: int = 0
    until: datetime | None = None
    payment: str | None = None
    approval: Approval | None = None
    fulfilment: FulfilmentKind = "none"
    delivery: dict[str, str] = {}
    terms: CouponTerms | None = None
    coupons: tuple[Coupon, ...] = ()
    reserved: tuple[str, ...] = ()
    is_from_pool: bool = False
    counted: dict[str, int] = {}
    taken: int = 0
    refund_cents: int = 0
    used: int = 0
    won_by: int = 0
    household: int = 0
    payers: tuple[Payer, ...] = ()
    quote: str = ""
    order_id: str = ""
    order: str = ""

    @property
    def may_be_cancelled(self) -> bool:
        """Whether nothing of it was delivered or used, so that it can still end without anything coming back."""
        is_used = self.used or any(coupon.uses for coupon in self.coupons)
        return next_state(self.state, "cancel") is not None and not is_used

    @property
    def own_points(self) -> int:
        """What the member who asked pays."""
        return self.points - sum(each.points for each in self.payers)


class Stock(msgspec.Struct, frozen=True, gc=False):
    """Pieces of a reward that there ever were, and how many redemptions have taken."""

    pieces: int = 0
    taken: int = 0

    @property
    def left(self) -> int:
        """Pieces that can still be had; none where the stock was corrected below what is taken."""
        return max(self.pieces - self.taken, 0)


class Supplies(msgspec.Struct, frozen=True, gc=False):
    """What a decision may draw on beside the member's own: stock by reward, free codes of pools by reward in their
    order, fresh codes that nobody has seen, and the open rounds of draws."""

    stocks: Mapping[str, Stock] = {}
    pools: Mapping[str, tuple[str, ...]] = {}
    codes: tuple[str, ...] = ()
    rounds: Mapping[str, Round] = {}


NO_STOCK: Final = Stock()
NO_SUPPLIES: Final = Supplies()
encode_redemption = msgspec.json.Encoder().encode
decode_redemption = msgspec.json.Decoder(Redemption).decode
