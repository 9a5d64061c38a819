"""Coefficients that never meet an award are found, each beside one that just does."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
import pytest

from jifen.analytics.proofs import check_program
from jifen.core.program import Program
from jifen.core.rules.facts import MemberFacts
from jifen.services.trying import Trial, try_event
from tests.unit.analytics.test_proofs import PLAIN, document_of

RATIO = {"ratio": {"points": 1, "per_cents": 100}}
GIFT = {"fixed": 5, "when": "order.total_cents >= 10000"}
TWICE = {"coefficient": {"times": 2, "of": ["r1"]}}
TEA = {"lines": 'line.category == "tea"'}
OTHERS = {"lines": 'line.category in ["cup", "pot"]'}
STARS = {"id": "stars", "name": {"zh": "星", "en": "Stars"}}
PAIRS: dict[str, tuple[list[dict[str, Any]], list[dict[str, Any]]]] = {
    "on another day": (
        [TWICE | {"window": {"weekdays": ["tue"]}}, RATIO | {"window": {"weekdays": ["mon"]}}],
        [TWICE | {"window": {"weekdays": ["tue"]}}, RATIO | {"window": {"weekdays": ["mon", "tue"]}}],
    ),
    # What is given for the order as a whole is multiplied by a coefficient of any of its lines.
    "on other lines": ([TWICE | TEA, RATIO | OTHERS], [TWICE | TEA, GIFT | OTHERS]),
    "nothing to multiply": (
        [{"wallet": "stars", "coefficient": {"times": 2}}, GIFT | {"wallet": "stars"}],
        [{"wallet": "stars", "coefficient": {"times": 2}}, RATIO | {"wallet": "stars"}],
    ),
}
WALLETS = {"wallets": [*PLAIN["wallets"], STARS]}


@pytest.mark.parametrize("name", PAIRS)
def test_a_coefficient_that_never_meets_an_award(name: str) -> None:
    """Found where it is, and not found where it just is not; the event that is shown can be tried."""
    idle, working = (document_of(*rules, **WALLETS) for rules in PAIRS[name])
    other = check_program(working)
    assert (other.findings, other.not_proven) == ([], [])
    report = check_program(idle)
    (found,) = report.findings
    assert (found.kind, found.rules, report.not_proven) == ("never_true", ["r0"], [])
    assert "never multiplies anything" in found.message_en and "r0" in found.message_zh
    shown = found.counterexample
    assert shown is not None
    trial = try_event(
        Program(1, idle, {"points": 1, "stars": 2}),
        msgspec.json.encode(shown.event),
        msgspec.convert(shown.member, MemberFacts),
        now=msgspec.convert(shown.at, datetime),
    )
    assert isinstance(trial, Trial)
    assert {each.rule: each.outcome for each in trial.trace}["r0"] == "nothing_to_multiply"
