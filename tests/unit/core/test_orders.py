"""What an order may be, and what remains of it after returns."""

from __future__ import annotations

import math
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from jifen.core.limits import MAXIMUM_AMOUNT
from jifen.core.orders import Order, OrderLine, check_order, remaining_lines
from jifen.core.refusal import Refusal


def order_of(*lines: tuple[int, int]) -> Order:
    """An order of lines (quantity, paid cents), named 1, 2, 3 ..."""
    return Order("o", "CNY", [OrderLine(str(number), *line) for number, line in enumerate(lines, 1)])


def test_an_order_names_each_line_once() -> None:
    """Otherwise a refund could not say which one it means."""
    twice = Order("o", "CNY", [OrderLine("a", 1, 5), OrderLine("b", 1, 5), OrderLine("a", 1, 5)])
    refusal = check_order(twice)
    assert isinstance(refusal, Refusal)
    assert refusal.code == "duplicate_line"
    assert check_order(order_of((1, 5), (1, 5))) is None


def test_an_order_has_a_largest_total() -> None:
    """The limit itself is fine; one cent more is refused, and nothing is cut."""
    assert check_order(order_of((1, MAXIMUM_AMOUNT - 1), (1, 1))) is None
    refusal = check_order(order_of((1, MAXIMUM_AMOUNT), (1, 1)))
    assert isinstance(refusal, Refusal)
    assert refusal.code == "amount_too_large"


def test_lines_without_returns_stay_as_they_are() -> None:
    """The very same values."""
    order = order_of((2, 5), (1, 7))
    assert remaining_lines(order, {}) == order.lines


def test_a_line_that_was_returned_whole_is_gone() -> None:
    """And with it what it earned (known failure 6)."""
    order = order_of((2, 5), (1, 7))
    assert remaining_lines(order, {"1": 2}) == [order.lines[1]]
    assert remaining_lines(order, {"1": 2, "2": 1}) == []


@given(st.integers(1, 10**6), st.integers(0, 10**12), st.data())
def test_what_remains_paid_is_the_share_rounded_half_up(quantity: int, paid_cents: int, data: st.DataObject) -> None:
    """From the original line, whatever was returned in between."""
    returned = data.draw(st.integers(0, quantity))
    remaining = remaining_lines(order_of((quantity, paid_cents)), {"1": returned})
    if returned == quantity:
        assert remaining == []
        return
    exact = Fraction(paid_cents * (quantity - returned), quantity)
    assert remaining[0].paid_cents == math.floor(exact + Fraction(1, 2))
    assert remaining[0].quantity == quantity - returned
