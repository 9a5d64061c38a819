"""Every finding, of whatever kind, comes with an event and a member that `rules try` takes, and that show it."""

from __future__ import annotations

from typing import Any, get_args

import msgspec
import pytest

from jifen.analytics.proofs import Finding, check_program
from jifen.analytics.proofs.report import FindingKind
from jifen.core.program import ProgramDocument
from tests.unit.analytics.proofs.test_failing import FAILING
from tests.unit.analytics.proofs.test_worth import converting, with_ways
from tests.unit.analytics.proofs.trying import tried
from tests.unit.analytics.test_proofs import PAIRS, document_of, double, tiers_by
from tests.unit.analytics.test_proofs_beside_rules import program

_LOST = converting(("growth", 1, "miles", 2))[0] | {"fee_percent": "10", "fee_rounding": "floor"}
#: Broken programs, each with the kinds that are found of it.
BROKEN: dict[str, tuple[ProgramDocument, set[str]]] = {
    **{name: (document_of(*pair[0][0], **pair[0][1]), {name.partition(":")[0]}) for name, pair in PAIRS.items()},
    "a formula that fails": (document_of(FAILING["a formula that takes points away"][0]), {"can_fail"}),
    "a clock": (document_of({"fixed": 5, "when": "now.getHours() >= 20"}), {"utc_clock"}),
    "a clock that decides nothing": (
        document_of({"fixed": 5, "when": "now.getHours() >= 0 && order.total_cents > 50000"}),
        {"utc_clock"},
    ),
    "a registration in another year": (
        document_of(double(audience="member.registered_at.getFullYear() == 2026")),
        {"utc_clock"},
    ),
    "an amount that decides nothing": (
        document_of({"fixed": 5, "when": "order.total_cents >= 500 && order.total_cents > 90000"}),
        {"magnitude"},
    ),
    "tiers upside down": (
        document_of(**tiers_by("lifetime", "total.orders >= 20", "total.orders >= 2")),
        {"unreachable_tier"},
    ),
    "a tier of nobody": (
        document_of(**tiers_by("lifetime", "total.orders > 5 && period.orders < 3")),
        {"unreachable_tier"},
    ),
    "a small amount of a tier": (document_of(**tiers_by("lifetime", "total.spent_cents >= 500")), {"magnitude"}),
    "a cap of nothing": (
        document_of({"fixed": 5, "caps": [{"limit": "points", "most": 0, "period": "day"}]}),
        {"never_true"},
    ),
    "a fee that is lost": (
        with_ways(conversions=[_LOST]).document,
        {"lost_fee"},
    ),
    **{
        f"beside rules: {place}": (
            document_of(**program(**{place: 'member.channel == "apps" && member.is_first_order && member.orders > 0'})),
            {"never_true", "unknown_reference"},
        )
        for place in ("keep", "reward", "price", "draw", "flow", "campaign")
    },
}  # fmt: skip


def test_every_kind_is_among_them() -> None:
    """A new kind of finding comes with a program that has it."""
    assert set(get_args(FindingKind)) == {kind for _, kinds in BROKEN.values() for kind in kinds}


@pytest.mark.parametrize("name", BROKEN)
def test_every_finding_can_be_tried(name: str) -> None:
    """And what is tried shows what is said of the rules."""
    document, kinds = BROKEN[name]
    found = check_program(document).findings
    assert kinds <= {each.kind for each in found}
    for each in found:
        assert each.counterexample is not None, each
        trial = tried(document, each.counterexample)
        outcomes = {rule.rule: rule.outcome for rule in trial.trace}
        assert not {rule for rule in each.rules if ":" not in rule} - set(outcomes), each
        _is_shown(each, {rule: outcomes[rule] for rule in each.rules if rule in outcomes}, trial.totals)


def _is_shown(found: Finding, outcomes: dict[str, Any], totals: dict[str, int]) -> None:
    """That what became of the rules is what the finding says."""
    match found.kind:
        case "can_fail":
            assert set(outcomes.values()) == {"failed"}
        case "never_true" if outcomes:
            assert not {"awarded", "multiplied"} & set(outcomes.values())
        case "shadowed" | "ambiguous":
            assert "group" in outcomes.values()
        case "multiplying_overlap":
            assert set(outcomes.values()) == {"multiplied"}
        case "gap":
            assert not any(totals.values())
        case "rate_exceeded":
            assert any(totals.values())


def test_the_member_of_a_tier_has_what_it_asks_for_and_another_tier() -> None:
    """Twenty orders, and the tier of two, which stands above."""
    document = document_of(**tiers_by("lifetime", "total.orders >= 20", "total.orders >= 2"))
    (found,) = [each for each in check_program(document).findings if each.kind == "unreachable_tier"]
    assert found.counterexample is not None and found.rules == ["tier:level:t0"]
    member = found.counterexample.member
    assert member["orders"] >= 20 and member["tiers"] == {"level": "t1"} and member["tier"] == "t1"


def test_of_a_tier_that_nobody_reaches_as_much_is_met_as_can_be() -> None:
    """The first of two terms that exclude each other."""
    document = document_of(**tiers_by("lifetime", "total.orders > 5 && period.orders < 3"))
    (found,) = [each for each in check_program(document).findings if each.kind == "unreachable_tier"]
    assert found.counterexample is not None
    member = found.counterexample.member
    assert member["orders"] > 5 and not member.get("tiers")


def test_a_clock_is_shown_at_a_moment_for_which_it_decides() -> None:
    """Nine in the evening in Shanghai is one in the afternoon of UTC: the rule misses what it is for, or the other way
    round."""
    said: list[str] = []
    for when in ("now.getHours() >= 20", 'now.getHours("Asia/Shanghai") >= 20'):
        document = document_of({"fixed": 5, "when": when})
        if not said:
            (found,) = [each for each in check_program(document).findings if each.kind == "utc_clock"]
            assert found.counterexample is not None
        assert found.counterexample is not None
        trial = tried(document, found.counterexample)
        said.append({each.rule: each.outcome for each in trial.trace}["r0"])
    assert set(said) == {"awarded", "condition"}
    assert msgspec.json.encode(found).decode().count("no event was found") == 0
