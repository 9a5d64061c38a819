"""A shop with tiers, for tests of the pure core."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import msgspec

from jifen.core.program import EarningRule, LocalizedText, ProgramDocument, Ratio, check_document
from jifen.core.rules.facts import MemberFacts
from jifen.core.rules.months import Month
from jifen.core.rules.standing import Counters
from jifen.core.tiers.document import Benefits, Downgrade, RollingMonths, TierLevel, TierPeriod, TierSet
from jifen.core.tiers.sets import OpenTierSet, Situation, open_tier_sets
from tests.model.programs import WALLET_NUMBERS, make_document

ZONE = ZoneInfo("Asia/Shanghai")
YEAR = RollingMonths(12)


def named(text: str) -> LocalizedText:
    """The same in both languages."""
    return LocalizedText(text, text)


def level(
    name: str, qualify: str | None = None, keep: str | None = None, coefficient: Decimal | None = None
) -> TierLevel:
    """A tier that is earned."""
    return TierLevel(name, named(name), qualify, keep, benefits=Benefits(coefficient=coefficient))


LEVELS = [
    level("regular"),
    level("silver", "period.spent_cents >= 100000"),
    level("gold", "period.spent_cents >= 500000", coefficient=Decimal("1.5")),
    TierLevel("black", named("black"), by="manual"),
    TierLevel("plus", named("plus"), by="paid", valid_months=12),
]


def tier_set(
    period: TierPeriod = YEAR, downgrade: Downgrade | None = None, tiers: Sequence[TierLevel] = LEVELS
) -> TierSet:
    """Regular, silver and gold by what was spent; black by hand, plus for a fee."""
    return TierSet("level", named("level"), list(tiers), period, downgrade or Downgrade("to_earned"))


def club(*sets: TierSet) -> ProgramDocument:
    """A point a yuan, two of growth value; the tier sets."""
    plain = make_document()
    document = msgspec.structs.replace(
        plain,
        earning=[*plain.earning, EarningRule("growing", "growth", Ratio(2, 100))],
        tier_sets=list(sets or (tier_set(),)),
    )
    check_document(document)
    return document


def opened(document: TierSet) -> OpenTierSet:
    """The set, ready for asking."""
    return open_tier_sets([document], WALLET_NUMBERS, [], ZONE)[0]


def spent(day: date, *months: tuple[int, int]) -> Situation:
    """The situation of somebody who spent so many cents in these months."""
    counted = tuple(Month(month, 1, cents) for month, cents in months)
    counters = Counters(len(months), sum(cents for _, cents in months), months=counted)
    instant = datetime(day.year, day.month, day.day, 12, tzinfo=ZONE)
    return Situation(counters, {}, MemberFacts(), day, instant)
