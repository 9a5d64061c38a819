"""Texts as the solver sees them.

Each text that stands in a condition has a whole number, and any other number stands for some other text: most
conditions ask no more than which one it is. What else is asked of a fact (how it begins, whether it fits a pattern) is
a truth value of its own, and its length a number. They are tied to the texts of conditions, and two by two to each
other: three that cannot be together may stand, so what is found must be tried, as always. The solver's own strings are
asked about two tests at a time, as they are too slow for whole programs.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from itertools import combinations, product
from typing import Any, Final, Literal

import msgspec
import z3

from jifen.analytics.proofs.patterns import is_within, language_of, string_of
from jifen.core.limits import MAXIMUM_TEXT

_ESCAPE: Final = re.compile(r"\\u\{([0-9a-fA-F]+)\}")
#: What two tests of a text may take: steps of the solver, and time, for those that it does not count.
_STEPS: Final = 200_000
_TIMEOUT_MS: Final = 1_000
_CACHED: Final = 20_000
#: So long are the texts of orders and their lines at most.
_BOUNDED: Final = ("order.", "line.")


class TextTest(msgspec.Struct, frozen=True):
    """A question about a text, with the constant that it is asked by."""

    kind: Literal["startsWith", "endsWith", "contains", "matches"]
    argument: str

    def formula(self, string: Any) -> Any:
        """What it asks of a string of the solver."""
        if self.kind == "matches":
            return z3.InRe(string, language_of(self.argument, string.ctx))
        argument = string_of(self.argument, string.ctx)
        match self.kind:
            case "startsWith":
                return z3.PrefixOf(argument, string)
            case "endsWith":
                return z3.SuffixOf(argument, string)
        return z3.Contains(string, argument)


@lru_cache(maxsize=_CACHED)
def answer(test: TextTest, text: str) -> bool | None:
    """What a test says of a text; None: the solver does not know all of its characters."""
    if not is_within(text):
        return None
    return bool(z3.is_true(z3.simplify(test.formula(string_of(text, z3.Context())))))


@lru_cache(maxsize=_CACHED)
def never_together(one: TextTest, other: TextTest) -> list[tuple[bool, bool]]:
    """The answers to two tests that no text has."""
    solver, string = _strings()
    first, second = one.formula(string), other.formula(string)
    return [
        (yes, also)
        for yes, also in product((True, False), repeat=2)
        if solver.check(first == yes, second == also) == z3.unsat
    ]


def _strings() -> tuple[Any, Any]:
    context = z3.Context()
    solver = z3.Solver(ctx=context)
    solver.set("timeout", _TIMEOUT_MS)
    solver.set("rlimit", _STEPS)
    return solver, z3.String("text", context)


class _Fact(msgspec.Struct, frozen=True):
    """A fact of which more is asked than which text it is. `name`: as conditions have it, whichever line it is of."""

    name: str
    number: Any
    length: Any
    tests: dict[TextTest, Any] = {}


class Texts:
    """The texts of one symbolic event."""

    def __init__(self, context: Any) -> None:
        self._context = context
        self._codes: dict[str, int] = {"": 0}
        self._facts: dict[str, _Fact] = {}
        #: The variables of the facts whose length is asked for: that of others is left open.
        self._measured: set[str] = set()

    def code(self, text: str) -> int:
        """The number of a text."""
        return self._codes.setdefault(text, len(self._codes))

    @property
    def known(self) -> Mapping[str, int]:
        """The texts that have a number, with it."""
        return self._codes

    def holds(self, variable: str, name: str, test: TextTest) -> Any:
        """That a test is true of a fact; `variable`: what its number is called."""
        tests = self._fact(variable, name).tests
        return tests.setdefault(test, z3.Bool(f"{variable} {test.kind} {test.argument}", self._context))

    def length(self, variable: str, name: str) -> Any:
        """How long a fact is."""
        self._measured.add(variable)
        return self._fact(variable, name).length

    def equals(self, variable: str, text: str) -> Any:
        """That a fact is this text."""
        number = z3.Int(variable, self._context)
        fact = self._facts.get(variable)
        said = () if fact is None else self._said(fact, text, fact.tests)
        return z3.And(number == self.code(text), *said)

    def ties(self, names: Collection[str], tests: Collection[TextTest]) -> list[Any]:
        """What always holds of these facts and tests."""
        found: list[Any] = []
        for fact in self._facts.values():
            if fact.name not in names:
                continue
            asked = {test: fact.tests[test] for test in fact.tests if test in tests}
            for text, code in self._codes.items():
                found.append(z3.Implies(fact.number == code, z3.And(*self._said(fact, text, asked))))
            found += [fact.length >= 0, (fact.length == 0) == (fact.number == 0)]
            if fact.name.startswith(_BOUNDED):
                found.append(fact.length <= MAXIMUM_TEXT)
            found += _ties_of_tests(fact, asked)
        return found

    def of_model(self, model: Any, number: int) -> str:
        """The text of a number in a model; some other text where it stands for none."""
        for text, code in self._codes.items():
            if code == number:
                return text
        facts = [fact for fact in self._facts.values() if _value(model, fact.number).as_long() == number]
        made = _made_up(model, facts, self._measured, self._codes) if facts else None
        return made or (f"other-{number}" if number > 0 else f"another-{-number}")

    def _fact(self, variable: str, name: str) -> _Fact:
        if variable not in self._facts:
            number, length = z3.Int(variable, self._context), z3.Int(f"length of {variable}", self._context)
            self._facts[variable] = _Fact(name, number, length)
        return self._facts[variable]

    def _said(self, fact: _Fact, text: str, tests: Iterable[TextTest]) -> list[Any]:
        """What is said of a fact that is this text."""
        answers = {test: answer(test, text) for test in tests}
        said = [fact.tests[test] == each for test, each in answers.items() if each is not None]
        return [fact.length == len(text), *said]


def _ties_of_tests(fact: _Fact, asked: dict[TextTest, Any]) -> list[Any]:
    found = []
    for test, holds in asked.items():
        if test.kind != "matches":
            # How long the texts are that a pattern fits takes the solver too long.
            found.append(z3.Implies(holds, fact.length >= len(test.argument)))
        # A test with itself: whether it is always true, or never.
        found += [holds != each for each, other in never_together(test, test) if each == other]
    for one, other in combinations(asked, 2):
        found += [z3.Or(asked[one] != first, asked[other] != second) for first, second in never_together(one, other)]
    return found


def _made_up(model: Any, facts: Collection[_Fact], measured: Collection[str], but: Collection[str]) -> str | None:
    """A text of which all is true that a model has of these facts, other than some. `measured`: the variables of those
    whose length is asked for."""
    solver, string = _strings()
    readable = z3.Plus(z3.Range(string_of("!", string.ctx), string_of("~", string.ctx)))
    for fact in facts:
        for test, holds in fact.tests.items():
            decided = model.eval(holds)
            if z3.is_true(decided) or z3.is_false(decided):
                solver.add(test.formula(string) == z3.is_true(decided))
        length = model.eval(fact.length)
        if fact.number.decl().name() in measured and z3.is_int_value(length):
            solver.add(z3.Length(string) == length.as_long())
    for look in (z3.InRe(string, readable), z3.Length(string) > 0):
        solver.push()
        solver.add(look)
        for _ in range(len(but)):
            if solver.check() != z3.sat:
                break
            shown = solver.model().eval(string, model_completion=True).as_string()
            text = _ESCAPE.sub(lambda found: chr(int(found[1], 16)), shown)
            if text not in but:
                return text
            solver.add(string != string_of(text, string.ctx))
        solver.pop()
    return None


def _value(model: Any, variable: Any) -> Any:
    return model.eval(variable, model_completion=True)
