"""Rules of a group that picks one: which never win, and which of two wins by its id alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any

import z3

from jifen.analytics.proofs.amounts import beats, money_bounds, most_points
from jifen.analytics.proofs.examples import Case, counterexample, outcome_of, replay
from jifen.analytics.proofs.multipliers import goes_before
from jifen.analytics.proofs.report import Finding, NotProven, finding, gave_up, not_shown
from jifen.analytics.proofs.space import Space
from jifen.analytics.proofs.undecided import Undecided
from jifen.core.rules.book import CompiledRule

Result = Finding | NotProven
#: Among so many, those that matter for a shadowed rule are looked for.
MOST_NAMED = 20


def ambiguous(space: Space, rules: Sequence[CompiledRule]) -> Iterator[Result]:
    """Rules of one `first` group with equal priority that can match the same event, with none above them."""
    for one, other in combinations([rule for rule in rules if _picks(rule, "first")], 2):
        if not _compete(one, other) or one.document.priority != other.document.priority:
            continue
        if space.are_apart(one, other):
            continue
        above = [each for each in rules if _compete(each, one) and each.document.priority > one.document.priority]
        alike = [each for each in rules if _compete(each, one) and each is not other and each not in above]
        try:
            # If it can be, an event that none of the others matches, one of which may go before both.
            case = space.find([one, other], _sure([*above, *alike])) or space.find([one, other], _sure(above))
        except Undecided as error:
            yield gave_up(one.id, "ambiguous", error, [other.id])
            continue
        if case is None:
            continue
        verdicts = {each.rule: each for each in replay(space.program, case).verdicts}
        lost = [(each, rival) for each, rival in ((one, other), (other, one)) if verdicts[each.id].outcome == "group"]
        if any(verdicts[each.id].detail == rival.id for each, rival in lost):
            zh = f"规则 {one.id} 与 {other.id} 同组同优先级，可同时符合；由编号决定取哪一个"
            en = f"{one.id} and {other.id} share a group and a priority and can both match; their ids decide"
            yield finding("ambiguous", [one.id, other.id], zh, en, counterexample(case))
        else:
            yield not_shown(one.id, "ambiguous", [other.id])


def shadowed(space: Space, rules: Sequence[CompiledRule]) -> Iterator[Result]:
    """Rules of a `first` or `best` group that never win, because others match and go before whenever they do."""
    for rule in rules:
        rivals = [each for each in rules if _compete(each, rule)]
        if _picks(rule, "first"):
            rivals = _sure([each for each in rivals if each.order < rule.order])
        elif _picks(rule, "best") and rule.is_coefficient:
            rivals = [each for each in rivals if goes_before(each, rule)]
        elif not _picks(rule, "best"):
            continue
        if rivals:
            yield from _shadowed(space, rule, rivals)


def _shadowed(space: Space, rule: CompiledRule, rivals: list[CompiledRule]) -> Iterator[Result]:
    try:
        winning = _winning(space, rule, rivals)
        if winning is not None:
            # Of a `first` group a rule may win that gives nothing on purpose.
            lost = ("group",) if rule.is_coefficient or _picks(rule, "first") else ("group", "zero")
            if outcome_of(replay(space.program, winning), rule.id) in lost:
                yield not_shown(rule.id, "shadowed")
            return
        case = space.find([rule], more=lambda lines: _gives_something(space, rule, lines))
    except Undecided as error:
        yield gave_up(rule.id, "shadowed", error)
        return
    if case is None:
        # It never matches at all, which is a finding of its own.
        return
    if outcome_of(replay(space.program, case), rule.id) != "group":
        yield not_shown(rule.id, "shadowed")
        return
    others = [each.id for each in _needed(space, rule, rivals)]
    zh = f"规则 {rule.id} 永远不会胜出：每当它符合，{'、'.join(others)} 也符合并排在它前面"
    en = f"{rule.id} never wins: whenever it matches, so does {' or '.join(others)}, and goes before it"
    yield finding("shadowed", [rule.id, *others], zh, en, counterexample(case))


def _winning(space: Space, rule: CompiledRule, rivals: Sequence[CompiledRule]) -> Case | None:
    """An event in which a rule may win; None: there is none. Raises Undecided."""
    if rule.is_coefficient or _picks(rule, "first"):
        return space.find([rule], rivals)
    encoder, program = space.encoder, space.program

    def is_not_beaten(lines: Sequence[str]) -> list[Any]:
        wanted = _gives_something(space, rule, lines)
        for each in rivals:
            unbeaten = z3.Not(beats(encoder, each, rule, program))
            wanted += [z3.Or(space.does_not_match(each, lines), unbeaten), *money_bounds(encoder, [each], [])]
        return wanted

    return space.find([rule], more=is_not_beaten, also=rivals)


def _gives_something(space: Space, rule: CompiledRule, lines: Sequence[str]) -> list[Any]:
    """That a rule gives a point at least, as far as that can be said: a rule that gives nothing wins nothing."""
    if rule.is_coefficient:
        return []
    most = most_points(space.encoder, rule, space.program)
    return [*([] if most is None else [most >= 1]), *money_bounds(space.encoder, [rule], lines)]


def _needed(space: Space, rule: CompiledRule, rivals: list[CompiledRule]) -> list[CompiledRule]:
    """The rivals without which the rule would win."""
    if len(rivals) > MOST_NAMED:
        return rivals
    needed = list(rivals)
    for each in rivals:
        fewer = [other for other in needed if other is not each]
        try:
            if fewer and _winning(space, rule, fewer) is None:
                needed = fewer
        except Undecided:
            continue
    return needed


def _compete(one: CompiledRule, other: CompiledRule) -> bool:
    """Whether at most one of two rules counts. Coefficients and other rules are picked from apart."""
    return one is not other and one.group == other.group and one.is_coefficient == other.is_coefficient


def _sure(rules: Sequence[CompiledRule]) -> list[CompiledRule]:
    """Without those whose formula may fail: such a rule makes way for the next."""
    return [rule for rule in rules if rule.formula is None]


def _picks(rule: CompiledRule, pick: str) -> bool:
    return rule.group is not None and rule.group.pick == pick
