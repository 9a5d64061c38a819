"""How much a rule gives before rounding: exact rationals over the lines that it rates."""

from __future__ import annotations

from collections.abc import Sequence
from math import lcm

import msgspec

from jifen.core.rounding import Rounding, divide
from jifen.core.rules.document import Step


class Amount(msgspec.Struct, frozen=True, gc=False):
    """Exact points by part: `numerators[i] / denominator` for each line that was rated (`lines[i]`, its position in
    the order), or for the event as a whole (no lines). `rated_cents` is the money behind it."""

    numerators: Sequence[int]
    denominator: int
    lines: Sequence[int] = ()
    rated_cents: int = 0


Factor = tuple[int, int]


def by_ratio(paid: Sequence[int], lines: Sequence[int], points: int, per_cents: int) -> Amount:
    """So many points for so many cents of each line."""
    return Amount([cents * points for cents in paid], per_cents, lines, sum(paid))


def by_whole_step(paid: Sequence[int], lines: Sequence[int], rates: Sequence[Step]) -> Amount:
    """The rate that the lines reach together, for all of them. Below the first step: nothing."""
    total = sum(paid)
    reached = None
    for step in rates:
        if step.from_cents <= total:
            reached = step
    if reached is None:
        return Amount([0] * len(paid), 1, lines, total)
    return by_ratio(paid, lines, reached.points, reached.per_cents)


def by_margins(paid: Sequence[int], lines: Sequence[int], rates: Sequence[Step], before_cents: int = 0) -> Amount:
    """Each rate for its own part of what was spent, from `before_cents` on; shared to the lines by what was paid."""
    total = sum(paid)
    denominator = lcm(*(step.per_cents for step in rates))
    end = before_cents + total
    whole = 0
    for index, step in enumerate(rates):
        upper = rates[index + 1].from_cents if index + 1 < len(rates) else end
        part = min(end, upper) - max(before_cents, step.from_cents)
        if part > 0:
            whole += part * step.points * (denominator // step.per_cents)
    return Amount([cents * whole for cents in paid], denominator * max(total, 1), lines, total)


def rounded(amount: Amount, factors: Sequence[Factor] | None, rounding: Rounding, *, by_line: bool) -> int:
    """Whole points: each part times its factor (None: nothing multiplies them), then rounded once (`by_line`: once for
    each line, then added)."""
    denominator = amount.denominator
    if factors is None:
        if by_line:
            return sum(divide(numerator, denominator, rounding) for numerator in amount.numerators)
        return divide(sum(amount.numerators), denominator, rounding)
    if len(amount.numerators) == 1:
        ((up, down),) = factors
        return divide(amount.numerators[0] * up, denominator * down, rounding)
    if by_line:
        return sum(
            divide(numerator * up, denominator * down, rounding)
            for numerator, (up, down) in zip(amount.numerators, factors, strict=True)
        )
    common = lcm(*{down for _, down in factors})
    whole = sum(
        numerator * up * (common // down) for numerator, (up, down) in zip(amount.numerators, factors, strict=True)
    )
    return divide(whole, denominator * common, rounding)
