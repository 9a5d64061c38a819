"""Who belongs to a segment."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from jifen.core.conditions import Condition
from jifen.core.rules.facts import MemberFacts, Moment
from jifen.core.segments.facts import SegmentVocabulary
from jifen.core.segments.membership import SegmentConditions, belongs, with_more

INSTANT = datetime(2026, 11, 11, tzinfo=UTC)
MOMENT = Moment(INSTANT, ZoneInfo("UTC"))
VOCABULARY = SegmentVocabulary([], ["points"])


def compiled(source: str) -> Condition:
    """A condition over members."""
    return VOCABULARY.vocabulary.compile(source)


def test_of_whom_a_condition_fails_it_is_not_true() -> None:
    """A division by zero or an overflow puts nobody in a segment; nor does its negation."""
    member = MemberFacts(orders=0, spent_cents_total=2**63 - 1)
    for source in ("10 / member.orders > 1", "!(10 / member.orders > 1)", "member.spent_cents_total + 1 > 0"):
        condition = compiled(source)
        assert not belongs(condition, VOCABULARY.facts(condition.names, member, MOMENT, {}))


def test_only_wanted_segments_are_found_in_order() -> None:
    """Conditions that nobody asks for are not looked at."""
    conditions = SegmentConditions(
        VOCABULARY,
        {name: compiled(source) for name, source in (("b", "true"), ("a", "balance.points > 3"), ("c", "true"))},
    )
    assert conditions.found(["b", "a", "x"], MemberFacts(), MOMENT, {"points": 4}) == ["a", "b"]
    assert conditions.found(["a"], MemberFacts(), MOMENT, {}) == []


def test_more_segments_stand_behind_and_once() -> None:
    """What was said keeps its place."""
    assert with_more(["z", "a"], ["a", "b"]) == ["z", "a", "b"]
