"""What conditions of segments see."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from jifen.core.conditions import InvalidCondition
from jifen.core.rules.document import MemberField
from jifen.core.rules.facts import MemberFacts, Moment
from jifen.core.segments.facts import SegmentVocabulary, segment_names

INSTANT = datetime(2026, 11, 10, 16, 30, tzinfo=UTC)
MOMENT = Moment(INSTANT, ZoneInfo("Asia/Shanghai"))
VOCABULARY = SegmentVocabulary([MemberField("tea", "string")], ["points", "fav-points"])


def test_members_wallets_and_the_moment_are_named_but_no_event() -> None:
    """Of an event there is nothing to know; a wallet with a hyphen is written in backticks."""
    names = segment_names([MemberField("tea", "string")], ["points"])
    assert names["member.fields.tea"] == "string" and names["balance.points"] == "int" and names["now.day"] == "int"
    assert not any(name.startswith(("event.", "order.")) for name in names)
    assert VOCABULARY.vocabulary.compile("balance.`fav-points` > 3").names == {"balance.fav-points"}
    with pytest.raises(InvalidCondition):
        VOCABULARY.vocabulary.compile("order.total_cents > 3")


def test_facts_are_read_by_name() -> None:
    """In the program's zone; a wallet without points is empty."""
    names = ["member.fields.tea", "balance.points", "balance.fav-points", "now.day", "member.orders"]
    facts = VOCABULARY.facts(names, MemberFacts(orders=3, fields={"tea": "oolong"}), MOMENT, {"points": 7})
    assert [facts[name] for name in names] == ["oolong", 7, 0, 11, 3]
