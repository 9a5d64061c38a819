"""Tiers that nobody can reach: their condition never holds, or whoever meets it meets that of a higher tier at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import z3

from jifen.analytics.proofs.beside import Beside
from jifen.analytics.proofs.examples import counterexample
from jifen.analytics.proofs.places import Place, places_beside_rules
from jifen.analytics.proofs.report import Finding, NotProven, finding, gave_up
from jifen.analytics.proofs.undecided import Undecided


def unreachable_tiers(beside: Beside) -> Iterator[Finding | NotProven]:
    """Tiers that are earned and that no member is ever lifted to."""
    places = {each.owner: each for each in places_beside_rules(beside.program) if each.field.endswith(".qualify")}
    for tier_set in beside.program.tier_sets:
        names = [f"tier:{tier_set.id}:{each.id}" for each in tier_set.tiers if each.is_earned]
        asked = [places[name] for name in names if name in places]
        for number, place in enumerate(asked):
            try:
                yield from _unreachable(beside, place, asked[number + 1 :])
            except Undecided as error:
                yield gave_up(place.owner, "unreachable_tier", error)


def _unreachable(beside: Beside, place: Place, higher: Sequence[Place]) -> Iterator[Finding]:
    """Raises Undecided."""
    _, tier_set, tier = place.owner.split(":")
    conditions = [each.condition for each in higher]
    solver = beside.solver(place, conditions, [beside.meets(place, place.condition.root)])
    if not beside.asker.is_possible(solver):
        zh = f"等级 {tier}（{tier_set}）的条件永远不会成立"
        en = f"The condition of the tier {tier} never holds"
        yield finding("unreachable_tier", [place.owner], zh, en, counterexample(beside.closest(place)))
        return
    member = beside.case(place, solver.model())
    encoder = beside.encoder_of(place)
    solver.add(*(z3.Not(encoder.formula(each.root)) for each in conditions))
    if not beside.asker.is_possible(solver):
        zh = f"凡达到等级 {tier}（{tier_set}）的会员同时达到更高的等级，没有人会停在这一级"
        en = f"Whoever meets the condition of the tier {tier} meets that of a higher one, too: nobody has it"
        yield finding("unreachable_tier", [place.owner], zh, en, counterexample(member))
