"""Coefficients of tiers are rules of the program."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import msgspec

from jifen.core.tiers.benefits import rules_of_tiers
from jifen.core.tiers.document import Benefits, TierLevel
from tests.model.programs import make_program
from tests.unit.core.tiers.club import club, named, tier_set

BOTH = Benefits(coefficient=Decimal("1.5"), birthday_coefficient=Decimal(2))


def test_each_coefficient_is_a_rule() -> None:
    """Of the first set by the short name, of others by theirs; quoted where CEL must have it so."""
    first = tier_set(tiers=[TierLevel("gold", named("金卡"), benefits=BOTH)])
    second = msgspec.structs.replace(first, id="tea-club")
    rules = rules_of_tiers([first, second], "points")
    assert [(rule.id, rule.audience) for rule in rules] == [
        ("tier:level:gold", 'member.tier == "gold"'),
        ("tier:level:gold:birthday", 'member.tier == "gold" && member.is_birthday'),
        ("tier:tea-club:gold", 'member.tiers.`tea-club` == "gold"'),
        ("tier:tea-club:gold:birthday", 'member.tiers.`tea-club` == "gold" && member.is_birthday'),
    ]
    assert rules[0].name is not None and rules[0].name.zh == "金卡权益"
    program = make_program(club(first, second))
    assert {rule.id for rule in program.books["order.completed"].rules} >= {rule.id for rule in rules}
    assert program.rules["tier:level:gold"].coefficient is not None


def test_a_rule_of_a_tier_is_found_without_asking_each() -> None:
    """By the member's tier, as the book finds rules."""
    program = make_program(club(tier_set(tiers=[TierLevel("gold", named("gold"), benefits=BOTH)])))
    book = program.books["order.completed"]
    day = book.on_day(datetime(2026, 3, 1, tzinfo=UTC).date())
    found = [rule.id for rule in day.candidates({"member.tier": "silver"}, [])]
    assert "tier:level:gold" not in found
    assert "tier:level:gold" in [rule.id for rule in day.candidates({"member.tier": "gold"}, [])]
