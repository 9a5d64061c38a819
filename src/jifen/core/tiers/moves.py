"""How members rise and fall: one pure function for each occasion, from a standing to what changes of it.

The same functions serve the live event, the review that time brings, the preview of a draft and the recalculation.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from jifen.core.calendar import local_day
from jifen.core.tiers.reviews import day_before, end_of_grace
from jifen.core.tiers.sets import NO_RANK, OpenTier, OpenTierSet, Situation
from jifen.core.tiers.standing import Cause, Joined, Standing, TierChange

#: What conditions see, as it is kept with a change.
_KEPT: Final = (bool, int, str)
#: What a standing says of the tier that was earned, and of the one that was given where there is none.
_EARNED: Final = ("earned", "earned_since", "confirmed_at", "review_at", "grace_from")
_NO_GRANT: Final[dict[str, Any]] = {"granted": "", "granted_by": "manual", "granted_until": None}


def tier_in_force(tier_set: OpenTierSet, standing: Standing | None) -> str:
    """The tier that a member has in a set; empty: none."""
    return tier_set.base if standing is None else standing.tier


def stand(tier_set: OpenTierSet, before: Standing | None, at: datetime, **changes: Any) -> Standing:
    """A standing after some of what leads to it has changed: the higher of what was earned and what was given."""
    was = before or Standing(tier_set.base, at, earned=tier_set.base)
    now = msgspec.structs.replace(was, **changes)
    is_granted = now.granted != "" and tier_set.rank_of(now.granted) >= tier_set.rank_of(now.earned)
    tier = now.granted if is_granted else now.earned
    return msgspec.structs.replace(
        now,
        tier=tier,
        since=was.since if before is not None and tier == before.tier else at,
        by=now.granted_by if is_granted else "earned",
        valid_until=now.granted_until if is_granted else now.review_at,
    )


def rise(
    tier_set: OpenTierSet, standing: Standing | None, situation: Situation, now: datetime, cause: Cause = "earned"
) -> TierChange | None:
    """The rise to the highest tier that is earned, where that is above the one that was."""
    rank = tier_set.rank_of(tier_set.base if standing is None else standing.earned)
    if not tier_set.may_rise(rank, situation):
        return None
    return _rise(tier_set, standing, tier_set.facts(situation), now, cause)


def _rise(
    tier_set: OpenTierSet, standing: Standing | None, facts: dict[str, Any], now: datetime, cause: Cause
) -> TierChange | None:
    rank = tier_set.rank_of(tier_set.base if standing is None else standing.earned)
    for tier in reversed(tier_set.tiers):
        if tier.rank <= rank:
            return None
        if tier.is_reached(facts):
            return _moved(tier_set, standing, tier, now, cause, facts)
    return None


def review(
    tier_set: OpenTierSet, standing: Standing, situation: Situation, at: datetime, cause: Cause = "review"
) -> TierChange | None:
    """What a review finds: risen, kept, kept for the days of grace, or fallen as the set's policy says.

    None only where nothing is to be noted: out of turn (`recalculated`), when everything stays as it is.
    """
    is_in_turn = cause == "review"
    first = standing.grace_from
    if first is None and not is_in_turn:
        # What was earned in a period that is over was earned: the new conditions look at that period as well.
        day = day_before(standing.confirmed_at or standing.since, tier_set.zone)
        first = tier_set.first_month(day)
    facts = tier_set.facts(situation, first)
    risen = _rise(tier_set, standing, facts, at, cause)
    if risen is not None:
        return risen
    rank = tier_set.rank_of(standing.earned)
    tier = tier_set.tiers[rank] if rank != NO_RANK else None
    policy = tier_set.document.downgrade
    if tier is None or policy.policy == "never" or tier.is_kept(facts):
        return _kept(tier_set, standing, tier, facts, at, is_in_turn=is_in_turn)
    if standing.grace_from is not None and not is_in_turn:
        return None
    if policy.grace_days and standing.grace_from is None:
        first = tier_set.first_month(situation.day) if first is None else first
        return _put_off(tier_set, standing, tier, first, facts, at)
    lower = _lower(tier_set, tier, facts)
    return _moved(tier_set, standing, lower, at, cause, facts, because=tier)


def recalculate(
    tier_set: OpenTierSet, standing: Standing | None, situation: Situation, now: datetime
) -> TierChange | None:
    """What a review out of turn changes, after the conditions have changed; None: nothing."""
    if standing is None:
        return rise(tier_set, None, situation, now, "recalculated")
    return review(tier_set, standing, situation, now, "recalculated")


def after_grace(tier_set: OpenTierSet, standing: Standing, situation: Situation) -> str:
    """The tier that is in force when the days of grace are over, if nothing changes until then."""
    tier = tier_set.tiers[tier_set.rank_of(standing.earned)]
    lower = _lower(tier_set, tier, tier_set.facts(situation, standing.grace_from))
    return stand(tier_set, standing, situation.at, earned="" if lower is None else lower.id).tier


def end_grant(tier_set: OpenTierSet, standing: Standing, at: datetime, cause: Cause = "ended") -> TierChange:
    """What was given is over, or taken back: what was earned is in force again."""
    after = stand(tier_set, standing, at, granted="", granted_by="manual", granted_until=None)
    return TierChange(tier_set.id, standing.tier, after.tier, cause, after)


def join(tier_set: OpenTierSet, here: Standing | None, there: Standing | None, at: datetime) -> TierChange | None:
    """What changes for a member into whom another one is merged: the higher of what each earned, and of what each was
    given, with its own time."""
    if there is None:
        return None
    changes: dict[str, Any] = {}
    if tier_set.rank_of(there.earned) > tier_set.rank_of(tier_set.base if here is None else here.earned):
        changes |= {name: getattr(there, name) for name in _EARNED}
    if tier_set.rank_of(there.granted) > tier_set.rank_of("" if here is None else here.granted):
        changes |= _grant_of(there)
    if not changes:
        return None
    after = stand(tier_set, here, at, **changes)
    return TierChange(tier_set.id, tier_in_force(tier_set, here), after.tier, "merged", after)


def part(
    tier_set: OpenTierSet, standing: Standing, joined: Joined, situation: Situation, joined_at: datetime
) -> TierChange | None:
    """What changes for the survivor when the member who was merged goes again: what came with that member goes, and
    what it had replaced is there again, unless that has ended. What the survivor was given, lost or earned itself since
    stays. `situation`: the survivor's alone."""
    here, there, at = joined.here, joined.there, situation.at
    changes: dict[str, Any] = {}
    if there is not None and tier_set.rank_of(there.granted) > tier_set.rank_of("" if here is None else here.granted):
        is_as_it_came = _grant_of(standing) == _grant_of(there)
        is_over = not standing.granted and there.granted_until is not None and there.granted_until <= at
        if is_as_it_came or is_over:
            changes |= _NO_GRANT if here is None or _is_over(here, at) else _grant_of(here)
    before = Standing(tier_set.base, at, earned=tier_set.base) if here is None else here
    if tier_set.rank_of(standing.earned) > tier_set.rank_of(before.earned) and not _earned_alone(
        tier_set, standing, situation, joined_at
    ):
        changes |= {name: getattr(before, name) for name in _EARNED}
    after = stand(tier_set, standing, at, **changes)
    if all(getattr(standing, name) == value for name, value in changes.items()):
        return None
    if after.tier == before.tier:
        after = msgspec.structs.replace(after, since=before.since)
    return TierChange(tier_set.id, standing.tier, after.tier, "parted", after)


def _earned_alone(tier_set: OpenTierSet, standing: Standing, situation: Situation, joined_at: datetime) -> bool:
    """Whether the survivor of a merge reached its tier since, and by what is its own."""
    if standing.earned_since is None or standing.earned_since <= joined_at:
        return False
    rank = tier_set.rank_of(standing.earned)
    first = tier_set.first_month(day_before(standing.confirmed_at or standing.since, tier_set.zone))
    return rank != NO_RANK and tier_set.tiers[rank].is_reached(tier_set.facts(situation, first))


def _grant_of(standing: Standing) -> dict[str, Any]:
    return {name: getattr(standing, name) for name in _NO_GRANT}


def _is_over(standing: Standing, at: datetime) -> bool:
    return standing.granted_until is not None and standing.granted_until <= at


def _moved(
    tier_set: OpenTierSet,
    standing: Standing | None,
    tier: OpenTier | None,
    at: datetime,
    cause: Cause,
    facts: Mapping[str, Any],
    *,
    because: OpenTier | None = None,
) -> TierChange:
    """To another tier (None: to none at all), because its condition holds, or that of the one before does not."""
    earned = "" if tier is None else tier.id
    day = local_day(at, tier_set.zone)
    is_lowest = tier is None or (tier.rank == 0 and tier.qualify is None)
    after = stand(
        tier_set,
        standing,
        at,
        earned=earned,
        earned_since=at,
        confirmed_at=at,
        review_at=None if is_lowest else tier_set.next_review(day, at),
        grace_from=None,
    )
    return _change(tier_set, standing, after, cause, because or tier, facts)


def _kept(
    tier_set: OpenTierSet,
    standing: Standing,
    tier: OpenTier | None,
    facts: Mapping[str, Any],
    at: datetime,
    *,
    is_in_turn: bool,
) -> TierChange | None:
    reached_on = local_day(standing.earned_since or standing.since, tier_set.zone)
    is_lowest = tier is None or (tier.rank == 0 and tier.qualify is None)
    review_at = None if is_lowest else tier_set.next_review(reached_on, at)
    if not is_in_turn and review_at == standing.review_at and standing.grace_from is None:
        return None
    confirmed_at = at if is_in_turn or standing.grace_from is not None else standing.confirmed_at
    after = stand(tier_set, standing, at, review_at=review_at, confirmed_at=confirmed_at, grace_from=None)
    return _change(tier_set, standing, after, "kept" if is_in_turn else "recalculated", tier, facts)


def _put_off(
    tier_set: OpenTierSet,
    standing: Standing,
    tier: OpenTier,
    first_month: int,
    facts: Mapping[str, Any],
    at: datetime,
) -> TierChange:
    days = tier_set.document.downgrade.grace_days
    after = stand(
        tier_set,
        standing,
        at,
        review_at=end_of_grace(at, days, tier_set.zone),
        grace_from=first_month,
    )
    return _change(tier_set, standing, after, "grace", tier, facts)


def _lower(tier_set: OpenTierSet, tier: OpenTier, facts: Mapping[str, Any]) -> OpenTier | None:
    """The tier to which somebody falls who does not keep this one."""
    below = [each for each in reversed(tier_set.tiers[: tier.rank]) if each.is_earned]
    if tier_set.document.downgrade.policy == "one_step":
        return below[0] if below else None
    return next((each for each in below if each.is_kept(facts)), None)


def _change(
    tier_set: OpenTierSet,
    before: Standing | None,
    after: Standing,
    cause: Cause,
    tier: OpenTier | None,
    facts: Mapping[str, Any],
) -> TierChange:
    condition = None if tier is None else (tier.keep or tier.qualify if cause != "earned" else tier.qualify)
    names = frozenset() if condition is None else condition.names
    kept = {name: facts[name] for name in sorted(names) if isinstance(facts[name], _KEPT)}
    was = tier_in_force(tier_set, before)
    return TierChange(tier_set.id, was, after.tier, cause, after, None if condition is None else condition.source, kept)
