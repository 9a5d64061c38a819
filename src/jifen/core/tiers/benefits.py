"""Coefficients of tiers as rules of the program: found, explained and proven like any other."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from jifen.core.rules.document import Coefficient, EarningRule, LocalizedText
from jifen.core.tiers.document import TierLevel, TierSet


def rules_of_tiers(sets: Sequence[TierSet], wallet: str) -> list[EarningRule]:
    """The rules that the benefits of all tiers stand for; they multiply what orders earn in this wallet."""
    rules = []
    for position, each in enumerate(sets):
        # The short name where there is one: rules are found by it without asking each.
        fact = "member.tier" if position == 0 else _fact(each.id)
        for tier in each.tiers:
            audience = f'{fact} == "{tier.id}"'
            if tier.benefits.coefficient is not None:
                rules.append(_rule(each, tier, "", wallet, audience, tier.benefits.coefficient, ("", "")))
            if tier.benefits.birthday_coefficient is not None:
                birthday = f"{audience} && member.is_birthday"
                times = tier.benefits.birthday_coefficient
                rules.append(_rule(each, tier, ":birthday", wallet, birthday, times, ("生日", " birthday")))
    return rules


def _fact(tier_set: str) -> str:
    return f"member.tiers.`{tier_set}`" if "-" in tier_set else f"member.tiers.{tier_set}"


def _rule(
    tier_set: TierSet,
    tier: TierLevel,
    suffix: str,
    wallet: str,
    audience: str,
    times: Decimal,
    words: tuple[str, str],
) -> EarningRule:
    # With colons, which no id of an author has, so that it can be nobody else's.
    name = LocalizedText(zh=f"{tier.name.zh}{words[0]}权益", en=f"{tier.name.en}{words[1]} benefit")
    return EarningRule(
        f"tier:{tier_set.id}:{tier.id}{suffix}",
        wallet,
        name=name,
        audience=audience,
        coefficient=Coefficient(times),
    )
