"""What a recalculation would change, asked without a decision."""

from __future__ import annotations

from datetime import UTC, date, datetime

import msgspec

from jifen.core.rules.months import Month
from jifen.core.rules.standing import NO_PROFILE, Counters
from jifen.core.tiers.document import Downgrade
from jifen.core.tiers.situations import foreseen, situation_of
from tests.unit.core.tiers.club import LEVELS, opened, tier_set

NOW = datetime(2026, 3, 10, 4, tzinfo=UTC)


def test_who_moves_and_who_does_not() -> None:
    """As the command would decide it; a second time nothing is left to do."""
    sets = (opened(tier_set()),)
    counters = Counters(1, 100_000, months=(Month(202603, 1, 100_000),))
    assert foreseen(sets, {}, NO_PROFILE, Counters(months=()), {}, NOW) == []
    ((change, _),) = foreseen(sets, {}, NO_PROFILE, counters, {}, NOW)
    assert (change.was, change.tier, change.cause) == ("regular", "silver", "recalculated")
    assert foreseen(sets, {"level": change.standing}, NO_PROFILE, counters, {}, NOW) == []


def test_where_days_of_grace_lead() -> None:
    """To the tier that is left when they are over; whoever moves at once is there already."""
    counters = Counters(1, 100_000, months=(Month(202603, 1, 100_000),))
    ((silver, _),) = foreseen((opened(tier_set()),), {}, NO_PROFILE, counters, {}, NOW)
    for grace_days in (0, 30):
        levels = [
            msgspec.structs.replace(level, qualify="period.spent_cents >= 200000") if level.id == "silver" else level
            for level in LEVELS
        ]
        strict = tier_set(downgrade=Downgrade("to_earned", grace_days=grace_days), tiers=levels)
        found = foreseen((opened(strict),), {"level": silver.standing}, NO_PROFILE, counters, {}, NOW)
        ((change, tier),) = found
        assert (change.was, tier) == ("silver", "regular")
        assert (change.tier, change.cause) == (("silver", "grace") if grace_days else ("regular", "recalculated"))


def test_profiles_are_read_where_conditions_ask() -> None:
    """And only there."""
    situation = situation_of(opened(tier_set()), NO_PROFILE, Counters(3), {1: 5}, NOW, date(2026, 3, 10))
    assert (situation.member.orders, situation.balances) == (0, {1: 5})
