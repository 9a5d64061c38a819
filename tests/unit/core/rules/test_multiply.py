"""Coefficients: which of them count, and what they come to together."""

from __future__ import annotations

import pytest

from jifen.core.rules.amounts import Factor
from jifen.core.rules.multiply import CoefficientPolicy, combined


@pytest.mark.parametrize(
    ("factors", "policy", "together"),
    [
        ([], "product", (1, 1)),
        ([], "sum_of_extras", (1, 1)),
        ([(3, 2)], "best", (3, 2)),
        ([(3, 2), (6, 5)], "product", (18, 10)),
        ([(3, 2), (6, 5)], "sum_of_extras", (17, 10)),
        ([(0, 1), (1, 2)], "sum_of_extras", (0, 2)),
    ],
)
def test_coefficients_come_to_one_factor(
    factors: list[Factor], policy: CoefficientPolicy, together: tuple[int, int]
) -> None:
    """Nothing changes nothing; else the product, or one plus what each is above one, and never below nothing."""
    assert combined(factors, policy) == together
