"""What of a program's rules makes no sense in itself."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest

from jifen.core.program import InvalidProgram, ProgramDocument, check_document

CAMPAIGN = {"id": "c", "name": {"zh": "活动", "en": "C"}}
BASE: dict[str, Any] = {
    "name": {"zh": "积分", "en": "Points"},
    "currency": "CNY",
    "time_zone": "Asia/Shanghai",
    "wallets": [
        {"id": "points", "name": {"zh": "积分", "en": "Points"}},
        {"id": "growth", "name": {"zh": "成长", "en": "G"}},
    ],
    "groups": [{"id": "g", "pick": "best"}],
    "campaigns": [CAMPAIGN],
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
        ({"events": [{"type": "a.b", "name": {"zh": "课", "en": " "}}]}, "$.events[0].name.en"),
        ({"fields": [{"id": "Size", "type": "int"}]}, "$.fields[0].id"),
        ({"most_reward_percent": 0}, "$.most_reward_percent"),
        ({"groups": [{"id": "g", "pick": "sum"}] * 2}, "$.groups[1].id"),
        ({"campaigns": [{"id": "c", "name": {"zh": "", "en": "C"}}]}, "$.campaigns[0].name.zh"),
        # No rule belongs to it yet.
        ({"campaigns": [CAMPAIGN | {"audience": "order.total_cents > 5"}]}, "$.campaigns[0].audience"),
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
    campaigns = [CAMPAIGN | {"budgets": [budget]}]
    with pytest.raises(InvalidProgram, match="ratio"):
        check({"coefficient": {"times": 2}, "campaign": "c"}, campaigns=campaigns)


STEP = {"from_cents": 0, "points": 1, "per_cents": 100}
MONTHLY = {"limit": "points", "most": 1, "period": "month"}


@pytest.mark.parametrize(
    ("rule", "path", "message"),
    [
        ({"id": "Base", "ratio": RATIO}, ".id", "write a-z, 0-9"),
        ({"id": "base", "ratio": RATIO}, ".id", "a second time"),
        ({"ratio": RATIO, "wallet": "coins"}, ".wallet", "the program's wallets are growth, points"),
        ({"ratio": RATIO, "group": "h"}, ".group", "the program's groups are g"),
        ({"ratio": RATIO, "campaign": "d"}, ".campaign", "the program's campaigns are c"),
        ({"ratio": RATIO, "name": {"zh": "好", "en": " "}}, ".name.en", "1 to 200 characters"),
        ({"ratio": RATIO, "priority": -(10**6) - 1}, ".priority", "between -1000000 and 1000000"),
        ({}, "", "not none"),
        ({"fixed": 1, "formula": "1"}, "", "not fixed, formula"),
        ({"steps": {"rates": [STEP]}, "event": "app.installed"}, "", "rates money, but app.installed has none"),
        ({"progressive": {"rates": [STEP]}, "event": "app.installed"}, "", "give fixed points or a formula"),
        ({"fixed": 1, "basis": "line", "event": "app.installed"}, "", "rates money"),
        ({"ratio": {"points": 10**9 + 1, "per_cents": 1}}, ".ratio.points", "between 0 and 1000000000"),
        ({"ratio": {"points": 1, "per_cents": 0}}, ".ratio.per_cents", "between 1 and"),
        ({"ratio": {"points": 1, "per_cents": 10**15 + 1}}, ".ratio.per_cents", "between 1 and"),
        ({"fixed": 10**9 + 1}, ".fixed", "between 0 and"),
        ({"fixed": {"points": 1, "per": "line"}, "event": "app.installed"}, ".fixed.per", "has no lines"),
        ({"steps": {"rates": [STEP] * 51}}, ".steps.rates", "has 51 entries; 1 to 50"),
        ({"progressive": {"rates": []}}, ".progressive.rates", "has 0 entries; 1 to 50"),
        ({"steps": {"rates": [STEP | {"from_cents": -1}]}}, ".steps.rates[0].from_cents", "between 0 and"),
        ({"steps": {"rates": [STEP | {"points": 10**6 + 1}]}}, ".steps.rates[0].points", "between 0 and"),
        ({"steps": {"rates": [STEP | {"per_cents": 0}]}}, ".steps.rates[0].per_cents", "between 1 and"),
        (
            {"progressive": {"rates": [STEP | {"from_cents": 9}, STEP]}},
            ".progressive.rates[1].from_cents",
            "above that of the step before",
        ),
        ({"formula": "1", "lines": "true"}, ".formula", "leave out lines and basis"),
        ({"coefficient": {"times": "NaN"}}, ".coefficient.times", "write 0 to 1000"),
        ({"coefficient": {"times": "Infinity"}}, ".coefficient.times", "write 0 to 1000"),
        ({"coefficient": {"times": "1000.1"}}, ".coefficient.times", "write 0 to 1000"),
        ({"coefficient": {"times": "1E-400"}}, ".coefficient.times", "at most six decimals"),
        ({"coefficient": {"times": 2, "of": ["r0"]}}, ".coefficient.of[0]", "in a circle"),
        ({"coefficient": {"times": 2, "of": ["base", "x"]}}, ".coefficient.of[1]", "the program's rules are base, r0"),
        (
            {"coefficient": {"times": 2, "of": ["base"]}, "event": "app.installed"},
            ".coefficient.of[0]",
            "waits for another event",
        ),
        ({"coefficient": {"times": 2}, "caps": [MONTHLY]}, ".caps", "cap the rules it multiplies"),
        ({"ratio": RATIO, "caps": [MONTHLY] * 9}, ".caps", "has 9 entries; 8 are allowed"),
        ({"ratio": RATIO, "caps": [MONTHLY, MONTHLY | {"most": 2}]}, ".caps[1]", "a second time"),
        ({"ratio": RATIO, "caps": [MONTHLY | {"most": 10**15 + 1}]}, ".caps[0].most", "between 0 and"),
        ({"ratio": RATIO, "caps": [MONTHLY | {"period": "campaign"}]}, ".caps", "the rule belongs to none"),
        ({"fixed": 1, "event": "order.refunded"}, ".event", "`events` declares more"),
        ({"ratio": RATIO, "window": {"hours": ["8-9"]}}, ".window.hours[0]", "write hours as HH:MM-HH:MM"),
        ({"ratio": RATIO, "when": "true ||"}, ".when", "is wrong at line 1, column"),
    ],
)
def test_what_is_wrong_is_said(rule: dict[str, Any], path: str, message: str) -> None:
    """Every check of a rule: the path first, then what is wrong or what to write."""
    with pytest.raises(InvalidProgram) as raised:
        check(rule)
    assert raised.value.details["path"] == f"$.earning[1]{path}"
    assert raised.value.message.startswith(f"$.earning[1]{path} ") and message in raised.value.message
    assert re.match(rf"{re.escape(f'$.earning[1]{path}')} .*[\u4e00-\u9fff].*[。？]", str(raised.value.message_zh))


@pytest.mark.parametrize(
    ("more", "path", "message"),
    [
        ({"earning": []}, "$.earning", "has 0 entries; 1 to 2000 are allowed"),
        ({"groups": [{"id": "G", "pick": "sum"}]}, "$.groups[0].id", "write a-z"),
        ({"campaigns": [{"id": "c", "name": {"zh": "好", "en": "C"}}] * 2}, "$.campaigns[1].id", "a second time"),
        (
            {"campaigns": [{"id": "c", "name": {"zh": "好", "en": "C"}, "budgets": [MONTHLY | {"most": -1}]}]},
            "$.campaigns[0].budgets[0].most",
            "between 0 and",
        ),
        ({"budgets": [MONTHLY | {"per": "program", "period": "event"}]}, "$.budgets", "other than event or campaign"),
        ({"budgets": [MONTHLY | {"per": "program"}] * 2}, "$.budgets[1]", "a second time"),
        ({"fields": [{"id": "size", "type": "int"}] * 2}, "$.fields[1].id", "a second time"),
        ({"events": [{"type": "member.checked_in"}]}, "$.events[0].type", "which is taken"),
        ({"events": [{"type": "order.refunded"}]}, "$.events[0].type", "which is taken"),
        ({"events": [{"type": "Visit.Recorded"}]}, "$.events[0].type", "words with dots between"),
        ({"events": [{"type": "a.b.c.d.e"}]}, "$.events[0].type", "words with dots between"),
        ({"catalog": {"tags": ["x"] * 100_001}}, "$.catalog.tags", "has 100001 entries; 100000 are allowed"),
        (
            {"catalog": {"tiers": [{"id": "gold", "name": {"zh": "金", "en": "Gold"}}] * 2}},
            "$.catalog.tiers[1].id",
            "a second time",
        ),
        ({"most_reward_percent": "NaN"}, "$.most_reward_percent", "write a percentage above 0"),
        ({"most_reward_percent": "1000.1"}, "$.most_reward_percent", "write a percentage above 0"),
        ({"most_reward_percent": "0.00001"}, "$.most_reward_percent", "at most four decimals"),
    ],
)
def test_what_is_wrong_beside_the_rules_is_said(more: dict[str, Any], path: str, message: str) -> None:
    """Groups, campaigns, budgets, fields, events, catalog, the share of rewards."""
    with pytest.raises(InvalidProgram) as raised:
        check(**more)
    assert raised.value.details["path"] == path
    assert raised.value.message.startswith(f"{path} ") and message in raised.value.message


def test_there_can_be_too_many_rules() -> None:
    """2,000 are checked within the limit, one more is not."""
    rules = [{"id": f"r{number}", "wallet": "points", "ratio": RATIO} for number in range(2_001)]
    with pytest.raises(InvalidProgram, match="has 2001 entries"):
        check(earning=rules)
    check(earning=rules[:-1])
