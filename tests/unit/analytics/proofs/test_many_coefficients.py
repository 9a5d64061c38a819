"""Campaigns that overlap: coefficients that meet are found pair by pair, with few questions."""

from __future__ import annotations

from typing import Any

import pytest

from jifen.analytics.proofs import check_program
from jifen.analytics.proofs.space import Space
from tests.unit.analytics.proofs.trying import tried
from tests.unit.analytics.test_proofs import document_of

OF_TEA, OF_CUPS = 'line.category == "tea"', 'line.category == "cup"'


def _double(days: tuple[str, str], **more: Any) -> dict[str, Any]:
    return {"coefficient": {"times": 2}, "window": {"from": days[0], "to": days[1]}} | more


def test_an_award_on_a_line_of_its_own() -> None:
    """Coefficients of two lines meet in an award for the event that a third line brings."""
    document = document_of(
        {"fixed": 5, "lines": 'line.category == "pot"'},
        _double(("2026-11-01", "2026-11-10"), lines=OF_TEA) | {"coefficient": {"times": 2, "of": ["r0"]}},
        _double(("2026-11-05", "2026-11-20"), lines=OF_CUPS) | {"coefficient": {"times": 2, "of": ["r0"]}},
    )
    (found,) = (each for each in check_program(document).findings if each.kind == "multiplying_overlap")
    assert found.rules == ["r1", "r2"]
    assert found.counterexample is not None
    assert {each.rule: each.points for each in tried(document, found.counterexample).awards}["r0"] == 20


@pytest.mark.parametrize(
    ("windows", "is_asked"),
    [
        (({"weekdays": ["mon"]}, {"weekdays": ["tue"]}), 2),
        (({"from": "2026-11-01", "to": "2026-11-10"}, {"from": "2026-11-11", "to": "2026-11-20"}), 0),
    ],
)
def test_few_questions_however_many_awards_there_are(
    monkeypatch: pytest.MonkeyPatch, windows: tuple[dict[str, Any], ...], is_asked: int
) -> None:
    """Two coefficients that never meet are asked about once for each kind of award, and not for each award."""
    asked = 0
    find = Space.find

    def counted(*arguments: Any, **named: Any) -> Any:
        nonlocal asked
        asked += "any_of" in named
        return find(*arguments, **named)

    monkeypatch.setattr(Space, "find", counted)
    bases = [{"fixed": 1, "when": f"order.total_cents > {1000 * number}"} for number in range(1, 9)]
    bases += [{"fixed": {"points": 1, "per": "line"}, "lines": OF_TEA} for _ in range(8)]
    of = [*(f"r{number}" for number in range(16))]
    report = check_program(
        document_of(*bases, *({"coefficient": {"times": 2, "of": of}, "window": each} for each in windows))
    )
    assert [each.kind for each in report.findings if each.kind == "multiplying_overlap"] == []
    # Those whose windows lie apart are not even asked about.
    assert asked == is_asked
