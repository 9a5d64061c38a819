"""Conditions beside rules that fail for some members or redemptions."""

from __future__ import annotations

import pytest

from jifen.analytics.proofs import CheckReport, check_program
from tests.unit.analytics.test_proofs import document_of
from tests.unit.analytics.test_proofs_beside_rules import PLACES, program


def _failing(**conditions: str) -> CheckReport:
    return check_program(document_of(**program(**conditions)))


_COUNTS_AS = {
    "qualify": ("视为未达到该等级", "the tier then counts as not reached"),
    "keep": ("视为保住该等级", "the tier then counts as kept"),
    "flow": ("兑换不经这一审批流", "does not go through this flow"),
}


@pytest.mark.parametrize("place", ["qualify", *PLACES])
def test_a_divisor_may_be_nought(place: str) -> None:
    """Wherever it stands: told with what it counts as, with the numbers, and with such a member; not where it is asked
    for first that there is something to divide by."""
    owner, path = PLACES.get(place, ("tier:level:gold", "$.tier_sets[0].tiers[1].qualify"))
    (found,) = _failing(**{place: "100000 / member.orders > 2000"}).findings
    assert (found.kind, found.rules) == ("can_fail", [owner])
    zh, en = _COUNTS_AS.get(place, ("视为不成立", "it then counts as not met"))
    assert found.message_zh.startswith(f"{path}（") and zh in found.message_zh and "除数为零" in found.message_zh
    assert found.message_en.startswith(f"{path} (") and en in found.message_en and "divided by zero" in found.message_en
    assert "member.orders = 0" in found.message_en and found.place is not None and found.place.path == path
    assert found.counterexample is not None and found.counterexample.member.get("orders", 0) == 0
    assert _failing(**{place: "member.orders > 0 && 100000 / member.orders > 2000"}).findings == []


def test_what_a_redemption_costs_is_told() -> None:
    """It is no fact of a member: the message has it."""
    (found,) = _failing(flow="redemption.points / redemption.cash_cents > 2").findings
    assert found.kind == "can_fail" and "redemption.cash_cents = 0" in found.message_zh


def test_what_tiers_count_is_told() -> None:
    """Of a period as well."""
    (found,) = _failing(qualify="total.spent_cents / period.orders > 50000").findings
    assert found.kind == "can_fail" and "period.orders = 0" in found.message_en


def test_numbers_out_of_the_ordinary_are_not_proven() -> None:
    """With what they are."""
    report = _failing(qualify="total.spent_cents * 10000 > 50000000000")
    assert report.findings == []
    (found,) = report.not_proven
    assert found.rule == "tier:level:gold" and "becomes too large" in found.why_en and "数值过大" in found.why_zh


def test_numbers_that_nothing_has_are_none() -> None:
    """Redemptions, what tiers count and balances have their limits: within these, nothing overflows."""
    for place, condition in (
        ("flow", "redemption.points > 2 * redemption.cash_cents"),
        ("qualify", "total.spent_cents * 100 > 500000000"),
        ("qualify", "total.orders > 3 && total.spent_cents + period.spent_cents > 50000"),
    ):
        report = _failing(**{place: condition})
        assert (report.findings, report.not_proven) == ([], [])


def test_a_condition_that_never_holds_is_told_once() -> None:
    """Where it always fails."""
    report = _failing(reward="member.orders / 0 > 1")
    assert [each.kind for each in report.findings] == ["never_true"]
