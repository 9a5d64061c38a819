"""Events that show a slip in a condition: a rule says something else of them than it would without the slip."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import copy
from typing import Any

import msgspec
import z3

from jifen.analytics.proofs.encoding import LINE_PREFIX
from jifen.analytics.proofs.examples import UNMATCHED, Case, counterexample
from jifen.analytics.proofs.places import Place, places_of_rule
from jifen.analytics.proofs.quantifiers import asks_lines, of_one_line
from jifen.analytics.proofs.report import Counterexample
from jifen.analytics.proofs.space import Space, conditions_of
from jifen.analytics.proofs.undecided import Undecided
from jifen.core.conditions import InvalidCondition
from jifen.core.conditions.code import code_of
from jifen.core.conditions.fields import FieldType
from jifen.core.conditions.syntax import Node, with_part
from jifen.core.rules.book import CompiledRule, EventBook
from jifen.core.rules.facts import vocabularies
from jifen.core.rules.rate import rate


class Slips(msgspec.Struct, frozen=True):
    """The slips in the conditions of one rule."""

    space: Space
    rule: CompiledRule

    def shown(self, place: Place, mended_part: Node, also: Iterable[Node] = ()) -> Counterexample | None:
        """An event of which the rule says something else than it would with a part of a condition mended; None where
        there is none, or none was found. `also`: conditions that hold of it."""
        try:
            mended = self._with(place, with_part(place.condition.root, mended_part))
        except InvalidCondition:
            # Too long, for example, with a number of more digits.
            return None
        if place.field == "formula":
            differs = self._points(self.rule) != self._points(mended)
        else:
            differs = z3.Xor(self._asked(self.rule), self._asked(mended))
        formulas = [self.space.encoder.formula(each) for each in also]
        if any(asks_lines(each.condition.root) for each in places_of_rule(self.rule)):
            formulas.append(self.space.encoder.number("rest.lines") == 0)
        return self._found([*self.space.open(self.rule), differs, *formulas], mended)

    def at_amount(self, cents: int) -> Counterexample | None:
        """An order of which so much is rated, and that the rule matches."""
        number = self.space.encoder.number
        paid = [number("order.total_cents") == cents, number(f"{LINE_PREFIX}paid_cents") == cents]
        return self._found([self.space.matches(self.rule, LINE_PREFIX), *paid])

    def _found(self, wanted: list[Any], mended: CompiledRule | None = None) -> Counterexample | None:
        try:
            case = self.space.solve(wanted, [LINE_PREFIX], [self.rule])
        except Undecided:
            return None
        if case is None:
            return None
        otherwise = (False, 0) if mended is None else self._said(mended, case)
        return None if self._said(self.rule, case) == otherwise else counterexample(case)

    def _with(self, place: Place, root: Node) -> CompiledRule:
        """The rule with another condition at a place."""
        rule = copy(self.rule)
        of_event, of_line, of_member = vocabularies(self._names, self.space.event_type)
        vocabulary = {"lines": of_line or of_event, "audience": of_member}.get(place.field, of_event)
        condition = vocabulary.compile(code_of(root), place.condition.result)
        if place.field == "audience":
            rule.audiences = tuple(condition if each is place.condition else each for each in rule.audiences)
        else:
            setattr(rule, place.field, condition)
        rule.line_test = None
        return rule

    @property
    def _names(self) -> Mapping[str, FieldType]:
        return self.space.program.books[self.space.event_type].field_types

    def _asked(self, rule: CompiledRule) -> Any:
        return self.space.encoder.all_of(*(self.space.says(of_one_line(each.root)) for each in conditions_of(rule)))

    def _points(self, rule: CompiledRule) -> Any:
        assert rule.formula is not None
        return self.space.encoder.formula(of_one_line(rule.formula.root))

    def _said(self, rule: CompiledRule, case: Case) -> tuple[bool, int]:
        """Whether a rule, were it the only one, really matches, and what it gives."""
        book = EventBook([rule], self.space.program.zone, self._names)
        (verdict,) = rate(book, case.event, case.member, {}, with_all_verdicts=True).verdicts
        return verdict.outcome not in UNMATCHED, verdict.points
