"""Commands about tiers are plain data."""

from __future__ import annotations

from jifen.core.tiers.commands import GrantTier, RecalculateTiers


def test_who_says_nothing_means_the_first_set_and_no_end() -> None:
    """And no payment."""
    grant = GrantTier(7, "gold")
    assert (grant.tier_set, grant.valid_until, grant.payment_reference) == (None, None, None)
    assert RecalculateTiers(7).member == 7
