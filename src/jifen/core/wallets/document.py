"""Wallets in the program file: conversion, gifts, the points bank, corrections by hand, paying with points."""

from __future__ import annotations

from decimal import Decimal
from math import gcd
from typing import Literal

import msgspec

from jifen.core.calendar import Expiry
from jifen.core.rounding import Rounding
from jifen.core.rules.document import Cap, LocalizedText

WalletKind = Literal["spendable", "qualifying"]


class Conversion(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    rename={"source": "from", "target": "to"},
):
    """How points of one wallet become points of another: `give` of the one for `get` of the other.

    Only whole steps are converted, and a step comes to a whole number of points: nothing is ever rounded but the fee,
    which is taken from what arrives (`fee_percent` of it, rounded as `fee_rounding` says, or `fee_points`): up where
    nothing is said, or whoever converts in steps small enough would pay none. `limits` count the points that are
    given.
    """

    id: str
    source: str
    target: str
    give: int
    get: int
    step: int | None = None
    least: int | None = None
    fee_percent: Decimal | None = None
    fee_points: int = 0
    fee_rounding: Rounding = "ceil"
    limits: list[Cap] = []

    @property
    def step_points(self) -> int:
        """Points are given in multiples of this; not said: the smallest that comes to whole points."""
        return self.step or self.give // gcd(self.give, self.get)

    @property
    def least_points(self) -> int:
        """The fewest points that can be given."""
        return self.least or self.step_points


class Gifts(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What members may give each other. `wallets`: from these alone; none named: from all that can be spent.

    `limits` are those of the giver, `receiver_limits` those of the receiver; who has been a member for fewer days than
    `cooling_days` (or `receiver_cooling_days`) must wait.
    """

    wallets: list[str] = []
    least: int = 1
    most: int | None = None
    limits: list[Cap] = []
    receiver_limits: list[Cap] = []
    cooling_days: int = 0
    receiver_cooling_days: int = 0


class Bank(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Savings: points that expire within `window_days` may be put aside, and then expire as `expiry` says.

    In a calendar year at most `share_percent` of what was earned in it.
    """

    wallet: str
    expiry: Expiry
    share_percent: Decimal = Decimal(50)
    window_days: int = 90


class ReasonCode(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why a balance may be corrected by hand."""

    code: str
    name: LocalizedText


class Adjustments(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Corrections by hand: above `limit_points`, up or down, they wait for a second person, `lapse_days` at most.

    Where `reasons` are declared, each correction names one of them.
    """

    limit_points: int = 5000
    reasons: list[ReasonCode] = []
    lapse_days: int = 7


class OffsetPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Paying with points at checkout: `points` pay `cents` (minor units), in steps that come to whole cents, and at
    most `most_percent` of an order's total."""

    wallet: str
    points: int
    cents: int
    step_points: int | None = None
    least_points: int | None = None
    most_percent: Decimal = Decimal(100)

    @property
    def step(self) -> int:
        """Points are taken in multiples of this; not said: the smallest that pays whole cents."""
        return self.step_points or self.points // gcd(self.points, self.cents)

    @property
    def least(self) -> int:
        """The fewest points that can be used."""
        return self.least_points or self.step
