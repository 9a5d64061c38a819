"""By how much coefficients can multiply an award, and when."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import z3

from jifen.analytics.proofs.encoding import Beyond
from jifen.analytics.proofs.space import SEVERAL, Space
from jifen.core.rules.book import CompiledRule

#: So many different products are looked at for one award.
MOST_FACTORS = 64
Choice = tuple[Fraction, Any]
Where = Callable[[CompiledRule], str | None]


class Multipliers:
    """The coefficients of an order, combined as the program says."""

    def __init__(self, space: Space, solver: Any, is_there: Callable[[str], Any]) -> None:
        """`solver` knows what always holds; what it finds impossible is left out. `is_there`: the formula of an order
        that has a line."""
        self._is_there = is_there
        self._space = space
        self._solver = solver
        self._all = [each for each in space.program.books[space.event_type].rules if each.is_coefficient]
        self._policy = space.program.document.coefficients
        self._true = z3.BoolVal(True, space.encoder.context)
        self._known: dict[tuple[object, ...], list[Choice]] = {}

    def choices(self, coefficients: Sequence[CompiledRule], where: Where) -> list[Choice]:
        """The factors that an award may have and when it may have each. `where`: the line on which a coefficient must
        match; None: on any, of which its own line stands for all.

        Raises:
            Beyond: there are too many.
        """
        key = tuple((each.id, where(each)) for each in coefficients)
        if key not in self._known:
            self._known[key] = self._combine(coefficients, where)
        return self._known[key]

    def _combine(self, coefficients: Sequence[CompiledRule], where: Where) -> list[Choice]:
        found: dict[Fraction, Any] = {Fraction(1): self._true}
        for unit in self._units(coefficients):
            alternatives = self._alternatives(unit, where, coefficients)
            following: dict[Fraction, list[Any]] = {}
            for factor, when in found.items():
                for other, fits in alternatives:
                    both = z3.And(when, fits)
                    if self._is_possible(both):
                        following.setdefault(self._together(factor, other), []).append(both)
            if len(following) > MOST_FACTORS:
                raise Beyond(f"{len(coefficients)} coefficients that multiply each other in over {MOST_FACTORS} ways")
            found = {factor: self._space.encoder.any_of(*whens) for factor, whens in following.items()}
        return [(max(factor, Fraction(0)), when) for factor, when in found.items()]

    def _units(self, coefficients: Sequence[CompiledRule]) -> list[list[CompiledRule]]:
        """Those of which at most one counts, together, the one that goes before first."""
        if self._policy == "best":
            return [sorted(coefficients, key=_size, reverse=True)] if coefficients else []
        units: dict[str, list[CompiledRule]] = {}
        for each in sorted(coefficients, key=lambda each: each.order):
            picks_one = each.group is not None and each.group.pick != "sum"
            units.setdefault(f"group {each.group.id}" if picks_one and each.group else each.id, []).append(each)
        for unit in units.values():
            if unit[0].group is not None and unit[0].group.pick == "best":
                # Sorting keeps the order of those of the same size.
                unit.sort(key=_size, reverse=True)
        return list(units.values())

    def _alternatives(
        self, unit: Sequence[CompiledRule], where: Where, fitting: Sequence[CompiledRule]
    ) -> list[Choice]:
        found: list[Choice] = []
        none_before = self._true
        for each in unit:
            line = where(each)
            place = own_line(each) if line is None else line
            found.append((_size(each), z3.And(none_before, self._space.matches(each, place), self._is_there(place))))
            none_before = z3.And(none_before, self._is_absent(each, line, fitting))
        return [*found, (Fraction(1), none_before)]

    def _is_absent(self, coefficient: CompiledRule, line: str | None, fitting: Sequence[CompiledRule]) -> Any:
        """That a coefficient does not count there. Where any line will do, that cannot be said of all lines."""
        if line is None and coefficient.lines is not None:
            return self._true
        absent = self._space.does_not_match(coefficient, [line or ""])
        # It may lose to one of its group that matches another line, or that is not for this award at all.
        winners = [
            each
            for each in self._all
            if goes_before(each, coefficient) and (each.lines is not None or each not in fitting)
        ]
        return self._space.encoder.any_of(absent, *(self._space.conditions(each) for each in winners))

    def _together(self, one: Fraction, other: Fraction) -> Fraction:
        return one + other - 1 if self._policy == "sum_of_extras" else one * other

    def _is_possible(self, formula: Any) -> bool:
        self._solver.push()
        self._solver.add(formula)
        answer = self._space.asker.check(self._solver)
        self._solver.pop()
        return bool(answer != z3.unsat)


def goes_before(one: CompiledRule, other: CompiledRule) -> bool:
    """Whether the first of two coefficients counts and the other does not, where both match, as their group says."""
    if one is other or one.group is None or one.group != other.group or one.group.pick == "sum":
        return False
    if one.group.pick == "best" and _size(one) != _size(other):
        return _size(one) > _size(other)
    return one.order < other.order


def own_line(rule: CompiledRule) -> str:
    """The prefix of the lines that are there for a rule alone: one, several alike, or none."""
    return f"line-of-{rule.id}{SEVERAL}"


def _size(rule: CompiledRule) -> Fraction:
    return Fraction(*rule.factor)
