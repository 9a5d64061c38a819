"""Asking for a reward: points, stock and limits are bound at once, or nothing is."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from jifen.core.redemption.commands import RedeemReward
from jifen.core.redemption.document import Price
from jifen.core.redemption.quotes import Quote
from jifen.core.redemption.values import Stock
from jifen.core.refusal import Refusal
from jifen.core.rules.document import Window
from jifen.services.chinese import chinese_of
from tests.model.programs import make_document
from tests.redeeming import with_rewards
from tests.unit.core.redemption.counter import Counter
from tests.unit.core.shop import ALICE


def test_what_needs_nobody_passes_at_once() -> None:
    """Spent in the same transaction, and the code is there."""
    counter = Counter(300)
    redemption = counter.redemption(counter.redeem("five-yuan", quantity=2))
    assert (redemption.state, redemption.points, len(redemption.coupons)) == ("approved", 200, 2)
    assert (counter.account.available, counter.account.held) == (100, 0)
    assert counter.redemption(counter.redeem("e-book")).state == "fulfilled"


def test_what_waits_holds_the_points_and_the_piece() -> None:
    """From the first moment (known failures 11, 31)."""
    counter = Counter(300)
    counter.redeem("vase")
    assert (counter.account.available, counter.account.held) == (200, 100)
    assert counter.stocks["vase"].left == 1
    paying = counter.redemption(counter.redeem("cup", price=1))
    assert (paying.state, paying.cash_cents, counter.account.held) == ("waiting_for_payment", 990, 120)


def test_a_refusal_takes_nothing() -> None:
    """Each has a code of its own, and points, stock and limits are as before."""
    counter = Counter(250)
    counter.stocks["vase"] = Stock(0)
    asked = {
        "insufficient_points": RedeemReward(ALICE, "gift-card", 2),
        "not_eligible": RedeemReward(ALICE, "spa"),
        "unknown_reward": RedeemReward(ALICE, "lounge"),
        "reward_retired": RedeemReward(ALICE, "old"),
        "reward_not_open": RedeemReward(ALICE, "later"),
        "sold_out": RedeemReward(ALICE, "vase"),
        "limit_reached": RedeemReward(ALICE, "five-yuan", 6),
        "unknown_price": RedeemReward(ALICE, "e-book", price=4),
        "price_changed": RedeemReward(ALICE, "e-book", expected_points=9),
        "invalid_quantity": RedeemReward(ALICE, "e-book", 101),
    }
    before = counter.shop.shell.states[ALICE]
    for code, command in asked.items():
        assert counter.code(command) == code
    assert counter.shop.shell.states[ALICE] is before
    short = counter.ask(RedeemReward(ALICE, "gift-card", 2))
    assert isinstance(short, Refusal) and short.details["missing"] == 150


def test_a_price_that_there_is_not_is_answered_with_those_for_the_member() -> None:
    """Numbers as people write them; what is for other tiers is not offered."""
    document = with_rewards(make_document())
    prices = [Price(12_500), Price(1_000, cash_cents=1_234_500), Price(900, audience='member.tier == "gold"')]
    rewards = [
        msgspec.structs.replace(each, prices=prices) if each.id == "e-book" else each for each in document.rewards
    ]
    document = msgspec.structs.replace(document, rewards=rewards)
    refusal = Counter(document=document).refusal(RedeemReward(ALICE, "e-book", points=5))
    assert (refusal.code, refusal.pointer) == ("unknown_price", "/points")
    assert refusal.message == (
        "E-book has no such price; this member can have it for 12,500 Points or 1,000 Points and CNY 12,345.00."
    )
    assert chinese_of(refusal) == (
        "没有这一档价格：这位会员可用 12,500 积分或 1,000 积分加 12,345.00 元兑换「电子书」。"
    )
    gold = Counter(tier="gold", document=document).refusal(RedeemReward(ALICE, "e-book", price=9))
    assert gold.pointer == "/price"
    assert gold.message.endswith("1,000 Points and CNY 12,345.00 or 900 Points.")


def test_a_reward_whose_period_is_over_is_not_given() -> None:
    """To the day of the program's zone, both ends included (known failure 47)."""
    document = with_rewards(make_document())
    rewards = [
        msgspec.structs.replace(each, period=Window(until="2026-03-10")) if each.id == "e-book" else each
        for each in document.rewards
    ]
    counter = Counter(document=msgspec.structs.replace(document, rewards=rewards))
    counter.shop.later(hours=11, minutes=59)
    counter.redeem("e-book")
    counter.shop.later(minutes=1)
    assert counter.code(RedeemReward(ALICE, "e-book")) == "reward_not_open"


def test_limits_count_pieces() -> None:
    """Five a day, however they are split; tomorrow again."""
    counter = Counter(2_000)
    counter.redeem("five-yuan", quantity=3)
    assert counter.code(RedeemReward(ALICE, "five-yuan", 3)) == "limit_reached"
    counter.redeem("five-yuan", quantity=2)
    counter.shop.later(days=1)
    counter.redeem("five-yuan", quantity=5)


def test_codes_of_a_pool_come_in_order() -> None:
    """And not more than there are."""
    counter = Counter()
    first = counter.redemption(counter.redeem("movie", quantity=2))
    assert [each.code for each in first.coupons] == ["M1", "M2"]
    counter.pools["movie"] = ("M3",)
    assert counter.code(RedeemReward(ALICE, "movie", 2)) == "sold_out"


def test_a_quote_holds_its_price_for_its_time() -> None:
    """Only for what it was made for."""
    counter = Counter()
    until = counter.shop.now + timedelta(minutes=15)
    quote = Quote(ALICE, "e-book", 1, "points", 7, 0, 1, until, "this")
    redeemed = counter.done(RedeemReward(ALICE, "e-book", quote=quote))
    assert (counter.redemption(redeemed.sequence).points, counter.redemption(redeemed.sequence).quote) == (7, "this")
    assert counter.code(RedeemReward(ALICE, "e-book", 2, quote=quote)) == "quote_mismatch"
    # Another price beside it, by its number or its points; while the program is the same.
    fresh = msgspec.structs.replace(quote, nonce="other")
    assert counter.code(RedeemReward(ALICE, "e-book", price=0, quote=fresh)) == "quote_mismatch"
    assert counter.code(RedeemReward(ALICE, "e-book", price=9, quote=fresh)) == "quote_mismatch"
    assert counter.code(RedeemReward(ALICE, "e-book", points=8, quote=fresh)) == "quote_mismatch"
    earlier = msgspec.structs.replace(fresh, version=0)
    counter.done(RedeemReward(ALICE, "e-book", price=0, points=7, quote=earlier))
    counter.shop.later(minutes=15)
    assert counter.code(RedeemReward(ALICE, "e-book", quote=quote)) == "quote_expired"


def test_gold_pays_the_price_for_gold() -> None:
    """Without naming it: 90 points are enough where the first rung asks for 100."""
    counter = Counter(90, "gold")
    assert counter.redemption(counter.redeem("five-yuan")).points == 80
    assert counter.account.available == 10
    plain = Counter(100)
    assert plain.redemption(plain.redeem("five-yuan")).points == 100
    named = Counter(200, "gold")
    assert named.redemption(named.redeem("five-yuan", price=0)).points == 100
