"""What a field of integers takes: what conditions can count with."""

from __future__ import annotations

import pytest

from jifen.core.integers import is_integer


@pytest.mark.parametrize("value", [0, -1, 2**53 + 1, 2**63 - 1, -(2**63)])
def test_integers_of_64_bits(value: int) -> None:
    """To the last one."""
    assert is_integer(value)


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, 2.0, True, "2", None])
def test_everything_else(value: object) -> None:
    """A number with a point as well: who reads it makes an integer of it where that is exact."""
    assert not is_integer(value)
