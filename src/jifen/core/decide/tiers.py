"""Tiers within a decision: what time brings, what an event reaches, what somebody gives."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta

from jifen.core.calendar import local_day
from jifen.core.decide.context import Context, Decision, Effects
from jifen.core.decide.settle import settle
from jifen.core.ledger.values import Kind, MemberState
from jifen.core.program import Program, locally
from jifen.core.refusal import Refusal
from jifen.core.tiers.commands import GrantTier, RecalculateTiers
from jifen.core.tiers.moves import end_grant, join, part, recalculate, review, rise, stand, tier_in_force
from jifen.core.tiers.reviews import day_before, end_of_validity
from jifen.core.tiers.sets import NO_RANK, OpenTier, OpenTierSet, Situation
from jifen.core.tiers.situations import situation_of
from jifen.core.tiers.standing import Joined, Standing, TierChange


def look_at_tiers(decision: Decision) -> None:
    """Book every review and every end of a tier that was given, in turn, each with the points as they stood then.

    It comes before whatever the member does now, so that what a review finds does not depend on when it is booked.
    """
    if not decision.tiers or not _decides_tiers(decision):
        # Whoever stands nowhere is never reviewed.
        return
    now = decision.context.now
    while (due := _next_look(decision)) is not None and due[0] <= now:
        at, tier_set, standing = due
        settle(decision, until=at)
        if standing.granted_until == at:
            change = end_grant(tier_set, standing, at)
        else:
            found = review(tier_set, standing, _situation(decision, tier_set, at, day_before(at, tier_set.zone)), at)
            assert found is not None, "a review in turn always has an outcome"
            change = found
        _book(decision, change, at)


def raise_tiers(decision: Decision) -> None:
    """Rise to what is reached after all that the decision did. The awards themselves saw the tier before it."""
    if not decision.transactions or not _decides_tiers(decision):
        return
    now = decision.context.now
    for tier_set in decision.current.tier_sets:
        if tier_set.id in decision.raised:
            continue
        situation = _situation(decision, tier_set, now, local_day(now, tier_set.zone))
        change = rise(tier_set, _standing(decision, tier_set), situation, now)
        if change is not None:
            _book(decision, change, now, is_asked=_was_asked(decision))


def _was_asked(decision: Decision) -> bool:
    """Who caused what follows: whoever asked, or time, where it alone moved something."""
    return any(each.actor == decision.context.actor for each in decision.transactions)


def recalculate_tiers(decision: Decision, _: RecalculateTiers) -> Refusal | None:
    """A review out of turn by the version in force."""
    if not _decides_tiers(decision):
        return None
    now = decision.context.now
    for tier_set in decision.current.tier_sets:
        standing = _standing(decision, tier_set)
        situation = _situation(decision, tier_set, now, local_day(now, tier_set.zone))
        change = recalculate(tier_set, standing, situation, now)
        if change is not None:
            _book(decision, change, now, is_asked=True)
        if standing is None:
            # Who stood nowhere has risen as far as anybody can; a review looks back over another period.
            decision.raised |= {tier_set.id}
    return None


def join_tiers(survivor: Decision, absorbed: Decision) -> dict[str, Joined]:
    """Give the survivor of a merge whichever tiers of the other are higher; where both stood before, by set."""
    if survivor.tiers is None or absorbed.tiers is None:
        return {}
    now = survivor.context.now
    stood = {
        tier_set.id: Joined(_standing(survivor, tier_set), _standing(absorbed, tier_set))
        for tier_set in survivor.current.tier_sets
    }
    for tier_set in survivor.current.tier_sets:
        change = join(tier_set, _standing(survivor, tier_set), _standing(absorbed, tier_set), now)
        if change is not None:
            _book(survivor, change, now, is_asked=True)
    return stood


def part_tiers(survivor: Decision, stood: Mapping[str, Joined], joined_at: datetime | None) -> None:
    """Take from the survivor of a merge that is undone what came with it of tiers, or was reached together."""
    if joined_at is None or not _decides_tiers(survivor):
        return
    now = survivor.context.now
    for tier_set in survivor.current.tier_sets:
        standing = _standing(survivor, tier_set)
        if standing is None:
            continue
        situation = _situation(survivor, tier_set, now, local_day(now, tier_set.zone))
        change = part(tier_set, standing, stood.get(tier_set.id, Joined()), situation, joined_at)
        if change is not None:
            _book(survivor, change, now, is_asked=True)


def grant_tier(decision: Decision, command: GrantTier) -> Refusal | None:
    """Give a tier, or take back the one that was given. What the member earned is not touched."""
    tier_set = _set_named(decision, command.tier_set)
    if isinstance(tier_set, Refusal):
        return tier_set
    assert decision.tiers is not None
    standing = decision.tiers.get(tier_set.id)
    at = decision.context.now
    if command.tier is None:
        if standing is None or not standing.granted:
            return Refusal("tier_not_granted", "The member was given no tier that could be taken back.", "/tier")
        change = end_grant(tier_set, standing, at, "withdrawn")
    else:
        granted = _grant(decision.current, tier_set, standing, command, at)
        if isinstance(granted, Refusal):
            return granted
        change = granted
    _book(decision, change, decision.context.occurred_at, reference=command.payment_reference, is_answer=True)
    return None


def book_recorded_grant(
    program: Program, context: Context, state: MemberState, change: TierChange
) -> Effects | Refusal:
    """Give once more what was given, or take it back, whatever this program says of who may have it: somebody decided
    that, and until when. What the member earns beside it is this program's matter."""
    decision = Decision(program, context, state)
    look_at_tiers(decision)
    settle(decision)
    tier_set = _set_named(decision, change.tier_set)
    if isinstance(tier_set, Refusal):
        return tier_set
    standing, given = _standing(decision, tier_set), change.standing
    if change.cause == "granted":
        if tier_set.rank_of(given.granted) == NO_RANK:
            return _unknown_tier(tier_set, given.granted)
        is_given = {"granted": given.granted, "granted_by": given.granted_by, "granted_until": given.granted_until}
        after = stand(tier_set, standing, context.now, **is_given)
        again = TierChange(tier_set.id, tier_in_force(tier_set, standing), after.tier, "granted", after)
        _book(decision, again, context.occurred_at, is_answer=True)
    elif standing is not None and standing.granted:
        _book(decision, end_grant(tier_set, standing, context.now, "withdrawn"), context.occurred_at, is_answer=True)
    raise_tiers(decision)
    return decision.effects()


def _unknown_tier(tier_set: OpenTierSet, tier: str | None) -> Refusal:
    message = f"There is no tier {tier!r} in {tier_set.id}; known are {', '.join(tier_set.ranks)}."
    zh = f"{tier!r}；{tier_set.id} 中有 {'、'.join(tier_set.ranks)}。"
    return Refusal("unknown_tier", message, "/tier", message_zh=zh)


def _grant(
    program: Program, tier_set: OpenTierSet, standing: Standing | None, command: GrantTier, now: datetime
) -> TierChange | Refusal:
    rank = tier_set.rank_of(command.tier or "")
    if rank == NO_RANK:
        return _unknown_tier(tier_set, command.tier)
    tier = tier_set.tiers[rank]
    refusal = _check_payment(tier, command)
    if refusal is not None:
        return refusal
    earned = tier_set.base if standing is None else standing.earned
    if rank < tier_set.rank_of(earned):
        message = f"The member has earned {earned}, which is above {tier.id}; a tier that is given can only be higher."
        return Refusal("tier_below_earned", message, "/tier", {"earned": earned, "tier": tier.id})
    until = command.valid_until
    if until is None and tier.document.valid_months is not None:
        until = end_of_validity(_begin(standing, tier, now), tier.document.valid_months, tier_set.zone)
    if until is not None and until <= now:
        return Refusal("instant_in_past", "A tier cannot end before it begins: give a later instant.", "/valid_until")
    by = "manual" if tier.is_earned else tier.document.by
    if standing is not None and (refusal := _check_given(program, tier_set, standing, tier, by)):
        return refusal
    after = stand(tier_set, standing, now, granted=tier.id, granted_by=by, granted_until=until)
    return TierChange(tier_set.id, tier_in_force(tier_set, standing), after.tier, "granted", after)


def _check_payment(tier: OpenTier, command: GrantTier) -> Refusal | None:
    is_paid = tier.document.by == "paid"
    if is_paid and command.payment_reference is None:
        return Refusal("payment_missing", f"{tier.id} is paid for: say by which payment.", "/paid")
    if not is_paid and command.payment_reference is not None:
        return Refusal("tier_not_paid", f"{tier.id} is not one that is paid for.", "/paid")
    return None


def _check_given(
    program: Program, tier_set: OpenTierSet, standing: Standing, tier: OpenTier, by: str
) -> Refusal | None:
    """Refuse to replace what was given by something lower, or what was paid for by something that is not: nobody loses
    that unawares. Whoever means it takes it back first."""
    given = tier_set.rank_of(standing.granted)
    if given == NO_RANK or standing.granted == tier.id:
        return None
    if tier.rank > given and not (standing.granted_by == "paid" and by != "paid"):
        return None
    until = None if standing.granted_until is None else locally(program, standing.granted_until)
    lasts = "without an end" if until is None else f"until {until}"
    message = f"The member was given {standing.granted}, {lasts}, which {tier.id} would replace: take it back first."
    details: dict[str, object] = {"given": standing.granted, "tier": tier.id}
    if until is not None:
        details["until_locally"] = until
    return Refusal("tier_given", message, "/tier", details)


def _begin(standing: Standing | None, tier: OpenTier, now: datetime) -> datetime:
    """From when a tier is given: the same one again prolongs it, through the same day, so that who pays early neither
    loses nor gains a day (what was given ends as the next day begins)."""
    if standing is None or standing.granted != tier.id or standing.granted_until is None:
        return now
    return max(standing.granted_until - timedelta.resolution, now)


def _set_named(decision: Decision, name: str | None) -> OpenTierSet | Refusal:
    sets = {each.id: each for each in decision.current.tier_sets} if _decides_tiers(decision) else {}
    found = sets.get(name) if name is not None else next(iter(sets.values()), None)
    if found is None:
        message = f"There is no tier set {name or 'yet'!r}; known are {', '.join(sets) or 'none'}."
        asked = "" if name is None else f"{name!r}；"
        zh = f"{asked}积分计划的等级体系：{'、'.join(sets) or '无'}。"
        return Refusal("unknown_tier_set", message, "/set", message_zh=zh)
    return found


def _decides_tiers(decision: Decision) -> bool:
    """Whether all is known that tiers ask for."""
    program = decision.current
    if not program.tier_sets or decision.tiers is None:
        return False
    return not program.counts_months or decision.counters.months is not None


def _standing(decision: Decision, tier_set: OpenTierSet) -> Standing | None:
    return None if decision.tiers is None else decision.tiers.get(tier_set.id)


def _next_look(decision: Decision) -> tuple[datetime, OpenTierSet, Standing] | None:
    looks = [
        (standing.look_at, position, tier_set, standing)
        for position, tier_set in enumerate(decision.current.tier_sets)
        if (standing := _standing(decision, tier_set)) is not None and standing.look_at is not None
    ]
    found = min(looks, default=None, key=lambda each: each[:2])
    return None if found is None or found[0] is None else (found[0], found[2], found[3])


def _situation(decision: Decision, tier_set: OpenTierSet, at: datetime, day: date) -> Situation:
    balances = decision.journal.balances() if tier_set.needs_balances else {}
    return situation_of(tier_set, decision.state.profile, decision.counters, balances, at, day)


def _book(
    decision: Decision,
    change: TierChange,
    occurred_at: datetime,
    *,
    reference: str | None = None,
    is_answer: bool = False,
    is_asked: bool = False,
) -> None:
    decision.begin()
    decision.end(
        Kind.TIER,
        occurred_at,
        tier=change,
        reference=reference,
        is_answer=is_answer,
        is_asked=is_asked,
        program=decision.current,
    )
    decision.tiers = {**(decision.tiers or {}), change.tier_set: change.standing}
