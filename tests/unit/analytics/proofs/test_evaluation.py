"""Rules that match and still give nothing: their formula or condition fails, whatever the event."""

from __future__ import annotations

from typing import Any

import pytest

from jifen.analytics.proofs import check_program
from tests.unit.analytics.proofs.trying import only, tried
from tests.unit.analytics.test_proofs import document_of, kinds

#: What always fails, and what just does not.
PAIRS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "a formula that overflows": (
        {"formula": "order.total_cents * 922337203685477581", "when": "order.total_cents > 10"},
        {"formula": "order.total_cents * 922337203685477581", "when": "order.total_cents >= 0"},
    ),
    "a formula that takes points away": (
        {"formula": "order.quantity > 3 ? -1 : 0 - order.quantity"},
        {"formula": "order.quantity > 3 ? -1 : 1 - order.quantity"},
    ),
    "a formula above the most": (
        {"formula": "order.quantity * 1000000000000000 + 1"},
        {"formula": "order.quantity * 1000000000000000"},
    ),
    "a condition that overflows": (
        {"fixed": 5, "when": "order.quantity > 2 && order.quantity * 4000000000000000000 > 0"},
        # What is true already does not ask for the other side.
        {"fixed": 5, "when": "order.quantity > 2 || order.quantity * 4000000000000000000 > 0"},
    ),
    "a formula that is divided by zero": (
        {"formula": "order.total_cents / 0"},
        {"formula": "order.total_cents / 1000"},
    ),
    "a remainder of nothing": (
        {"formula": "order.quantity % (order.quantity - order.quantity)"},
        {"formula": "order.quantity % (order.quantity - order.line_count + 1)"},
    ),
    "a condition that is divided by zero": (
        {"fixed": 5, "when": "order.total_cents / 0 > 1"},
        {"fixed": 5, "when": "order.total_cents / (order.quantity - 1) > 1"},
    ),
    "a filter that is divided by zero": (
        {"fixed": 5, "lines": "line.paid_cents / 0 > 1"},
        {"fixed": 5, "lines": "line.paid_cents / (line.quantity - 1) > 1"},
    ),
    "a choice whose branches fail": (
        {"formula": "order.quantity > 3 ? 1 / 0 : 2 / 0"},
        {"formula": "order.quantity > 3 ? 1 / 0 : 2"},
    ),
}


@pytest.mark.parametrize("name", PAIRS)
def test_what_always_fails_is_found(name: str) -> None:
    """With an event for which it does, as `rules try` shows; and what works for some events is no finding."""
    failing, working = PAIRS[name]
    document = document_of(failing)
    found = only(check_program(document), "never_true")
    assert found.rules == ["r0"] and found.counterexample is not None
    assert ("公式" if "formula" in failing else "条件") in found.message_zh
    assert {each.rule: each.outcome for each in tried(document, found.counterexample).trace}["r0"] == "failed"
    other = check_program(document_of(working))
    assert "never_true" not in [kind for kind, _ in kinds(other)]
    assert not [each for each in other.not_proven if "never_true" in each.why]
