"""Standings as they are kept."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from jifen.core.tiers.standing import Standing, TierChange

AT = datetime(2026, 3, 1, tzinfo=UTC)
LATER = datetime(2026, 4, 1, tzinfo=UTC)


def test_the_next_look_is_the_sooner_one() -> None:
    """A review or the end of what was given; none where neither is planned."""
    assert Standing("gold", AT).look_at is None
    assert Standing("gold", AT, review_at=LATER).look_at == LATER
    assert Standing("gold", AT, review_at=LATER, granted="black", granted_until=AT).look_at == AT


def test_a_change_is_written_and_read_again() -> None:
    """With all that `verify` compares."""
    change = TierChange("level", "silver", "gold", "earned", Standing("gold", AT, earned="gold"), "x", {"orders": 3})
    assert msgspec.json.decode(msgspec.json.encode(change), type=TierChange) == change
