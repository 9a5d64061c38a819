"""From the checked tree of a condition to a formula.

Texts are whole numbers, and strings where they are looked into (`texts.py`). A list of texts is a truth value for each
constant that is asked for. A part that no formula can say exactly becomes a value of which nothing
is known, and is named: so a formula holds at least where its condition does. What is proven to be impossible is
impossible, and what is found possible must be tried.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cached_property
from typing import Any

import msgspec
import z3

from jifen.analytics.proofs.moments import SymbolicMoment
from jifen.analytics.proofs.patterns import is_plain, is_within
from jifen.analytics.proofs.texts import Texts, TextTest, answer
from jifen.core.conditions import Condition
from jifen.core.conditions.code import code_of
from jifen.core.conditions.fields import LINE_FIELDS
from jifen.core.conditions.syntax import Call, Constant, ListLiteral, Name, Node, Quantifier, is_arithmetic, walk
from jifen.core.limits import MAXIMUM_AMOUNT
from jifen.core.rules.facts import CHECKED_IN, REGISTERED, TIERS

LINE_PREFIX = "line."
#: Members are taken to be with the program, to check in, and their last order to lie back, for a century at most.
MOST_DAYS = 36_500
_KINDS = ("bool", "int", "string")


class Beyond(Exception):
    """A part of a condition that is not provable; the message says which part, `position` where it stands."""

    def __init__(self, what: str, position: int = 0) -> None:
        super().__init__(what)
        self.position = position


class Encoder:
    """The facts of one symbolic event, and conditions about them as formulas."""

    def __init__(
        self, event_type: str, currency: str, fields: Mapping[str, str], optional: frozenset[str] = frozenset()
    ) -> None:
        """`fields`: the types of the names that conditions may use; `optional`: those that an event may be without."""
        self.context = z3.Context()
        self.moment = SymbolicMoment(self.context)
        self.event_type = event_type
        self.fields = fields
        self.optional = optional
        self.texts = Texts(self.context)
        self._held: dict[tuple[str, str], Any] = {}
        self._unknown: dict[tuple[Node, str], Any] = {}
        self._fixed = {"event.type": event_type, "order.currency": currency}

    # --- texts ---

    def held(self, name: str, model: Any) -> list[str]:
        """The texts of a list that a model has in it."""
        return [text for (each, text), held in self._held.items() if each == name and z3.is_true(model.eval(held))]

    # --- values ---

    def number(self, name: str) -> Any:
        """The variable of a fact that is a whole number or a text."""
        return z3.Int(name, self.context)

    def truth(self, name: str) -> Any:
        """The variable of a fact that is true or false."""
        return z3.Bool(name, self.context)

    def constant(self, value: int) -> Any:
        """A number as a formula."""
        return z3.IntVal(value, self.context)

    def all_of(self, *terms: Any) -> Any:
        """All of the terms, of which there may be none."""
        return z3.And(*terms, z3.BoolVal(True, self.context))

    def any_of(self, *terms: Any) -> Any:
        """Any of the terms, of which there may be none."""
        return z3.Or(*terms, z3.BoolVal(False, self.context))

    def formula(self, node: Node, line: str = LINE_PREFIX) -> Any:
        """The formula of a node. `line`: what stands for `line.` in the names of a line's fields."""
        if node.type not in ("bool", "int"):
            return self._exact(node, line)
        try:
            return self._exact(node, line)
        except Beyond:
            key = (node, line)
            if key not in self._unknown:
                make = z3.Bool if node.type == "bool" else z3.Int
                self._unknown[key] = make(f"unknown {len(self._unknown)}", self.context)
            return self._unknown[key]

    def _exact(self, node: Node, line: str) -> Any:
        match node:
            case Constant(type="bool", value=value):
                return z3.BoolVal(bool(value), self.context)
            case Constant(type="int", value=value):
                return self.constant(int(value))
            case Constant(type="string", value=value):
                return self.constant(self.texts.code(str(value)))
            case Name(type="bool" | "int" | "string" as kind, name=name):
                if name in self._fixed:
                    return self.constant(self.texts.code(self._fixed[name]))
                return self.truth(name) if kind == "bool" else self.number(_variable(name, line))
            case Call():
                _refuse(node)
                if node.overload in _OF_TEXTS:
                    return self._of_texts(node, line)
                if node.function == "@in":
                    return self._contained(node, line)
                return self._call(node, [self.formula(each, line) for each in node.arguments])
        _refuse(node)
        raise Beyond(_word_for(node), node.position)

    def _of_texts(self, node: Call, line: str) -> Any:
        """What a call says of its first argument, a text."""
        return self._of_text(node.arguments[0], text_test(node), line)

    def _of_text(self, node: Node, test: TextTest | None, line: str) -> Any:
        """What a test says of a text; without a test: its length."""
        match node:
            case Call(function="_?_:_", arguments=(which, one, other)):
                return z3.If(
                    self.formula(which, line), self._of_text(one, test, line), self._of_text(other, test, line)
                )
            case Name(name=name) if name not in self._fixed:
                variable = _variable(name, line)
                return self.texts.length(variable, name) if test is None else self.texts.holds(variable, name, test)
        text = (
            str(node.value) if isinstance(node, Constant) else self._fixed[node.name] if isinstance(node, Name) else ""
        )
        return self.constant(len(text)) if test is None else z3.BoolVal(bool(answer(test, text)), self.context)

    def _contained(self, node: Call, line: str) -> Any:
        element, container = node.arguments
        if isinstance(container, ListLiteral):
            one = self.formula(element, line)
            return self.any_of(*(one == self.formula(each, line) for each in container.elements))
        assert isinstance(element, Constant) and isinstance(container, Name)
        key = (container.name, str(element.value))
        if key not in self._held:
            self._held[key] = self.truth(f"{container.name} holds {element.value}")
        return self._held[key]

    def _call(self, node: Call, values: list[Any]) -> Any:
        match node.function, values:
            case "_&&_", _:
                return z3.And(*values)
            case "_||_", _:
                return z3.Or(*values)
            case "!_", [one]:
                return z3.Not(one)
            case "_==_", [one, other]:
                return one == other
            case "_!=_", [one, other]:
                return one != other
            case "_<_", [one, other]:
                return one < other
            case "_<=_", [one, other]:
                return one <= other
            case "_>_", [one, other]:
                return one > other
            case "_>=_", [one, other]:
                return one >= other
            case "_+_", [one, other]:
                return one + other
            case "_-_", [one, other]:
                return one - other
            case "_*_", [one, other]:
                return one * other
            case "_/_", [one, other]:
                # Truncates towards zero, where the solver rounds so that the remainder is never negative.
                return z3.If(one >= 0, one / other, -((-one) / other))
            case "_%_", [one, other]:
                return z3.If(one >= 0, one % other, -((-one) % other))
            case "-_", [one]:
                return -one
            case "_?_:_", [which, one, other]:
                return z3.If(which, one, other)
        raise Beyond(node.function, node.position)

    def products(self, roots: Iterable[Node]) -> list[Any]:
        """What facts multiplied or divided by facts really are, in conditions that formulas were made of. It helps to
        find an event; for proofs it takes the solver too long."""
        wanted = {each for root in roots for each in walk(root)}
        return [
            value == self._call(node, [self.formula(each, line) for each in node.arguments])
            for (node, line), value in self._unknown.items()
            if node in wanted and isinstance(node, Call) and is_arithmetic(node) and not _is_linear(node)
        ]

    # --- what is known of one event ---

    def known_facts(self, facts: Mapping[str, Any], *, but: str) -> list[Any]:
        """That facts are what they are; those whose names begin with `but` stay open. Of lists, what the formulas ask
        for that were made before."""
        known = [held == (text in facts[name]) for (name, text), held in self._held.items()]
        for name, kind in self.fields.items():
            if kind in _KINDS and name not in self._fixed and not name.startswith(but):
                known.append(self._equals(name, facts[name]))
        known += [self._equals(f"{LINE_PREFIX}{field}", facts[f"{LINE_PREFIX}{field}"]) for field in LINE_FIELDS]
        return known

    def _equals(self, name: str, value: bool | int | str) -> Any:
        if isinstance(value, bool):
            return self.truth(name) == value
        return self.texts.equals(name, value) if isinstance(value, str) else self.number(name) == value

    # --- what always holds ---

    def bounds(
        self, names: Collection[str], conditions: Iterable[Condition], also: Iterable[TextTest] = ()
    ) -> list[Any]:
        """What always holds of texts, and of the facts about members and moments, as far as these conditions, and the
        names in them, depend on it. `also`: what else is asked of texts."""
        tests = {*also, *(test for each in conditions for test in tests_in(each.root))}
        found = self.texts.ties(names, tests)
        if any(name.startswith(("member.is_birthday", "member.birthday_")) for name in names):
            found += self._birthday
        if any(name.startswith("member.") for name in names):
            found += self._standing
        first_set = next((name for name in self.fields if name.startswith(TIERS)), "")
        if first_set in names:
            # The first tier set has two names.
            found.append(self.number(first_set) == self.number("member.tier"))
        if any(name.startswith(("now.", "member.is_birthday")) for name in names):
            found += self.moment.bounds
        return found

    @cached_property
    def _standing(self) -> list[Any]:
        orders, since = self.number("member.orders"), self.number("member.days_since_last_order")
        registered = self.number("member.days_since_registration")
        month, year, total = (self.number(f"member.spent_cents_{each}") for each in ("month", "year", "total"))
        # A check-in counts in its own streak; whoever registers has done nothing before.
        least_streak = 1 if self.event_type == CHECKED_IN else 0
        streak = self.number("member.checkin_streak")
        at_first = [registered == 0, orders == 0, streak == 0] if self.event_type == REGISTERED else []
        return [
            *at_first,
            orders >= 0,
            z3.And(since >= -1, since <= MOST_DAYS),
            (since == -1) == (orders == 0),
            z3.And(month >= 0, month <= year, year <= total, total <= MAXIMUM_AMOUNT),
            z3.Implies(orders == 0, total == 0),
            self.truth("member.is_first_order") == (orders == 0),
            z3.Implies(month > 0, since <= 30),
            z3.Implies(year > 0, since <= 365),
            z3.And(streak >= least_streak, streak <= MOST_DAYS),
            z3.And(registered >= 0, registered <= MOST_DAYS),
        ]

    @cached_property
    def _birthday(self) -> list[Any]:
        month, day = self.number("member.birthday_month"), self.number("member.birthday_day")
        longest = z3.If(month == 2, 29, z3.If(z3.Or(*(month == each for each in (4, 6, 9, 11))), 30, 31))
        known = z3.And(month >= 1, month <= 12, day >= 1, day <= longest)
        return [
            z3.Or(z3.And(month == 0, day == 0), known),
            self.truth("member.is_birthday_month") == (month == self.moment.month),
            self.truth("member.is_birthday") == self.moment.is_birthday(month, day),
        ]


def _variable(name: str, line: str) -> str:
    """What the solver calls a fact; `line`: as for `Encoder.formula`."""
    return line + name.removeprefix(LINE_PREFIX) if name.startswith(LINE_PREFIX) else name


def unprovable_parts(node: Node) -> list[Beyond]:
    """The parts of a condition of which a formula says nothing, the innermost of each."""
    inner = [part for each in _parts(node) for part in unprovable_parts(each)]
    try:
        _refuse(node)
    except Beyond as error:
        return inner or [error]
    return inner


def may_fail(node: Node, optional: frozenset[str]) -> bool:
    """Whether evaluation may fail: a number that overflows, one of the properties that an event may be without, or what
    is not provable."""
    if isinstance(node, Name):
        return node.name in optional
    if is_arithmetic(node):
        return True
    return any(may_fail(each, optional) for each in _parts(node)) or bool(unprovable_parts(node))


def _parts(node: Node) -> tuple[Node, ...]:
    """What of a node is itself made into formulas."""
    if isinstance(node, Call):
        return node.arguments[:1] if _is_membership(node) else node.arguments
    return node.elements if isinstance(node, ListLiteral) else ()


def _is_membership(node: Call) -> bool:
    """Whether this asks for a constant in one of the member's lists."""
    return node.function == "@in" and (
        isinstance(node.arguments[0], Constant)
        and isinstance(node.arguments[1], Name)
        and node.arguments[1].type == "strings"
    )


def _refuse(node: Node) -> None:
    """Raise Beyond for a node that has no formula of its own."""
    match node:
        case Constant(type="bool" | "int" | "string") | Name(type="bool" | "int" | "string"):
            return
        case ListLiteral(type="bools" | "ints" | "strings"):
            return
        case Call() if _is_membership(node):
            return
        case Call(function="@in", arguments=(element, ListLiteral())) if element.type in _KINDS:
            return
        case Call() if node.overload in _OF_TEXTS:
            text_test(node)
            if _is_string(node.arguments[0]):
                return
        case Call() if node.function in _EXACT:
            types = {each.type for each in node.arguments}
            by_text = "string" in types and node.function not in ("_==_", "_!=_", "_?_:_")
            # Whether false comes before true is nothing anybody asks.
            by_truth = "bool" in types and node.function in ("_<_", "_<=_", "_>_", "_>=_")
            if types <= set(_KINDS) and not by_text and not by_truth and _is_linear(node):
                return
    raise Beyond(_word_for(node), node.position)


def _is_string(node: Node) -> bool:
    """Whether a text can be looked into."""
    match node:
        case Constant(value=str(text)):
            return is_within(text)
        case Call(function="_?_:_", arguments=(_, one, other)):
            return _is_string(one) and _is_string(other)
    return isinstance(node, Name)


def text_test(node: Call) -> TextTest | None:
    """The test of a text that a call is; None: it asks for the length. Raises Beyond."""
    if node.function == "size":
        return None
    argument = node.arguments[1]
    if isinstance(argument, Constant) and is_within(str(argument.value)):
        test = msgspec.convert({"kind": node.function, "argument": argument.value}, TextTest)
        if test.kind != "matches" or is_plain(test.argument):
            return test
    raise Beyond(_word_for(node), node.position)


def tests_in(node: Node) -> Iterator[TextTest]:
    """All tests of texts in a condition that can be proven."""
    for each in walk(node):
        if isinstance(each, Call) and each.overload in _OF_TEXTS:
            with suppress(Beyond):
                test = text_test(each)
                if test is not None:
                    yield test


def _word_for(node: Node) -> str:
    """What a node is called where it stands in a condition."""
    match node:
        case Call(function=function):
            return function.strip("_") or function
        case Name(name=name):
            return name
        case Quantifier(kind=kind):
            return kind
    return code_of(node)


def _is_linear(node: Call) -> bool:
    if node.function == "_*_":
        return any(isinstance(each, Constant) for each in node.arguments)
    if node.function in ("_/_", "_%_"):
        divisor = node.arguments[1]
        return isinstance(divisor, Constant) and isinstance(divisor.value, int) and divisor.value > 0
    return True


#: What looks into a text, by CEL's names.
_OF_TEXTS = frozenset(
    [
        *("starts_with_string", "ends_with_string", "contains_string", "matches", "matches_string"),
        *("size_string", "string_size"),
    ]
)
_EXACT = frozenset(
    [
        *("_&&_", "_||_", "!_", "_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_", "_?_:_"),
        *("_+_", "_-_", "_*_", "_/_", "_%_", "-_"),
    ]
)
