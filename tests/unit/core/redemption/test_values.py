"""What is left of stock and coupons."""

from __future__ import annotations

from jifen.core.redemption.values import Coupon, CouponUse, Stock, decode_redemption, encode_redemption
from tests.unit.core.redemption.counter import Counter


def test_stock_is_never_below_nothing() -> None:
    """Also where it was corrected below what is taken (known failure 31)."""
    assert [Stock(5, 3).left, Stock(3, 5).left, Stock().left] == [2, 0, 0]


def test_a_coupon_is_used_up_when_nothing_is_left() -> None:
    """A voucher by its one use, an amount by its last cent."""
    use = (CouponUse(9, 500),)
    assert not Coupon("A", "voucher").is_used_up
    assert Coupon("A", "voucher", uses=use).is_used_up
    assert not Coupon("A", "fixed", 1_000, remaining_cents=500, uses=use, is_partly_usable=True).is_used_up
    assert Coupon("A", "fixed", 1_000, remaining_cents=0, uses=use).is_used_up


def test_a_redemption_is_kept_whole() -> None:
    """What is written is what is read, for every state it passes."""
    counter = Counter()
    for reward in ("five-yuan", "vase", "movie", "e-book"):
        redemption = counter.redemption(counter.redeem(reward))
        assert decode_redemption(encode_redemption(redemption)) == redemption
