"""Rules that never match, that hide each other, or that meet where nobody thought of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations

from jifen.analytics.proofs.encoding import Beyond
from jifen.analytics.proofs.examples import Case, counterexample, replay
from jifen.analytics.proofs.report import Finding, NotProven, finding
from jifen.analytics.proofs.space import Space, Undecided
from jifen.core.rules.book import CompiledRule
from jifen.core.rules.rate import Rating

Result = Finding | NotProven
_UNMATCHED = ("outside_window", "audience", "condition", "no_line", "failed")


def never_true(space: Space, rule: CompiledRule, anything: Case | None) -> Iterator[Result]:
    """Whether a rule can match at all."""
    try:
        case = space.find([rule])
    except (Beyond, Undecided) as error:
        yield NotProven(rule.id, f"never_true: {error}")
        return
    if case is not None:
        if _outcome(replay(space.program, case), rule) in _UNMATCHED:
            yield NotProven(rule.id, "never_true: the event that was found does not match after all")
        return
    shown = None if anything is None else counterexample(anything)
    zh = f"规则 {rule.id} 的条件和时间窗口永远不会同时成立"
    yield finding("never_true", [rule.id], zh, f"The conditions and windows of {rule.id} never hold together", shown)


def ambiguous(space: Space, rules: Sequence[CompiledRule]) -> Iterator[Result]:
    """Rules of one `first` group with equal priority that can match the same event."""
    for one, other in combinations([rule for rule in rules if _picks(rule, "first")], 2):
        if one.group != other.group or one.document.priority != other.document.priority:
            continue

        def shows(rating: Rating, one: CompiledRule = one, other: CompiledRule = other) -> bool:
            return "group" in (_outcome(rating, one), _outcome(rating, other))

        zh = f"规则 {one.id} 与 {other.id} 同组同优先级，可同时符合；由编号决定取哪一个"
        en = f"{one.id} and {other.id} share a group and a priority and can both match; their ids decide"
        yield from _both(space, one, other, shows, "ambiguous", zh, en)


def multiplying(space: Space, rules: Sequence[CompiledRule]) -> Iterator[Result]:
    """Coefficients of campaigns or windows that multiply the same award."""
    if space.program.document.coefficients == "best":
        return
    for one, other in combinations([rule for rule in rules if rule.is_coefficient], 2):
        shares_group = one.group is not None and one.group == other.group and one.group.pick != "sum"
        if one.wallet != other.wallet or shares_group or not (_is_for_a_while(one) or _is_for_a_while(other)):
            continue

        def shows(rating: Rating, one: CompiledRule = one, other: CompiledRule = other) -> bool:
            return any({one.id, other.id} <= set(award.coefficients) for award in rating.awards)

        zh = f"系数 {one.id} 与 {other.id} 可同时作用于同一奖励"
        en = f"The coefficients {one.id} and {other.id} can multiply the same award"
        yield from _both(space, one, other, shows, "multiplying_overlap", zh, en)


def _both(
    space: Space,
    one: CompiledRule,
    other: CompiledRule,
    shows: Callable[[Rating], bool],
    kind: str,
    zh: str,
    en: str,
) -> Iterator[Result]:
    try:
        case = space.find([one, other], one_line=True)
    except (Beyond, Undecided) as error:
        yield NotProven(one.id, f"{kind} with {other.id}: {error}")
        return
    if case is None:
        return
    if shows(replay(space.program, case)):
        yield finding(kind, [one.id, other.id], zh, en, counterexample(case))  # type: ignore[arg-type]
    elif kind == "ambiguous":
        yield NotProven(one.id, f"{kind} with {other.id}: the event that was found does not show it")


def shadowed(space: Space, rules: Sequence[CompiledRule]) -> Iterator[Result]:
    """Rules of a `first` group that never win, because others of higher priority match whenever they do."""
    for rule in rules:
        if not _picks(rule, "first"):
            continue
        # A rule with a formula may fail and make way, and one with a window is not always there.
        higher = [
            each
            for each in rules
            if each is not rule and each.group == rule.group and each.order < rule.order
            if not _is_for_a_while(each) and each.formula is None
        ]
        if not higher:
            continue
        try:
            if space.find([rule], [each for each in higher if each.lines is None]) is not None:
                continue
            case = space.find([rule])
        except (Beyond, Undecided) as error:
            yield NotProven(rule.id, f"shadowed: {error}")
            continue
        if case is not None and _outcome(replay(space.program, case), rule) == "group":
            others = [each.id for each in higher]
            zh = f"规则 {rule.id} 永远不会胜出：每当它符合，优先级更高的 {'、'.join(others)} 也符合"
            en = f"{rule.id} never wins: whenever it matches, one of {', '.join(others)} does, with higher priority"
            yield finding("shadowed", [rule.id, *others], zh, en, counterexample(case))


def _picks(rule: CompiledRule, pick: str) -> bool:
    return rule.group is not None and rule.group.pick == pick


def _is_for_a_while(rule: CompiledRule) -> bool:
    return rule.document.campaign is not None or not rule.window.is_always


def _outcome(rating: Rating, rule: CompiledRule) -> str:
    return next((each.outcome for each in rating.verdicts if each.rule == rule.id), "")
