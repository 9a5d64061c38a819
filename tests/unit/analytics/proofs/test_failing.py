"""Rules that work for some events and fail for others, which then give nothing."""

from __future__ import annotations

from typing import Any

import pytest

from jifen.analytics.proofs import check_program
from tests.unit.analytics.proofs.trying import only, tried
from tests.unit.analytics.test_proofs import document_of

#: What fails for an ordinary event, what just does not, and the reason in both languages.
FAILING: dict[str, tuple[dict[str, Any], dict[str, Any], tuple[str, str]]] = {
    "every order of which anything was paid": (
        {"formula": "order.total_cents * 9223372036854775807"},
        {"formula": "order.total_cents / 9223372036854775807"},
        ("数值过大", "becomes too large"),
    ),
    "a formula that gives more than an award has": (
        {"formula": "order.total_cents * 1000001"},
        {"formula": "order.total_cents <= 1000000000 ? order.total_cents * 1000000 : 0"},
        ("一次奖励须为 0 至", "an award has 0 to"),
    ),
    "a formula that takes points away": (
        {"formula": "order.total_cents - 5000"},
        {"formula": "order.total_cents - 5000", "when": "order.total_cents >= 5000"},
        ("公式得出 -", "the formula gives -"),
    ),
    "a division by one piece less": (
        {"fixed": 5, "when": "order.total_cents / (order.quantity - 1) > 100"},
        {"fixed": 5, "when": "order.quantity > 1 && order.total_cents / (order.quantity - 1) > 100"},
        ("除数为零", "divided by zero"),
    ),
    "a filter": (
        {"fixed": 5, "lines": "100 / (line.quantity - 3) > 1"},
        {"fixed": 5, "lines": "line.quantity != 3 && 100 / (line.quantity - 3) > 1"},
        ("除数为零", "divided by zero"),
    ),
    "an audience": (
        {"fixed": 5, "audience": "member.spent_cents_total / member.orders > 10000"},
        {"fixed": 5, "audience": "member.orders > 0 && member.spent_cents_total / member.orders > 10000"},
        ("除数为零", "divided by zero"),
    ),
    "a quantifier": (
        {"fixed": 5, "when": "order.lines.exists(each, each.paid_cents / (each.quantity - 2) > 100)"},
        {"fixed": 5, "when": "order.lines.exists(each, each.paid_cents / each.quantity > 100)"},
        ("除数为零", "divided by zero"),
    ),
    "a product of two facts": (
        {"fixed": 5, "when": "order.total_cents * member.spent_cents_total * order.quantity > 0"},
        {"fixed": 5, "when": "order.quantity * order.line_count > 5 && order.quantity < 9"},
        ("数值过大", "becomes too large"),
    ),
    "a check-in": (
        {"event": "member.checked_in", "fixed": 5, "when": "100 / (7 - member.checkin_streak) > 2"},
        {"event": "member.checked_in", "fixed": 5, "when": "100 / (7 + member.checkin_streak) > 2"},
        ("除数为零", "divided by zero"),
    ),
    "behind a rule that goes before it": (
        {"formula": "order.quantity - 2", "group": "g"},
        {"formula": "order.quantity - 1", "group": "g"},
        ("公式得出 -", "the formula gives -"),
    ),
}


@pytest.mark.parametrize("name", FAILING)
def test_what_fails_for_ordinary_events_is_found(name: str) -> None:
    """With an event for which `rules try` reports the rule as failed; what fails for none is no finding."""
    failing, working, (zh, en) = FAILING[name]
    first = {"fixed": 9, "group": "g", "priority": 3, "when": "order.total_cents > 90000"}
    document = document_of(failing, first)
    found = only(check_program(document), "can_fail")
    assert found.rules == ["r0"] and found.counterexample is not None
    assert zh in found.message_zh and en in found.message_en
    trial = tried(document, found.counterexample)
    assert {each.rule: each.outcome for each in trial.trace}["r0"] == "failed"
    other = check_program(document_of(working, first))
    assert [each for each in other.findings if each.kind in ("can_fail", "never_true")] == []
    assert [each.why for each in other.not_proven if "can_fail" in each.why] == []


def test_what_only_amounts_out_of_the_ordinary_bring_about_is_named() -> None:
    """It is no finding, and not passed over: with the least that is known to do it."""
    report = check_program(document_of({"formula": "order.total_cents * 2", "when": "order.total_cents > 50000"}))
    assert [each for each in report.findings if each.kind == "can_fail"] == []
    (named,) = [each for each in report.not_proven if "can_fail" in each.why]
    assert named.rule == "r0"
    assert "order.total_cents = " in named.why_en and "an award has 0 to 1,000,000,000,000,000 points" in named.why_en
    assert "数额极大时规则会失败" in named.why_zh and "order.total_cents = " in named.why_zh


def test_what_the_solver_cannot_say_shows_by_itself() -> None:
    """An order has no fourth line as a matter of course."""
    document = document_of({"fixed": 5, "when": 'order.lines[3].sku == "MUG"'})
    found = only(check_program(document), "can_fail")
    assert found.counterexample is not None
    assert {each.rule: each.outcome for each in tried(document, found.counterexample).trace}["r0"] == "failed"


def test_what_always_fails_is_told_once() -> None:
    """As `never_true`."""
    report = check_program(document_of({"formula": "order.total_cents / 0"}))
    assert [each.kind for each in report.findings] == ["never_true"]
