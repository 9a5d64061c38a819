"""Coupons at the till: once, in parts where they may be, and back."""

from __future__ import annotations

from jifen.core.redemption.commands import CancelRedemption, CancelWriteOff, WriteOffCoupon
from jifen.services.chinese import chinese_of
from tests.unit.core.redemption.counter import Counter
from tests.unit.core.shop import ALICE


def test_exactly_once() -> None:
    """The second till is told of the first (known failure 25)."""
    counter = Counter()
    number = counter.redeem("five-yuan")
    code = counter.redemption(number).coupons[0].code
    counter.done(WriteOffCoupon(code, store="s1"))
    assert counter.redemption(number).state == "written_off"
    assert counter.code(WriteOffCoupon(code)) == "coupon_used"
    counter.done(CancelWriteOff(code))
    counter.done(WriteOffCoupon(code))


def test_in_parts() -> None:
    """Never more than is left; a part that was a mistake comes back."""
    counter = Counter()
    number = counter.redeem("gift-card")
    code = counter.redemption(number).coupons[0].code
    first = counter.done(WriteOffCoupon(code, 400))
    refusal = counter.refusal(WriteOffCoupon(code, 601))
    assert (refusal.code, refusal.details["remaining_cents"]) == ("coupon_exceeded", 600)
    assert refusal.message == "CNY 6.01 were to be written off and CNY 6.00 are left."
    assert chinese_of(refusal) == "超过券面余额：要核销 6.01 元，只剩 6.00 元。"
    assert counter.code(CancelRedemption(ALICE, number)) == "coupon_used"
    counter.done(WriteOffCoupon(code, 600))
    assert counter.code(WriteOffCoupon(code, 1)) == "coupon_used"
    counter.done(CancelWriteOff(code, first.sequence))
    assert counter.redemption(number).coupons[0].remaining_cents == 400
    assert counter.code(CancelWriteOff(code, first.sequence)) == "unknown_write_off"


def test_not_after_its_time_and_not_when_it_was_given_back() -> None:
    """Each with its own code."""
    counter = Counter()
    number = counter.redeem("five-yuan")
    code = counter.redemption(number).coupons[0].code
    counter.shop.later(days=31)
    assert counter.code(WriteOffCoupon(code)) == "coupon_expired"
    counter.done(CancelRedemption(ALICE, number))
    assert counter.code(WriteOffCoupon(code)) == "coupon_void"
