"""The lotteries of a program file."""

from __future__ import annotations

from jifen.core.draws.document import Prize
from jifen.core.rules.document import LocalizedText


def test_a_prize_without_points_and_reward_is_a_miss() -> None:
    """Whatever it costs."""
    name = LocalizedText("无", "Nothing")
    assert Prize("a", name, 1).is_nothing
    assert not Prize("a", name, 1, points=1).is_nothing
    assert not Prize("a", name, 1, reward="cup").is_nothing
