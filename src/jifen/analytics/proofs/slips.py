"""Events that show a slip in a condition: a rule says something else of them than it would without the slip."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from copy import copy
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import z3

from jifen.analytics.proofs.beside import Beside
from jifen.analytics.proofs.encoding import LINE_PREFIX
from jifen.analytics.proofs.examples import UNMATCHED, Case, counterexample, ordinary_order
from jifen.analytics.proofs.places import Place, places_of_rule
from jifen.analytics.proofs.quantifiers import asks_lines, of_one_line
from jifen.analytics.proofs.report import FilePlace, Finding, FindingKind, finding
from jifen.analytics.proofs.space import Space, conditions_of
from jifen.analytics.proofs.undecided import Undecided
from jifen.core.conditions import InvalidCondition
from jifen.core.conditions.code import code_of
from jifen.core.conditions.fields import FieldType
from jifen.core.conditions.syntax import Node, with_part
from jifen.core.rules.book import CompiledRule, EventBook
from jifen.core.rules.facts import vocabularies
from jifen.core.rules.rate import rate


class Shown(msgspec.Struct, frozen=True):
    """What shows a slip. `tells`: what is said of it differs from what would be said without the slip; else none was
    found that tells it, and this is one for which it is read."""

    case: Case
    tells: bool

    @property
    def words(self) -> tuple[str, str]:
        """What is to be said of it, in Chinese and in English, after what the slip is."""
        if self.tells:
            return "", ""
        return "；没有找到结论因此不同的事件", "; no event was found of which it says anything else for it"


class Slips(msgspec.Struct, frozen=True):
    """The slips in the conditions of one rule."""

    space: Space
    rule: CompiledRule

    def shown(self, place: Place, mended_part: Node, also: Iterable[Node] = ()) -> Shown:
        """An event of which the rule says something else than it would with a part of a condition mended, if one was
        found. `also`: conditions that hold of it."""
        case = self._telling(place, mended_part, also)
        return Shown(self._seen(), tells=False) if case is None else Shown(case, tells=True)

    def shown_by_clocks(self, place: Place, mended_part: Node) -> Shown:
        """The same where the solver does not know the part: moments are tried, by the event and the registration."""
        seen = self._seen()
        try:
            mended = self._with(place, with_part(place.condition.root, mended_part))
        except InvalidCondition:
            return Shown(seen, tells=False)
        for case in _at_other_moments(seen, self.space.program.zone):
            if self._said(self.rule, case) != self._said(mended, case):
                return Shown(case, tells=True)
        return Shown(seen, tells=False)

    def _seen(self) -> Case:
        """An event that the rule is asked about, if possible one that it matches."""
        for wanted in ([self.rule], []):
            try:
                case = self.space.find(wanted)
            except Undecided:
                continue
            if case is not None:
                return case
        return ordinary_order(self.space.program)

    def _telling(self, place: Place, mended_part: Node, also: Iterable[Node]) -> Case | None:
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

    def at_amount(self, cents: int) -> Shown:
        """An order of which so much is rated, and that the rule matches."""
        number = self.space.encoder.number
        paid = [number("order.total_cents") == cents, number(f"{LINE_PREFIX}paid_cents") == cents]
        case = self._found([self.space.matches(self.rule, LINE_PREFIX), *paid])
        return Shown(self._seen(), tells=False) if case is None else Shown(case, tells=True)

    def _found(self, wanted: list[Any], mended: CompiledRule | None = None) -> Case | None:
        try:
            case = self.space.solve(wanted, [LINE_PREFIX], [self.rule])
        except Undecided:
            return None
        if case is None:
            return None
        otherwise = (False, 0) if mended is None else self._said(mended, case)
        return None if self._said(self.rule, case) == otherwise else case

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


class SlipsBeside(msgspec.Struct, frozen=True):
    """The slips in conditions beside rules, shown by members."""

    beside: Beside

    def shown(self, place: Place, mended_part: Node, also: Iterable[Node] = ()) -> Shown:
        """As `Slips.shown`."""
        case = self.beside.telling(place, with_part(place.condition.root, mended_part), also)
        return Shown(self.beside.closest(place), tells=False) if case is None else Shown(case, tells=True)

    def shown_by_clocks(self, place: Place, _mended_part: Node) -> Shown:
        """A member of whom the condition is asked: for whom it tells, only clocks know."""
        return Shown(self.beside.closest(place), tells=True)


def _at_other_moments(case: Case, zone: ZoneInfo) -> Iterator[Case]:
    """The case at each hour of the days around, and where months and years end; and its member registered then."""
    day = case.event.occurred_at.astimezone(zone).replace(hour=0, minute=30)
    days = [day + timedelta(days=number) for number in range(7)]
    days += [datetime(day.year, month, 1, 0, 30, tzinfo=zone) for month in range(1, 13)]
    for local in (each.replace(hour=hour) for each in days for hour in range(24)):
        instant = local.astimezone(UTC)
        yield msgspec.structs.replace(case, event=msgspec.structs.replace(case.event, occurred_at=instant))
        if instant < case.event.occurred_at:
            yield msgspec.structs.replace(case, member=msgspec.structs.replace(case.member, registered_at=instant))


AnySlips = Slips | SlipsBeside


def slip_told(kind: FindingKind, owner: str, zh: str, en: str, shown: Shown, at: FilePlace) -> Finding:
    """A slip with where it stands and what shows it."""
    also_zh, also_en = shown.words
    return finding(kind, [owner], zh + also_zh, en + also_en, counterexample(shown.case), at)
