"""What rules give, as formulas: exact where a rule rates a whole order, bounds elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import lcm
from typing import Any

import z3

from jifen.analytics.proofs.encoding import Encoder, may_fail
from jifen.analytics.proofs.evaluation import formula_gives_points
from jifen.analytics.proofs.overlaps import multiplies
from jifen.core.program import Program
from jifen.core.rules.book import CompiledRule
from jifen.core.rules.document import Step

TOTAL = "order.total_cents"
SPENT = {"month": "member.spent_cents_month", "year": "member.spent_cents_year", "lifetime": "member.spent_cents_total"}


def margins(rates: Sequence[Step], before: Any, money: Any) -> tuple[Any, int]:
    """What marginal rates give for money on top of what was spent before: (numerator, denominator)."""
    denominator = lcm(*(step.per_cents for step in rates))
    end = before + money
    parts = []
    for index, step in enumerate(rates):
        upper = end
        if index + 1 < len(rates):
            following = rates[index + 1].from_cents
            upper = z3.If(end < following, end, following)
        lower = z3.If(before > step.from_cents, before, step.from_cents)
        rate = step.points * (denominator // step.per_cents)
        parts.append(z3.If(upper > lower, (upper - lower) * rate, 0))
    return z3.Sum(*parts) if len(parts) > 1 else parts[0], denominator


def money_of(encoder: Encoder, rule: CompiledRule) -> Any:
    """The money that a rule rates: rules with the same filter of lines rate the same."""
    if rule.document.lines is None:
        return encoder.number(TOTAL)
    return encoder.number(f"money on lines where {rule.document.lines}")


def money_bounds(encoder: Encoder, rules: Sequence[CompiledRule], lines: Sequence[str]) -> list[Any]:
    """What always holds of the money that rules rate; the first of them matches these lines."""
    total = encoder.number(TOTAL)
    bounds = [z3.And(money_of(encoder, rule) >= 0, money_of(encoder, rule) <= total) for rule in rules]
    return [*bounds, *(money_of(encoder, rules[0]) >= encoder.number(f"{line}paid_cents") for line in lines)]


def least_points(encoder: Encoder, rule: CompiledRule, program: Program) -> Any | None:
    """What a rule gives at least where it matches, before caps; None: that cannot be said."""
    if any(each.factor[0] < each.factor[1] for each in _coefficients(rule, program)) or _rounds_parts(rule):
        return None
    if rule.formula is not None:
        return None if may_fail(rule.formula.root, encoder.optional) else encoder.formula(rule.formula.root)
    if rule.fixed is not None and rule.fixed.per != "event" and rule.lines is not None:
        return encoder.constant(rule.fixed.points)
    return _points(encoder, rule, halves_up=False)


def most_points(encoder: Encoder, rule: CompiledRule, program: Program) -> Any | None:
    """What a rule gives at most, before caps; None: that cannot be said."""
    if any(each.factor[0] > each.factor[1] for each in _coefficients(rule, program)) or _rounds_parts(rule):
        return None
    if rule.formula is not None:
        return encoder.formula(rule.formula.root)
    return _points(encoder, rule, halves_up=True)


def beats(encoder: Encoder, rival: CompiledRule, rule: CompiledRule, program: Program) -> Any:
    """The formula of a rival that surely gives more than a rule, or as much and goes before it, where the rule gives
    anything."""
    is_before = rival.order < rule.order
    if rule.document.ratio is not None and rival.document.ratio is not None and _rate_alike(rival, rule, program):
        one, other = (Fraction(each.points, each.per_cents) for each in (rival.document.ratio, rule.document.ratio))
        # Twice as much is more however it is rounded.
        if (one >= other and is_before) or one >= 2 * other:
            return z3.BoolVal(True, encoder.context)
    least, most = least_points(encoder, rival, program), most_points(encoder, rule, program)
    if least is None or most is None:
        return z3.BoolVal(False, encoder.context)
    return least >= most if is_before else least > most


def _rate_alike(one: CompiledRule, other: CompiledRule, program: Program) -> bool:
    """Whether two rules rate the same money, multiply it by the same and round it alike."""
    left, right = one.document, other.document
    return (left.lines, left.basis, left.rounding) == (right.lines, right.basis, right.rounding) and (
        _coefficients(one, program) == _coefficients(other, program)
    )


def _coefficients(rule: CompiledRule, program: Program) -> list[CompiledRule]:
    rules = program.books[rule.document.event].rules
    return [each for each in rules if each.is_coefficient and multiplies(each, rule)]


def _rounds_parts(rule: CompiledRule) -> bool:
    """Whether fractions of each line are rounded, so that the sum depends on the lines."""
    return rule.document.basis == "line" and rule.fixed is None and rule.formula is None


def _points(encoder: Encoder, rule: CompiledRule, *, halves_up: bool) -> Any:
    """Whole points for the money that a rule rates, without coefficients. `halves_up`: how half_even rounds a half."""
    document, money = rule.document, money_of(encoder, rule)
    if rule.fixed is not None:
        if rule.fixed.per == "event":
            return encoder.constant(rule.fixed.points)
        return rule.fixed.points * encoder.number("order.line_count" if rule.fixed.per == "line" else "order.quantity")
    if document.ratio is not None:
        return _rounded(money * document.ratio.points, document.ratio.per_cents, document.rounding, halves_up)
    if document.progressive is not None:
        before = encoder.number(SPENT[document.progressive.period])
        numerator, denominator = margins(document.progressive.rates, before, money)
        return _rounded(numerator, denominator, document.rounding, halves_up)
    assert document.steps is not None
    if document.steps.kind == "marginal":
        numerator, denominator = margins(document.steps.rates, encoder.constant(0), money)
        return _rounded(numerator, denominator, document.rounding, halves_up)
    points = encoder.constant(0)
    for step in document.steps.rates:
        reached = _rounded(money * step.points, step.per_cents, document.rounding, halves_up)
        points = z3.If(money >= step.from_cents, reached, points)
    return points


def _rounded(numerator: Any, denominator: int, rounding: str, halves_up: bool) -> Any:
    if rounding == "floor":
        return numerator / denominator
    if rounding == "ceil":
        return (numerator + denominator - 1) / denominator
    half = denominator if halves_up or rounding == "half_up" else denominator - 1
    return (2 * numerator + half) / (2 * denominator)


def exact_points(encoder: Encoder, rule: CompiledRule, given: Any, factor: Fraction, *, is_multiplied: bool) -> Any:
    """The formula of what a rule gives at most where its coefficients come to this factor at most, before caps."""
    ways = [
        z3.And(reached, _at_most(encoder, rule, given, numerator, factor / denominator, is_multiplied))
        for reached, numerator, denominator in _exact_amounts(encoder, rule)
    ]
    return z3.And(given >= 0, z3.Or(*ways))


def _exact_amounts(encoder: Encoder, rule: CompiledRule) -> list[tuple[Any, Any, int]]:
    """What a rule gives before coefficients and rounding: when, numerator, denominator."""
    document, always = rule.document, z3.BoolVal(True, encoder.context)
    if rule.formula is not None:
        return [(formula_gives_points(encoder, rule), encoder.formula(rule.formula.root), 1)]
    if rule.fixed is not None:
        number = {"event": 1, "line": encoder.number("order.line_count"), "unit": encoder.number("order.quantity")}
        return [(always, rule.fixed.points * encoder.constant(1) * number[rule.fixed.per], 1)]
    money = money_of(encoder, rule)
    if document.ratio is not None:
        return [(always, money * document.ratio.points, document.ratio.per_cents)]
    if document.progressive is not None:
        before = encoder.number(SPENT[document.progressive.period])
        return [(always, *margins(document.progressive.rates, before, money))]
    assert document.steps is not None
    if document.steps.kind == "marginal":
        return [(always, *margins(document.steps.rates, encoder.constant(0), money))]
    return [(money >= each.from_cents, money * each.points, each.per_cents) for each in document.steps.rates]


def _at_most(
    encoder: Encoder, rule: CompiledRule, given: Any, numerator: Any, factor: Fraction, is_multiplied: bool
) -> Any:
    up, down, rounding = factor.numerator, factor.denominator, rule.document.rounding
    if rounding == "floor" or (down == 1 and not is_multiplied and not _rounds_parts(rule)):
        return given * down <= numerator * up
    parts = encoder.number("order.line_count") if rule.document.basis == "line" else encoder.constant(1)
    if rounding == "ceil":
        return given * down < numerator * up + down * parts
    return 2 * given * down <= 2 * numerator * up + down * parts
