"""How much the solver may work for one question, and for a check as a whole.

Work is counted by the solver itself, in steps that do not depend on the machine or on who else uses it: the same
program gives the same report everywhere. A few of its methods do not count; for these there is a time-out, so long that
nothing else comes near it. What is done between questions counts as well, at fixed prices: making the formulas of many
rules, and rating an event by them, takes longer than most questions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import msgspec
import z3

from jifen.analytics.proofs.undecided import given_up_by

#: So many steps any question counts at least: asking it takes time as well.
LEAST_STEPS: Final = 1_000
#: What is done besides counts as so many steps as the solver makes in that time (some two million a second): to ask for
#: an event and write it down; for each rule that is asked about; and for each by which an event is rated.
STEPS_OF_EVENT: Final = 20_000
STEPS_OF_RULE: Final = 200
STEPS_OF_RATED_RULE: Final = 15


class Effort(msgspec.Struct, frozen=True):
    """What a check may take: steps of the solver for one question (about a second) and in all (a minute or so), and
    the time after which a question is given up in any case."""

    steps: int = 1_000_000
    steps_in_all: int = 100_000_000
    timeout_ms: int = 10_000


class Exhausted(Exception):
    """The check as a whole, or a part of it, has taken what it may: no more questions are asked."""


class Asker:
    """Asks all questions of one check, and keeps count."""

    def __init__(self, effort: Effort) -> None:
        self._effort = effort
        self._left = effort.steps_in_all
        self._reserved = 0

    @contextmanager
    def part(self) -> Iterator[None]:
        """A part of the check: it may take half of what is left, so that what comes after it is reached."""
        self._reserved = self._left // 2
        try:
            yield
        finally:
            self._reserved = 0

    def charge(self, steps: int) -> None:
        """Count what is done besides questions. Raises Exhausted."""
        if self._left <= self._reserved:
            raise Exhausted
        self._left -= steps

    def solver(self, context: Any) -> Any:
        """A solver that knows nothing yet."""
        solver = z3.Solver(ctx=context)
        solver.set("timeout", self._effort.timeout_ms)
        return solver

    def check(self, solver: Any) -> Any:
        """The solver's answer: `z3.sat`, `z3.unsat` or `z3.unknown`. Raises Exhausted."""
        if self._left <= self._reserved:
            raise Exhausted
        steps = min(self._effort.steps, self._left - self._reserved)
        solver.set("rlimit", steps)
        before = _steps_of(solver)
        answer = solver.check()
        # Where it ended for the time that it took, there might have been as many steps as there may be.
        self._left -= steps if answer == z3.unknown else max(_steps_of(solver) - before, LEAST_STEPS)
        return answer

    def is_possible(self, solver: Any) -> bool:
        """Whether everything that a solver knows can hold. Raises Undecided, Exhausted."""
        answer = self.check(solver)
        if answer == z3.unknown:
            raise given_up_by(solver)
        return bool(answer == z3.sat)

    def usual_model(self, solver: Any, preferences: Sequence[Any], model: Any = None) -> Any:
        """A model in which as many of these hold as were found to go together, the first before the others.
        `model`: one that the solver gave before. Raises Exhausted."""
        model = solver.model() if model is None else model
        for each in preferences:
            solver.push()
            solver.add(each)
            # Where the last model has it already, there is nothing to be asked.
            if z3.is_true(model.eval(each, model_completion=True)):
                continue
            if self.check(solver) == z3.sat:
                model = solver.model()
            else:
                solver.pop()
        return model


def _steps_of(solver: Any) -> int:
    """How many steps were made for all questions in the solver's context."""
    return int(solver.statistics().get_key_value("rlimit count"))
