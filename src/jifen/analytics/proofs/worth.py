"""What points are worth at best: what the program says they cost, or what can be made of them.

The worth of a point is at least what each way gives for it; the least numbers for which that holds are what a member
who looks for the loop-hole makes of them. Where no numbers do, points can be made of points without end.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any

import msgspec
import z3

from jifen.analytics.proofs.ways import Unpriced, Way, ways_of
from jifen.core.program import Program

#: So many points are worth so many cents.
Worth = tuple[int, int]
#: A point of no known worth is worth more than nothing, in cents: so circles of such points are seen.
SOMETHING = Fraction(1, 10**12)


class Worths(msgspec.Struct, frozen=True):
    """The worth of points by wallet; `through`: by which way, where it is more than the program says.

    `circles`: ways that lead from points to more of the same points; they do not count in the worth. `for_nothing`:
    ways that cost no points and are worth something. `unpriced`: what has no worth of its own and does not count.
    """

    by_wallet: dict[str, Worth]
    through: dict[str, Way] = {}
    circles: list[list[Way]] = []
    for_nothing: list[Way] = []
    unpriced: list[Unpriced] = []
    ways: list[Way] = []

    @property
    def is_whole(self) -> bool:
        """Whether everything that points can be turned into counts."""
        return not self.circles and not self.unpriced and all(each.is_limited for each in self.for_nothing)


def worths_of(program: Program) -> Worths:
    """What a member can make of points."""
    found, unpriced = ways_of(program)
    if not found:
        return Worths(dict(program.values), unpriced=unpriced)
    ways = [each for each in found if each.points]
    circles = []
    while circle := _circle(program, ways):
        circles.append(circle)
        ways = [each for each in ways if each not in circle]
    worth = _least(program, ways)
    by_wallet, through = dict(program.values), {}
    for wallet in program.wallet_numbers:
        value = worth[wallet]
        if value and value != _value(program, wallet):
            by_wallet[wallet] = (value.denominator, value.numerator)
            through[wallet] = next(
                each for each in ways if each.source == wallet and each.points * value == _given(each, worth)
            )
    for_nothing = [each for each in found if not each.points and _given(each, worth) > 0]
    return Worths(by_wallet, through, circles, for_nothing, unpriced, found)


def leading_to(ways: Iterable[Way], circle: Sequence[Way]) -> set[str]:
    """The things from which a circle can be entered."""
    known = {each.source for each in circle}
    ways = list(ways)
    for _ in ways:
        known |= {each.source for each in ways if any(thing in known for thing in each.gives)}
    return known


def _value(program: Program, wallet: str) -> Fraction:
    points, cents = program.values.get(wallet, (1, 0))
    return Fraction(cents, points)


def _given(way: Way, worth: dict[str, Fraction]) -> Fraction:
    return way.cents + sum((number * worth.get(thing, Fraction(0)) for thing, number in way.gives.items()), Fraction(0))


# --- as a system of inequalities ---


class _System:
    """An unknown for each thing: what one of it is worth, in cents."""

    def __init__(self, program: Program, ways: Sequence[Way], at_least: Fraction) -> None:
        self.context = z3.Context()
        wallets = list(program.wallet_numbers)
        things = dict.fromkeys([*wallets, *(thing for each in ways for thing in (each.source, *each.gives))])
        self.worth = {each: z3.Real(each, self.context) for each in things}
        self.bounds = [each >= 0 for each in self.worth.values()]
        self.bounds += [self.worth[each] >= self._real(max(_value(program, each), at_least)) for each in wallets]

    def formula(self, way: Way) -> Any:
        """That what a way costs is worth what it gives."""
        terms = [self._real(way.cents)]
        terms += [self._real(number) * self.worth[thing] for thing, number in way.gives.items()]
        return way.points * self.worth[way.source] >= z3.Sum(*terms)

    def _real(self, value: Fraction) -> Any:
        return z3.RealVal(str(value), self.context)


def _circle(program: Program, ways: Sequence[Way]) -> list[Way]:
    """A few ways that make points of points without end; none: there are none."""
    system = _System(program, ways, SOMETHING)
    solver = z3.Solver(ctx=system.context)
    solver.add(*system.bounds)
    marks = {f"way {number}": each for number, each in enumerate(ways)}
    for name, each in marks.items():
        solver.assert_and_track(system.formula(each), z3.Bool(name, system.context))
    if solver.check() == z3.sat:
        return []
    needed = [marks[str(each)] for each in solver.unsat_core()]
    for each in list(needed):
        fewer = [other for other in needed if other is not each]
        smaller = z3.Solver(ctx=system.context)
        smaller.add(*system.bounds, *(system.formula(other) for other in fewer))
        if smaller.check() == z3.unsat:
            needed = fewer
    return needed


def _least(program: Program, ways: Sequence[Way]) -> dict[str, Fraction]:
    """The least worth of each thing for which no way gives more than it costs."""
    system = _System(program, ways, Fraction(0))
    solver = z3.Optimize(ctx=system.context)
    solver.add(*system.bounds, *(system.formula(each) for each in ways))
    solver.minimize(z3.Sum(*system.worth.values()))
    assert solver.check() == z3.sat, "ways without circles have a worth"
    model = solver.model()
    return {thing: model.eval(each, model_completion=True).as_fraction() for thing, each in system.worth.items()}
