"""The rewards of a program as their author writes them (docs/reference/rewards.md)."""

from __future__ import annotations

from typing import Literal

import msgspec

from jifen.core.rules.document import LocalizedText, Window

RewardKind = Literal["goods", "coupon", "service", "virtual", "lottery_ticket", "donation", "add_on"]
FulfilmentKind = Literal["none", "shipping", "booking", "digital"]
StockKind = Literal["none", "counted", "codes"]
#: How much work a captcha asks for.
Captcha = Literal["easy", "normal", "hard"]
LimitPeriod = Literal["day", "week", "month", "year", "lifetime"]


class Price(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, rename={"audience": "for"}):
    """One rung of a ladder: points of a wallet (none named: the program's first), money on top in minor units, and for
    which members it is (`for`, a condition on the member; none: everybody)."""

    points: int
    wallet: str | None = None
    cash_cents: int = 0
    audience: str | None = None


class RewardLimit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """At most so many pieces for each member in a period of the program's calendar."""

    most: int
    period: LimitPeriod = "lifetime"


class CouponTerms(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a coupon is worth: `fixed` so many `cents`, `percent` off, or a `voucher` for something.

    Valid through the end of the day `valid_days` after it is issued (none: for ever). `is_partly_usable`: a fixed
    amount may be used up in parts.
    """

    face: Literal["fixed", "percent", "voucher"]
    cents: int = 0
    percent: int = 0
    valid_days: int | None = None
    is_partly_usable: bool = False


class AddOnTerms(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """With which orders an add-on can be taken: `most` pieces with each, and only where at least `from_cents` (minor
    units) of money are paid for what remains of the order."""

    most: int = 1
    from_cents: int = 0


class Reward(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, rename={"audience": "for"}):
    """Something that points buy.

    `for` says which members may have it, `hidden` that nobody else gets to see it (nor anybody to whom no tier opens
    it, where tiers do). `approval` names the flow that decides on it; none named: the first flow whose condition holds.
    `captcha`: whoever redeems it over HTTP must have done so much work. `add_on`: with which orders an add-on can be
    taken. A retired reward stays known and is not given any more.
    """

    id: str
    kind: RewardKind
    name: LocalizedText
    prices: list[Price]
    description: LocalizedText | None = None
    pictures: list[str] = []
    category: str | None = None
    period: Window = Window()
    audience: str | None = None
    hidden: bool = False
    limits: list[RewardLimit] = []
    stock: StockKind = "none"
    coupon: CouponTerms | None = None
    approval: str | None = None
    fulfilment: FulfilmentKind = "none"
    payment_minutes: int = 30
    retired: bool = False
    captcha: Captcha | None = None
    add_on: AddOnTerms | None = None


def terms_of_add_on(reward: Reward) -> AddOnTerms | None:
    """With which orders a reward is taken; None: it is no add-on."""
    return (reward.add_on or AddOnTerms()) if reward.kind == "add_on" else None


class Delegation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whoever has the role `to` may approve as if they had `role`."""

    role: str
    to: str


class ApprovalStep(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Who must agree: `any` of the roles, or `all` of them, each by another person. After `hours` (none: it waits for
    ever) time agrees (`approve`) or ends the redemption (`expire`)."""

    roles: list[str]
    needs: Literal["any", "all"] = "any"
    hours: int | None = None
    on_timeout: Literal["approve", "expire"] = "expire"


class ApprovalFlow(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Steps, one after another, that redemptions need for which `when` holds (none: those of rewards that name it)."""

    id: str
    steps: list[ApprovalStep]
    when: str | None = None
    delegations: list[Delegation] = []
