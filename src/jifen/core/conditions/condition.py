"""A condition: compiled once, evaluated often."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, Final, Literal

from cel_expr_python import cel

from jifen.core.conditions.errors import DIVIDED_BY_ZERO, IS_MISSING, TOO_LARGE, TOO_MANY_STEPS, EvaluationFailed
from jifen.core.conditions.fast import MAXIMUM_STEPS, compile_fast, longest_list, step_bound
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
    walk,
)

ResultType = Literal["bool", "int"]
Values = frozenset[str | int | bool]
_NOT_FOUND: Final = re.compile('No value with name "([^"]+)" found')
_UNFIT: Final = re.compile("[\0\ud800-\udfff]")


class Condition:
    """What a source text says about facts. Vocabulary.compile makes it; treat it as frozen.

    `names`: what it reads of the vocabulary. `discriminators`: the only values of a name for which it can be true, for
    the names of which that is known.
    """

    __slots__ = (
        *("_fast", "_fields", "_lists", "_of_line", "_program", "_steps"),
        *("discriminators", "names", "result", "root", "source"),
    )

    def __init__(self, source: str, result: ResultType, root: Node, program: Any) -> None:
        self.source = source
        self.result = result
        self.root = root
        self.names = frozenset(free_names(root))
        self.discriminators = discriminators(root) if result == "bool" else {}
        self._fields = tuple({node.field for node in walk(root) if isinstance(node, Member)})
        self._fast = compile_fast(root)
        self._steps = step_bound(root)
        self._lists = {each.name for each in walk(root) if isinstance(each, Name) and each.type == "lines"}
        self._of_line = {name: each for name, each in self.discriminators.items() if name.startswith("line.")}
        self._program = program

    def __repr__(self) -> str:
        return f"Condition({self.source!r})"

    @property
    def is_fast(self) -> bool:
        """Whether it is evaluated without CEL, as long as nothing fails."""
        return self._fast is not None

    def evaluate(self, facts: Mapping[str, Any]) -> bool | int:
        """What it says about these facts: by dotted name; instants aware, texts of `strings` as a list, lines as a
        list of dicts with every field of LINE_FIELDS. Only the names it reads are looked at.

        Raises:
            EvaluationFailed: a fact is missing or unfit, a number overflows, a division by zero, lists that are too
                long for its quantifiers.
        """
        if self._fast is None or (self._steps is not None and self._steps(facts) > MAXIMUM_STEPS):
            # CEL counts its steps, and stops where there are too many.
            return self.ask_cel(facts)
        try:
            answer: bool | int = self._fast(facts, None, None)
        except Exception:
            # Whatever it was: CEL knows whether it matters.
            return self.ask_cel(facts)
        return answer

    def fitting(self, lines: Sequence[Mapping[str, Any]]) -> list[int]:
        """The positions of those lines of an order, each given by all facts about it and the event, for which it is
        true. All lines together have the steps that one evaluation has, so that no order takes long.

        Raises:
            EvaluationFailed: as for `evaluate`, of any line.
        """
        if self._steps is None and not self._lists:
            return [position for position, facts in enumerate(lines) if self.evaluate(facts)]
        left, found = MAXIMUM_STEPS, list[int]()
        for position, facts in enumerate(lines):
            if any(facts[name] not in values for name, values in self._of_line.items()):
                continue
            left, fits = self._within(left, facts)
            if fits:
                found.append(position)
        return found

    def _within(self, left: int, facts: Mapping[str, Any]) -> tuple[int, bool | int]:
        """What is left of the steps, and the answer. CEL takes a copy of all lines before it looks at any: those are
        steps as well. Raises EvaluationFailed, also where the steps do not do."""
        steps = 0 if self._steps is None else self._steps(facts)
        if self._fast is not None and steps <= left:
            # Whatever goes wrong is left to CEL, as in `evaluate`.
            with suppress(Exception):
                return left - steps, self._fast(facts, None, None)
        left -= max(steps, longest_list(facts, self._lists))
        if left < 0:
            raise EvaluationFailed(f"{self.source!r}: {TOO_MANY_STEPS}", source=self.source)
        return left, self.ask_cel(facts)

    def ask_cel(self, facts: Mapping[str, Any]) -> bool | int:
        """Like `evaluate`, but always by CEL, whose answer is the one that counts.

        Raises:
            EvaluationFailed: as for `evaluate`; and a text with U+0000 or half a surrogate pair, which CEL cannot take.
        """
        try:
            used = {name: self._fit(name, facts[name]) for name in self.names if name in facts}
            answer = self._program.eval(data=used)
        except EvaluationFailed:
            raise
        except Exception as error:
            # The binding raises more than it documents when a fact is of a foreign type.
            raise EvaluationFailed(f"{self.source!r}: {_in_words(str(error))}", source=self.source) from error
        # Not `.value()` first: of a null it takes a reference that is not its own, until Python aborts.
        value_type = answer.type()
        wanted, exact = (cel.Type.BOOL, bool) if self.result == "bool" else (cel.Type.INT, int)
        if value_type == wanted:
            value = answer.value()
            if type(value) is exact:
                return value
        is_error = value_type == cel.Type.ERROR
        reason = _in_words(str(answer.value())) if is_error else f"the result is of type {value_type.name()}"
        raise EvaluationFailed(f"{self.source!r}: {reason}", source=self.source)

    def _fit(self, name: str, value: Any) -> Any:
        """The fact as CEL gets it: of lines only the fields in use. Raises EvaluationFailed."""
        if type(value) is list and value and isinstance(value[0], dict):
            value = [{key: line[key] for key in self._fields if key in line} for line in value]
            texts = [each for line in value for each in line.values()]
        else:
            texts = value if isinstance(value, list) else [value]
        for each in texts:
            unfit = _unfit(each)
            if unfit is not None:
                raise EvaluationFailed(f"{self.source!r}: {name} has {unfit}", source=self.source, name=name)
        return value


def _in_words(reason: str) -> str:
    """What CEL says of an error, for people who do not know CEL."""
    if "overflow" in reason:
        return TOO_LARGE
    if "budget" in reason:
        return TOO_MANY_STEPS
    if "by zero" in reason:
        return DIVIDED_BY_ZERO
    missing = _NOT_FOUND.search(reason)
    return reason if missing is None else missing.group(1) + IS_MISSING


def _unfit(value: object) -> str | None:
    """Why CEL would take this for something else: it cuts texts at U+0000 and reads naive instants as local time."""
    if isinstance(value, datetime) and value.tzinfo is None:
        return "an instant without time zone"
    if isinstance(value, str) and not value.isprintable() and _UNFIT.search(value):
        return "a text with U+0000 or half of a surrogate pair"
    return None


def free_names(root: Node) -> set[str]:
    """The names of the vocabulary that the tree reads; variables of quantifiers are none."""
    variables = {node.variable for node in walk(root) if isinstance(node, Quantifier)}
    return {node.name for node in walk(root) if isinstance(node, Name)} - variables


def discriminators(root: Node) -> dict[str, Values]:
    """For names of which it is known: the only values with which this can be true. No values: it never is."""
    terms = list(conjuncts(root))
    if len(terms) > 1:
        found: dict[str, Values] = {}
        for term in terms:
            for name, values in discriminators(term).items():
                found[name] = values & found.get(name, values)
        return found
    choices = list(disjuncts(root))
    if len(choices) > 1:
        each = [discriminators(choice) for choice in choices]
        shared = set(each[0]).intersection(*each[1:])
        return {name: frozenset().union(*(choice[name] for choice in each)) for name in shared}
    return _discriminator(root)


def _discriminator(node: Node) -> dict[str, Values]:
    match node:
        case Name(type="bool", name=name):
            return {name: frozenset({True})}
        case Call(function="!_", arguments=(Name(name=name),)):
            return {name: frozenset({False})}
        case Call(function="_==_", arguments=(Name(name=name), Constant(value=value))):
            return {name: frozenset({value})}
        case Call(function="_==_", arguments=(Constant(value=value), Name(name=name))):
            return {name: frozenset({value})}
        case Call(function="@in", arguments=(Name(name=name), ListLiteral(elements=elements))):
            values = [each.value for each in elements if isinstance(each, Constant)]
            return {name: frozenset(values)} if len(values) == len(elements) else {}
        case _:
            return {}
