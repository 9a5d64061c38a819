"""What is known of a member, as conditions of tiers see it; and what a recalculation would change."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Final

from jifen.core.calendar import local_day
from jifen.core.rules.facts import MemberFacts
from jifen.core.rules.standing import Counters, Profile, facts_of
from jifen.core.tiers.moves import after_grace, recalculate
from jifen.core.tiers.sets import OpenTierSet, Situation
from jifen.core.tiers.standing import Standing, TierChange

_NOBODY: Final = MemberFacts()


def situation_of(
    tier_set: OpenTierSet,
    profile: Profile,
    counters: Counters,
    balances: Mapping[int, int],
    at: datetime,
    day: date,
) -> Situation:
    """What a set's conditions may ask at an instant, looking back from a local day."""
    member = facts_of(profile, counters, day) if tier_set.needs_member else _NOBODY
    return Situation(counters, balances, member, day, at)


def foreseen(
    tier_sets: tuple[OpenTierSet, ...],
    standings: Mapping[str, Standing],
    profile: Profile,
    counters: Counters,
    balances: Mapping[int, int],
    now: datetime,
) -> list[tuple[TierChange, str]]:
    """What a recalculation changes of a member to whom nothing is due, with the tier to which that leads: at once, or
    when the days of grace that it grants are over."""
    found = []
    for tier_set in tier_sets:
        situation = situation_of(tier_set, profile, counters, balances, now, local_day(now, tier_set.zone))
        change = recalculate(tier_set, standings.get(tier_set.id), situation, now)
        if change is not None:
            is_put_off = change.cause == "grace"
            tier = after_grace(tier_set, change.standing, situation) if is_put_off else change.tier
            found.append((change, tier))
    return found
