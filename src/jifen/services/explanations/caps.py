"""Caps and budgets in words, found again by the keys under which traces name them."""

from __future__ import annotations

from jifen.core.program import Program
from jifen.core.rules.caps import OpenCap, open_caps
from jifen.services.explanations.words import Words


def find_cap(program: Program, key: str) -> OpenCap | None:
    """The cap that a key names; None where the program has none (a usage name may end with a period's first day)."""
    document = program.document
    owners = [("program", document.budgets)]
    owners += [(f"rule:{rule.id}", rule.caps) for rule in document.rules]
    owners += [(f"campaign:{campaign.id}", campaign.budgets) for campaign in document.campaigns]
    for owner, caps in owners:
        if key.startswith(f"{owner}/"):
            for cap in open_caps(owner, caps):
                if key == cap.key or key.startswith(f"{cap.key}/"):
                    return cap
    return None


def cap_words(words: Words, key: str, wallet: int) -> str:
    """What a cap allows, in full, for operators. `wallet`: what its points are points of."""
    found = find_cap(words.program, key)
    if found is None:
        return words.say("cap_removed", key=key)
    cap = found.cap
    if cap.limit == "points":
        most = words.points(wallet, cap.most)
    elif cap.limit == "count":
        most = words.counted("cap_count", cap.most)
    else:
        most = words.say("cap_cost", money=words.money(cap.most))
    limit = words.say(f"cap_{cap.per}", most=most, period=words.say(f"period_{cap.period}"))
    owner = _owner(words, key)
    return limit if owner is None else f"{owner} {limit}"


def cut_for_member(words: Words, key: str, wallet: int, points: int, rule: str) -> str:
    """Why points are missing, for the member: own limits in numbers, budgets without (they are the shop's affair)."""
    found = find_cap(words.program, key)
    cut = words.points(wallet, points)
    owner = _owner(words, key)
    # It begins the sentence.
    owner = rule if owner is None else f"{owner[0].upper()}{owner[1:]}"
    if found is None or found.is_shared:
        return words.say("cut_shared", owner=owner, points=cut)
    cap, period = found.cap, words.say(f"period_{found.cap.period}")
    if cap.limit == "cost_cents":
        limit = words.say("cap_reached", period=period)
    else:
        most = words.points(wallet, cap.most)
        if cap.limit == "count":
            most = words.counted("cap_count", cap.most)
        limit = words.say("cap_member", most=most, period=period)
    return words.say("cut_member", owner=owner, limit=limit, points=cut)


def _owner(words: Words, key: str) -> str | None:
    """Whose cap it is, where not the rule's own."""
    kind, _, name = key.partition("/")[0].partition(":")
    if kind == "campaign":
        return words.say("cap_owner_campaign", campaign=words.campaign(name))
    return words.say("cap_owner_program") if kind == "program" else None
