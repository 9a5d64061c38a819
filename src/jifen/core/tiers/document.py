"""Tier sets as the author of a program writes them (docs/reference/tiers.md)."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import msgspec

from jifen.core.rules.document import LocalizedText

#: How a member comes to a tier: by what they did, or because somebody gave it to them.
By = Literal["earned", "manual", "invited", "paid"]


class RollingMonths(msgspec.Struct, frozen=True, tag_field="kind", tag="rolling_months", forbid_unknown_fields=True):
    """The current local month and the `months` - 1 before it."""

    months: int


class CalendarYear(msgspec.Struct, frozen=True, tag_field="kind", tag="calendar_year", forbid_unknown_fields=True):
    """The local year, from 1 January."""


class Lifetime(msgspec.Struct, frozen=True, tag_field="kind", tag="lifetime", forbid_unknown_fields=True):
    """Everything since the member came."""


TierPeriod = RollingMonths | CalendarYear | Lifetime


class Downgrade(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Whether and when members fall.

    `policy`: `never`; `to_earned`: to the tier that they would keep; `one_step`: to the next lower one. `review`: at
    the end of the period (of the year, or so many months after the tier was reached), or each month on `day`.
    `grace_days`: so long a tier stays after a review that did not find it earned.
    """

    policy: Literal["never", "to_earned", "one_step"] = "never"
    review: Literal["period_end", "monthly"] = "period_end"
    day: int = 1
    grace_days: int = 0


class Benefits(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a tier brings. The coefficients become rules of the program; the rest is data for whoever serves members.

    `own_contact` is whom members of the tier may turn to; `opened_rewards` are rewards that nobody else sees.
    """

    coefficient: Decimal | None = None
    birthday_coefficient: Decimal | None = None
    discount_percent: Decimal | None = None
    early_access_hours: int = 0
    badge: str | None = None
    title: LocalizedText | None = None
    own_contact: str | None = None
    opened_rewards: list[str] = []


class TierLevel(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A tier of a set; its rank is its place in the list, the lowest first.

    `qualify` says when it is reached and `keep` (none: the same) when a review finds it still earned. The lowest tier
    needs no condition: without one everybody has it. `valid_months` is how long one that is given lasts, where whoever
    gives it does not say.
    """

    id: str
    name: LocalizedText
    qualify: str | None = None
    keep: str | None = None
    by: By = "earned"
    valid_months: int | None = None
    benefits: Benefits = Benefits()


class TierSet(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Tiers that exclude each other, over which period they are earned, and how members fall."""

    id: str
    name: LocalizedText
    tiers: list[TierLevel]
    period: TierPeriod = Lifetime()
    downgrade: Downgrade = Downgrade()
