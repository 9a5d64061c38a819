"""What coefficients make of what base rules give: which multiply what, and what they come to together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Literal

import msgspec

from jifen.core.rules.amounts import Amount, Factor
from jifen.core.rules.book import CompiledRule

CoefficientPolicy = Literal["product", "best", "sum_of_extras"]
#: What a rule gives before it is worked out.
NOT_YET = Amount((), 1)
#: The coefficients of an award that nothing multiplies; shared by all, and changed by nobody.
NO_NAMES: list[str] = []


class Matched(msgspec.Struct, eq=False, gc=False):
    """A rule that matched, on its way through the pipeline."""

    rule: CompiledRule
    positions: Sequence[int]
    amount: Amount = NOT_YET
    coefficients: list[str] = []
    points: int = 0


def rank(each: Matched) -> tuple[int, str]:
    """Rules act in this order wherever an order matters."""
    return each.rule.order


class ByLine:
    """What a set of coefficients comes to: for each line, and for an award that has no lines."""

    __slots__ = ("_policy", "factors", "here", "in_all", "names")

    def __init__(self, coefficients: list[Matched], policy: CoefficientPolicy, lines: int) -> None:
        here: list[list[Matched]] = [[] for _ in range(lines)]
        for each in coefficients:
            for position in each.positions:
                here[position].append(each)
        #: Those that matched each line, and all, whether they count or not.
        self.here, self.in_all = here, coefficients
        self._policy = policy
        counted = here if policy != "best" else [_that_count(matched, policy) for matched in here]
        self.names = [[each.rule.id for each in matched] for matched in counted]
        self.factors = [combined([each.rule.factor for each in matched], policy) for matched in counted]

    @property
    def whole(self) -> Factor:
        """What multiplies an award that has no lines."""
        return combined([each.rule.factor for each in _that_count(self.in_all, self._policy)], self._policy)

    @property
    def all_names(self) -> list[str]:
        """The rules behind it."""
        return [each.rule.id for each in _that_count(self.in_all, self._policy)]


class Factors:
    """The coefficients of an event, by the rules that they multiply; each set is combined once."""

    def __init__(
        self,
        multipliers: Mapping[str, frozenset[str]],
        coefficients: list[Matched],
        policy: CoefficientPolicy,
        lines: int,
    ) -> None:
        self._multipliers = multipliers
        self._coefficients = coefficients
        self._policy = policy
        self._lines = lines
        self._known: dict[frozenset[str], ByLine | None] = {}

    def of(self, base: CompiledRule) -> ByLine | None:
        """What multiplies a base rule; None: nothing does."""
        multipliers = self._multipliers[base.id]
        if not multipliers:
            return None
        if multipliers not in self._known:
            fitting = [each for each in self._coefficients if each.rule.id in multipliers]
            self._known[multipliers] = ByLine(fitting, self._policy, self._lines) if fitting else None
        return self._known[multipliers]

    def outbid_on(self, base: CompiledRule, lines: Sequence[int]) -> dict[str, str]:
        """The coefficients that fit what a base rule gave, and the larger one that multiplied it instead."""
        by_line = self.of(base)
        if self._policy != "best" or by_line is None:
            return {}
        meetings = [(by_line.here[line], by_line.names[line]) for line in lines]
        if not lines:
            meetings = [(by_line.in_all, by_line.all_names)]
        return {each.rule.id: names[0] for matched, names in meetings for each in matched if each.rule.id not in names}


def _that_count(coefficients: list[Matched], policy: CoefficientPolicy) -> list[Matched]:
    """Those that multiply: all, or the largest alone (of equal ones the first in the order of rules)."""
    if policy != "best" or len(coefficients) < 2:
        return coefficients
    common = common_denominator([each.rule.factor for each in coefficients])
    return [min(coefficients, key=lambda each: (-each.rule.factor[0] * common // each.rule.factor[1], rank(each)))]


def combined(factors: list[Factor], policy: CoefficientPolicy) -> Factor:
    """The coefficients that count as one: their product, or one plus what each is above one."""
    if not factors:
        return 1, 1
    if len(factors) == 1:
        return factors[0]
    if policy != "sum_of_extras":
        above = below = 1
        for up, down in factors:
            above *= up
            below *= down
        return above, below
    common = common_denominator(factors)
    # Several below 1 may take away more than there is.
    return max(common + sum(up * common // down - common for up, down in factors), 0), common


def common_denominator(factors: list[Factor]) -> int:
    return prod(down for _, down in factors)
