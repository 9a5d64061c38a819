"""Questions about rules: can these match together, can this one match where those do not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import msgspec
import z3

from jifen.analytics.proofs.asking import STEPS_OF_EVENT, STEPS_OF_RATED_RULE, STEPS_OF_RULE, Asker
from jifen.analytics.proofs.dimensions import own_texts
from jifen.analytics.proofs.encoding import LINE_PREFIX, Encoder, may_fail
from jifen.analytics.proofs.evaluation import has_value
from jifen.analytics.proofs.examples import Case, case_of, usual_moment
from jifen.analytics.proofs.filling import filled
from jifen.analytics.proofs.known import optional_properties, schema_of, what_there_is
from jifen.analytics.proofs.moments import windows_of
from jifen.analytics.proofs.undecided import Undecided
from jifen.core.conditions import Condition
from jifen.core.conditions.syntax import Member, Node, walk
from jifen.core.limits import MAXIMUM_AMOUNT, MAXIMUM_LINES, MAXIMUM_QUANTITY
from jifen.core.program import Program
from jifen.core.rules.book import CompiledRule
from jifen.core.rules.document import ORDER_COMPLETED

#: Events of a size that a shop has are shown where there are such.
USUAL_CENTS = (10_000, 10**7)
#: Ends the prefix of lines of which there may be any number, or none.
SEVERAL = ":"


class Space:
    """All events of one type, as the solver sees them."""

    def __init__(self, program: Program, event_type: str, asker: Asker) -> None:
        self.program = program
        self.event_type = event_type
        self.is_order = event_type == ORDER_COMPLETED
        self.asker = asker
        optional = frozenset(optional_properties(program, event_type))
        self.encoder = Encoder(event_type, program.document.currency, program.books[event_type].field_types, optional)
        self._texts = own_texts(program, event_type)
        for texts in self._texts.values():
            for text in texts:
                self.encoder.texts.code(text)
        self._conditions: dict[str, Any] = {}
        self._filters: dict[tuple[str, str], Any] = {}
        self._absent: dict[tuple[str, tuple[str, ...]], Any] = {}
        self._bounds: dict[tuple[tuple[str, ...], int], list[Any]] = {}
        self._known: dict[str, dict[str, frozenset[Any]]] = {}
        # The event that is found is rated as well.
        self._steps_of_event = STEPS_OF_EVENT + STEPS_OF_RATED_RULE * len(program.books[event_type].rules)
        self._windows = {each.id: windows_of(each, program) for each in program.books[event_type].rules}

    # --- formulas of rules ---

    def conditions(self, rule: CompiledRule) -> Any:
        """The formula of what a rule asks of event, member and moment."""
        if rule.id not in self._conditions:
            terms = [self.holds(each) for each in (*rule.audiences, rule.when) if each is not None]
            self._conditions[rule.id] = self.encoder.all_of(*terms, *self.open(rule))
        return self._conditions[rule.id]

    def filter(self, rule: CompiledRule, line: str) -> Any:
        """The formula of what a rule asks of a line."""
        if rule.lines is None:
            return z3.BoolVal(True, self.encoder.context)
        key = (rule.id, line)
        if key not in self._filters:
            self._filters[key] = self.holds(rule.lines, line)
        return self._filters[key]

    def holds(self, condition: Condition, line: str = LINE_PREFIX) -> Any:
        """That a condition holds: a condition that cannot be worked out does not."""
        return self.says(condition.root, line)

    def says(self, root: Node, line: str = LINE_PREFIX) -> Any:
        """The same of the tree of a condition."""
        holds = self.encoder.formula(root, line)
        return z3.And(holds, has_value(self.encoder, root, line)) if self.may_fail(root) else holds

    def may_fail(self, root: Node) -> bool:
        """Whether a condition may fail for an event of this type."""
        return may_fail(root, self.encoder.optional)

    def open(self, rule: CompiledRule) -> list[Any]:
        """The formulas of the windows within which a rule holds."""
        moment, zone = self.encoder.moment, self.program.zone
        return [moment.window(one, ready, zone) for one, ready in self._windows[rule.id]]

    def matches(self, rule: CompiledRule, line: str) -> Any:
        """The formula of a rule that rates this line."""
        return z3.And(self.conditions(rule), self.filter(rule, line))

    def does_not_match(self, rule: CompiledRule, lines: Iterable[str]) -> Any:
        """The formula of a rule that matches none of these lines. It holds at least where the rule does not match."""
        key = rule.id, () if rule.lines is None else tuple(lines)
        if key not in self._absent:
            self._absent[key] = self._not_matching(rule, key[1])
        return self._absent[key]

    def _not_matching(self, rule: CompiledRule, lines: Iterable[str]) -> Any:
        if any(self.may_fail(each.root) for each in conditions_of(rule)):
            return z3.BoolVal(True, self.encoder.context)
        if rule.lines is None:
            return z3.Not(self.conditions(rule))
        on_lines = self.encoder.any_of(*(self.filter(rule, line) for line in lines))
        return z3.Not(z3.And(self.conditions(rule), on_lines))

    def are_apart(self, one: CompiledRule, other: CompiledRule, *, same_line: bool = False) -> bool:
        """Whether it can be seen without the solver that two rules never match together."""
        if self._one_ends_first(one, other) or self._one_ends_first(other, one):
            return True
        known = self._known_values(other)
        return any(
            name in known and not values & known[name]
            for name, values in self._known_values(one).items()
            if same_line or not name.startswith(LINE_PREFIX)
        )

    def _one_ends_first(self, one: CompiledRule, other: CompiledRule) -> bool:
        """Whether a window of one rule ends before one of the other begins."""
        ends = [ready.until for _, ready in self._windows[one.id] if ready.until is not None]
        begins = [ready.since for _, ready in self._windows[other.id] if ready.since is not None]
        return bool(ends and begins) and min(ends) <= max(begins)

    def _known_values(self, rule: CompiledRule) -> dict[str, frozenset[Any]]:
        if rule.id not in self._known:
            known: dict[str, frozenset[Any]] = {}
            for condition in conditions_of(rule):
                for name, values in condition.discriminators.items():
                    known[name] = known.get(name, values) & values
            self._known[rule.id] = known
        return self._known[rule.id]

    # --- questions ---

    def find(
        self,
        yes: Sequence[CompiledRule],
        no: Sequence[CompiledRule] = (),
        *,
        any_of: Sequence[CompiledRule] = (),
        one_line: bool = False,
        more: Callable[[Sequence[str]], Sequence[Any]] = lambda _: (),
        also: Sequence[CompiledRule] = (),
    ) -> Case | None:
        """An event that matches all of `yes`, one of `any_of` (if it has any) and none of `no`, and for which `more`
        (of the order's lines, about the rules `also`) holds; None: it is proven that there is none. `one_line`: the
        filters of all rules are about the same line. Where a condition is not wholly provable, the event need not match
        after all.

        Raises:
            Undecided: neither was found.
        """
        lines = [LINE_PREFIX]
        wanted = []
        for name, alternatives in [*((f"-{rule.id}", [rule]) for rule in yes), *([("", any_of)] if any_of else [])]:
            own = LINE_PREFIX if one_line or all(each.lines is None for each in alternatives) else f"line-for{name}."
            wanted.append(self.encoder.any_of(*(self.matches(each, own) for each in alternatives)))
            if own not in lines:
                lines.append(own)
        if len(lines) > 1:
            # Each filter has a line of its own, so there need be no other.
            lines.remove(LINE_PREFIX)
        wanted += [self.does_not_match(rule, lines) for rule in no]
        return self.solve([*wanted, *more(lines)], lines, [*yes, *any_of, *no, *also])

    def find_failing(self, rule: CompiledRule) -> Case | None:
        """An event that would match a rule if its conditions could be worked out. Raises Undecided."""
        asked = [self.encoder.formula(each.root) for each in conditions_of(rule)]
        return self.solve([*asked, *self.open(rule)], [LINE_PREFIX], [rule])

    def solve(
        self, wanted: Sequence[Any], lines: Sequence[str], rules: Sequence[CompiledRule], alike: int = 1
    ) -> Case | None:
        """An event with these lines for which all formulas hold; None: there is none. `rules`: whose conditions these
        are; `alike`: for how many lines the first stands.

        Raises:
            Undecided: the solver gave up.
        """
        solver = self.solver(wanted, rules)
        if self.is_order:
            solver.add(*self.order_bounds(lines, alike))
        if not self.asker.is_possible(solver):
            return None
        has_moment = self._names_moment(rules)
        model = self.asker.usual_model(solver, [*self._usual_order(lines), *self._usual_moments(has_moment)])
        for _ in self._texts:
            # What is mended of one fact may bring another text to the next.
            if not (foreign := list(self._usual_texts(lines, model))):
                break
            model = self.asker.usual_model(solver, foreign, model)
        zone = self.program.zone
        local = self.encoder.moment.of_model(model, zone) if has_moment else usual_moment(self.program)
        case = case_of(model, self.encoder, self.event_type, lines, local, self.program)
        return case if self.is_order else self._sendable(case)

    def _sendable(self, case: Case) -> Case:
        """The case with whatever else the schema of its event requires. Raises Undecided."""
        schema = schema_of(self.program, self.event_type)
        data = filled(schema, case.event.data)
        if data is None:
            zh = f"没有找到符合 {self.event_type} 数据声明的数据"
            raise Undecided(zh, f"no data was found that fits the schema of {self.event_type}")
        return Case(msgspec.structs.replace(case.event, data=data), case.member)

    def solver(self, wanted: Sequence[Any], rules: Sequence[CompiledRule]) -> Any:
        """A solver that knows these formulas and what always holds of the facts that rules name."""
        self.asker.charge(self._steps_of_event + STEPS_OF_RULE * len(rules))
        solver = self.asker.solver(self.encoder.context)
        names = {name for rule in rules for name in rule.names}
        names |= {"now."} if self._names_moment(rules) else set()
        names |= {"member."} if any(rule.document.progressive for rule in rules) else set()
        conditions = [each for rule in rules for each in (*conditions_of(rule), rule.formula) if each is not None]
        if "order.lines" in names:
            # Quantifiers ask for fields of lines.
            asked = (each for condition in conditions for each in walk(condition.root))
            names |= {f"{LINE_PREFIX}{each.field}" for each in asked if isinstance(each, Member)}
        # First what there is: what tests say of these texts is among the bounds.
        known = what_there_is(self.program, self.encoder, names)
        solver.add(*wanted, *known.formulas, *self.encoder.bounds({*names, *known.names}, conditions, known.tests))
        return solver

    def order_bounds(self, lines: Sequence[str], alike: int = 1) -> list[Any]:
        """An order of these lines, and of others of which nothing is known.

        The first prefix stands for `alike` equal lines, each other for one; one that ends in SEVERAL for any number of
        lines alike (`copies`): where these are not one, each is free and of one piece.
        """
        key = tuple(lines), alike
        if key not in self._bounds:
            self._bounds[key] = self._order_bounds(lines, alike)
        return [*self._bounds[key]]

    def _order_bounds(self, lines: Sequence[str], alike: int) -> list[Any]:
        number = self.encoder.number
        bounds, paid_in_all, pieces_in_all = [], [], []
        for line in lines:
            paid, quantity, copies = (number(f"{line}{name}") for name in ("paid_cents", "quantity", "copies"))
            bounds.append(z3.And(paid >= 0, paid <= MAXIMUM_AMOUNT, quantity >= 1, quantity <= MAXIMUM_QUANTITY))
            if line.endswith(SEVERAL):
                bounds += [copies >= 0, z3.Or(copies == 1, z3.And(paid == 0, quantity == 1))]
                paid_in_all.append(paid)
                pieces_in_all.append(quantity + copies - 1)
            else:
                times = alike if line == lines[0] else 1
                bounds.append(copies == times)
                paid_in_all.append(times * paid)
                pieces_in_all.append(times * quantity)
        rest_paid, rest_quantity, rest = number("rest.paid_cents"), number("rest.quantity"), number("rest.lines")
        count, pieces, total = number("order.line_count"), number("order.quantity"), number("order.total_cents")
        return [
            *bounds,
            z3.And(rest >= 0, rest_paid >= 0, rest_quantity >= rest, rest_quantity <= rest * MAXIMUM_QUANTITY),
            z3.Implies(rest == 0, rest_paid == 0),
            z3.And(total == z3.Sum(*paid_in_all, rest_paid), total <= MAXIMUM_AMOUNT),
            pieces == z3.Sum(*pieces_in_all, rest_quantity),
            count == z3.Sum(*(number(f"{line}copies") for line in lines), rest),
            z3.And(count >= 1, count <= MAXIMUM_LINES),
        ]

    def _names_moment(self, rules: Sequence[CompiledRule]) -> bool:
        return any(
            self._windows[rule.id] or any(name.startswith(("now.", "member.is_birthday")) for name in rule.names)
            for rule in rules
        )

    def _usual_order(self, lines: Sequence[str]) -> list[Any]:
        if not self.is_order:
            return []
        number = self.encoder.number
        total = number("order.total_cents")
        paid = [number(f"{line}paid_cents") for line in lines]
        return [
            total <= USUAL_CENTS[1],
            z3.And(*(each >= USUAL_CENTS[0] for each in paid)),
            number("rest.lines") == 0,
            z3.And(*(number(f"{line}copies") <= (0 if line.endswith(SEVERAL) else 1) for line in lines)),
            z3.And(*(number(f"{line}copies") <= 1 for line in lines)),
            z3.And(*(number(f"{line}quantity") <= 10 for line in lines)),
        ]

    def _usual_texts(self, lines: Sequence[str], model: Any) -> Iterator[Any]:
        """That a fact is a text of its own kind, or at least none of another: no channel is a brand. Only of those that
        are of another in a model."""
        known = self.encoder.texts.known
        for name, texts in self._texts.items():
            own = {known[""], *(known[each] for each in texts)}
            for line in lines if name.startswith(LINE_PREFIX) else [""]:
                value = self.encoder.number(line + name.removeprefix(LINE_PREFIX))
                code = model.eval(value, model_completion=True).as_long()
                if 0 <= code < len(known) and code not in own:
                    yield self.encoder.any_of(*(value == each for each in sorted(own)))
                    yield self.encoder.all_of(*(value != each for each in range(len(known)) if each not in own))

    def _usual_moments(self, has_moment: bool) -> list[Any]:
        return self.encoder.moment.usual() if has_moment else []


def conditions_of(rule: CompiledRule) -> list[Condition]:
    """The conditions of a rule."""
    return [each for each in (*rule.audiences, rule.when, rule.lines) if each is not None]
