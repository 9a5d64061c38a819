"""What is seen of a program without a solver."""

from __future__ import annotations

from typing import Any

import pytest

from jifen.analytics.proofs import check_program
from tests.unit.analytics.proofs.test_worth import converting, with_ways


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
