"""Tiers that nobody can reach: their condition never holds, or whoever meets it meets that of a higher tier at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import z3

from jifen.analytics.proofs.encoding import Encoder
from jifen.analytics.proofs.evaluation import has_value
from jifen.analytics.proofs.report import Finding, NotProven, finding, gave_up
from jifen.analytics.proofs.undecided import given_up_by
from jifen.core.program import Program
from jifen.core.tiers.document import Lifetime
from jifen.core.tiers.sets import OpenTierSet, tier_names


def unreachable_tiers(program: Program, timeout_ms: int) -> Iterator[Finding | NotProven]:
    """Tiers that are earned and that no member is ever lifted to."""
    types = tier_names(program.wallet_numbers, program.document.fields)
    for tier_set in program.tier_sets:
        encoder = Encoder("", program.document.currency, types)
        asked = [each for each in tier_set.tiers if each.is_earned and each.qualify is not None]
        qualifying = [each.qualify for each in asked if each.qualify is not None]
        conditions = [each.root for each in qualifying]
        formulas = [encoder.formula(each) for each in conditions]
        always = [*encoder.bounds(tier_set.names, qualifying), *counts_of(encoder, tier_set)]
        for rank, tier in enumerate(asked):
            solver = z3.Solver(ctx=encoder.context)
            solver.set("timeout", timeout_ms)
            solver.add(*always, formulas[rank], has_value(encoder, conditions[rank]))
            name = f"tier:{tier_set.id}:{tier.id}"
            answers = [solver.check()]
            if answers[0] == z3.sat:
                solver.add(*(z3.Not(each) for each in formulas[rank + 1 :]))
                answers.append(solver.check())
            if z3.unknown in answers:
                yield gave_up(name, "unreachable_tier", given_up_by(solver))
            elif answers[0] == z3.unsat:
                zh = f"等级 {tier.id}（{tier_set.id}）的条件永远不会成立"
                yield finding("unreachable_tier", [name], zh, f"The condition of the tier {tier.id} never holds")
            elif answers[-1] == z3.unsat:
                zh = f"凡达到等级 {tier.id}（{tier_set.id}）的会员同时达到更高的等级，没有人会停在这一级"
                en = f"Whoever meets the condition of the tier {tier.id} meets that of a higher one, too: nobody has it"
                yield finding("unreachable_tier", [name], zh, en)


def counts_of(encoder: Encoder, tier_set: OpenTierSet) -> Iterator[Any]:
    """What a period has is part of what there ever was, and with a lifelong period the same."""
    is_lifetime = isinstance(tier_set.document.period, Lifetime)
    for name in ("orders", "spent_cents"):
        period, total = encoder.number(f"period.{name}"), encoder.number(f"total.{name}")
        yield z3.And(period >= 0, period <= total)
        if is_lifetime:
            yield period == total
