"""Conditions beside rules that never hold.

Rewards and prices that nobody gets, lotteries that nobody may draw in, flows that nothing goes through, and tiers that
nobody keeps by what is asked for keeping them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from jifen.analytics.proofs.beside import Beside
from jifen.analytics.proofs.examples import counterexample
from jifen.analytics.proofs.overlaps import beyond_proof
from jifen.analytics.proofs.places import Place, PlaceInFile, Places
from jifen.analytics.proofs.report import Finding, NotProven, finding, gave_up
from jifen.analytics.proofs.undecided import Undecided
from jifen.core.conditions import Condition
from jifen.core.program import Program


def never_met(beside: Beside, places: Places) -> Iterator[Finding | NotProven]:
    """What is asked beside rules and never holds, and what of it is beyond proof."""
    never: set[str] = set()
    for each in places.beside_rules():
        place = each.place
        yield from beyond_proof(each)
        if place.owner.startswith("tier:"):
            # Of what tiers ask to be reached, `unreachable_tiers` tells.
            if not place.field.endswith(".qualify"):
                yield from _never(beside, each, [])
            continue
        also = [] if place.owner in never else _also_asked(beside.program, place)
        found = list(_never(beside, each, also))
        # Of a reward that nobody gets, there is nothing more to be said.
        never |= {place.owner for one in found if isinstance(one, Finding) and not also}
        yield from found


def _never(beside: Beside, found: PlaceInFile, also: Sequence[Condition]) -> Iterator[Finding | NotProven]:
    place = found.place
    meets = [beside.meets(place, each.root) for each in (place.condition, *also)]
    try:
        if beside.asker.is_possible(beside.solver(place, also, meets)):
            return
    except Undecided as error:
        yield gave_up(place.owner, "never_true", error)
        return
    zh, en = f"{place.field} 的条件永远不会成立", f"The condition {place.field} never holds"
    if also:
        zh, en = f"{place.field} 与该兑换品自己的 for 永远不会同时成立", f"{en} together with that of its reward"
    yield finding("never_true", [place.owner], zh, en, counterexample(beside.closest(place, also)), found.at(0))


def _also_asked(program: Program, place: Place) -> list[Condition]:
    """What else whoever gets a price must meet: the condition of its reward."""
    kind, _, name = place.owner.partition(":")
    audience = program.offers.rewards[name].audience if kind == "reward" else None
    return [audience] if audience is not None and audience is not place.condition else []
