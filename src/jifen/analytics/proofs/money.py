"""How much an order can give back at most, and whether points can breed points.

An order of several lines gives no larger share than its best line would alone, as ratios and coefficients are worked
out line by line, and steps by a total that an order of that one line can have as well. So orders are looked at in which
one line is paid for and the others are free. Caps are left out: they only take away. What the solver finds is rated for
real before it is called a finding.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import z3

from jifen.analytics.proofs.encoding import LINE_PREFIX, Beyond, Encoder
from jifen.analytics.proofs.examples import Case, counterexample, moments, replay
from jifen.analytics.proofs.report import Finding, NotProven, finding
from jifen.analytics.proofs.space import Space, Undecided
from jifen.core.program import Program
from jifen.core.rules.book import CompiledRule
from jifen.core.rules.document import Step

#: A share this high is not looked for: a fixed award for an order of any size has none.
HIGHEST_PERCENT = 1_000
STEPS_OF_SEARCH = 18
#: Orders are looked for from these sizes on, in cents.
SIZES = (1_000_000, 10_000, 1)


class Limit:
    """Orders of one wallet's rules, asked whether they can give back more than a share."""

    def __init__(self, space: Space, wallet: int, value: tuple[int, int], rules: Sequence[CompiledRule]) -> None:
        self._space = space
        self._wallet = wallet
        self._value = value
        self._base = [rule for rule in rules if not rule.is_coefficient]
        self._coefficients = [rule for rule in rules if rule.is_coefficient]

    def beyond(self, share: Fraction, least_cents: int) -> Case | None:
        """An order of at least so many cents that gives back more than this share; None: there is none, proven.

        Raises Beyond, Undecided.
        """
        encoder = Encoder()
        wanted, matches = self._question(encoder, share)
        wanted.append(encoder.number(f"{LINE_PREFIX}paid_cents") >= least_cents)
        rules = (*self._base, *self._coefficients)
        return self._space.solve(
            encoder,
            wanted,
            [LINE_PREFIX],
            lambda model: [rule for rule in rules if z3.is_true(model.eval(matches[rule.id], model_completion=True))],
        )

    def is_passable(self, share: Fraction) -> bool:
        """Whether an order may give back more than this share, if windows that never meet are taken to meet.

        Raises Beyond, Undecided.
        """
        encoder = Encoder()
        return self._space.is_possible(encoder, self._question(encoder, share)[0], [LINE_PREFIX])

    def _question(self, encoder: Encoder, share: Fraction) -> tuple[list[Any], dict[str, Any]]:
        """The formulas of an order that gives back more, and those of each rule's conditions."""
        paid = encoder.number(f"{LINE_PREFIX}paid_cents")
        matches = {
            rule.id: self._space.matches(encoder, rule, LINE_PREFIX) for rule in (*self._base, *self._coefficients)
        }
        points = z3.Real("points", encoder.context)
        value = z3.RealVal(f"{self._value[1]}/{self._value[0]}", encoder.context)
        wanted = [
            encoder.number("rest.paid_cents") == 0,
            paid >= 1,
            points * value > z3.ToReal(paid) * z3.RealVal(str(share), encoder.context),
        ]
        groups = self._groups()
        for group, rules in groups:
            wanted += self._given(encoder, group, rules, matches, paid)
        wanted.append(points == z3.Sum(*[z3.Real(f"given by {group}", encoder.context) for group, _ in groups]))
        return wanted, matches

    def _groups(self) -> list[tuple[str, list[CompiledRule]]]:
        """Rules that add up, each alone; of a group that picks one, all together."""
        found: dict[str, list[CompiledRule]] = {}
        for rule in self._base:
            picks_one = rule.group is not None and rule.group.pick != "sum"
            name = f"group {rule.group.id}" if picks_one and rule.group else f"rule {rule.id}"
            found.setdefault(name, []).append(rule)
        return list(found.items())

    def _given(
        self, encoder: Encoder, group: str, rules: list[CompiledRule], matches: dict[str, Any], paid: Any
    ) -> list[Any]:
        given = z3.Real(f"given by {group}", encoder.context)
        choices = [given == 0]
        for rule in rules:
            for factor, fits in self._factors(encoder, rule, matches):
                amount = self._amount(encoder, rule, paid, factor)
                choices.append(z3.And(matches[rule.id], fits, given <= amount, given >= 0))
        return [z3.Or(*choices)]

    def _factors(self, encoder: Encoder, base: CompiledRule, matches: dict[str, Any]) -> list[tuple[Fraction, Any]]:
        """What can multiply a rule, and when."""
        always = z3.BoolVal(True, encoder.context)
        is_rated = base.fixed is None and base.formula is None
        fitting = []
        for each in self._coefficients:
            assert each.document.coefficient is not None
            of = each.document.coefficient.of
            if base.id in of if of else is_rated:
                fitting.append(each)
        if not fitting:
            return [(Fraction(1), always)]
        singles = [(Fraction(*each.factor), matches[each.id]) for each in fitting]
        if self._space.program.document.coefficients == "best" or len(fitting) == 1:
            return [(Fraction(1), always), *singles]
        if len(fitting) > 10:
            raise Beyond(f"{len(fitting)} coefficients that multiply each other")
        combined = [(Fraction(1), always)]
        for factor, fits in singles:
            combined += [(self._together(one, factor), z3.And(when, fits)) for one, when in combined]
        return combined

    def _together(self, one: Fraction, other: Fraction) -> Fraction:
        if self._space.program.document.coefficients == "product":
            return one * other
        return one + other - 1

    def _amount(self, encoder: Encoder, rule: CompiledRule, paid: Any, factor: Fraction) -> Any:
        document = rule.document
        up = {"floor": Fraction(0), "half_up": Fraction(1, 2), "half_even": Fraction(1, 2), "ceil": Fraction(1)}
        extra = z3.RealVal(str(up[document.rounding]), encoder.context)

        def by(points: int, per_cents: int) -> Any:
            return z3.ToReal(paid) * z3.RealVal(str(Fraction(points, per_cents) * factor), encoder.context)

        if document.ratio is not None:
            amount = by(document.ratio.points, document.ratio.per_cents)
            # Half a point is rounded up from half a point on, and nothing from nothing.
            return (
                amount + extra
                if document.rounding == "ceil"
                else z3.If(amount >= z3.RealVal("1/2", encoder.context), amount + extra, 0)
            )
        if document.steps is not None:
            return self._stepped(encoder, document.steps.rates, paid, by) + extra
        if document.progressive is not None:
            best = max(document.progressive.rates, key=lambda step: Fraction(step.points, step.per_cents))
            return by(best.points, best.per_cents) + extra
        if rule.fixed is not None:
            of_lines = {"event": None, "line": "order.line_count", "unit": "order.quantity"}[rule.fixed.per]
            if rule.lines is not None and of_lines is not None:
                of_lines = f"{LINE_PREFIX}quantity" if rule.fixed.per == "unit" else None
            number = z3.IntVal(1, encoder.context) if of_lines is None else encoder.number(of_lines)
            return z3.ToReal(number) * z3.RealVal(str(rule.fixed.points * factor), encoder.context)
        assert rule.formula is not None
        return z3.ToReal(encoder.formula(rule.formula.root)) * z3.RealVal(str(factor), encoder.context)

    @staticmethod
    def _stepped(encoder: Encoder, rates: Sequence[Step], paid: Any, by: Any) -> Any:
        amount = z3.RealVal(0, encoder.context)
        best = Fraction(0)
        for step in rates:
            # Marginal rates give at most what the highest rate reached so far would give for all.
            best = max(best, Fraction(step.points, step.per_cents))
            amount = z3.If(paid >= step.from_cents, by(best.numerator, best.denominator), amount)
        return amount


def reward_rates(space: Space, rules: Sequence[CompiledRule]) -> tuple[list[Finding | NotProven], str | None]:
    """Whether any order gives back more than the program allows, or breeds points; and the highest share there is."""
    program = space.program
    found: list[Finding | NotProven] = []
    highest: list[Fraction] = []
    for wallet in program.document.wallets:
        value = program.values.get(wallet.id)
        number = program.wallet_numbers[wallet.id]
        # A rule whose windows never meet gives nothing; that is a finding of its own.
        own = [rule for rule in rules if rule.wallet == number and any(True for _ in moments([rule], program))]
        if value is None or not own:
            continue
        limit = Limit(space, program.wallet_numbers[wallet.id], value, own)
        try:
            found += _judge(program, limit, wallet.id, value, own)
            highest.append(_highest(limit))
        except (Beyond, Undecided) as error:
            found.append(NotProven(own[0].id, f"rate_exceeded: {error}"))
    return found, _percent(sum(highest, Fraction(0))) if highest and max(highest) < HIGHEST_PERCENT else None


def _judge(
    program: Program, limit: Limit, wallet: str, value: tuple[int, int], own: Sequence[CompiledRule]
) -> Iterator[Finding | NotProven]:
    allowed = program.document.most_reward_percent
    questions = [("gaining_loop", Fraction(1))]
    if allowed is not None:
        questions.insert(0, ("rate_exceeded", Fraction(allowed) / 100))
    for kind, share in questions:
        if not limit.is_passable(share):
            continue
        case = _real(program, limit, share, wallet, value)
        if case is None:
            yield NotProven(own[0].id, f"{kind}: no order was found that really gives more than allowed")
            continue
        paid, worth, points = _worth(program, case, wallet, value)
        rules = [award.rule for award in replay(program, case).awards if award.points]
        if worth <= share * paid:
            yield NotProven(
                own[0].id, f"{kind}: the order that was found gives {worth} for {paid}, no more than allowed"
            )
            continue
        percent = _percent(worth / paid * 100)
        if kind == "rate_exceeded":
            zh = f"实付 {paid} 分的订单得 {points} 积分，价值为实付的 {percent}%，超过 {allowed}%"
            en = f"An order of {paid} cents earns {points} points, worth {percent} % of it: more than {allowed} %"
        else:
            zh = f"实付 {paid} 分的订单得 {points} 积分，价值 {percent}%：用积分换券再下单会越换越多"
            en = f"An order of {paid} cents earns {points} points, worth {percent} %: points breed points"
        yield finding(kind, rules, zh, en, counterexample(case))  # type: ignore[arg-type]


def _real(program: Program, limit: Limit, share: Fraction, wallet: str, value: tuple[int, int]) -> Case | None:
    """An order that really gives more: large ones first, as small ones may lose by rounding what they seem to give."""
    for least_cents in SIZES:
        case = limit.beyond(share, least_cents)
        if case is not None:
            paid, worth, _ = _worth(program, case, wallet, value)
            if worth > share * paid:
                return case
    return None


def _worth(program: Program, case: Case, wallet: str, value: tuple[int, int]) -> tuple[int, Fraction, int]:
    """What was paid for an order, what its points of a wallet are worth, and how many these are."""
    awards = replay(program, case).awards
    points = sum(award.points for award in awards if program.wallet_ids[award.wallet] == wallet)
    return sum(line.paid_cents for line in case.event.lines), Fraction(points * value[1], value[0]), points


def _highest(limit: Limit) -> Fraction:
    """The smallest percentage, to two decimals, that is proven never to be passed."""
    low, high = 0, HIGHEST_PERCENT * 100
    for _ in range(STEPS_OF_SEARCH):
        if low >= high:
            break
        middle = (low + high) // 2
        if limit.is_passable(Fraction(middle, 10_000)):
            low = middle + 1
        else:
            high = middle
    return Fraction(high, 100)


def _percent(percent: Fraction) -> str:
    hundredths = -(-percent * 100 // 1)
    return f"{hundredths // 100}.{hundredths % 100:02d}"
