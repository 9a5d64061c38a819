"""Says a condition in words: made of its tree, by what a program calls things.

`member.orders >= 3 && member.tier != "regular"` is "at least 3 orders, and the tier is not Regular". A part that no
words are known for is quoted as code, so that every condition can be told.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Final, NamedTuple

from jifen.core.conditions import Condition
from jifen.core.conditions.code import code_of
from jifen.core.conditions.fields import LINE_FIELDS
from jifen.core.conditions.syntax import (
    Call,
    Constant,
    ListLiteral,
    Member,
    Name,
    Node,
    Quantifier,
    conjuncts,
    disjuncts,
    is_arithmetic,
    walk,
)
from jifen.core.program import Program
from jifen.core.rules.document import LocalizedText
from jifen.core.wording.names import Called, Names, names_of
from jifen.core.wording.nouns import LISTS, MEASURES, TRUTHS
from jifen.core.wording.phrases import (
    ALWAYS,
    AMOUNTS,
    BETWEEN,
    CHOICE,
    EMPTY,
    GROUP,
    IN_NUMBER,
    IN_TIME,
    IN_ZONE,
    INFIX,
    IS,
    LENGTH,
    NOT,
    OF_TEXTS,
    OF_TRUTHS,
    PARTS,
    QUOTED,
    UNITS,
)
from jifen.core.wording.values import Locale, Said, any_of_words, chosen, filled

_OPPOSITES: Final = {"_==_": "_!=_", "_!=_": "_==_", "_<_": "_>=_", "_>=_": "_<_", "_>_": "_<=_", "_<=_": "_>_"}
_MIRRORED: Final = {"_==_": "_==_", "_!=_": "_!=_", "_<_": "_>_", "_>_": "_<_", "_<=_": "_>=_", "_>=_": "_<=_"}
#: Kinds of values that come earlier and later, not less and more.
_TIMES: Final = frozenset(["instant", "year", "month", "weekday", "day", "hour", "minute"])

_DURATION: Final = re.compile(r"(\d+)(h|m|s)")
#: -1 stands for no order yet: what comparisons with it or with 0 mean, and the opposite.
_LAST_ORDER: Final = "member.days_since_last_order"
_NO_ORDER: Final = frozenset([("_==_", -1), ("_<_", 0), ("_<=_", -1)])
_SOME_ORDER: Final = frozenset([("_!=_", -1), ("_>=_", 0), ("_>_", -1)])


@lru_cache(maxsize=8192)
def condition_in_words(program: Program, condition: Condition, locale: Locale) -> str:
    """What a condition asks for, as a clause without a full stop."""
    return _Speaker(names_of(program, locale)).clause(condition.root)


def localized_condition(program: Program, condition: Condition) -> LocalizedText:
    """The same in both languages."""
    return LocalizedText(condition_in_words(program, condition, "zh"), condition_in_words(program, condition, "en"))


def localized_alternatives(program: Program, conditions: Sequence[Condition]) -> LocalizedText:
    """That one of these conditions holds, in both languages."""
    said = [localized_condition(program, each) for each in conditions]
    if len(said) == 1:
        return said[0]
    return LocalizedText(
        "；或".join(dict.fromkeys(each.zh for each in said)), "; or ".join(dict.fromkeys(each.en for each in said))
    )


class _Element(NamedTuple):
    """What the variable of the quantifier around stands for."""

    variable: str
    called: Called


class _Speaker:
    """Says nodes in one language. A node that there are no words for is told as code."""

    def __init__(self, names: Names, element: _Element | None = None) -> None:
        self._names = names
        self._locale = names.locale
        self._element = element

    def clause(self, node: Node, *, holds: bool = True) -> str:
        """That a truth holds, or that it does not."""
        said = self._clause(node, holds)
        if said is not None:
            return said
        return self._say(_either(QUOTED, holds), code=code_of(node))

    def _say(self, text: Said, **values: str) -> str:
        return filled(chosen(text, self._locale), **values)

    def _clause(self, node: Node, holds: bool) -> str | None:
        match node:
            case Constant(value=bool(value)):
                return self._say(_either(ALWAYS, value == holds))
            case Name():
                return self._truth(node, holds)
            case Quantifier():
                said = self._quantifier(node)
                return said if said is None or holds else self._say(NOT, clause=said)
            case Call(function="!_", arguments=(inner,)):
                return self.clause(inner, holds=not holds)
            case Call(function="_&&_" | "_||_"):
                said = self._join(node.function, self._clauses(node))
                return said if holds else self._say(NOT, clause=said)
            case Call(function="_?_:_"):
                which, *others = node.arguments
                said = self._choice(which, *(self._grouped(each) for each in others))
                return said if holds else self._say(NOT, clause=said)
            case Call(function="@in", arguments=(element, container)):
                return self._membership(element, container, holds)
            case Call(function=function) if function in _OPPOSITES:
                return self._comparison(node, function if holds else _OPPOSITES[function])
            case Call(function=function, arguments=(subject, value)) if function in OF_TEXTS:
                text = _either(OF_TEXTS[function], holds)
                return self._say(text, subject=self._term(subject), value=self._term(value))
        return None

    # --- logic ---

    def _join(self, function: str, clauses: Iterable[str]) -> str:
        return chosen(BETWEEN[function], self._locale).join(clauses)

    def _clauses(self, node: Call) -> list[str]:
        """The clauses of a conjunction or disjunction."""
        if node.function == "_&&_":
            return [self._grouped(each) for each in conjuncts(node)]
        return self._alternatives(disjuncts(node))

    def _grouped(self, node: Node) -> str:
        """A clause within another one, in parentheses where it has parts."""
        if isinstance(node, Call) and node.function in BETWEEN:
            clauses = self._clauses(node)
            return clauses[0] if len(clauses) == 1 else self._say(GROUP, clause=self._join(node.function, clauses))
        said = self.clause(node)
        return self._say(GROUP, clause=said) if isinstance(node, Call) and node.function == "_?_:_" else said

    def _alternatives(self, terms: Iterable[Node]) -> list[str]:
        """The clauses of a disjunction; values of one and the same thing are told together."""
        subjects: dict[str, Node] = {}
        values: dict[str, list[Constant]] = {}
        for term in terms:
            subject, wanted = _asked(term)
            key = code_of(term) if subject is None else code_of(subject)
            subjects.setdefault(key, term if subject is None else subject)
            if subject is not None:
                values.setdefault(key, []).extend(wanted)
        return [
            self._one_of(subject, values[key], holds=True) if key in values else self._grouped(subject)
            for key, subject in subjects.items()
        ]

    def _choice(self, which: Node, one: str, other: str) -> str:
        return self._say(CHOICE, which=self.clause(which), one=one, other=other)

    def _truth(self, node: Name, holds: bool) -> str | None:
        said = TRUTHS.get(node.name)
        if said is not None:
            return chosen(_either(said, holds), self._locale)
        called = self._called(node)
        return None if called is None else self._say(_either(OF_TRUTHS, holds), subject=called.words)

    # --- lists ---

    def _quantifier(self, node: Quantifier) -> str | None:
        """None: of a list that stands in the source, or with a quantifier within, whose elements words would mix up."""
        is_nested = any(isinstance(each, Quantifier) for each in walk(node.condition))
        if is_nested or not isinstance(node.range, Name) or node.range.name not in LISTS:
            return None
        words = LISTS[node.range.name]
        called = Called(chosen(words.element[:2], self._locale), words.element.kind)
        inner = _Speaker(self._names, _Element(node.variable, called))
        text: Said = {"exists": words.exists, "all": words.all, "exists_one": words.exists_one}[node.kind]
        return self._say(text, clause=inner.clause(node.condition))

    def _membership(self, element: Node, container: Node, holds: bool) -> str | None:
        if isinstance(container, Name) and container.name in LISTS:
            words = LISTS[container.name]
            return self._say(words.has if holds else words.lacks, value=self._term(element))
        if not isinstance(container, ListLiteral) or not container.elements:
            return None
        return self._one_of(element, container.elements, holds=holds)

    def _one_of(self, subject: Node, values: Sequence[Node], *, holds: bool) -> str:
        sign = "_==_" if holds else "_!=_"
        if len(values) == 1:
            return self._compared(subject, sign, values[0])
        kind = self._kind(subject)
        shown = list(dict.fromkeys(self._term(each, kind) for each in values))
        return self._say(IS[sign], subject=self._term(subject), value=any_of_words(shown, self._locale))

    # --- comparisons ---

    def _comparison(self, node: Call, sign: str) -> str | None:
        left, right = node.arguments
        if isinstance(left, Constant) and not isinstance(right, Constant):
            left, right, sign = right, left, _MIRRORED[sign]
        if left.type == "bool":
            if isinstance(right, Constant) and sign in IS:
                return self.clause(left, holds=(right.value is True) == (sign == "_==_"))
            return None
        if left.type not in ("int", "string", "timestamp", "duration"):
            return None
        if left.type == "string" and sign not in IS:
            return None
        return self._compared(left, sign, right)

    def _compared(self, left: Node, sign: str, right: Node) -> str:
        if isinstance(right, Constant):
            said = self._of_last_order(left, sign, right) or self._measured(left, sign, right)
            if said is not None:
                return said
            if right.value == "":
                return self._say(EMPTY[sign], subject=self._term(left))
        kinds = [self._kind(left), self._kind(right)]
        # Of a field that is compared with a month, the month says what it is about.
        kind = next((each for each in kinds if each == "money" or each in _TIMES), kinds[0] or kinds[1])
        texts = IN_TIME if kind in _TIMES else IN_NUMBER if left.type in ("int", "duration") else IS
        return self._say(texts[sign], subject=self._term(left, kind), value=self._term(right, kind))

    def _of_last_order(self, left: Node, sign: str, right: Constant) -> str | None:
        if not isinstance(left, Name) or left.name != _LAST_ORDER or (sign, right.value) not in _NO_ORDER | _SOME_ORDER:
            return None
        none_yet, some = TRUTHS["member.is_first_order"]
        return chosen(none_yet if (sign, right.value) in _NO_ORDER else some, self._locale)

    def _measured(self, left: Node, sign: str, right: Constant) -> str | None:
        """Something that is counted, with its number: at least 3 orders."""
        measure = self._measure(left)
        if measure is None or not isinstance(right.value, int):
            return None
        number = right.value
        if (sign, number) == ("_>_", 0):
            sign, number = "_>=_", 1
        amount = self._say(AMOUNTS[sign], number=f"{number:,}")
        zh, one, many = measure
        return self._say((zh, one if number == 1 else many), amount=amount)

    def _measure(self, node: Node) -> tuple[str, str, str] | None:
        match node:
            case Name(name=name):
                return None if self._names.is_declared(name) else MEASURES.get(name)
            case Member(operand=Name(name=variable), field=field) if self._is_element(variable):
                return MEASURES.get(f"line.{field}")
            case Call(function="size", arguments=(Name(name="order.lines"),)):
                return MEASURES["order.line_count"]
            case Call(function="size", arguments=(Name(name=name),)):
                return MEASURES.get(name) if name in LISTS else None
        return None

    # --- terms ---

    def _is_element(self, name: str) -> bool:
        return self._element is not None and self._element.variable == name

    def _called(self, node: Node) -> Called | None:
        match node:
            case Name(name=name) if self._is_element(name):
                return None if self._element is None else self._element.called
            case Name(name=name):
                return self._names.noun(name)
            case Member(operand=Name(name=name), field=field) if self._is_element(name) and field in LINE_FIELDS:
                return self._names.noun(f"line.{field}")
        return None

    def _kind(self, node: Node) -> str:
        """Of which kind a value is; empty for a plain number or text."""
        called = self._called(node)
        if called is not None:
            return called.kind if called.kind not in ("number", "text", "truth") else ""
        if node.type == "timestamp":
            return "instant"
        match node:
            case Call(function=function, overload=overload) if function in PARTS and overload.startswith("timestamp_"):
                return PARTS[function][1]
            case Call(function="_?_:_", arguments=(_, one, other)):
                return self._kind(one) or self._kind(other)
            case Call(function="_+_" | "_-_" | "_*_" | "-_", arguments=arguments) if is_arithmetic(node):
                kinds = {self._kind(each) for each in arguments}
                return "money" if "money" in kinds else ""
        return ""

    def _term(self, node: Node, kind: str = "") -> str:
        """A value, as part of a clause. `kind`: that of what it is compared with."""
        said = self._known_term(node, kind)
        return f"`{code_of(node)}`" if said is None else said

    def _known_term(self, node: Node, kind: str) -> str | None:
        called = self._called(node)
        if called is not None:
            return called.words
        match node:
            case Constant(value=value):
                return self._names.value(kind, value)
            case Call(function="timestamp", arguments=(Constant(value=str(text)),)):
                return self._instant(text)
            case Call(function="duration", arguments=(Constant(value=str(text)),)):
                return self._duration(text)
            case Call(function=function, overload=overload) if function in PARTS and overload.startswith("timestamp_"):
                return self._part(node)
            case Call(function="size", arguments=(inner,)) if inner.type == "string":
                return self._say(LENGTH, subject=self._term(inner))
            case Call(function="_?_:_", arguments=(which, one, other)):
                said = self._choice(which, self._term(one, kind), self._term(other, kind))
                return self._say(GROUP, clause=said)
            case Call(function=function) if function in INFIX:
                return self._infix(node, kind)
        return None

    def _infix(self, node: Call, kind: str) -> str | None:
        left, right = node.arguments
        own = self._kind(node) or (kind if kind == "money" else "")
        has_money = "money" in (self._kind(left), self._kind(right), kind)
        if node.function in ("_/_", "_%_") and has_money:
            # What is divided are minor units: the result is rounded in them.
            return None
        if node.function == "_*_":
            kinds = [self._kind(left), self._kind(right)]
            if kind == "money" and "money" not in kinds:
                # 1500 * pieces, where it is compared with money: the number that stands there is what one costs.
                kinds = [kind if isinstance(each, Constant) else "" for each in (left, right)]
            if kinds.count("money") > 1:
                return None
            parts = [self._operand(each, of) for each, of in zip((left, right), kinds, strict=True)]
        else:
            parts = [self._operand(each, own) for each in (left, right)]
        return self._say(INFIX[node.function], left=parts[0], right=parts[1])

    def _operand(self, node: Node, kind: str) -> str:
        said = self._term(node, kind)
        is_infix = isinstance(node, Call) and node.function in INFIX and not said.startswith("`")
        return self._say(GROUP, clause=said) if is_infix else said

    def _part(self, node: Call) -> str | None:
        text, _ = PARTS[node.function]
        subject, *zones = node.arguments
        zone = str(zones[0].value) if zones and isinstance(zones[0], Constant) else "UTC"
        shown = "" if zone == self._names.zone else self._say(IN_ZONE, zone=zone)
        return self._say(text, subject=self._term(subject), zone=shown)

    def _instant(self, text: str) -> str | None:
        try:
            instant = datetime.fromisoformat(text.upper())
            # Minutes are told: anything finer would be another instant.
            return None if instant.second or instant.microsecond else self._names.instant(instant)
        except (ValueError, OverflowError):
            return None

    def _duration(self, text: str) -> str | None:
        parts = _DURATION.findall(text)
        if "".join(f"{number}{unit}" for number, unit in parts) != text:
            return None
        said = []
        for number, unit in parts:
            zh, one, many = UNITS[unit]
            said.append(self._say((f"{{number}} {zh}", f"{{number}} {one if number == '1' else many}"), number=number))
        return " ".join(said)


def _either(said: tuple[Said, Said], holds: bool) -> Said:
    return said[0] if holds else said[1]


def _asked(node: Node) -> tuple[Node | None, list[Constant]]:
    """The subject of an equation or membership, and the constants that it may be; None: it is neither."""
    match node:
        case Call(function="_==_", arguments=(subject, Constant() as value) | (Constant() as value, subject)):
            return (subject, [value]) if subject.type in ("int", "string") and value.value != "" else (None, [])
        case Call(function="@in", arguments=(subject, ListLiteral(elements=elements))):
            constants = [each for each in elements if isinstance(each, Constant) and each.value != ""]
            return (subject, constants) if elements and len(constants) == len(elements) else (None, [])
    return None, []
