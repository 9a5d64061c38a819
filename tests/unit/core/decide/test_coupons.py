"""Coupons at the till: once, in parts where they may be, and back."""

from __future__ import annotations

from jifen.core.ledger.values import Transaction, transaction_id
from jifen.core.redemption.commands import CancelRedemption, CancelWriteOff, WriteOffCoupon
from jifen.services.chinese import chinese_of
from tests.unit.core.redemption.counter import Counter
from tests.unit.core.shop import ALICE


def name_of(written_off: Transaction) -> str:
    """The write-off as callers name it."""
    return transaction_id(written_off.member_id, written_off.sequence)


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


def test_whole_or_not_at_all() -> None:
    """Of a coupon that is not used in parts the rest is not lost unawares."""
    counter = Counter()
    number = counter.redeem("five-yuan")
    code = counter.redemption(number).coupons[0].code
    refusal = counter.refusal(WriteOffCoupon(code, 200))
    assert (refusal.code, refusal.pointer) == ("coupon_not_partly_usable", "/amount_cents")
    assert refusal.message == "The coupon of CNY 5.00 is used as a whole: leave the amount out."
    assert chinese_of(refusal) == "此券只能一次用完：面额为 5.00 元，请省略金额。"
    assert counter.redemption(number).coupons[0].remaining_cents == 500
    counter.done(WriteOffCoupon(code, 500))
    assert counter.redemption(number).state == "written_off"


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
    counter.done(CancelWriteOff(code, name_of(first)))
    assert counter.redemption(number).coupons[0].remaining_cents == 400
    assert counter.code(CancelWriteOff(code, name_of(first))) == "unknown_write_off"


def test_of_several_write_offs_one_is_named() -> None:
    """Which of them was a mistake is not guessed; each is undone once, and another member's number names nothing."""
    counter = Counter()
    number = counter.redeem("gift-card")
    code = counter.redemption(number).coupons[0].code
    names = [name_of(counter.done(WriteOffCoupon(code, cents))) for cents in (100, 200, 300)]
    before = counter.shop.shell.states[ALICE]
    refusal = counter.refusal(CancelWriteOff(code))
    assert (refusal.code, refusal.pointer, refusal.details) == ("write_off_needed", "/write_off", {"write_offs": names})
    assert f"3 times ({', '.join(names)})" in refusal.message
    assert chinese_of(refusal) == f"优惠券有多笔核销：{'、'.join(names)}；请在 write_off 写明撤销哪一笔。"
    stranger = names[0].replace(str(ALICE), str(ALICE + 1), 1)
    assert counter.code(CancelWriteOff(code, stranger)) == "unknown_write_off"
    assert counter.shop.shell.states[ALICE] is before
    counter.done(CancelWriteOff(code, names[1]))
    assert counter.code(CancelWriteOff(code, names[1])) == "unknown_write_off"
    assert counter.redemption(number).coupons[0].remaining_cents == 600
    counter.done(CancelWriteOff(code, names[0]))
    counter.done(CancelWriteOff(code))
    assert counter.redemption(number).coupons[0].remaining_cents == 1_000
    assert counter.code(CancelWriteOff(code)) == "unknown_write_off"


def test_not_after_its_time_and_not_when_it_was_given_back() -> None:
    """Each with its own code."""
    counter = Counter()
    number = counter.redeem("five-yuan")
    code = counter.redemption(number).coupons[0].code
    counter.shop.later(days=31)
    assert counter.code(WriteOffCoupon(code)) == "coupon_expired"
    counter.done(CancelRedemption(ALICE, number))
    assert counter.code(WriteOffCoupon(code)) == "coupon_void"
