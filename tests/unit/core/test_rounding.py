"""Every rounding agrees with exact fractions, for every sign and size (known failures 57 to 62)."""

from __future__ import annotations

import math
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jifen.core.rounding import Rounding, divide

NUMERATORS = st.one_of(st.integers(-50, 50), st.integers(-(10**30), 10**30))
DENOMINATORS = st.one_of(st.integers(1, 12), st.integers(1, 10**20))


@given(NUMERATORS, DENOMINATORS)
def test_floor_and_ceil_agree_with_fractions(numerator: int, denominator: int) -> None:
    """Towards minus and plus infinity, also below zero."""
    exact = Fraction(numerator, denominator)
    assert divide(numerator, denominator, "floor") == math.floor(exact)
    assert divide(numerator, denominator, "ceil") == math.ceil(exact)


@given(NUMERATORS, DENOMINATORS)
def test_half_even_agrees_with_fractions(numerator: int, denominator: int) -> None:
    """Python rounds a Fraction half to even."""
    assert divide(numerator, denominator, "half_even") == round(Fraction(numerator, denominator))


@given(NUMERATORS, DENOMINATORS)
def test_half_up_goes_away_from_zero(numerator: int, denominator: int) -> None:
    """As shops round money: 0.5 is 1 and -0.5 is -1."""
    magnitude = math.floor(abs(Fraction(numerator, denominator)) + Fraction(1, 2))
    assert divide(numerator, denominator, "half_up") == (magnitude if numerator >= 0 else -magnitude)


@pytest.mark.parametrize(("rounding", "name"), [("half_up", ROUND_HALF_UP), ("half_even", ROUND_HALF_EVEN)])
@pytest.mark.parametrize("halves", range(-9, 10))
def test_ties_are_those_of_the_decimal_module(rounding: Rounding, name: str, halves: int) -> None:
    """The names mean what they mean in Python's `decimal`."""
    with localcontext():
        expected = int((Decimal(halves) / 2).quantize(Decimal(1), rounding=name))
    assert divide(halves, 2, rounding) == expected


@pytest.mark.parametrize("denominator", [0, -1])
def test_a_denominator_that_is_not_positive_is_an_error(denominator: int) -> None:
    """A ratio is checked when the program is applied, so this is a bug of ours."""
    with pytest.raises(ValueError, match="must be positive"):
        divide(1, denominator, "floor")


@given(st.integers(0, 10**15), st.integers(1, 10**6), st.integers(1, 10**6))
def test_rounding_never_goes_down_when_the_amount_goes_up(amount: int, points: int, per_cents: int) -> None:
    """Monotone: so a part refund never has a negative share to take back."""
    for rounding in ("floor", "half_up", "half_even", "ceil"):
        assert divide(amount * points, per_cents, rounding) <= divide((amount + 1) * points, per_cents, rounding)
