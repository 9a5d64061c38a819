"""Refusals for conditions on the member: what is needed, in words, and for machines."""

from __future__ import annotations

from collections.abc import Sequence

from jifen.core.conditions import Condition
from jifen.core.program import Program
from jifen.core.redemption.offers import tiers_asked
from jifen.core.refusal import Refusal
from jifen.core.wording.conditions import localized_alternatives


def not_eligible(program: Program, what: str, pointer: str, conditions: Sequence[Condition]) -> Refusal:
    """Refuse for conditions of which one must hold: `what` needs it. The details say so in both languages (`needs`);
    of a single condition they hold the code, and the names of the tiers that it asks for."""
    needs = localized_alternatives(program, conditions)
    details: dict[str, object] = {"needs": {"zh": needs.zh, "en": needs.en}}
    if len(conditions) == 1:
        details |= {"condition": conditions[0].source} | _tiers(program, conditions[0])
    return Refusal("not_eligible", f"{what} needs: {needs.en}.", pointer, details)


def _tiers(program: Program, condition: Condition) -> dict[str, object]:
    asked = tiers_asked(condition, [tier.id for tier in program.tiers])
    named = [tier.name for tier in program.tiers if tier.id in asked]
    return {"tiers": {"zh": [each.zh for each in named], "en": [each.en for each in named]}} if named else {}
