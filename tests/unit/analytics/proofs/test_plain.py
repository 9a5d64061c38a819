"""What is seen of a program without a solver."""

from __future__ import annotations

from typing import Any

import pytest

from jifen.analytics.proofs import check_program
from tests.unit.analytics.proofs.test_worth import converting, with_ways
from tests.unit.analytics.test_proofs import document_of


@pytest.mark.parametrize(
    ("fee", "is_found"),
    [
        ({}, False),
        ({"fee_points": 1, "fee_rounding": "floor"}, False),
        ({"fee_percent": "10"}, False),
        ({"fee_percent": "10", "fee_rounding": "ceil"}, False),
        ({"fee_percent": "10", "fee_rounding": "floor"}, True),
        ({"fee_percent": "10", "fee_rounding": "half_even"}, True),
        # 10 points come to 20, and 10 % of these are 2; of 4, which 2 come to, 0.4; of 6 0.6.
        ({"fee_percent": "10", "fee_rounding": "half_up", "least": 2}, True),
        ({"fee_percent": "10", "fee_rounding": "half_up", "least": 3}, False),
        ({"fee_percent": "10", "fee_rounding": "floor", "least": 4}, True),
        ({"fee_percent": "10", "fee_rounding": "floor", "least": 5}, False),
    ],
)
def test_fees_that_rounding_makes_nothing_of_are_found(fee: dict[str, Any], is_found: bool) -> None:
    """Whoever converted the fewest points, again and again, would pay none (known failures 58, 62)."""
    (conversion,) = converting(("growth", 1, "miles", 2))
    report = check_program(with_ways(conversions=[conversion | fee]).document)
    found = [each for each in report.findings if each.kind == "lost_fee"]
    assert [each.rules for each in found] == ([["conversion:c0"]] if is_found else [])
    for each in found:
        assert each.message_en.startswith("$.conversions[0].fee_rounding is ") and "10 %" in each.message_zh


@pytest.mark.parametrize(
    ("condition", "mended"),
    [
        ("now.getHours() >= 20", 'now.getHours("Asia/Shanghai")'),
        ("now.getDayOfWeek() in [0, 6]", 'now.getDayOfWeek("Asia/Shanghai")'),
        ("member.registered_at.getFullYear() == 2026", 'member.registered_at.getFullYear("Asia/Shanghai")'),
        # Minutes are the same in both zones; a zone that is named is meant; and a length of time is in none.
        ("now.getMinutes() < 30", None),
        ('now.getHours("UTC") >= 20', None),
        ("now.hour >= 20", None),
        ("(now - member.registered_at).getHours() < 5", None),
    ],
)
def test_clocks_that_are_read_in_utc_are_found(condition: str, mended: str | None) -> None:
    """Of a rule and beside rules, with what to write instead."""
    rule = {"fixed": 5, "audience": condition}
    campaign = {"id": "empty", "name": {"zh": "空", "en": "Empty"}, "audience": condition}
    report = check_program(document_of(rule, campaigns=[campaign]))
    found = [each for each in report.findings if each.kind == "utc_clock"]
    assert [each.rules for each in found] == ([["r0"], ["campaign:empty"]] if mended else [])
    for each in found:
        assert each.message_en.endswith(f"in UTC; for the program's zone write {mended}")
        assert each.message_zh.endswith(f"若按积分计划的时区，请写 {mended}")


@pytest.mark.parametrize(
    ("zone", "minutes", "hours"),
    [("UTC", 0, 0), ("Africa/Abidjan", 0, 0), ("Asia/Kolkata", 1, 1), ("Europe/London", 0, 1)],
)
def test_only_what_differs_in_the_program_s_zone_is_found(zone: str, minutes: int, hours: int) -> None:
    """Minutes where the zone is off by half an hour; hours also where it is off in summer alone."""
    for condition, count in (("now.getMinutes() < 30", minutes), ("now.getHours() > 3", hours)):
        report = check_program(document_of({"fixed": 5, "when": condition}, time_zone=zone))
        assert [each.kind for each in report.findings].count("utc_clock") == count


def test_of_a_long_list_of_amounts_a_few_are_told() -> None:
    """A list of hundreds had a finding and a proof of its own for each."""
    amounts = ", ".join(str(each) for each in range(10, 410))
    report = check_program(document_of({"fixed": 5, "when": f"order.total_cents in [{amounts}]"}))
    found = [each.message_en for each in report.findings if each.kind == "magnitude"]
    assert [f"with {number} cents" in each for number, each in enumerate(found, 10)] == [True] * 5


def test_what_is_beyond_proof_is_shown_as_it_is_written() -> None:
    """Not by what the solver's reader calls it."""
    report = check_program(document_of({"fixed": 5, "when": 'order.lines[0].sku == "a"'}))
    (unproven,) = {each.why_zh for each in report.not_proven if "超出可证明的范围" in each.why_zh}
    assert "order.lines[0].sku 超出可证明的范围" in unproven
