"""One of something, and several."""

from __future__ import annotations

import pytest

from jifen.core.counted import counted


@pytest.mark.parametrize(
    ("number", "plural", "told"),
    [
        (1, "points", "1 point"),
        (-1, "points", "-1 point"),
        (0, "points", "0 points"),
        (2_000, "points", "2,000 points"),
        (1, "Star Points", "1 Star Point"),
        (1, "entries", "1 entry"),
        (1, "Growth value", "1 Growth value"),
        (1, "Bonus", "1 Bonus"),
        (1, "积分", "1 积分"),
    ],
)
def test_one_is_no_plural(number: int, plural: str, told: str) -> None:
    """Whatever a program calls its points; what is no plural stays."""
    assert counted(number, plural) == told
