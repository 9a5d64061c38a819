"""From an order to awards: the one place that says how many points an order gives."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from jifen.core.calendar import days_later, expires_at
from jifen.core.ledger.values import LotTerms
from jifen.core.orders import OrderLine
from jifen.core.program import EarningRule, Program
from jifen.core.rounding import divide


class Award(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What one rule gives for one event: points for a wallet (by number). `rated_cents` is the money it rated."""

    rule: str
    wallet: int
    points: int
    rated_cents: int


def rate_order(program: Program, lines: Sequence[OrderLine]) -> list[Award]:
    """The awards that this version of the program gives for these lines. Depends on nothing else."""
    return [_award(rule, wallet, lines) for rule, wallet in program.earning]


def _award(rule: EarningRule, wallet: int, lines: Sequence[OrderLine]) -> Award:
    ratio = rule.ratio
    total_cents = sum(line.paid_cents for line in lines)
    if rule.basis == "order":
        points = divide(total_cents * ratio.points, ratio.per_cents, rule.rounding)
    else:
        points = sum(divide(line.paid_cents * ratio.points, ratio.per_cents, rule.rounding) for line in lines)
    return Award(rule.id, wallet, points, total_cents)


def terms_of_award(program: Program, rule: EarningRule, occurred_at: datetime) -> LotTerms:
    """The terms of the lot that an award of this rule opens, for an event of this instant.

    Both the end of the pending period and the expiry count from when the event happened, however late it arrives.
    """
    effective_at = days_later(occurred_at, rule.pending_days, program.zone) if rule.pending_days else occurred_at
    return LotTerms(occurred_at, effective_at, expires_at(rule.expiry, occurred_at, program.zone))
