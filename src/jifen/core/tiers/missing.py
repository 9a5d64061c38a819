"""What a member is short of a tier, found by trying: the condition is asked until it says yes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from jifen.core.conditions import Condition, EvaluationFailed
from jifen.core.limits import MAXIMUM_AMOUNT

#: Facts that a member can raise by what they do.
_RAISED: Final = ("period.", "total.", "balance.", "member.orders", "member.spent_cents_", "member.checkin_streak")


class Shortfall(msgspec.Struct, frozen=True):
    """One fact that alone would bring the tier: what it is now, and the least that suffices."""

    fact: str
    now: int
    needed: int

    @property
    def short(self) -> int:
        """How much is missing."""
        return self.needed - self.now


def shortfalls(condition: Condition, facts: Mapping[str, Any]) -> list[Shortfall]:
    """Each fact that, raised alone, makes the condition true, and how far. None: several are short at once, or what is
    missing is nothing that can be raised."""
    found = []
    for name in sorted(condition.names):
        value = facts[name]
        if type(value) is not int or not name.startswith(_RAISED):
            continue
        needed = _least(condition, facts, name, value)
        if needed is not None:
            found.append(Shortfall(name, value, needed))
    return found


def _least(condition: Condition, facts: Mapping[str, Any], name: str, value: int) -> int | None:
    """The least value above this one with which the condition holds, if it holds from there on."""
    step = 1
    while not _holds(condition, facts, name, value + step):
        step *= 2
        if step > MAXIMUM_AMOUNT:
            return None
    low, high = value + step // 2, value + step
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _holds(condition, facts, name, middle) else (middle, high)
    return high


def _holds(condition: Condition, facts: Mapping[str, Any], name: str, value: int) -> bool:
    try:
        return bool(condition.evaluate({**facts, name: value}))
    except EvaluationFailed:
        return False
