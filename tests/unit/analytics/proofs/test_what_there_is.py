"""Members have no tiers and no values but those that the program has; rules that never match break no proof."""

from __future__ import annotations

from typing import Any

import pytest

from jifen.analytics.proofs import check_program
from tests.unit.analytics.proofs.trying import only, tried
from tests.unit.analytics.test_proofs import SETS, TIER, document_of, kinds

RATIO = {"ratio": {"points": 2, "per_cents": 100}}
WORTH = {
    "wallets": [{"id": "points", "name": TIER["name"], "value": {"points": 100, "cents": 100}}],
    "most_reward_percent": 2,
}
CHOICES = [{"value": each, "name": TIER["name"]} for each in ("S", "L")]
TIERS: dict[str, tuple[dict[str, Any], str, list[str]]] = {
    "those of the catalog": ({"catalog": {"tiers": [TIER]}}, "member.tier", ["", "gold"]),
    "those of the first set": ({"tier_sets": SETS[:1]}, "member.tier", ["plain", "gold"]),
    "those of a set by its name": ({"tier_sets": SETS}, f"member.tiers.{SETS[1]['id']}", ["plain", "gold"]),
    "the choices of a field": (
        {"fields": [{"id": "size", "type": "string", "choices": CHOICES}]},
        "member.fields.size",
        ["", "S", "L"],
    ),
}


@pytest.mark.parametrize("name", TIERS)
def test_nobody_has_what_there_is_not(name: str) -> None:
    """A rule for all the others never matches; the event that earns too much is of somebody there can be."""
    around, fact, known = TIERS[name]
    others = " && ".join(f'{fact} != "{each}"' for each in known)
    report = check_program(document_of(RATIO | {"audience": others}, **around))
    assert ("never_true", ["r0"]) in kinds(report)
    but_one = check_program(document_of(RATIO | {"audience": others.split(" && ", 1)[1]}, **around))
    assert ("never_true", ["r0"]) not in kinds(but_one)
    document = document_of(RATIO | {"audience": f'{fact} != "{known[-1]}"'}, **around, **WORTH)
    found = only(check_program(document), "rate_exceeded")
    assert found.counterexample is not None
    assert [each.rule for each in tried(document, found.counterexample).awards] == ["base", "r0"]


def test_caps_of_a_rule_that_never_matches() -> None:
    """Are told by what is told of the rule, however many coefficients there are."""
    never = RATIO | {"when": "false", "caps": [{"limit": "points", "most": 100, "period": "event"}]}
    doubles = [{"coefficient": {"times": times, "of": ["r0"]}} for times in (2, 3)]
    report = check_program(document_of(never, *doubles))
    assert {kind for kind, _ in kinds(report)} == {"never_true"}
    assert report.not_proven == []
