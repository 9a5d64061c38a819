"""Properties that a declared event may be without, and that a rule reads all the same: of such events, it fails."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import z3

from jifen.analytics.proofs.evaluation import has_value
from jifen.analytics.proofs.examples import Case, counterexample, outcome_of, replay
from jifen.analytics.proofs.places import Place, Places
from jifen.analytics.proofs.report import Finding, NotProven, finding, gave_up, not_shown
from jifen.analytics.proofs.space import Space
from jifen.analytics.proofs.undecided import Undecided
from jifen.core.conditions.syntax import Name, walk
from jifen.core.rules.book import CompiledRule


def read_but_optional(space: Space, rule: CompiledRule, places: Places) -> Iterator[Finding | NotProven]:
    """What a rule reads of an event that need not have it, with an event that lacks it and for which the rule fails."""
    for found in places.of_rule(rule):
        place = found.place
        read = [
            each
            for each in walk(place.condition.root)
            if isinstance(each, Name) and each.name in space.encoder.optional
        ]
        for node in {each.name: each for each in reversed(read)}.values():
            try:
                case = _failing(space, rule, place, node.name)
            except Undecided as error:
                yield gave_up(rule.id, "unknown_reference", error)
                continue
            if case is None:
                continue
            if outcome_of(replay(space.program, case), rule.id) != "failed":
                yield not_shown(rule.id, "unknown_reference")
                continue
            zh, en = found.name(node.position)
            zh = f"{zh}读取 {node.name}，事件可以没有它，这时规则失败，不给积分；请把它列入该事件 schema 的 required"
            en = (
                f"{en} reads {node.name}, which an event may be without: the rule then fails and gives nothing; list it"
            )
            en = f"{en} as `required` in the event's schema"
            yield finding("unknown_reference", [rule.id], zh, en, counterexample(case), found.at(node.position))


def _failing(space: Space, rule: CompiledRule, place: Place, name: str) -> Case | None:
    """An event without a property, for which a condition (or formula) cannot be worked out and all else holds; None:
    there is none. Raises Undecided."""
    without = frozenset([name])
    encoder, when = space.encoder, rule.when
    wanted = [*space.open(rule), *(space.holds(each) for each in rule.audiences)]
    wanted.append(z3.Not(has_value(encoder, place.condition.root, without=without)))
    if when is not None and place.condition is not when:
        wanted += [space.holds(when), has_value(encoder, when.root, without=without)]
    case = space.solve(wanted, [], [rule])
    if case is None:
        return None
    data = {each: value for each, value in case.event.data.items() if f"event.data.{each}" != name}
    return msgspec.structs.replace(case, event=msgspec.structs.replace(case.event, data=data))
