"""Add-ons and the orders that they are taken with."""

from __future__ import annotations

from jifen.core.redemption.commands import CancelRedemption, RedeemReward, ReturnRedemption
from jifen.core.redemption.document import AddOnTerms, Reward, terms_of_add_on
from jifen.core.refusal import Refusal
from jifen.core.rules.document import LocalizedText
from jifen.services.chinese import chinese_of
from tests.add_ons import with_add_ons
from tests.model.programs import make_document
from tests.unit.core.redemption.counter import Counter
from tests.unit.core.shop import ALICE, BOB


def counter() -> Counter:
    """Alice with points, and an order."""
    at = Counter(1_000, document=with_add_ons(make_document()))
    at.shop.earn("o", (2, 10_000))
    return at


def refusal(at: Counter, reward: str, order_id: str | None, quantity: int = 1) -> Refusal:
    """Why a reward cannot be had."""
    found = at.ask(RedeemReward(ALICE, reward, quantity, order_id=order_id))
    assert isinstance(found, Refusal), found
    return found


def test_what_is_missing_is_told() -> None:
    """Each with a code and a place of its own."""
    at = counter()
    at.shop.earn("small", (1, 4_000))
    at.shop.earn("bob's", (1, 10_000), member=BOB)
    for reward, order_id, code in (
        ("sweet", None, "order_needed"),
        ("e-book", "o", "order_not_needed"),
        ("sweet", "none", "order_not_found"),
        ("sweet", "bob's", "order_not_found"),
        ("tote", "small", "order_too_small"),
    ):
        found = refusal(at, reward, order_id)
        assert (found.code, found.pointer) == (code, "/order_id")
    found = refusal(at, "tote", "small")
    small = found.details
    assert (small["from_cents"], small["paid_cents"], small["missing_cents"]) == (5_000, 4_000, 1_000)
    assert "CNY 50.00 or more; CNY 40.00 was paid for 'small': CNY 10.00 short" in found.message
    assert chinese_of(found) == "订单金额不足：订单满 50.00 元可换购；订单 small 实付 40.00 元，还差 10.00 元。"


def test_what_was_returned_of_the_order_is_not_paid_any_more() -> None:
    """From an amount on: what remains counts."""
    at = counter()
    at.shop.done(at.shop.correct("o", (2, 9_998)))
    at.shop.done(at.shop.refund("o", (1, 1)))
    assert refusal(at, "tote", "o").details["paid_cents"] == 4_999


def test_so_many_with_each_order() -> None:
    """What came to nothing does not count; what was returned does."""
    at = counter()
    first = at.done(RedeemReward(ALICE, "tote", 2, order_id="o")).sequence
    found = refusal(at, "tote", "o")
    assert (found.code, found.details["most"], found.details["taken"]) == ("order_limit_reached", 2, 2)
    at.done(CancelRedemption(ALICE, first))
    at.done(RedeemReward(ALICE, "tote", order_id="o"))
    sweet = at.done(RedeemReward(ALICE, "sweet", order_id="o")).sequence
    at.done(ReturnRedemption(ALICE, sweet))
    assert refusal(at, "sweet", "o").code == "order_limit_reached"


def test_the_redemption_names_its_order() -> None:
    """As the shop calls it, and by the transaction that recorded it."""
    at = counter()
    number = at.done(RedeemReward(ALICE, "sweet", order_id="o")).sequence
    found = at.redemption(number)
    assert (found.order_id, found.order) == ("o", f"{ALICE}-2")


def test_terms() -> None:
    """An add-on that says nothing is taken once with each order, whatever that cost."""
    plain = Reward("x", "add_on", LocalizedText("x", "x"), [])
    assert terms_of_add_on(plain) == AddOnTerms(1, 0)
    assert terms_of_add_on(Reward("x", "goods", LocalizedText("x", "x"), [])) is None
