"""An order of earlier times as it stands: as it was corrected last, less what was returned of it."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from jifen.core.commands import Command, CorrectOrder, RefundOrder
from jifen.core.decide.context import PastTransaction
from jifen.core.orders import Order, OrderRefund
from jifen.core.refusal import Refusal

_decode_order = msgspec.json.Decoder(Order).decode


def order_of(earned: PastTransaction) -> Order:
    """The order as it was told, or as it was corrected last."""
    assert earned.facts is not None
    corrections = [trace.corrected for _, trace in earned.referring if trace.corrected is not None]
    return corrections[-1] if corrections else _decode_order(earned.facts)


def returned_before(earned: PastTransaction) -> dict[str, int]:
    """How much of each line was returned so far."""
    before: dict[str, int] = {}
    for _, trace in earned.referring:
        for line, quantity in trace.returned.items():
            before[line] = before.get(line, 0) + quantity
    return before


def returned_now(order: Order, before: dict[str, int], refund: OrderRefund | None) -> dict[str, int] | Refusal:
    """How much of each line a refund returns (none: all that is left), or why it cannot."""
    left = {line.line_id: line.quantity - before.get(line.line_id, 0) for line in order.lines}
    if not any(left.values()):
        return Refusal("already_refunded", f"All of the order {order.order_id!r} was refunded before.")
    if refund is None or not refund.lines:
        return {line: quantity for line, quantity in left.items() if quantity}
    returned: dict[str, int] = {}
    for index, line in enumerate(refund.lines):
        pointer = f"/data/lines/{index}"
        if line.line_id not in left:
            message = f"The order {order.order_id!r} has no line {line.line_id!r}."
            zh = f"订单 {order.order_id!r} 没有 {line.line_id!r}。"
            return Refusal("unknown_line", message, f"{pointer}/line_id", message_zh=zh)
        returned[line.line_id] = returned.get(line.line_id, 0) + line.quantity
        if returned[line.line_id] > left[line.line_id]:
            return Refusal(
                "returned_too_much",
                f"Of line {line.line_id!r} {left[line.line_id]} can still be returned, not {returned[line.line_id]}.",
                f"{pointer}/quantity",
                {"remaining": left[line.line_id], "returned": returned[line.line_id]},
            )
    return returned


def stands(earned: PastTransaction, order: Order, returned: Mapping[str, int]) -> bool:
    """Whether anything is left of an order that was told as `order` and of which so much was returned: a piece of what
    was paid for, or of an order that never cost money, any piece."""
    left = [line for line in order.lines if line.quantity > returned.get(line.line_id, 0)]
    assert earned.facts is not None
    was_paid = any(line.paid_cents for line in _decode_order(earned.facts).lines)
    return any(line.paid_cents for line in left) if was_paid else bool(left)


def gives_back_all(command: Command, earned: PastTransaction) -> bool:
    """Whether a command on an order leaves nothing of it; one that will be refused leaves it as it is."""
    order, returned = order_of(earned), returned_before(earned)
    if isinstance(command, CorrectOrder):
        return not stands(earned, command.correction.order, returned)
    now = returned_now(order, returned, command.refund if isinstance(command, RefundOrder) else None)
    if isinstance(now, Refusal):
        return False
    in_all = {line: returned.get(line, 0) + now.get(line, 0) for line in returned | now}
    return not stands(earned, order, in_all)
