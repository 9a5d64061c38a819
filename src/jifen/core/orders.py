"""Orders as they come in, and what remains of them after returns."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from jifen.core.limits import MAXIMUM_AMOUNT, MAXIMUM_LINES, MAXIMUM_QUANTITY, MAXIMUM_TEXT
from jifen.core.refusal import Refusal
from jifen.core.rounding import divide

Text = Annotated[str, Meta(min_length=1, max_length=MAXIMUM_TEXT)]
Label = Annotated[str, Meta(max_length=MAXIMUM_TEXT)]
Currency = Annotated[str, Meta(pattern="^[A-Z]{3}$")]


class OrderLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """One line of an order. `paid_cents` is what was paid for the whole line, in the currency's minor unit."""

    line_id: Text
    quantity: Annotated[int, Meta(ge=1, le=MAXIMUM_QUANTITY)]
    paid_cents: Annotated[int, Meta(ge=0, le=MAXIMUM_AMOUNT)]
    sku: Label | None = None
    name: Label | None = None
    category: Label | None = None
    brand: Label | None = None


class OrderOffset(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """What of an order was paid with points: those of a hold, and the money (minor units) that they stand for."""

    hold_id: Annotated[str, Meta(pattern="^[1-9][0-9]{0,18}-[1-9][0-9]{0,9}$")]
    points: Annotated[int, Meta(ge=1, le=MAXIMUM_AMOUNT)]
    cents: Annotated[int, Meta(ge=1, le=MAXIMUM_AMOUNT)]

    @property
    def hold(self) -> tuple[int, int]:
        """The member and the sequence that name the hold."""
        member, _, sequence = self.hold_id.partition("-")
        return int(member), int(sequence)


class Order(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """A completed order: the data of the event `order.completed`. Lines say what was paid in money; what was paid with
    points stands in `offset`."""

    order_id: Text
    currency: Currency
    lines: Annotated[list[OrderLine], Meta(min_length=1, max_length=MAXIMUM_LINES)]
    channel: Label | None = None
    store_id: Label | None = None
    offset: OrderOffset | None = None


class ReturnedLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """How much of a line was returned by one refund."""

    line_id: Text
    quantity: Annotated[int, Meta(ge=1, le=MAXIMUM_QUANTITY)]


class OrderRefund(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """A refund of an order or of some of its lines (none named: of all that remains): data of `order.refunded`."""

    order_id: Text
    refund_id: Text
    lines: Annotated[list[ReturnedLine], Meta(max_length=MAXIMUM_LINES)] | None = None


class OrderCorrection(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """What an order should have said, as a whole: the data of `order.corrected`. The difference is booked."""

    order_id: Text
    correction_id: Text
    currency: Currency
    lines: Annotated[list[OrderLine], Meta(min_length=1, max_length=MAXIMUM_LINES)]
    channel: Label | None = None
    store_id: Label | None = None

    @property
    def order(self) -> Order:
        """The order as it is from now on."""
        return Order(self.order_id, self.currency, self.lines, self.channel, self.store_id)


def check_order(order: Order) -> Refusal | None:
    """Refuse what the types cannot: the same line twice, or a total beyond the limit."""
    lines = order.lines
    if len(lines) > 1 and len({line.line_id for line in lines}) != len(lines):
        return Refusal("duplicate_line", "Two lines of the order have the same line_id.", "/data/lines")
    if sum(line.paid_cents for line in lines) > MAXIMUM_AMOUNT:
        message, zh = f"The order's total is over {MAXIMUM_AMOUNT}.", f"订单合计超过 {MAXIMUM_AMOUNT}。"
        return Refusal("amount_too_large", message, "/data/lines", message_zh=zh)
    return None


def remaining_lines(order: Order, returned: dict[str, int]) -> list[OrderLine]:
    """The lines of an order as they stand after the returned quantities (by line_id) are taken off.

    What remains paid of a line is `paid x remaining / quantity`, rounded half up, always from the original line:
    so the result depends only on what was returned in all, never on the order or split of the returns.
    """
    remaining = []
    for line in order.lines:
        quantity = line.quantity - returned.get(line.line_id, 0)
        if quantity == line.quantity:
            remaining.append(line)
        elif quantity > 0:
            paid_cents = divide(line.paid_cents * quantity, line.quantity, "half_up")
            remaining.append(msgspec.structs.replace(line, quantity=quantity, paid_cents=paid_cents))
    return remaining
