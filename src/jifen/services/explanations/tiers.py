"""Changes of tiers in words, and what a member is short of the next one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from jifen.core.calendar import start_of_day
from jifen.core.conditions import Condition
from jifen.core.tiers.document import TierLevel, TierSet
from jifen.core.tiers.missing import Shortfall
from jifen.core.tiers.standing import TierChange
from jifen.services.explanations.common import Telling, circumstances
from jifen.services.explanations.told import Told
from jifen.services.explanations.words import Words


def tell_tier(words: Words, told: Told) -> Telling:
    """A transaction that changed a tier."""
    change = told.trace.tier
    assert change is not None
    tier_set = _set_of(words, change.tier_set)
    was, tier = tier_name(words, tier_set, change.was), tier_name(words, tier_set, change.tier)
    outcome = _outcome(tier_set, change)
    lines = circumstances(words, told) if words.reader == "operator" else []
    lines.append(words.say(f"tier_{change.cause}", was=was, tier=tier, instant=words.instant(told.occurred_at)))
    if words.reader == "operator" and change.condition is not None:
        facts = words.join(f"{words.fact(name)} = {words.value_of(name, each)}" for name, each in change.facts.items())
        condition = _condition_in_words(words, change.tier_set, change.condition)
        lines.append(words.say("tier_condition", condition=condition, facts=facts or words.say("nothing")))
    if told.trace.reference is not None:
        lines.append(words.say("reference", reference=told.trace.reference))
    if change.standing.valid_until is not None:
        lines.append(words.say("tier_until", tier=tier, until=_until(words, change.standing.valid_until)))
    return Telling(words.say(f"title_tier_{outcome}", was=was, tier=tier), lines)


def tier_name(words: Words, tier_set: TierSet | None, tier: str) -> str:
    """The name of a tier, else its id; of none at all a word."""
    if not tier:
        return words.say("tier_none")
    found = level_of(tier_set, tier)
    return tier if found is None else words.text(found.name)


def level_of(tier_set: TierSet | None, tier: str) -> TierLevel | None:
    """A tier of a set by its id."""
    return None if tier_set is None else next((each for each in tier_set.tiers if each.id == tier), None)


def shortfall_words(words: Words, tier: TierLevel, found: Sequence[Shortfall], condition: Condition) -> str:
    """What is missing for a tier: one way or several, or the condition itself where no single way leads there."""
    name = words.text(tier.name)
    if not found:
        return words.say("missing_condition", tier=name, condition=words.conditions([condition]))
    return words.say("missing", tier=name, ways=words.say("missing_or").join(_way(words, each) for each in found))


def _way(words: Words, shortfall: Shortfall) -> str:
    fact, short = shortfall.fact, shortfall.short
    if "spent_cents" in fact:
        return words.say("missing_spent", money=words.money(short))
    if fact.endswith(".orders"):
        return words.counted("missing_orders", short)
    wallet = fact.removeprefix("balance.").rpartition("earned.")[2]
    number = words.program.wallet_numbers.get(wallet)
    if number is not None:
        return words.say("missing_points", points=words.points(number, short))
    return words.say("missing_fact", fact=words.fact(fact), needed=f"{shortfall.needed:,}")


def _outcome(tier_set: TierSet | None, change: TierChange) -> str:
    if change.was == change.tier:
        return "same"
    ranks = {} if tier_set is None else {each.id: rank for rank, each in enumerate(tier_set.tiers)}
    return "up" if ranks.get(change.tier, -1) > ranks.get(change.was, -1) else "down"


def _set_of(words: Words, tier_set: str) -> TierSet | None:
    return next((each for each in words.program.document.tier_sets if each.id == tier_set), None)


def _until(words: Words, instant: datetime) -> str:
    """The last whole day where it ends with a day."""
    zone = words.program.zone
    last = (instant - timedelta(microseconds=1)).astimezone(zone).date()
    if start_of_day(last + timedelta(days=1), zone) == instant:
        return words.day(last)
    return words.instant(instant)


def _condition_in_words(words: Words, tier_set: str, source: str) -> str:
    """A condition of a tier set, else the code that was kept of it."""
    tiers = [tier for each in words.program.tier_sets if each.id == tier_set for tier in each.tiers]
    conditions = [each for tier in tiers for each in (tier.qualify, tier.keep) if each is not None]
    found = next((each for each in conditions if each.source == source), None)
    return source if found is None else words.conditions([found])
