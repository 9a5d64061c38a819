"""Conditions beside rules that never hold.

Rewards and prices that nobody gets, lotteries that nobody may draw in, flows that nothing goes through, and tiers that
nobody keeps by what is asked for keeping them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import z3

from jifen.analytics.proofs.encoding import Encoder
from jifen.analytics.proofs.evaluation import has_value
from jifen.analytics.proofs.known import what_there_is
from jifen.analytics.proofs.overlaps import beyond_proof
from jifen.analytics.proofs.places import Place, places_beside_rules
from jifen.analytics.proofs.report import Finding, NotProven, finding, gave_up
from jifen.analytics.proofs.tiers import counts_of
from jifen.analytics.proofs.undecided import given_up_by
from jifen.core.conditions import Condition
from jifen.core.conditions.vocabulary import FieldType
from jifen.core.program import Program
from jifen.core.redemption.checks import MAXIMUM_PIECES
from jifen.core.redemption.offers import REDEMPTION_NAMES
from jifen.core.rules.facts import EVENT_NAMES, member_names
from jifen.core.tiers.sets import tier_names


def never_met(program: Program, timeout_ms: int) -> Iterator[Finding | NotProven]:
    """What is asked beside rules and never holds, and what of it is beyond proof."""
    document = program.document
    of_members: dict[str, FieldType] = member_names(document.fields, [each.id for each in document.tier_sets])
    of_members |= {name: each for name, each in EVENT_NAMES.items() if name.startswith("now")} | REDEMPTION_NAMES
    members = Encoder("", document.currency, of_members)
    redemptions = _of_redemptions(members)
    tiers = Encoder("", document.currency, tier_names(program.wallet_numbers, document.fields))
    never: set[str] = set()
    for place in places_beside_rules(program):
        yield from beyond_proof(place)
        kind, name = place.owner.split(":")[:2]
        if kind != "tier":
            also = [] if place.owner in never else _also_asked(program, place)
            found = list(_never(program, members, place, also, redemptions, timeout_ms))
            # Of a reward that nobody gets, there is nothing more to be said.
            never |= {place.owner for each in found if isinstance(each, Finding) and not also}
            yield from found
        elif not place.field.endswith(".qualify"):
            # Of what tiers ask to be reached, `unreachable_tiers` tells.
            tier_set = next(each for each in program.tier_sets if each.id == name)
            yield from _never(program, tiers, place, [], counts_of(tiers, tier_set), timeout_ms)


def _never(
    program: Program,
    encoder: Encoder,
    place: Place,
    also: Sequence[Condition],
    always: Iterable[Any],
    timeout_ms: int,
) -> Iterator[Finding | NotProven]:
    solver = z3.Solver(ctx=encoder.context)
    solver.set("timeout", timeout_ms)
    asked = [place.condition, *also]
    names = {name for condition in asked for name in condition.names}
    for each in asked:
        solver.add(encoder.formula(each.root), has_value(encoder, each.root))
    known = what_there_is(program, encoder, names)
    solver.add(*known.formulas, *encoder.bounds({*names, *known.names}, asked, known.tests), *always)
    answer = solver.check()
    if answer == z3.unknown:
        yield gave_up(place.owner, "never_true", given_up_by(solver))
    elif answer == z3.unsat:
        zh, en = f"{place.field} 的条件永远不会成立", f"The condition {place.field} never holds"
        if also:
            zh, en = f"{place.field} 与该兑换品自己的 for 永远不会同时成立", f"{en} together with that of its reward"
        yield finding("never_true", [place.owner], zh, en)


def _also_asked(program: Program, place: Place) -> list[Condition]:
    """What else whoever gets a price must meet: the condition of its reward."""
    kind, _, name = place.owner.partition(":")
    audience = program.offers.rewards[name].audience if kind == "reward" else None
    return [audience] if audience is not None and audience is not place.condition else []


def _of_redemptions(encoder: Encoder) -> list[Any]:
    """What holds of every redemption."""
    points, cents, pieces = (encoder.number(f"redemption.{name}") for name in ("points", "cash_cents", "quantity"))
    return [points >= 0, cents >= 0, pieces >= 1, pieces <= MAXIMUM_PIECES]
