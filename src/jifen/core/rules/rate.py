"""The one pipeline from an event to awards: select, match, base, coefficients, round, stack, cap.

(The last step of the pipeline, opening lots, belongs to the ledger.) The same function answers live events, imports,
refunds, the dry run and the backtest. It depends on its arguments alone, and on the order of rules in the file not at
all: wherever an order matters, rules act by priority (higher first), then by id.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from itertools import chain, takewhile
from typing import Any, Final, Literal

import msgspec

from jifen.core.conditions import Condition, EvaluationFailed
from jifen.core.limits import MAXIMUM_AMOUNT
from jifen.core.rules.amounts import Amount, Factor, by_margins, by_ratio, by_whole_step, rounded
from jifen.core.rules.book import CompiledRule, EventBook
from jifen.core.rules.caps import Cut, Room
from jifen.core.rules.document import GroupPick
from jifen.core.rules.facts import LineFacts, MemberFacts, Moment, RatedEvent, RatedFacts, line_fact
from jifen.core.rules.multiply import NO_NAMES, NOT_YET, CoefficientPolicy, Factors, Matched, common_denominator, rank

#: Why a rule gave nothing, or that it did.
Outcome = Literal[
    "awarded",
    "multiplied",
    "outside_window",
    "audience",
    "condition",
    "no_line",
    "failed",
    "group",
    "zero",
    "capped",
    "nothing_to_multiply",
    "outbid",
]


class Award(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True, gc=False):
    """What one rule gives for one event: points for a wallet (by number). `rated_cents` is the money it rated,
    `coefficients` the rules that multiplied it, `cuts` what caps took."""

    rule: str
    wallet: int
    points: int
    rated_cents: int
    coefficients: list[str] = []
    cuts: list[Cut] = []


class Verdict(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What became of a rule. `detail`: the group's winner, the coefficient that was larger, the message of a failure,
    the caps that cut."""

    rule: str
    outcome: Outcome
    points: int = 0
    detail: str = ""


class Rating(msgspec.Struct, frozen=True, gc=False):
    """The awards for an event (also of zero points where a rule matched), what they use of caps (by usage name), and
    what became of the rules: of all where that was asked for, else of those that failed."""

    awards: list[Award]
    uses: dict[str, int]
    verdicts: list[Verdict]


NOTHING = Rating([], {}, [])


#: How the failure of a formula with a result that is no award begins; the number and a semicolon follow.
FORMULA_GIVES: Final = "the formula gives "


class _Failed(Exception):
    """A formula gave what no award can be."""


def rate(
    book: EventBook | None,
    event: RatedEvent,
    member: MemberFacts,
    used: Mapping[str, int],
    coefficient_policy: CoefficientPolicy = "product",
    *,
    day: date | None = None,
    with_all_verdicts: bool = False,
) -> Rating:
    """What the rules give for an event. `used`: what was used before of caps, by usage name (`caps.usage_name`); `day`:
    the local day of the event, where it is known."""
    if book is None:
        return NOTHING
    local_day = day or book.day_of(event.occurred_at)
    today = book.on_day(local_day)
    if today.is_plain and not today.asks and not with_all_verdicts:
        return _rate_plain(today.always, event, Room(used, local_day))
    moment = Moment(event.occurred_at, book.zone)
    facts = RatedFacts(event, moment, member, book.readers)
    rules: Sequence[CompiledRule]
    if with_all_verdicts:
        rules = book.rules
    else:
        rules = today.candidates(facts, event.lines)
        if today.is_plain and rules is today.always:
            return _rate_plain(rules, event, Room(used, local_day))
    rater = _Rater(book, rules, event, moment, facts, member, coefficient_policy, with_all_verdicts)
    return rater.run(Room(used, local_day))


def _rate_plain(rules: Sequence[CompiledRule], event: RatedEvent, room: Room) -> Rating:
    """The pipeline where nothing is to be asked, chosen or multiplied: for each rule what it gives and caps leave."""
    positions = range(len(event.lines))
    awards = []
    for rule in rules:
        amount = _amount(rule, event, positions, 0)
        points = rounded(amount, None, rule.document.rounding, by_line=rule.document.basis == "line")
        if rule.caps:
            points, cuts = room.fit(points, rule.caps, rule.value)
            awards.append(Award(rule.id, rule.wallet, points, amount.rated_cents, NO_NAMES, cuts))
        else:
            awards.append(Award(rule.id, rule.wallet, points, amount.rated_cents))
    return Rating(awards, room.uses, [])


def _amount(rule: CompiledRule, event: RatedEvent, positions: Sequence[int], before_cents: int) -> Amount:
    """What a rule without a formula gives for the lines at these positions, before coefficients and rounding;
    `before_cents`: what the member spent before, in the period of a progressive rule."""
    document, lines = rule.document, event.lines
    paid = [lines[position].paid_cents for position in positions]
    if document.ratio is not None:
        return by_ratio(paid, positions, document.ratio.points, document.ratio.per_cents)
    if document.steps is not None:
        by_steps = by_whole_step if document.steps.kind == "whole" else by_margins
        return by_steps(paid, positions, document.steps.rates)
    if document.progressive is not None:
        return by_margins(paid, positions, document.progressive.rates, before_cents)
    assert rule.fixed is not None
    if rule.fixed.per == "event":
        return Amount((rule.fixed.points,), 1, (), sum(paid))
    pieces = [1 if rule.fixed.per == "line" else lines[position].quantity for position in positions]
    return Amount([rule.fixed.points * number for number in pieces], 1, positions, sum(paid))


class _Rater:
    """One event on its way through the pipeline."""

    __slots__ = (
        "_book",
        "_coefficient_policy",
        "_event",
        "_every",
        "_facts",
        "_line_scopes",
        "_lines_by_value",
        "_member",
        "_moment",
        "_rules",
        "_verdicts",
        "_with_all",
    )

    def __init__(
        self,
        book: EventBook,
        rules: Sequence[CompiledRule],
        event: RatedEvent,
        moment: Moment,
        facts: RatedFacts,
        member: MemberFacts,
        coefficient_policy: CoefficientPolicy,
        with_all_verdicts: bool,
    ) -> None:
        self._book = book
        self._rules = rules
        self._event = event
        #: The positions of all lines.
        self._every = range(len(event.lines))
        self._moment = moment
        self._member = member
        self._facts = facts
        self._coefficient_policy = coefficient_policy
        self._with_all = with_all_verdicts
        self._verdicts: list[Verdict] = []
        self._line_scopes: list[LineFacts] | None = None
        self._lines_by_value: dict[str, dict[Any, list[int]]] = {}

    def run(self, room: Room) -> Rating:
        """All steps in turn."""
        matched, coefficients = self._match()
        base = self._work_out(matched)
        self._multiply_and_round(base, coefficients)
        if self._book.picks:
            base = self._pick_best(base)
        awards = [self._cap(each, room) for each in base]
        verdicts = sorted(self._verdicts, key=lambda each: each.rule) if self._verdicts else []
        return Rating(awards, room.uses, verdicts)

    # --- match ---

    def _match(self) -> tuple[list[Matched], list[Matched]]:
        """The base rules that match, and the coefficients."""
        is_short = not self._with_all
        base: list[Matched] = []
        coefficients: list[Matched] = []
        for rule in self._rules:
            positions: Sequence[int] | None
            if is_short and rule.is_certain:
                positions = self._every
            elif is_short and rule.is_sure_by_line and rule.line_test is not None:
                positions = self._positions_of(*rule.line_test) or None
            else:
                positions = self._match_one(rule)
            if positions is not None:
                (coefficients if rule.is_coefficient else base).append(Matched(rule, positions))
        return base, coefficients

    def _match_one(self, rule: CompiledRule) -> Sequence[int] | None:
        """The lines that a rule rates, by their positions; None: it does not match."""
        try:
            outcome = None if self._is_sure(rule) else self._mismatch(rule)
            if outcome is None:
                if rule.lines is None:
                    return self._every
                if positions := self._positions(rule, rule.lines):
                    return positions
                outcome = "no_line"
        except EvaluationFailed as error:
            self._fail(rule, str(error))
            return None
        self._say(rule, outcome)
        return None

    def _mismatch(self, rule: CompiledRule) -> Outcome | None:
        """Why a rule does not match the event and the member; None: it does."""
        instant, local = self._moment.instant, self._moment.local
        if self._with_all and not rule.fits_day(local.date(), self._book.zone):
            return "outside_window"
        if not rule.is_always_open and not rule.is_open(instant, local):
            return "outside_window"
        for audience in rule.audiences:
            if not audience.evaluate(self._facts):
                return "audience"
        if rule.when is not None and not rule.when.evaluate(self._facts):
            return "condition"
        return None

    def _is_sure(self, rule: CompiledRule) -> bool:
        """Whether a rule that was found matches without a further look: the fact by which it was found is there (a
        property that the event lacks is not), and nothing else is asked."""
        if self._with_all or not (rule.says_it_all and rule.is_always_open):
            return False
        return rule.discriminator is None or rule.lines is not None or rule.discriminator[0] in self._facts

    def _positions(self, rule: CompiledRule, condition: Condition) -> Sequence[int]:
        """The lines that fit a rule's filter, by their positions."""
        if rule.line_test is not None:
            field, values = rule.line_test
            return self._positions_of(field, values)
        if self._line_scopes is None:
            self._line_scopes = [LineFacts(self._facts, line) for line in self._event.lines]
        return condition.fitting(self._line_scopes)

    def _positions_of(self, field: str, values: frozenset[Any]) -> Sequence[int]:
        """The lines with one of these values, found once for all rules."""
        by_value = self._lines_by_value.get(field)
        if by_value is None:
            by_value = self._lines_by_value[field] = {}
            for position, line in enumerate(self._event.lines):
                by_value.setdefault(line_fact(line, field), []).append(position)
        found = [by_value[value] for value in values if value in by_value]
        return found[0] if len(found) == 1 else sorted(position for each in found for position in each)

    # --- base ---

    def _work_out(self, base: list[Matched]) -> list[Matched]:
        """The base rules with what they give. Of a `first` group one stays: the first, or, as a rule that fails did not
        match, the first after those that fail."""
        for group in self._groups(base, "first"):
            in_turn = sorted(group, key=rank)
            failed = list(takewhile(lambda each: not self._try_base(each), in_turn))
            base = [each for each in base if each not in failed]
            if len(failed) < len(in_turn):
                base = self._drop_others(base, in_turn[len(failed) :], in_turn[len(failed)])
        return [each for each in base if each.amount is not NOT_YET or self._try_base(each)]

    def _try_base(self, each: Matched) -> bool:
        if each.rule.cannot_fail:
            each.amount = _amount(each.rule, self._event, each.positions, 0)
            return True
        try:
            each.amount = self._base(each)
        except (EvaluationFailed, _Failed) as error:
            self._fail(each.rule, str(error))
            return False
        return True

    def _base(self, each: Matched) -> Amount:
        rule, lines = each.rule, self._event.lines
        if rule.formula is None:
            progressive = rule.document.progressive
            before = 0 if progressive is None else getattr(self._member, _SPENT[progressive.period])
            return _amount(rule, self._event, each.positions, before)
        points = rule.formula.evaluate(self._facts)
        if not 0 <= points <= MAXIMUM_AMOUNT:
            raise _Failed(f"{FORMULA_GIVES}{points}; an award has 0 to {MAXIMUM_AMOUNT} points")
        return Amount((points,), 1, (), sum(lines[position].paid_cents for position in each.positions))

    # --- coefficients and rounding ---

    def _pick_coefficients(self, coefficients: list[Matched]) -> list[Matched]:
        chosen = self._pick_first(coefficients)
        for group in self._groups(chosen, "best"):
            common = common_denominator([each.rule.factor for each in group])
            best = min(group, key=lambda each: (-each.rule.factor[0] * common // each.rule.factor[1], rank(each)))
            chosen = self._drop_others(chosen, group, best)
        return chosen

    def _multiply_and_round(self, base: list[Matched], matched: list[Matched]) -> None:
        """Whole points for each base rule; `matched`: the coefficients that matched."""
        if not matched:
            for each in base:
                rule = each.rule.document
                each.points = rounded(each.amount, None, rule.rounding, by_line=rule.basis == "line")
            return
        coefficients = self._pick_coefficients(matched) if self._book.picks else matched
        multiplied: set[str] = set()
        outbid: dict[str, str] = {}
        factors_of = Factors(self._book.multipliers, coefficients, self._coefficient_policy, len(self._event.lines))
        for each in base:
            if self._multiply(each, factors_of) and self._with_all:
                multiplied.update(each.coefficients)
                outbid |= factors_of.outbid_on(each.rule, each.amount.lines)
        if not self._with_all:
            return
        for each in coefficients:
            if each.rule.id in multiplied:
                self._say(each.rule, "multiplied")
            elif each.rule.id in outbid:
                self._say(each.rule, "outbid", detail=outbid[each.rule.id])
            else:
                self._say(each.rule, "nothing_to_multiply")

    def _multiply(self, each: Matched, factors_of: Factors) -> bool:
        """Whether there was something to multiply it by."""
        amount = each.amount
        factors: Sequence[Factor] | None = None
        by_line = factors_of.of(each.rule)
        if by_line is not None and amount.lines:
            factors = [by_line.factors[position] for position in amount.lines]
            each.coefficients = _together([by_line.names[position] for position in amount.lines])
        elif by_line is not None and amount.numerators:
            factors = [by_line.whole]
            each.coefficients = by_line.all_names
        rule = each.rule.document
        each.points = rounded(amount, factors, rule.rounding, by_line=rule.basis == "line")
        return factors is not None

    # --- stacking ---

    def _pick_first(self, matched: list[Matched]) -> list[Matched]:
        for group in self._groups(matched, "first"):
            matched = self._drop_others(matched, group, min(group, key=rank))
        return matched

    def _pick_best(self, matched: list[Matched]) -> list[Matched]:
        for group in self._groups(matched, "best"):
            matched = self._drop_others(matched, group, min(group, key=lambda each: (-each.points, rank(each))))
        return matched

    def _groups(self, matched: list[Matched], pick: GroupPick) -> list[list[Matched]]:
        """The matched rules of each group with this way of picking, where there is more than one."""
        if pick not in self._book.picks:
            return []
        found: dict[str, list[Matched]] = {}
        for each in matched:
            group = each.rule.group
            if group is not None and group.pick == pick:
                found.setdefault(group.id, []).append(each)
        return [each for each in found.values() if len(each) > 1]

    def _drop_others(self, matched: list[Matched], group: list[Matched], winner: Matched) -> list[Matched]:
        losers = [each for each in group if each is not winner]
        for each in losers:
            self._say(each.rule, "group", detail=winner.rule.id)
        return [each for each in matched if each not in losers]

    # --- caps ---

    def _cap(self, each: Matched, room: Room) -> Award:
        rule = each.rule
        points, cuts = room.fit(each.points, rule.caps, rule.value) if rule.caps else (each.points, _NO_CUTS)
        if self._with_all:
            outcome: Outcome = "awarded" if points else "capped" if cuts else "zero"
            self._say(rule, outcome, points=points, detail=", ".join(cut.cap for cut in cuts))
        return Award(rule.id, rule.wallet, points, each.amount.rated_cents, each.coefficients, cuts)

    # --- verdicts ---

    def _say(self, rule: CompiledRule, outcome: Outcome, *, points: int = 0, detail: str = "") -> None:
        if self._with_all:
            self._verdicts.append(Verdict(rule.id, outcome, points, detail))

    def _fail(self, rule: CompiledRule, message: str) -> None:
        self._verdicts.append(Verdict(rule.id, "failed", 0, message))


#: Where nothing is capped; shared by all, and changed by nobody.
_NO_CUTS: list[Cut] = []
_SPENT = {"month": "spent_cents_month", "year": "spent_cents_year", "lifetime": "spent_cents_total"}


def _together(names: list[list[str]]) -> list[str]:
    """The rules that multiply some line, each once, in the order in which they come."""
    return names[0] if len(names) == 1 else list(dict.fromkeys(chain.from_iterable(names)))
