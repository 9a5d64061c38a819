"""Whether any order gives back more than the program allows, or breeds points; and the most that any gives back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any, Literal

from jifen.analytics.proofs.encoding import Beyond
from jifen.analytics.proofs.examples import Case, counterexample, replay
from jifen.analytics.proofs.limits import GivenBack, Values
from jifen.analytics.proofs.report import Finding, HighestReward, NotProven, finding, gave_up, not_proven, not_shown
from jifen.analytics.proofs.space import Space
from jifen.analytics.proofs.undecided import Undecided
from jifen.analytics.proofs.ways import spendable_in
from jifen.analytics.proofs.worth import Worths
from jifen.core.counted import counted
from jifen.core.program import Program
from jifen.core.rules.book import CompiledRule

#: A share this high is not looked for: a fixed award for an order of any size has none.
HIGHEST_PERCENT = 1_000
#: Orders are looked for from these sizes on, in cents: small ones may lose by rounding what they seem to give.
SIZES = (1_000_000, 10_000, 100, 1, 0)
#: On one line, or on as many as filters of small lines may ask for.
ALIKE = (1, 100)
#: So often an order is looked for that gives back more than the best one found.
CLIMBS = 6
Question = Literal["rate_exceeded", "gaining_loop"]


class RewardRates:
    """What orders give back. Known once `judged` was gone through: `highest`, the percentage that none can pass, and
    `found`, the order that comes nearest to it of those that were found."""

    def __init__(self, space: Space, rules: Sequence[CompiledRule], worths: Worths) -> None:
        self._space = space
        self._rules = rules
        self._worths = worths
        self._values: Values = {space.program.wallet_numbers[name]: value for name, value in worths.by_wallet.items()}
        self._names = space.program.wallet_ids
        #: By the wallets that count, and on how many lines the money is.
        self._strict: dict[tuple[tuple[int, ...], int], GivenBack] = {}
        self.highest: str | None = None
        self.found: HighestReward | None = None

    def judged(self) -> Iterator[Finding | NotProven]:
        """What is found about orders."""
        base = [rule for rule in self._rules if not rule.is_coefficient]
        valued = [rule for rule in base if rule.wallet in self._values]
        if not valued:
            if self._space.program.document.most_reward_percent is not None and base:
                zh = "rate_exceeded：订单所得的积分账户没有写 value，不知道积分值多少钱"
                en = "rate_exceeded: no wallet that orders earn has a value, so what points cost is not known"
                yield not_proven(base[0].id, zh, en)
            return
        try:
            loose = GivenBack(self._space, self._values, self._rules)
            solver = self._space.solver(loose.formulas(), loose.rules)
            yield from self._judge(loose, solver, valued[0].id)
            bound = _highest(self._space, loose, solver) if self._worths.is_whole else None
            if bound is not None:
                self.highest = _percent(Fraction(bound, 100))
                self.found = self._most_found(bound)
        except Beyond as error:
            zh = f"rate_exceeded：{len(self._rules)} 条规则的系数相乘方式太多"
            yield not_proven(valued[0].id, zh, f"rate_exceeded: {error}")
        except Undecided as error:
            yield gave_up(valued[0].id, "rate_exceeded", error)

    def _judge(self, loose: GivenBack, solver: Any, first: str) -> Iterator[Finding | NotProven]:
        given_up: tuple[Fraction, Undecided] | None = None
        for kind, share, values in self._questions():
            try:
                if values != self._values:
                    loose = GivenBack(self._space, values, self._rules)
                    solver = self._space.solver(loose.formulas(), loose.rules)
                if not _is_possible(self._space, solver, loose.gives(share, reaching=kind == "gaining_loop")):
                    continue
                if given_up is not None and share >= given_up[0]:
                    # Where no order that gives much was found in time, none is that gives more.
                    yield gave_up(first, kind, given_up[1])
                    continue
                case = self._example(values, kind, share)
            except Undecided as error:
                given_up = share, error
                yield gave_up(first, kind, error)
                continue
            if case is None:
                yield not_shown(first, kind)
            else:
                yield _told(self._space.program, case, kind, values, self._worths)

    def _most_found(self, bound: int) -> HighestReward | None:
        """The order that gives most for its money, looked for from just below the bound (hundredths of a percent)."""
        best: HighestReward | None = None
        # Shares of which it is not known whether orders are found that give more: mostly the highest is reached.
        low, high, share = 0, bound, bound - 1
        for _ in range(CLIMBS):
            if low >= high:
                break
            try:
                case = self._example(self._values, "rate_exceeded", Fraction(share, 10_000))
            except Undecided:
                case = None
            if case is None:
                high = share
            else:
                paid, worth, _points = _worth(self._space.program, case, self._values)
                best = HighestReward(_percent(worth / paid * 100, up=False), counterexample(case))
                low = worth * 10_000 // paid + 1
            share = (low + high) // 2
        return best

    def _example(self, values: Values, kind: Question, share: Fraction) -> Case | None:
        """An order that shows it: one that gives more where there is one, also where as much is enough."""
        for strict in self._strict_orders(values):
            for reaching in (False, True) if kind == "gaining_loop" else (False,):
                case = _real(self._space, strict, values, share, reaching=reaching)
                if case is not None:
                    return case
        return None

    def _strict_orders(self, values: Values) -> Iterator[GivenBack]:
        """The orders among which examples are looked for; each is made once, as soon as it is needed."""
        for alike in ALIKE:
            key = tuple(values), alike
            if key not in self._strict:
                self._strict[key] = GivenBack(self._space, values, self._rules, alike=alike)
            yield self._strict[key]

    def _questions(self) -> Iterator[tuple[Question, Fraction, Values]]:
        """What is asked of orders, from which share of what was paid on, and of points worth what."""
        allowed = self._space.program.document.most_reward_percent
        if allowed is not None:
            yield "rate_exceeded", Fraction(allowed) / 100, self._values
        # Points that buy nothing lead nowhere.
        spendable = spendable_in(self._space.program.document)
        values = {wallet: each for wallet, each in self._values.items() if self._names[wallet] in spendable}
        if values:
            yield "gaining_loop", Fraction(1), values


def _told(program: Program, case: Case, kind: Question, values: Values, worths: Worths) -> Finding:
    paid, worth, points = _worth(program, case, values)
    awards = [each for each in replay(program, case).awards if each.points and each.wallet in values]
    zh, en = (
        f"实付 {paid:,} 分的订单得 {points:,} 积分",
        f"An order of {paid:,} cents earns {counted(points, 'points')}",
    )
    if paid:
        percent, is_exact = f"{_percent(worth / paid * 100)}%", worth * 10_000 % paid == 0
        zh += f"，价值为实付的 {percent}" + ("" if is_exact else f"（向上取整，准确值 {worth / paid}）")
        en += f", worth {percent} of it" + ("" if is_exact else f" (rounded up, exactly {worth / paid})")
    wallets = dict.fromkeys(program.wallet_ids[each.wallet] for each in awards)
    through = [worths.through[each].words for each in wallets if each in worths.through]
    if any(zh for zh, _ in through):
        zh = f"{zh}（{'；'.join(each[0] for each in through)}）"
        en = f"{en} ({'; '.join(each[1] for each in through)})"
    rules = [each.rule for each in awards]
    if kind == "rate_exceeded":
        allowed = program.document.most_reward_percent
        return finding(kind, rules, f"{zh}，超过 {allowed}%", f"{en}: more than {allowed}%", counterexample(case))
    zh, en = f"{zh}：用积分换券再下单，积分不会越用越少", f"{en}: points that pay for orders breed points"
    return finding(kind, rules, zh, en, counterexample(case))


def _real(space: Space, strict: GivenBack, values: Values, share: Fraction, *, reaching: bool) -> Case | None:
    """An order that really gives so much."""
    for least_cents in SIZES:
        wanted = [*strict.formulas(), strict.gives(share, reaching=reaching), strict.paid >= least_cents]
        if least_cents == 0:
            wanted.append(strict.paid == 0)
        case = space.solve(wanted, strict.lines, strict.rules, strict.alike)
        if case is not None:
            paid, worth, points = _worth(space.program, case, values)
            if points and (worth >= share * paid if reaching else worth > share * paid):
                return case
    return None


def _worth(program: Program, case: Case, values: Values) -> tuple[int, Fraction, int]:
    """What was paid for an order, what its points are worth, and how many these are."""
    worth, points = Fraction(0), 0
    for award in replay(program, case).awards:
        value = values.get(award.wallet)
        if value is not None:
            worth += Fraction(award.points * value[1], value[0])
            points += award.points
    return sum(line.paid_cents for line in case.event.lines), worth, points


def _highest(space: Space, loose: GivenBack, solver: Any) -> int | None:
    """The smallest share, in hundredths of a percent, that is proven never to be passed; None: there is none to speak
    of."""
    low, high = 0, HIGHEST_PERCENT * 100
    try:
        if _is_possible(space, solver, loose.gives(Fraction(HIGHEST_PERCENT, 100), reaching=False)):
            return None
        while low < high:
            middle = (low + high) // 2
            if _is_possible(space, solver, loose.gives(Fraction(middle, 10_000), reaching=False)):
                low = middle + 1
            else:
                high = middle
    except Undecided:
        return None
    return high


def _is_possible(space: Space, solver: Any, formula: Any) -> bool:
    solver.push()
    try:
        solver.add(formula)
        return space.asker.is_possible(solver)
    finally:
        solver.pop()


def _percent(percent: Fraction, *, up: bool = True) -> str:
    hundredths = -(-percent * 100 // 1) if up else percent * 100 // 1
    return f"{hundredths // 100}.{hundredths % 100:02d}"
