"""Steps and least amounts where the program does not say them."""

from __future__ import annotations

import pytest

from jifen.core.wallets.document import Conversion, OffsetPolicy


@pytest.mark.parametrize(("give", "get", "step"), [(20, 1, 20), (1, 20, 1), (6, 4, 3), (5, 5, 1)])
def test_the_smallest_step_comes_to_whole_points(give: int, get: int, step: int) -> None:
    """It is also the least."""
    conversion = Conversion("c", "a", "b", give, get)
    assert (conversion.step_points, conversion.least_points) == (step, step)
    assert step * get % give == 0


def test_what_is_said_counts() -> None:
    """For conversions and for paying with points."""
    conversion = Conversion("c", "a", "b", 6, 4, step=6, least=12)
    assert (conversion.step_points, conversion.least_points) == (6, 12)
    assert (OffsetPolicy("a", 100, 100).step, OffsetPolicy("a", 100, 100).least) == (1, 1)
    assert (OffsetPolicy("a", 100, 100, 50, 200).step, OffsetPolicy("a", 100, 100, 50, 200).least) == (50, 200)
