"""What conditions of tiers see."""

from __future__ import annotations

from datetime import date

import pytest

from jifen.core.rules.document import MemberField
from jifen.core.tiers.document import CalendarYear, Lifetime, RollingMonths, TierPeriod
from jifen.core.tiers.sets import first_month_of, open_tier_sets, tier_names
from tests.model.programs import WALLET_NUMBERS
from tests.unit.core.tiers.club import LEVELS, ZONE, level, opened, spent, tier_set


@pytest.mark.parametrize(
    ("period", "day", "first"),
    [
        (RollingMonths(1), date(2026, 3, 31), 202603),
        (RollingMonths(12), date(2026, 3, 1), 202504),
        (RollingMonths(13), date(2024, 2, 29), 202302),
        (CalendarYear(), date(2026, 12, 31), 202601),
        (Lifetime(), date(2026, 12, 31), 0),
    ],
)
def test_where_a_period_begins(period: TierPeriod, day: date, first: int) -> None:
    """Rolling months count the current one."""
    assert first_month_of(period, day) == first


def test_the_period_counts_what_lies_in_it() -> None:
    """`total` counts everything."""
    both = [level("x", "period.spent_cents >= 7 && total.spent_cents == 12 && period.orders == 2")]
    opened_set = opened(tier_set(RollingMonths(2), tiers=both))
    situation = spent(date(2026, 3, 5), (202512, 5), (202602, 3), (202603, 4))
    facts = opened_set.facts(situation)
    assert facts == {"period.spent_cents": 7, "period.orders": 2, "total.spent_cents": 12}
    assert opened_set.tiers[0].is_reached(facts)
    assert opened_set.counts_months


def test_names_are_typed() -> None:
    """Every wallet has its own; what tier somebody has is none of it."""
    names = tier_names(["points", "growth"], [MemberField("vip", "bool")])
    assert {"period.earned.growth", "total.earned.points", "balance.growth", "member.fields.vip"} <= names.keys()
    assert "member.tier" not in names


def test_lifetimes_by_money_need_no_months() -> None:
    """What is counted in all suffices, and nobody pays for more."""
    lifetime = opened(tier_set(Lifetime(), tiers=[level("x", "period.spent_cents >= 5 && member.orders > 1")]))
    assert not lifetime.counts_months
    assert lifetime.needs_member
    assert not opened(tier_set()).needs_member
    assert opened(tier_set(Lifetime(), tiers=[level("x", "period.earned.points >= 5")])).counts_months


def test_who_cannot_be_asked_is_neither_lifted_nor_dropped() -> None:
    """A condition that fails has not been met; to keep a tier it need not be."""
    failing = "100 / period.orders > 0"
    (tier,) = opened(tier_set(tiers=[level("x", failing, failing)])).tiers
    assert not tier.is_reached({"period.orders": 0})
    assert tier.is_kept({"period.orders": 0})


def test_the_lowest_tier_may_be_everybody_s() -> None:
    """Then nobody is ever without."""
    assert opened(tier_set()).base == "regular"
    assert opened(tier_set(tiers=LEVELS[1:])).base == ""
    assert open_tier_sets([], WALLET_NUMBERS, [], ZONE) == ()
