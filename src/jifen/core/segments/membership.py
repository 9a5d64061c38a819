"""Who belongs to a segment, decided by evaluating its condition."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from jifen.core.conditions import Condition, EvaluationFailed
from jifen.core.rules.facts import MemberFacts, Moment
from jifen.core.segments.facts import SegmentVocabulary


def belongs(condition: Condition, facts: Mapping[str, Any]) -> bool:
    """Whether the condition is true of these facts. Of whom it fails, it is not true."""
    try:
        return condition.evaluate(facts) is True
    except EvaluationFailed:
        return False


def with_more(segments: Sequence[str], more: Iterable[str]) -> list[str]:
    """The segments, and behind them those of the others that are not among them."""
    return [*segments, *(each for each in more if each not in segments)]


class SegmentConditions:
    """The conditions of segments by id, over what one program version can name. Treat it as frozen."""

    __slots__ = ("_conditions", "_vocabulary")

    def __init__(self, vocabulary: SegmentVocabulary, conditions: Mapping[str, Condition]) -> None:
        self._vocabulary = vocabulary
        self._conditions = dict(sorted(conditions.items()))

    def found(
        self, wanted: Collection[str], member: MemberFacts, moment: Moment, balances: Mapping[str, int]
    ) -> list[str]:
        """Which of the wanted segments a member belongs to by these facts and these points to spend, in order.

        A condition sees the segments that were said and the lists, not those of other conditions: so none can depend
        on itself.
        """
        conditions = {name: each for name, each in self._conditions.items() if name in wanted}
        names = frozenset[str]().union(*(each.names for each in conditions.values()))
        facts = self._vocabulary.facts(names, member, moment, balances)
        return [name for name, condition in conditions.items() if belongs(condition, facts)]
