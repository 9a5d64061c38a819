"""The lotteries of a program as their author writes them (docs/reference/draws.md)."""

from __future__ import annotations

import msgspec

from jifen.core.redemption.document import RewardLimit
from jifen.core.rules.document import LocalizedText, Window


class DrawPrice(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What drawing once costs: points of a wallet (none named: the program's first)."""

    points: int
    wallet: str | None = None


class Prize(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What can be drawn: `points` of a wallet, a `reward`, or (neither) nothing at all.

    Its odds are `weight` of all weights together. `stock`: so many are given in all, `daily`: on a day, `per_member`:
    to each member. `cost_cents`: what it costs the merchant; not said: what its points are worth.
    """

    id: str
    name: LocalizedText
    weight: int
    points: int = 0
    wallet: str | None = None
    reward: str | None = None
    cost_cents: int | None = None
    stock: int | None = None
    daily: int | None = None
    per_member: int | None = None

    @property
    def is_nothing(self) -> bool:
        """Whether whoever draws it has missed."""
        return self.points == 0 and self.reward is None


class Pity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """After so many misses of a member in a row, the next miss gives this prize instead."""

    after: int
    prize: str


class Draw(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, rename={"audience": "for"}):
    """A lottery: its prizes with exact odds, and who may draw when, how often and for what.

    `otherwise` is the prize that is given where what was drawn cannot be: the odds of all others stay as they are.
    `ticket`: a reward of the kind lottery_ticket that pays for drawing as well, or alone.
    """

    id: str
    name: LocalizedText
    prizes: list[Prize]
    otherwise: str
    price: DrawPrice | None = None
    ticket: str | None = None
    period: Window = Window()
    audience: str | None = None
    limits: list[RewardLimit] = []
    budget_cents: int | None = None
    daily_budget_cents: int | None = None
    pity: Pity | None = None
    retired: bool = False
