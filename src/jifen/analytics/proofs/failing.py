"""Rules that can fail: their condition, filter or formula cannot be worked out for some event that they are for.

A number becomes too large, a divisor is nought, a formula takes points away: such a rule gives nothing for the event,
and is reported failed. What an ordinary event can bring about is a finding; what takes amounts that no shop has is
named as not proven, with such amounts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

import z3

from jifen.analytics.proofs.encoding import LINE_PREFIX, Encoder, unprovable_parts
from jifen.analytics.proofs.evaluation import gives_points, has_value
from jifen.analytics.proofs.examples import Case, counterexample, facts_of, replay
from jifen.analytics.proofs.quantifiers import asks_lines, of_one_line
from jifen.analytics.proofs.report import Finding, NotProven, finding, gave_up, not_proven, not_shown
from jifen.analytics.proofs.space import Space, conditions_of
from jifen.analytics.proofs.undecided import Undecided
from jifen.core.conditions.syntax import Node
from jifen.core.rules.book import CompiledRule
from jifen.core.wording.failures import failure_in_words

#: Money up to ten million yuan, and as much of what events and profiles count, is nothing out of the ordinary; nor are
#: ten thousand pieces, orders or days.
ORDINARY_AMOUNT: Final = 10**9
ORDINARY_NUMBER: Final = 10**4
_AMOUNTS: Final = ("event.data.", "member.fields.")


def can_fail(space: Space, rule: CompiledRule) -> Iterator[Finding | NotProven]:
    """Whether a rule that works for some events fails for others."""
    roots = _roots(rule)
    if rule.formula is None and not any(space.may_fail(each) for each in roots):
        return
    is_provable = not any(unprovable_parts(each) for each in roots)
    try:
        case = _failing(space, rule, is_ordinary=True)
        if not is_provable and (case is None or _failure(space, rule, case) is None):
            # What the solver cannot say may show all the same in an event that it takes to match.
            case = space.find([rule])
        if case is not None and (message := _failure(space, rule, case)) is not None:
            yield _finding(space, rule, case, message)
            return
        case = _failing(space, rule, is_ordinary=False)
    except Undecided as error:
        # What is beyond proof is named already.
        if is_provable:
            yield gave_up(rule.id, "can_fail", error)
        return
    if case is not None and (message := _failure(space, rule, case)) is not None:
        yield _of_large_numbers(space, rule, case, message)
    elif case is not None and is_provable:
        yield not_shown(rule.id, "can_fail")


def _finding(space: Space, rule: CompiledRule, case: Case, message: str) -> Finding:
    zh, en = _reason(space, rule, message)
    zh = f"规则 {rule.id} 遇到有的事件会失败，不给积分：{zh}"
    return finding(
        "can_fail", [rule.id], zh, f"{rule.id} fails for some events and gives nothing: {en}", counterexample(case)
    )


def _of_large_numbers(space: Space, rule: CompiledRule, case: Case, message: str) -> NotProven:
    facts = facts_of(space.program, case)
    shown = [f"{name} = {facts[name]:,}" for name in numbers_of(space.encoder, rule.names)]
    zh, en = _reason(space, rule, message)
    zh = f"can_fail：数额极大时规则会失败，不给积分，例如 {'、'.join(shown)}：{zh}"
    en = f"can_fail: of numbers out of the ordinary, such as {', '.join(shown)}, the rule fails and gives nothing: {en}"
    return not_proven(rule.id, zh, en)


def _reason(space: Space, rule: CompiledRule, message: str) -> tuple[str, str]:
    zh, en = failure_in_words(space.program, rule.id, message)
    return zh.removesuffix("。"), en.removesuffix(".")


def _roots(rule: CompiledRule) -> list[Node]:
    """What a rule works out, in the order in which it does, of an order of one line."""
    return [of_one_line(each.root) for each in (*conditions_of(rule), rule.formula) if each is not None]


def _failing(space: Space, rule: CompiledRule, *, is_ordinary: bool) -> Case | None:
    """An event for which a rule may fail; None: there is none. Raises Undecided."""
    encoder, roots, rivals = space.encoder, _roots(rule), _rivals(space, rule)
    before, ways = space.open(rule), list[Any]()
    for root in roots[:-1] if rule.formula is not None else roots:
        works = has_value(encoder, root)
        ways.append(encoder.all_of(*before, z3.Not(works)))
        before = [*before, works, encoder.formula(root)]
    if rule.formula is not None:
        # Those that go before it take its turn.
        before += [space.does_not_match(each, [LINE_PREFIX]) for each in rivals]
        ways.append(encoder.all_of(*before, z3.Not(gives_points(encoder, roots[-1]))))
    wanted = [encoder.any_of(*ways), *encoder.products(roots)]
    if space.is_order and any(asks_lines(each.root) for each in (*conditions_of(rule), rule.formula) if each):
        wanted.append(encoder.number("rest.lines") == 0)
    if is_ordinary:
        wanted += ordinary(space.encoder, rule.names)
    return space.solve(wanted, [LINE_PREFIX], [rule, *rivals])


def _rivals(space: Space, rule: CompiledRule) -> list[CompiledRule]:
    """The rules that surely go before one in a group of which the first counts."""
    if rule.group is None or rule.group.pick != "first":
        return []
    rules = space.program.books[space.event_type].rules
    return [each for each in rules if each.group == rule.group and each.order < rule.order and each.formula is None]


def ordinary(encoder: Encoder, names: Iterable[str]) -> Iterator[Any]:
    """That no number of these names is out of the ordinary."""
    for name in numbers_of(encoder, names):
        most = ORDINARY_AMOUNT if "cents" in name or name.startswith(_AMOUNTS) else ORDINARY_NUMBER
        value = encoder.number(name)
        yield z3.And(value >= -most, value <= most)


def numbers_of(encoder: Encoder, names: Iterable[str]) -> list[str]:
    """Those names that are numbers, and not of a clock."""
    return [each for each in sorted(names) if encoder.fields.get(each) == "int" and not each.startswith("now.")]


def _failure(space: Space, rule: CompiledRule, case: Case) -> str | None:
    """With which message a rule really fails; None: it does not."""
    verdicts = replay(space.program, case).verdicts
    return next((each.detail for each in verdicts if each.rule == rule.id and each.outcome == "failed"), None)
