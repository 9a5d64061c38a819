"""Caps and budgets that never bind: by what rules give for one event, how often, and by other caps.

A bound is proven for every event; a cap that binds is shown by an event that gives more than what the bound leaves.
Where neither is found, the cap is named as not proven.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from math import prod
from typing import Any

import msgspec
import z3

from jifen.analytics.proofs.amounts import TOTAL, exact_points, money_bounds, money_of
from jifen.analytics.proofs.days import Days
from jifen.analytics.proofs.encoding import LINE_PREFIX, Beyond
from jifen.analytics.proofs.examples import Case, counterexample, ordinary_order, replay
from jifen.analytics.proofs.multipliers import Choice, Multipliers
from jifen.analytics.proofs.overlaps import multiplies, rates_the_event
from jifen.analytics.proofs.periods import most_within
from jifen.analytics.proofs.report import Finding, NotProven, finding, gave_up, not_proven
from jifen.analytics.proofs.space import Space
from jifen.analytics.proofs.undecided import Undecided
from jifen.core.limits import MAXIMUM_AMOUNT
from jifen.core.program import Program
from jifen.core.rules.book import CompiledRule
from jifen.core.rules.caps import OpenCap, cost_cents
from jifen.core.rules.facts import REGISTERED

Result = Finding | NotProven


class Drawn(msgspec.Struct, frozen=True):
    """A cap or budget with all rules that draw on it, and the space of each. `names`: it in Chinese and in English."""

    cap: OpenCap
    rules: list[tuple[Space, CompiledRule]]
    names: tuple[str, str]


def idle_caps(program: Program, spaces: Sequence[Space]) -> Iterator[Result]:
    """Caps of rules, budgets of campaigns and of the program that can never bind."""
    for each in _all_drawn(program, spaces):
        owners = [rule.id for _, rule in each.rules]
        try:
            if each.cap.cap.most == 0:
                yield _nothing_through(program, each, owners)
                continue
            verdict = _judged(each)
        except Undecided as error:
            yield gave_up(owners[0], "idle_cap", error)
            continue
        zh, en = each.names
        cap = each.cap.cap
        if isinstance(verdict, Idle):
            if verdict.closest is None and not any(_can_match(*one) for one in each.rules):
                # That nothing is ever given is told of the rules themselves.
                continue
            shown = counterexample(verdict.closest or ordinary_order(program))
            zh = f"{zh}（{cap.limit} {cap.most}，{cap.per}/{cap.period}）永远不会起作用"
            en = f"{en} ({cap.limit} {cap.most}, {cap.per}/{cap.period}) can never bind"
            yield finding("idle_cap", owners, zh, en, shown)
        elif not verdict:
            zh = f"idle_cap：{zh}（{cap.limit} {cap.most}，{cap.per}/{cap.period}）：既没有证明，也没有找到反例"
            en = f"idle_cap: {en} ({cap.limit} {cap.most}, {cap.per}/{cap.period}): no event found for which it binds"
            yield not_proven(owners[0], zh, f"{en}, and not proven that there is none")


def _can_match(space: Space, rule: CompiledRule) -> bool:
    return space.find([rule], one_line=True) is not None


def _nothing_through(program: Program, drawn: Drawn, owners: list[str]) -> Finding:
    """That a cap of 0 leaves nothing, with an event of which it takes all. Raises Undecided."""
    zh, en = drawn.names
    space, rule = drawn.rules[0]
    case = _Part(space, rule, drawn.cap).closest(MAXIMUM_AMOUNT)
    shown = counterexample(case or ordinary_order(program))
    return finding("never_true", owners, f"{zh}为 0，永远得不到积分", f"{en} is 0: it lets nothing through", shown)


def _all_drawn(program: Program, spaces: Sequence[Space]) -> Iterator[Drawn]:
    rules = [
        (space, rule) for space in spaces for rule in program.books[space.event_type].rules if not rule.is_coefficient
    ]
    for one in rules:
        for cap in one[1].caps:
            if cap.key.startswith("rule:"):
                yield Drawn(cap, [one], (f"规则 {one[1].id} 的上限", f"The cap of {one[1].id}"))
    for campaign in program.document.campaigns:
        for number in range(len(campaign.budgets)):
            drawing = [one for one in rules if one[1].document.campaign == campaign.id]
            shared = [[cap for cap in rule.caps if cap.key.startswith("campaign:")][number] for _, rule in drawing]
            if shared:
                zh, en = f"活动 {campaign.id} 的预算", f"The budget of the campaign {campaign.id}"
                yield Drawn(shared[0], drawing, (zh, en))
    for number in range(len(program.document.budgets)):
        if rules:
            caps = [cap for cap in rules[0][1].caps if cap.key.startswith("program/")]
            yield Drawn(caps[number], rules, ("积分计划的预算", "The budget of the program"))


class Idle(msgspec.Struct, frozen=True):
    """That a cap never binds, with the event that comes closest to it."""

    closest: Case | None


def _judged(drawn: Drawn) -> Idle | bool:
    """Idle, or whether it is shown that the cap can bind. Raises Undecided."""
    cap = drawn.cap.cap
    parts = [_Part(space, rule, drawn.cap) for space, rule in drawn.rules]
    known = [each.by_other_caps() for each in parts]
    if all(each is not None for each in known) and sum(each or 0 for each in known) <= cap.most:
        return Idle(parts[0].closest(MAXIMUM_AMOUNT))
    if len(parts) == 1:
        return parts[0].judged()
    endless = [each for each in parts if each.times() is None]
    # As often as one likes: it binds as soon as one of the rules gives anything.
    if any(each.sure_times() is None and each.shown_above(0) is not None for each in endless):
        return True
    if not all(each.is_below(0) for each in endless):
        return False
    most, is_shown = 0, True
    for each in parts:
        if each not in endless:
            below, is_reached = each.most_points()
            most += each.used(below) * (each.times() or 0)
            is_shown = is_shown and is_reached and each.sure_times() == each.times()
    return Idle(parts[0].closest(MAXIMUM_AMOUNT)) if most <= cap.most else is_shown


class _Part:
    """What one rule draws on a cap."""

    def __init__(self, space: Space, rule: CompiledRule, cap: OpenCap) -> None:
        self._space, self._rule = space, rule
        self._open, self._cap = cap, cap.cap
        self._others = [
            each.cap for each in rule.caps if each.key != cap.key or (each is not cap and each.cap != cap.cap)
        ]
        rules = space.program.books[space.event_type].rules
        self._true = z3.BoolVal(True, space.encoder.context)
        self._met: dict[bool, list[Choice]] = {}
        self._days = Days(space, rule)
        self._larger = [
            each for each in rules if each.is_coefficient and multiplies(each, rule) and each.factor[0] > each.factor[1]
        ]

    # --- how often ---

    def times(self) -> int | None:
        """How many awards there are at most within a period of the cap; None: as many as one likes."""
        if self._cap.period == "event":
            return 1
        found = [self._scaled(each.most, each.period) for each in self._narrow() if each.limit == "count"]
        if self._space.event_type == REGISTERED and self._cap.per == "member":
            # Nobody registers twice.
            found.append(1)
        return min((each for each in found if each is not None), default=None)

    def sure_times(self) -> int | None:
        """How many awards there can be for sure, as far as `times` depends on the days on which a rule matches."""
        if self._cap.period == "event" or self._days.are_exact:
            return self.times()
        counts = (each for each in self._narrow() if each.limit == "count" and each.period != "event")
        return min((each.most for each in counts), default=None)

    def by_other_caps(self) -> int | None:
        """What other caps alone leave for a period of this one; None: they leave all of it."""
        found: list[int | None] = []
        for each in self._narrow():
            most: int | None = each.most
            if self._cap.limit == "points" and each.limit == "cost_cents" and self._rule.value is not None:
                most = each.most * self._rule.value[0] // self._rule.value[1]
            elif each.limit != self._cap.limit:
                continue
            if each.period == "event":
                times = self.times()
                # A cap on one event says nothing of how many there are.
                most = None if each.limit == "count" or times is None or most is None else most * times
            elif most is not None:
                most = self._scaled(most, each.period)
            found.append(most)
        return min((each for each in found if each is not None), default=None)

    def _narrow(self) -> Iterator[Any]:
        """The other caps that hold for all that the cap counts."""
        return (each for each in self._others if each.per in (self._cap.per, "program"))

    def _scaled(self, most: int, period: Any) -> int | None:
        if period == "event":
            return None
        windows = [each for each in (self._rule.window, self._rule.campaign_window) if each is not None]
        windows = [each for each in windows if not each.is_always]
        times = most_within(period, self._cap.period, windows, self._space.program.zone, self._days.may_match)
        return None if times is None else most * times

    # --- how much ---

    def judged(self) -> Idle | bool:
        """The same for a cap that no other rule draws on."""
        times = self.times()
        if self._cap.limit == "count":
            least = 1 if self._cap.period == "event" else times
            if least is not None and least <= self._cap.most:
                return Idle(self.closest(MAXIMUM_AMOUNT))
            if not self._surely_often():
                return False
            limit = 0
        else:
            limit = 0 if times is None else self.per_event(self._cap.most, times)
        if self._caps_one_event(limit):
            return Idle(self.closest(limit))
        if self.shown_above(limit) is not None:
            sure = self.sure_times()
            return sure == times or (
                sure is not None and self.shown_above(self.per_event(self._cap.most, sure)) is not None
            )
        return Idle(self.closest(limit)) if self.is_below(limit) else False

    def _surely_often(self) -> bool:
        """Whether there can be more awards than a cap by count lets through."""
        sure = self.sure_times()
        return self._cap.period == "event" or sure is None or sure > self._cap.most

    def per_event(self, most: int, times: int) -> int:
        """So many points may each of so many awards have, without the cap being passed."""
        share = most // max(times, 1)
        if self._cap.limit == "points" or self._rule.value is None:
            return share
        return share * self._rule.value[0] // self._rule.value[1]

    def used(self, points: int) -> int:
        """What an award of so many points uses of the cap."""
        if self._cap.limit == "count":
            return 1 if points else 0
        if self._cap.limit == "points" or self._rule.value is None:
            return points if self._cap.limit == "points" else 0
        return cost_cents(points, self._rule.value)

    def most_points(self) -> tuple[int, bool]:
        """What an event gives at most, and whether one was found that gives so much."""
        shown = self.closest(MAXIMUM_AMOUNT)
        start = 0 if shown is None else self._given(shown)
        for power in range(60):
            limit = start + 2**power - 1
            if limit >= MAXIMUM_AMOUNT or self.is_below(limit):
                return min(limit, MAXIMUM_AMOUNT), power == 0
        return MAXIMUM_AMOUNT, False

    def is_below(self, limit: int) -> bool:
        """Whether it is proven that no event gives more points than this, as far as caps on one event let it."""
        if self._caps_one_event(limit):
            return True
        # What all coefficients come to together is a bound already, mostly; which of them can meet takes longer.
        bounds = [self._all_larger(), *([self._meeting(same_line=False)] if len(self._larger) > 1 else [])]
        return any(
            self._space.find([self._rule], one_line=True, more=self._above(limit, choices), also=self._larger) is None
            for choices in bounds
        )

    def _caps_one_event(self, limit: int) -> bool:
        """Whether another cap lets no more points through at once."""
        return any(each.most <= limit for each in self._narrow() if each.limit == "points" and each.period == "event")

    def shown_above(self, limit: int) -> Case | None:
        """An event that really gives more points, before any cap."""
        wanted: list[list[CompiledRule]] = [[], self._larger, *([each] for each in self._larger)]
        for coefficients in wanted:
            case = self._real_above(limit, coefficients, [(_product(coefficients), self._true)])
            if case is not None:
                return case
        if len(self._larger) < 2:
            return None
        # Some of them, combined as the program says.
        return self._real_above(limit, [], self._meeting(same_line=True))

    def _real_above(self, limit: int, coefficients: Sequence[CompiledRule], choices: Sequence[Choice]) -> Case | None:
        above = self._above(limit, choices)
        case = self._space.find(
            [self._rule, *coefficients],
            one_line=not rates_the_event(self._rule),
            more=lambda lines: [*above(lines), *self._real_money(lines)],
            also=self._larger,
        )
        return case if case is not None and self._given(case) > limit else None

    def closest(self, most: int) -> Case | None:
        """The event that gives most, up to so many points."""
        case = self._space.find([self._rule], one_line=True, more=self._real_money)
        low, high = 0, most
        if case is not None:
            low = self._given(case)
        if most >= MAXIMUM_AMOUNT:
            return case
        while low < high:
            middle = (low + high) // 2
            better = self.shown_above(middle)
            if better is None:
                high = middle
            else:
                case, low = better, self._given(better)
        return case

    def _given(self, case: Case) -> int:
        awards = replay(self._space.program, case).awards
        return sum(each.points + sum(cut.points for cut in each.cuts) for each in awards if each.rule == self._rule.id)

    def _above(self, limit: int, choices: Sequence[Choice]) -> Callable[[Sequence[str]], list[Any]]:
        """That the rule may give more points than this, multiplied by one of these factors at most."""
        encoder = self._space.encoder
        given = encoder.number(f"given by {self._rule.id}")
        ways = [
            z3.And(when, exact_points(encoder, self._rule, given, factor, is_multiplied=bool(self._larger)))
            for factor, when in choices
        ]
        return lambda lines: [given > limit, encoder.any_of(*ways), *money_bounds(encoder, [self._rule], lines)]

    # --- by which coefficients ---

    def _all_larger(self) -> list[Choice]:
        return [(_product(self._larger), self._true)]

    def _meeting(self, *, same_line: bool) -> list[Choice]:
        """The factors of those coefficients that can be there at once, and when they are. `same_line`: for an event
        that has its lines alike; else, what rates an event is multiplied whichever lines they match."""
        if same_line not in self._met:
            space, rule = self._space, self._rule
            bounds = space.order_bounds([LINE_PREFIX]) if space.is_order else []
            solver = space.solver([*bounds, space.matches(rule, LINE_PREFIX)], [rule, *self._larger])
            by_any_line = rates_the_event(rule) and not same_line
            multipliers = Multipliers(space, solver, lambda _: self._true)
            try:
                self._met[same_line] = multipliers.choices(
                    self._larger, lambda each: None if by_any_line and each.lines else LINE_PREFIX
                )
            except Beyond:
                self._met[same_line] = self._all_larger()
        return self._met[same_line]

    def _real_money(self, lines: Sequence[str]) -> list[Any]:
        """That all the money that is rated is on these lines."""
        encoder = self._space.encoder
        if not self._space.is_order:
            return []
        paid = z3.Sum([encoder.number(f"{line}paid_cents") for line in lines])
        return [encoder.number("rest.lines") == 0, money_of(encoder, self._rule) == paid, encoder.number(TOTAL) == paid]


def _product(coefficients: Sequence[CompiledRule]) -> Fraction:
    return prod((Fraction(*each.factor) for each in coefficients), start=Fraction(1))
