"""Exact division of integers with a named rounding. No floats anywhere near points or money."""

from __future__ import annotations

from typing import Literal

#: The ways a fraction becomes a whole: towards minus infinity; half away from zero; half to the even neighbour;
#: towards plus infinity. The names are those of Python's `decimal` and of IEEE 754.
Rounding = Literal["floor", "half_up", "half_even", "ceil"]


def divide(numerator: int, denominator: int, rounding: Rounding) -> int:
    """`numerator / denominator` as a whole number. The denominator must be positive."""
    if denominator <= 0:
        raise ValueError(f"the denominator must be positive, not {denominator}")
    quotient, remainder = divmod(numerator, denominator)
    if remainder == 0 or rounding == "floor":
        return quotient
    if rounding == "ceil":
        return quotient + 1
    twice = 2 * remainder
    if twice != denominator:
        return quotient + 1 if twice > denominator else quotient
    # Exactly half way. "Half up" means away from zero, as shops round money.
    if rounding == "half_up":
        return quotient + 1 if numerator > 0 else quotient
    return quotient + (quotient & 1)
