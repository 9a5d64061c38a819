"""A symbolic order, asked whether it can give back more than a share of what was paid.

There are two such orders. The loose one bounds every order: whatever it cannot do, none can. It rests on this: of the
lines of an order, one gives back most for its money; an order in which all money were on such a line gives back as much
at least, as ratios and coefficients work line by line, and steps are taken at the best rate that was reached. Fractions
of points are left as they are, and what rounding may add is added: so nothing is lost by which rule got how much of the
money. What does not depend on money (fixed awards) is counted besides, for lines of its own. The strict order says
more, so that it can be written down and rated for real.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from math import lcm
from typing import Any

import z3

from jifen.analytics.proofs.amounts import SPENT, TOTAL, margins
from jifen.analytics.proofs.encoding import LINE_PREFIX
from jifen.analytics.proofs.evaluation import formula_gives_points
from jifen.analytics.proofs.multipliers import Multipliers, own_line
from jifen.analytics.proofs.overlaps import multiplies, rates_the_event
from jifen.analytics.proofs.space import Space
from jifen.core.limits import MAXIMUM_AMOUNT, MAXIMUM_LINES, MAXIMUM_QUANTITY
from jifen.core.rounding import divide
from jifen.core.rules.book import CompiledRule
from jifen.core.rules.document import Step

Values = dict[int, tuple[int, int]]


class GivenBack:
    """The rules of all wallets whose points have a value."""

    def __init__(self, space: Space, values: Values, rules: Sequence[CompiledRule], *, alike: int = 0) -> None:
        """`values`: (points, cents) by the wallet's number. `alike`: the money of the strict order is on so many equal
        lines; 0: this is the loose one.

        Raises:
            Beyond: there are too many ways in which coefficients multiply.
        """
        self._space = space
        self._encoder = space.encoder
        strict = alike > 0
        self.alike = alike
        self._strict = strict
        self.rules = [rule for rule in rules if rule.wallet in values]
        self._base = [rule for rule in self.rules if not rule.is_coefficient]
        self._coefficients = [rule for rule in self.rules if rule.is_coefficient]
        number = self._encoder.number
        self.paid = number(TOTAL)
        self._money = alike * number(f"{LINE_PREFIX}paid_cents") if strict else self.paid
        self._count, self._pieces = number("order.line_count"), number("order.quantity")
        self.lines = [LINE_PREFIX, *(own_line(rule) for rule in self.rules if self._has_own_line(rule))]
        self._fitted: set[str] = set()
        self._known = space.order_bounds(self.lines, alike) if strict else self._loose_bounds()
        self._multipliers = Multipliers(space, space.solver(self._known, self.rules), self._is_there)
        make = z3.Int if strict else z3.Real
        worth = [z3.RealVal(0, self._encoder.context)]
        for unit in self._units():
            given = make(f"given by {unit[0].id} ({'strict' if strict else 'loose'})", self._encoder.context)
            self._known.append(self._one_gives(unit, given))
            points, cents = values[unit[0].wallet]
            worth.append(
                (z3.ToReal(given) if strict else given) * z3.RealVal(f"{cents}/{points}", space.encoder.context)
            )
        self._worth = z3.Sum(*worth)

    def formulas(self) -> list[Any]:
        """What holds of the order."""
        if self._strict:
            return [*self._known, self._encoder.number("rest.lines") == 0]
        return self._known

    def gives(self, share: Fraction, *, reaching: bool) -> Any:
        """The formula of an order whose points are worth more than this share (`reaching`: or as much)."""
        limit = z3.ToReal(self.paid) * z3.RealVal(str(share), self._encoder.context)
        return z3.And(self._worth > 0, self._worth >= limit) if reaching else self._worth > limit

    def _loose_bounds(self) -> list[Any]:
        number = self._encoder.number
        bounds = [
            z3.And(self.paid >= 0, self.paid <= MAXIMUM_AMOUNT),
            z3.And(self._count >= 1, self._count <= MAXIMUM_LINES),
            z3.And(self._pieces >= self._count, self._pieces <= self._count * MAXIMUM_QUANTITY),
        ]
        for line in self.lines:
            paid, quantity = number(f"{line}paid_cents"), number(f"{line}quantity")
            bounds.append(z3.And(paid >= 0, paid <= self.paid, quantity >= 1, quantity <= self._pieces))
        return bounds

    # --- who gives ---

    def _units(self) -> list[list[CompiledRule]]:
        """Rules that add up, each alone; of a group that picks one, those of the same wallet and value together."""
        units: dict[object, list[CompiledRule]] = {}
        for rule in self._base:
            picks_one = rule.group is not None and rule.group.pick != "sum"
            # Counted twice where a group fills two wallets: a bound all the same.
            key = ("group", rule.group.id, rule.wallet) if picks_one and rule.group else ("rule", rule.id)
            units.setdefault(key, []).append(rule)
        return list(units.values())

    def _one_gives(self, unit: Sequence[CompiledRule], given: Any) -> Any:
        choices = [given == 0]
        for rule in unit:
            before = [
                each for each in unit if each.order < rule.order and each.formula is None and rule.group is not None
            ]
            goes_first = rule.group is not None and rule.group.pick == "first"
            for line, amount in self._awards(rule, given):
                # Of a `first` group those above must not match.
                above = [self._space.does_not_match(each, [LINE_PREFIX, line]) for each in before if goes_first]
                choices.append(z3.And(given >= 0, amount, *above, *self._below_caps(rule, given)))
        return z3.Or(*choices)

    def _below_caps(self, rule: CompiledRule, given: Any) -> Iterator[Any]:
        """No cap lets through more at once than it does in all."""
        for each in rule.caps:
            cap = each.cap
            if cap.limit == "points":
                yield given <= cap.most
            elif cap.limit == "count" and cap.most == 0:
                yield given == 0
            elif cap.limit == "cost_cents" and rule.value is not None:
                yield given <= cap.most * rule.value[0] // rule.value[1]

    # --- how much ---

    def _awards(self, rule: CompiledRule, given: Any) -> Iterator[tuple[str, Any]]:
        """The ways in which a rule gives: the line it is about, and the formula of what it gives at most."""
        space, fixed = self._space, rule.fixed
        fitting = [each for each in self._coefficients if multiplies(each, rule)]
        if rates_the_event(rule):
            # Whichever line a coefficient matches, it multiplies the whole.
            choices = self._multipliers.choices(fitting, lambda each: None if each.lines else LINE_PREFIX)
            amount = self._encoder.formula(rule.formula.root) if rule.formula else fixed.points if fixed else 0
            works = formula_gives_points(self._encoder, rule)
            for line in self._lines_for(rule):
                for factor, when in choices:
                    whole = z3.And(space.matches(rule, line), when, self._is_there(line), works)
                    yield line, z3.And(whole, self._rounded(rule, given, amount, factor))
            return
        for line in self._lines_for(rule):
            choices = self._multipliers.choices(fitting, lambda _, line=line: line)  # type: ignore[misc]
            factors = [factor for factor, _ in choices]
            for factor, when in choices:
                there = z3.And(space.matches(rule, line), when, self._is_there(line))
                if fixed is not None:
                    amount = fixed.points * self._number_of(rule, line)
                    yield line, z3.And(there, self._rounded(rule, given, amount, factor))
                elif line == LINE_PREFIX:
                    yield line, z3.And(there, self._of_money(rule, given, factor, factors))
                elif not self._strict:
                    # The money may be elsewhere: then what rounding adds is left.
                    yield line, z3.And(there, self._at_most(given, [self._added(rule, factors)]))

    def _of_money(self, rule: CompiledRule, given: Any, factor: Fraction, factors: Sequence[Fraction]) -> Any:
        ways = []
        for reached, amount, denominator in self._rated(rule):
            exact = factor / denominator
            if self._strict:
                limit = self._rounded(rule, given, amount, exact)
            else:
                real = z3.ToReal(amount) * z3.RealVal(str(exact), self._encoder.context)
                limit = self._at_most(given, [real, self._added(rule, factors)])
            ways.append(z3.And(reached, limit))
        return z3.Or(*ways)

    def _added(self, rule: CompiledRule, factors: Sequence[Fraction]) -> Any:
        """What rounding adds at most to what a rule gives for money."""
        context = self._encoder.context
        parts, paid = z3.ToReal(self._parts(rule)), z3.ToReal(self.paid)
        rates = [Fraction(points, per_cents) * each for points, per_cents in _rates_of(rule) for each in factors]
        if rule.document.rounding == "floor":
            return z3.RealVal(0, context)
        if rule.document.rounding == "ceil":
            # To the next point from the least fraction of one; and for each cent once at most.
            smallest = lcm(*(rate.denominator for rate in rates))
            # What margins give is shared to lines by what was paid: then fractions may be of any size.
            is_shared = rule.document.ratio is None and (len(factors) > 1 or rule.document.basis == "line")
            part, bound = Fraction(1) if is_shared else Fraction(smallest - 1, smallest), paid
        else:
            # A half is rounded to one at most: as much again.
            part, bound = Fraction(1, 2), paid * z3.RealVal(str(max(rates)), context)
        by_parts = parts * z3.RealVal(str(part), context)
        return z3.If(by_parts < bound, by_parts, bound)

    @staticmethod
    def _at_most(given: Any, terms: Sequence[Any]) -> Any:
        return given <= z3.Sum(*terms) if len(terms) > 1 else given <= terms[0]

    def _rated(self, rule: CompiledRule) -> Iterator[tuple[Any, Any, int]]:
        """What a rule gives for money: when, numerator, denominator."""
        document, money = rule.document, self._money
        always = z3.BoolVal(True, self._encoder.context)
        if document.ratio is not None:
            yield always, money * document.ratio.points, document.ratio.per_cents
            return
        before = self._encoder.constant(0)
        if document.progressive is not None:
            rates, kind = document.progressive.rates, "marginal"
            before = self._encoder.number(SPENT[document.progressive.period])
        else:
            assert document.steps is not None
            rates, kind = document.steps.rates, document.steps.kind
        if rule.lines is not None and not self._strict:
            # The rule may rate less than all the money, and reach less: at most the best of the rates reached by all.
            for step in rates:
                yield before + money >= step.from_cents, money * step.points, step.per_cents
        elif kind == "marginal":
            yield always, *margins(rates, before, money)
        else:
            yield from self._whole(rates, money)

    @staticmethod
    def _whole(rates: Sequence[Step], money: Any) -> Iterator[tuple[Any, Any, int]]:
        for index, step in enumerate(rates):
            reached = money >= step.from_cents
            if index + 1 < len(rates):
                reached = z3.And(reached, money < rates[index + 1].from_cents)
            yield reached, money * step.points, step.per_cents

    def _rounded(self, rule: CompiledRule, given: Any, amount: Any, factor: Fraction) -> Any:
        """That what is given is at most the amount times the factor, rounded."""
        up, down = factor.numerator, factor.denominator
        rounding, parts = rule.document.rounding, self._parts(rule)
        if isinstance(amount, int):
            return given <= divide(amount * up, down, rounding)
        if rounding == "floor" or down == 1:
            return given * down <= amount * up
        if rounding == "ceil":
            # Nothing is rounded up from nothing.
            return z3.And(given * down < amount * up + down * parts, given <= amount * up)
        # A half is rounded to one at most: twice as much.
        return z3.And(2 * given * down <= 2 * amount * up + down * parts, given * down <= 2 * amount * up)

    def _parts(self, rule: CompiledRule) -> Any:
        """How many fractions are rounded."""
        if rule.document.basis != "line":
            return self._encoder.constant(1)
        return self._encoder.constant(self.alike) if self._strict else self._count

    # --- lines ---

    def _has_own_line(self, rule: CompiledRule) -> bool:
        """Whether a rule gives something for lines on which no money is."""
        if rule.is_coefficient:
            return rule.lines is not None and any(
                rates_the_event(base) for base in self._base if multiplies(rule, base)
            )
        if rule.fixed is not None and rule.fixed.per != "event":
            return True
        return rule.lines is not None and (rule.fixed is not None or rule.document.rounding != "floor")

    def _lines_for(self, rule: CompiledRule) -> list[str]:
        return [LINE_PREFIX, own_line(rule)] if own_line(rule) in self.lines else [LINE_PREFIX]

    def _is_there(self, line: str) -> Any:
        """That an order that is to be written down has the line."""
        if not self._strict or line == LINE_PREFIX:
            return z3.BoolVal(True, self._encoder.context)
        return self._encoder.number(f"{line}copies") >= 1

    def _number_of(self, rule: CompiledRule, line: str) -> Any:
        """For how many lines or pieces a fixed award is given."""
        by_line = rule.fixed is not None and rule.fixed.per == "line"
        if rule.lines is None:
            return self._count if by_line else self._pieces
        if not self._strict:
            return self._fitting(rule, by_line)
        number = self._encoder.number
        copies, quantity = number(f"{line}copies"), number(f"{line}quantity")
        if line == LINE_PREFIX:
            return copies if by_line else self.alike * quantity
        return copies if by_line else quantity + copies - 1

    def _fitting(self, rule: CompiledRule, by_line: bool) -> Any:
        """How many lines or pieces fit a filter at most: all, or as many as the money suffices for."""
        name = f"{'lines' if by_line else 'pieces'} that fit {rule.id}"
        fitting = self._encoder.number(name)
        if name not in self._fitted:
            self._fitted.add(name)
            cents = least_cents_each(self._space, rule, by_line)
            most = self._count if by_line else self._pieces
            self._known += [z3.And(fitting >= 0, fitting <= most), fitting * cents <= self.paid]
        return fitting


def least_cents_each(space: Space, rule: CompiledRule, by_line: bool) -> int:
    """So much was paid at least for each line (or each piece on the lines) that a rule's filter lets through."""
    number = space.encoder.number
    paid, quantity = number(f"{LINE_PREFIX}paid_cents"), number(f"{LINE_PREFIX}quantity")
    bounds = [paid >= 0, paid <= MAXIMUM_AMOUNT, quantity >= 1, quantity <= MAXIMUM_QUANTITY]
    solver = space.solver([*bounds, space.filter(rule, LINE_PREFIX)], [rule])

    def is_proven(cents: int) -> bool:
        solver.push()
        solver.add(paid < (cents if by_line else cents * quantity))
        answer = space.asker.check(solver)
        solver.pop()
        return bool(answer == z3.unsat)

    if not is_proven(1):
        return 0
    low, high = 1, 2
    while high <= MAXIMUM_AMOUNT and is_proven(high):
        low, high = high, 2 * high
    while low + 1 < high:
        middle = (low + high) // 2
        low, high = (middle, high) if is_proven(middle) else (low, middle)
    return low


def _rates_of(rule: CompiledRule) -> list[tuple[int, int]]:
    document = rule.document
    if document.ratio is not None:
        return [(document.ratio.points, document.ratio.per_cents)]
    steps = document.steps or document.progressive
    return [] if steps is None else [(step.points, step.per_cents) for step in steps.rates]
