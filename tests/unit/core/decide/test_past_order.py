"""Orders as they stand: corrected, returned in part, given back."""

from __future__ import annotations

import pytest

from jifen.core.commands import Command, CorrectOrder, RefundOrder, ReverseTransaction
from jifen.core.decide.past_order import gives_back_all, order_of, returned_before, stands
from jifen.core.orders import OrderCorrection, OrderLine, OrderRefund, ReturnedLine
from tests.unit.core.shop import ALICE, Shop

WHOLE = RefundOrder(None, OrderRefund("o", "r"))


def refund(*lines: tuple[str, int]) -> RefundOrder:
    """A refund of some lines."""
    return RefundOrder(None, OrderRefund("o", "r", [ReturnedLine(*each) for each in lines]))


def correction(*lines: tuple[int, int]) -> CorrectOrder:
    """The order as it should have been told."""
    corrected = [OrderLine(str(number), *each) for number, each in enumerate(lines, 1)]
    return CorrectOrder(None, OrderCorrection("o", "c", "CNY", corrected))


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (WHOLE, True),
        (ReverseTransaction(ALICE, 1), True),
        (refund(("1", 2), ("2", 1)), True),
        # The gift alone is left.
        (refund(("1", 2)), True),
        (refund(("1", 1), ("2", 1)), False),
        (refund(("2", 1)), False),
        # Will be refused.
        (refund(("1", 3)), False),
        (refund(("9", 1)), False),
        (correction((2, 1), (1, 0)), False),
        (correction((2, 0), (1, 0)), True),
    ],
)
def test_what_leaves_nothing_that_was_paid_for(command: Command, expected: bool) -> None:
    """Two pieces for money, and a gift."""
    shop = Shop()
    shop.earn("o", (2, 5_000), (1, 0))
    assert gives_back_all(command, shop.shell.past(ALICE, 1)) is expected


def test_an_order_that_cost_no_money_stands_by_its_pieces() -> None:
    """Until the last of them is back."""
    shop = Shop()
    shop.earn("o", (1, 0), (1, 0))
    assert not gives_back_all(refund(("1", 1)), shop.shell.past(ALICE, 1))
    shop.done(shop.refund("o", (1, 1)))
    earned = shop.shell.past(ALICE, 1)
    assert stands(earned, order_of(earned), returned_before(earned))
    assert gives_back_all(refund(("2", 1)), earned)


def test_what_was_corrected_last_counts() -> None:
    """To nothing, and back again."""
    shop = Shop()
    shop.earn("o", (1, 5_000))
    for cents in (0, 3_000):
        shop.done(shop.correct("o", (1, cents)))
        earned = shop.shell.past(ALICE, 1)
        assert stands(earned, order_of(earned), returned_before(earned)) is bool(cents)
    shop.done(shop.refund("o"))
    earned = shop.shell.past(ALICE, 1)
    assert not stands(earned, order_of(earned), returned_before(earned))
