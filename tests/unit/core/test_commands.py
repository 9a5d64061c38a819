"""Commands: which order some of them are about."""

from __future__ import annotations

from jifen.core.commands import CorrectOrder, RefundOrder, SpendPoints, order_named
from jifen.core.orders import OrderCorrection, OrderLine, OrderRefund


def test_refunds_and_corrections_name_an_order() -> None:
    """Nothing else does."""
    correction = OrderCorrection("o2", "c1", "CNY", [OrderLine("1", 1, 100)])
    assert order_named(RefundOrder(None, OrderRefund("o1", "r1"))) == "o1"
    assert order_named(CorrectOrder(None, correction)) == "o2"
    assert order_named(SpendPoints(7, None, 1)) is None
