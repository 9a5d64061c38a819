"""Shares that add up."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jifen.core.shares import share_out


@pytest.mark.parametrize(
    ("total", "weights", "parts"),
    [
        (100, [1, 1, 1], [34, 33, 33]),
        (10, [1, 2, 7], [1, 2, 7]),
        (1, [5, 5], [1, 0]),
        (7, [0, 3, 4], [0, 3, 4]),
        (5, [0, 0], [3, 2]),
        (0, [3, 4], [0, 0]),
        (3, [10], [3]),
    ],
)
def test_shares(total: int, weights: list[int], parts: list[int]) -> None:
    """Largest remainders go up, of equal ones the first; without weights all are equal."""
    assert share_out(total, weights) == parts


@given(st.integers(0, 10**15), st.lists(st.integers(0, 10**15), min_size=1, max_size=50))
def test_shares_add_up_and_each_is_off_by_less_than_one(total: int, weights: list[int]) -> None:
    """Whatever the weights."""
    parts = share_out(total, weights)
    assert sum(parts) == total
    if any(weights):
        assert all(
            abs(part - Fraction(total * weight, sum(weights))) < 1 for part, weight in zip(parts, weights, strict=True)
        )
