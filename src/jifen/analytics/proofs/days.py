"""On which days the conditions of a rule can hold, as far as they ask for the calendar."""

from __future__ import annotations

from datetime import date
from functools import cached_property
from typing import Any, Final

from jifen.analytics.proofs.encoding import LINE_PREFIX
from jifen.analytics.proofs.space import Space
from jifen.analytics.proofs.undecided import Undecided
from jifen.core.rules.book import CompiledRule

#: The parts of a day that are gone through one by one, with how each is read.
_PARTS: Final = {
    "now.month": (range(1, 13), lambda day: day.month),
    "now.day": (range(1, 32), lambda day: day.day),
    "now.weekday": (range(1, 8), lambda day: day.isoweekday()),
}
#: What else depends on the day.
_OTHERS: Final = ("now", "now.year", "member.is_birthday", "member.is_birthday_month", "member.in_birthday_window")


class Days:
    """The days on which a rule may match: each part of a day is looked at by itself, so there may be fewer."""

    def __init__(self, space: Space, rule: CompiledRule) -> None:
        self._space, self._rule = space, rule

    @property
    def are_exact(self) -> bool:
        """Whether a rule can match on each of these days: it asks for one part of the day at most."""
        asked = self._rule.names
        return not any(name in asked for name in _OTHERS) and sum(name in asked for name in _PARTS) <= 1

    def may_match(self, day: date) -> bool:
        """Whether conditions let a day through; only where it is proven, they do not. Raises Undecided."""
        return all(_PARTS[name][1](day) in values for name, values in self._possible.items())

    @cached_property
    def _possible(self) -> dict[str, set[int]]:
        return {name: {each for each in _PARTS[name][0] if self._is_possible(name, each)} for name in self._asked()}

    def _asked(self) -> list[str]:
        return [name for name in _PARTS if name in self._rule.names]

    def _is_possible(self, name: str, value: int) -> bool:
        space = self._space
        wanted: list[Any] = [space.matches(self._rule, LINE_PREFIX), space.encoder.number(name) == value]
        bounds = space.order_bounds([LINE_PREFIX]) if space.is_order else []
        try:
            return space.asker.is_possible(space.solver([*wanted, *bounds], [self._rule]))
        except Undecided:
            return True
