"""Rules that never match, and coefficients that meet where nobody thought of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, combinations

from jifen.analytics.proofs.encoding import unprovable_parts
from jifen.analytics.proofs.evaluation import formula_gives_points
from jifen.analytics.proofs.examples import UNMATCHED, Case, counterexample, outcome_of, replay
from jifen.analytics.proofs.places import PlaceInFile
from jifen.analytics.proofs.report import Finding, NotProven, finding, gave_up, not_proven, not_shown
from jifen.analytics.proofs.space import Space, conditions_of
from jifen.analytics.proofs.undecided import Undecided
from jifen.core.rules.book import CompiledRule

Result = Finding | NotProven


def beyond_proof(found: PlaceInFile) -> Iterator[NotProven]:
    """The parts of a condition of which the solver knows nothing."""
    place = found.place
    for part in unprovable_parts(place.condition.root):
        where_zh, where_en = found.words(part.position)
        zh = f"{place.field} {where_zh}：{part} 超出可证明的范围，当作任何值都有可能"
        en = f"{place.field}, {where_en}: {part} is beyond proof and taken to be anything"
        yield not_proven(place.owner, zh, en, found.at(part.position))


def never_true(space: Space, rule: CompiledRule, anything: Case) -> Iterator[Result]:
    """Whether a rule can match at all, and can be worked out where it does. `anything`: an event to show that it does
    not."""
    try:
        case = space.find([rule])
        if case is None:
            failing = (
                space.find_failing(rule) if any(space.may_fail(each.root) for each in conditions_of(rule)) else None
            )
            yield _unmatched(space, rule, failing, anything)
            return
        outcome = outcome_of(replay(space.program, case), rule.id)
        if outcome == "failed" and rule.formula is not None:
            working = space.find([rule], more=lambda _: [formula_gives_points(space.encoder, rule)])
            if working is None:
                zh = f"规则 {rule.id} 永远不会给积分：凡符合的事件，它的公式总是无法计算"
                en = f"{rule.id} never gives points: whatever event matches it, its formula fails"
                yield finding("never_true", [rule.id], zh, en, counterexample(case))
                return
            outcome = outcome_of(replay(space.program, working), rule.id)
        if outcome in UNMATCHED:
            yield not_shown(rule.id, "never_true")
    except Undecided as error:
        yield gave_up(rule.id, "never_true", error)


def _unmatched(space: Space, rule: CompiledRule, failing: Case | None, anything: Case) -> Finding:
    """That a rule never matches: by an event for which its conditions fail, where they would hold else, or by any."""
    if failing is not None and outcome_of(replay(space.program, failing), rule.id) == "failed":
        zh = f"规则 {rule.id} 永远不会给积分：凡可能符合的事件，它的条件总是无法计算"
        en = f"{rule.id} never gives points: whatever event it could match, its condition fails"
        return finding("never_true", [rule.id], zh, en, counterexample(failing))
    zh, en = (
        f"规则 {rule.id} 的条件和时间窗口永远不会同时成立",
        f"The conditions and windows of {rule.id} never hold together",
    )
    return finding("never_true", [rule.id], zh, en, counterexample(anything))


def multiplying_nothing(space: Space, rules: Sequence[CompiledRule]) -> Iterator[Result]:
    """Coefficients that can match, but never together with an award that they are for."""
    for each in rules:
        if not each.is_coefficient:
            continue
        try:
            if any(_meet(space, each, base) for base in rules if multiplies(each, base)):
                continue
            case = space.find([each])
        except Undecided as error:
            yield gave_up(each.id, "never_true", error)
            continue
        # Where it cannot match at all, or is not shown to, that is told already.
        if case is not None and outcome_of(replay(space.program, case), each.id) not in UNMATCHED:
            zh = f"系数 {each.id} 永远没有可乘的积分：它符合时，它所乘的规则都不符合"
            en = f"The coefficient {each.id} never multiplies anything: where it matches, no rule that it is for does"
            yield finding("never_true", [each.id], zh, en, counterexample(case))


def _meet(space: Space, coefficient: CompiledRule, base: CompiledRule) -> bool:
    same_line = not rates_the_event(base)
    if space.are_apart(coefficient, base, same_line=same_line):
        return False
    return space.find([coefficient, base], one_line=same_line) is not None


def multiplying(space: Space, rules: Sequence[CompiledRule]) -> Iterator[Result]:
    """Coefficients of different campaigns or windows that multiply the same award."""
    if space.program.document.coefficients == "best":
        return
    for one, other in combinations([rule for rule in rules if rule.is_coefficient], 2):
        shares_group = one.group is not None and one.group == other.group and one.group.pick != "sum"
        if one.wallet != other.wallet or shares_group or _period_of(one) == _period_of(other):
            continue
        bases = [rule for rule in rules if multiplies(one, rule) and multiplies(other, rule)]
        if bases:
            yield from _multiplied(space, one, other, bases)


def multiplies(coefficient: CompiledRule, base: CompiledRule) -> bool:
    """Whether a coefficient is for a base rule."""
    if base.is_coefficient or coefficient.wallet != base.wallet:
        return False
    assert coefficient.document.coefficient is not None
    of = coefficient.document.coefficient.of
    return base.id in of if of else base.fixed is None and base.formula is None


def rates_the_event(base: CompiledRule) -> bool:
    """Whether an award is for the event as a whole: coefficients of different lines then meet in it."""
    return base.formula is not None or (base.fixed is not None and base.fixed.per == "event")


def _multiplied(
    space: Space, one: CompiledRule, other: CompiledRule, bases: Sequence[CompiledRule]
) -> Iterator[Result]:
    """Whether two coefficients meet in any of these awards: asked of all that they meet in alike at once, and of each
    alone only where the event that was found does not show it."""
    tried = False
    for same_line in (True, False):
        alike = [base for base in bases if rates_the_event(base) != same_line]
        if not alike or space.are_apart(one, other, same_line=same_line):
            continue
        try:
            case = space.find([one, other], any_of=alike, one_line=same_line)
            if case is None:
                continue
            cases = (space.find([one, other, base], one_line=same_line) for base in alike)
            shown = next((each for each in chain([case], cases) if each and _both_count(space, one, other, each)), None)
        except Undecided as error:
            yield gave_up(one.id, "multiplying_overlap", error, [other.id])
            return
        if shown is not None:
            zh = f"系数 {one.id} 与 {other.id} 可同时作用于同一奖励"
            en = f"The coefficients {one.id} and {other.id} can multiply the same award"
            yield finding("multiplying_overlap", [one.id, other.id], zh, en, counterexample(shown))
            return
        tried = True
    if tried:
        yield not_shown(one.id, "multiplying_overlap", [other.id])


def _both_count(space: Space, one: CompiledRule, other: CompiledRule, case: Case) -> bool:
    return any({one.id, other.id} <= set(each.coefficients) for each in replay(space.program, case).awards)


def _period_of(rule: CompiledRule) -> object:
    return rule.document.campaign, rule.document.window
