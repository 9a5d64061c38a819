"""Questions about rules: can these match together, can this one match where those do not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import z3

from jifen.analytics.proofs.encoding import LINE_PREFIX, Beyond, Encoder
from jifen.analytics.proofs.examples import Case, case_of, fitting_moment, moments
from jifen.core.program import Program
from jifen.core.rules.book import CompiledRule
from jifen.core.rules.document import ORDER_COMPLETED

#: Models that do not fit the calendar are tried again so often.
TRIES = 6
#: Events of a size that a shop has are shown where there are such.
USUAL_CENTS = 10**7


class Undecided(Exception):
    """The solver gave up, or what it found does not fit into the calendar."""


class Space:
    """All events of one type, as the solver sees them."""

    def __init__(self, program: Program, event_type: str, timeout_ms: int) -> None:
        self.program = program
        self.event_type = event_type
        self._timeout_ms = timeout_ms

    def matches(self, encoder: Encoder, rule: CompiledRule, line: str) -> Any:
        """The formula of a rule's conditions. Raises Beyond."""
        terms = [encoder.formula(each.root, line) for each in (*rule.audiences, rule.when) if each is not None]
        if rule.lines is not None:
            terms.append(encoder.formula(rule.lines.root, line))
        return z3.And(*terms, z3.BoolVal(True, encoder.context))

    def find(
        self, yes: Sequence[CompiledRule], no: Sequence[CompiledRule] = (), *, one_line: bool = False
    ) -> Case | None:
        """An event that matches all of `yes` and none of `no`; None: it is proven that there is none. `one_line`: the
        filters of all rules are about the same line.

        Raises:
            Beyond: a condition is not provable.
            Undecided: neither was found.
        """
        if not any(True for _ in moments(yes, self.program)):
            return None
        encoder = Encoder()
        lines: list[str] = []
        wanted = []
        for number, rule in enumerate(yes):
            line = LINE_PREFIX if one_line else f"line{number}."
            if rule.lines is not None and line not in lines:
                lines.append(line)
            wanted.append(self.matches(encoder, rule, line))
        for rule in no:
            if rule.lines is not None:
                raise Beyond("a filter of lines that must match none")
            wanted.append(z3.Not(self.matches(encoder, rule, LINE_PREFIX)))
        return self.solve(encoder, wanted, lines, lambda _: yes)

    def solve(
        self,
        encoder: Encoder,
        wanted: Sequence[Any],
        lines: Sequence[str],
        rules_of: Callable[[Any], Sequence[CompiledRule]],
    ) -> Case | None:
        """A case in which all formulas hold; None: there is none. `rules_of`: whose windows must fit a model's moment.

        Raises:
            Undecided: the solver gave up, or no moment fits.
        """
        solver = self._solver(encoder, wanted, lines)
        for _ in range(TRIES):
            model = self._usual(solver, encoder)
            if model is None:
                return None
            local = fitting_moment(model, encoder, rules_of(model), self.program)
            if local is not None:
                return case_of(model, encoder, self.event_type, lines, local, self.program)
            parts = [each for name, each in encoder.variables.items() if name.startswith("now.")]
            solver.add(z3.Or(*(each != model.eval(each, model_completion=True) for each in parts)))
        raise Undecided("no day was found that has what the conditions ask of it")

    def is_possible(self, encoder: Encoder, wanted: Sequence[Any], lines: Sequence[str]) -> bool:
        """Whether all formulas can hold, whatever the calendar says. Raises Undecided."""
        solver = self._solver(encoder, wanted, lines)
        answer = solver.check()
        if answer == z3.unknown:
            raise Undecided(f"the solver gave up ({solver.reason_unknown()})")
        return bool(answer == z3.sat)

    def _solver(self, encoder: Encoder, wanted: Sequence[Any], lines: Sequence[str]) -> Any:
        solver = z3.Solver(ctx=encoder.context)
        solver.set("timeout", self._timeout_ms)
        solver.add(*wanted, *encoder.natural_bounds())
        if self.event_type == ORDER_COMPLETED:
            solver.add(*encoder.order_bounds(list(lines)))
        return solver

    def _usual(self, solver: Any, encoder: Encoder) -> Any:
        solver.push()
        solver.add(encoder.number("order.total_cents") <= USUAL_CENTS)
        answer = solver.check()
        model = solver.model() if answer == z3.sat else None
        solver.pop()
        if model is not None:
            return model
        answer = solver.check()
        if answer == z3.unknown:
            raise Undecided(f"the solver gave up ({solver.reason_unknown()})")
        return solver.model() if answer == z3.sat else None
