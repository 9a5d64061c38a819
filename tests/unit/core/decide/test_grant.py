"""What an approved redemption gets."""

from __future__ import annotations

from datetime import UTC, datetime

from jifen.core.redemption.commands import ApproveRedemption
from tests.unit.core.redemption.counter import Counter
from tests.unit.core.shop import ALICE


def test_a_coupon_is_valid_through_the_end_of_its_last_local_day() -> None:
    """Issued on 10 March in Shanghai, thirty days: through 9 April."""
    counter = Counter()
    coupon = counter.redemption(counter.redeem("five-yuan")).coupons[0]
    assert coupon.until == datetime(2026, 4, 9, 16, 0, tzinfo=UTC)
    assert (coupon.cents, coupon.remaining_cents) == (500, 500)
    assert counter.redemption(counter.redeem("gift-card")).coupons[0].until is None


def test_what_must_be_brought_waits_for_it() -> None:
    """Goods are approved and not fulfilled."""
    counter = Counter()
    number = counter.redeem("vase")
    counter.done(ApproveRedemption(ALICE, number), "boss", ["manager"])
    assert counter.redemption(number).state == "approved"
