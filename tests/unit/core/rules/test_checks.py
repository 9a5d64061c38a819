"""What of a program's rules makes no sense in itself."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from jifen.core.program import InvalidProgram, ProgramDocument, check_document

BASE: dict[str, Any] = {
    "name": {"zh": "积分", "en": "Points"},
    "currency": "CNY",
    "time_zone": "Asia/Shanghai",
    "wallets": [
        {"id": "points", "name": {"zh": "积分", "en": "Points"}},
        {"id": "growth", "name": {"zh": "成长", "en": "G"}},
    ],
    "groups": [{"id": "g", "pick": "best"}],
    "campaigns": [{"id": "c", "name": {"zh": "活动", "en": "C"}}],
}
RATIO = {"points": 1, "per_cents": 100}


def check(*rules: dict[str, Any], **more: Any) -> None:
    """Check a program of these rules; the first is `base` where none is given."""
    first = {"id": "base", "wallet": "points", "ratio": RATIO}
    content = (
        BASE
        | {"earning": [first, *({"id": f"r{n}", "wallet": "points"} | rule for n, rule in enumerate(rules))]}
        | more
    )
    check_document(msgspec.convert(content, ProgramDocument))


@pytest.mark.parametrize(
    "rule",
    [
        {"ratio": RATIO, "lines": 'line.category == "tea"', "basis": "line", "group": "g", "campaign": "c"},
        {
            "fixed": {"points": 5, "per": "unit"},
            "caps": [{"limit": "points", "most": 50, "period": "campaign"}],
            "campaign": "c",
        },
        {"steps": {"rates": [{"from_cents": 0, "points": 1, "per_cents": 100}]}},
        {"progressive": {"rates": [{"from_cents": 0, "points": 1, "per_cents": 100}], "period": "lifetime"}},
        {"coefficient": {"times": "1.5", "of": ["base"]}},
        {"formula": "order.total_cents / 1000 + order.quantity"},
        {"fixed": 500, "event": "referral.converted", "when": 'event.data.role == "referrer"'},
    ],
)
def test_right_rules(rule: dict[str, Any]) -> None:
    """One of each kind of award."""
    check(rule)


@pytest.mark.parametrize(
    ("rule", "path"),
    [
        ({}, ""),
        ({"ratio": RATIO, "fixed": 5}, ""),
        ({"ratio": RATIO, "wallet": "coins"}, ".wallet"),
        ({"ratio": RATIO, "group": "h"}, ".group"),
        ({"ratio": RATIO, "campaign": "d"}, ".campaign"),
        ({"ratio": {"points": -1, "per_cents": 100}}, ".ratio.points"),
        ({"ratio": RATIO, "event": "member.checked_in"}, ""),
        ({"fixed": -5}, ".fixed"),
        ({"fixed": {"points": 5, "per": "unit"}, "event": "member.checked_in"}, ".fixed.per"),
        ({"fixed": 5, "event": "visit.unknown"}, ".event"),
        ({"fixed": 5, "event": "member.checked_in", "lines": "true"}, ".lines"),
        ({"steps": {"rates": []}}, ".steps.rates"),
        ({"steps": {"rates": [{"from_cents": 5, "points": 1, "per_cents": 1}] * 2}}, ".steps.rates[1].from_cents"),
        ({"coefficient": {"times": "-1"}}, ".coefficient.times"),
        ({"coefficient": {"times": "1.0000001"}}, ".coefficient.times"),
        ({"coefficient": {"times": 2, "of": ["nobody"]}}, ".coefficient.of[0]"),
        ({"coefficient": {"times": 2, "of": ["r0"]}}, ".coefficient.of[0]"),
        ({"coefficient": {"times": 2, "of": ["base"]}, "wallet": "growth"}, ".coefficient.of[0]"),
        ({"coefficient": {"times": 2}, "caps": [{"limit": "count", "most": 1}]}, ".caps"),
        ({"ratio": RATIO, "caps": [{"limit": "count", "most": -1}]}, ".caps[0].most"),
        ({"ratio": RATIO, "caps": [{"limit": "count", "most": 1}] * 2}, ".caps[1]"),
        ({"ratio": RATIO, "caps": [{"limit": "count", "most": 1, "period": "campaign"}]}, ".caps"),
        ({"formula": "1", "basis": "line"}, ".formula"),
        ({"formula": "order.channel"}, ".formula"),
        ({"ratio": RATIO, "when": "order.totl_cents > 5"}, ".when"),
        ({"ratio": RATIO, "when": "order.total_cents"}, ".when"),
        ({"ratio": RATIO, "audience": "order.total_cents > 5"}, ".audience"),
        ({"ratio": RATIO, "lines": 'line.colour == "red"'}, ".lines"),
        ({"ratio": RATIO, "window": {"from": "2026-11-12", "to": "2026-11-11"}}, ".window.to"),
        ({"ratio": RATIO, "priority": 10**7}, ".priority"),
    ],
)
def test_wrong_rules_name_their_field(rule: dict[str, Any], path: str) -> None:
    """Bad input, each with the path of what is wrong."""
    with pytest.raises(InvalidProgram) as raised:
        check(rule)
    assert raised.value.details["path"] == f"$.earning[1]{path}"


@pytest.mark.parametrize(
    ("more", "path"),
    [
        ({"budgets": [{"limit": "points", "most": 5}]}, "$.budgets"),
        ({"events": [{"type": "visits"}]}, "$.events[0].type"),
        ({"events": [{"type": "order.completed"}]}, "$.events[0].type"),
        ({"events": [{"type": "a.b"}, {"type": "a.b"}]}, "$.events[1].type"),
        ({"events": [{"type": "a.b", "schema": {"properties": []}}]}, "$.events[0].schema.properties"),
        ({"events": [{"type": "a.b", "schema": {"properties": {"a b": {}}}}]}, "$.events[0].schema.properties"),
        ({"events": [{"type": "a.b", "schema": {"properties": {"in": {}}}}]}, "$.events[0].schema.properties"),
        ({"fields": [{"id": "Size", "type": "int"}]}, "$.fields[0].id"),
        ({"most_reward_percent": 0}, "$.most_reward_percent"),
        ({"groups": [{"id": "g", "pick": "sum"}] * 2}, "$.groups[1].id"),
        ({"campaigns": [{"id": "c", "name": {"zh": "", "en": "C"}}]}, "$.campaigns[0].name.zh"),
    ],
)
def test_wrong_programs_name_their_field(more: dict[str, Any], path: str) -> None:
    """What the operator declares beside the rules."""
    with pytest.raises(InvalidProgram) as raised:
        check(**more)
    assert raised.value.details["path"] == path


def test_a_campaign_with_a_budget_takes_no_coefficient() -> None:
    """Its extra points would not be counted; the message says what to do instead."""
    budget = {"limit": "points", "most": 500, "per": "program"}
    campaigns = [{"id": "c", "name": {"zh": "活动", "en": "C"}, "budgets": [budget]}]
    with pytest.raises(InvalidProgram, match="ratio"):
        check({"coefficient": {"times": 2}, "campaign": "c"}, campaigns=campaigns)


def test_conditions_are_told_with_line_and_column() -> None:
    """And with a suggestion."""
    with pytest.raises(InvalidProgram) as raised:
        check({"ratio": RATIO, "when": 'order.channel == "app" &&\n  order.totl_cents > 5'})
    problems: Any = raised.value.details["problems"]
    assert (problems[0]["line"], problems[0]["suggestion"]) == (2, "order.total_cents")
    assert "line 2, column" in raised.value.message
