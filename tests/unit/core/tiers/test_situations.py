"""What a recalculation would change, asked without a decision."""

from __future__ import annotations

from datetime import UTC, date, datetime

from jifen.core.rules.months import Month
from jifen.core.rules.standing import NO_PROFILE, Counters
from jifen.core.tiers.situations import recalculated, situation_of
from tests.unit.core.tiers.club import opened, tier_set

NOW = datetime(2026, 3, 10, 4, tzinfo=UTC)


def test_who_moves_and_who_does_not() -> None:
    """As the command would decide it; a second time nothing is left to do."""
    sets = (opened(tier_set()),)
    counters = Counters(1, 100_000, months=(Month(202603, 1, 100_000),))
    assert recalculated(sets, {}, NO_PROFILE, Counters(months=()), {}, NOW) == []
    (change,) = recalculated(sets, {}, NO_PROFILE, counters, {}, NOW)
    assert (change.was, change.tier, change.cause) == ("regular", "silver", "recalculated")
    assert recalculated(sets, {"level": change.standing}, NO_PROFILE, counters, {}, NOW) == []


def test_profiles_are_read_where_conditions_ask() -> None:
    """And only there."""
    situation = situation_of(opened(tier_set()), NO_PROFILE, Counters(3), {1: 5}, NOW, date(2026, 3, 10))
    assert (situation.member.orders, situation.balances) == (0, {1: 5})
