"""From staged lines to submissions for the engine: orders, and the refunds that returns were matched to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from jifen.core.commands import RecordOrder, RefundOrder
from jifen.core.identity import Identity
from jifen.core.orders import Order, OrderLine, OrderRefund, ReturnedLine
from jifen.engine.submission import Submission
from jifen.services.imports.rows import instant_of
from jifen.services.imports.staging import Staging

#: Who did it, in the transactions of an import.
ACTOR = "jifen:import"

# One member's events come in order of time, an order before the returns of the same instant.
_EVENTS = """
SELECT o.number, o.is_return, o.order_id, o.occurred_at_us, o.first_line, o.currency, o.channel, o.store_id, o.member,
    o.identity
FROM orders o
WHERE NOT o.is_bad AND o.member % ? = ?
"""
_BY_TIME = "ORDER BY o.occurred_at_us, o.is_return, o.first_line"
_BY_MEMBER = "ORDER BY o.member, o.occurred_at_us, o.is_return, o.first_line"
_LINES = """
SELECT line_id, quantity, paid_cents, sku, name, category, brand FROM lines WHERE order_number = ? ORDER BY position
"""
_REFUNDS = """
SELECT order_id, line_id, sum(quantity) FROM refunds WHERE return_number = ?
GROUP BY order_id, line_id ORDER BY order_id, min(number)
"""


class ImportEvent(NamedTuple):
    """A submission, the staging numbers of its order or return and of its member, and the line of the file on which it
    begins."""

    submission: Submission
    number: int
    line: int
    member: int
    is_refund: bool


class _Row(NamedTuple):
    number: int
    is_return: int
    order_id: str
    occurred_at_us: int
    first_line: int
    currency: str
    channel: str | None
    store_id: str | None
    member: int
    identity: str


def count_events(staging: Staging) -> int:
    """How many orders and returns (matched or not) are to be recorded, for the progress."""
    return staging.figure("SELECT count(*) FROM orders WHERE NOT is_bad")


def events(
    staging: Staging, source: str, *, stream: int = 0, streams: int = 1, by_member: bool
) -> Iterator[ImportEvent]:
    """Everything to record of the members of one stream, in order of time.

    `by_member`: one member after another, each in order of time.
    """
    for values in staging.rows(_EVENTS + (_BY_MEMBER if by_member else _BY_TIME), (streams, stream)):
        row = _Row(*values)
        if row.is_return:
            yield from _refunds(staging, source, row)
        else:
            yield _order(staging, source, row)


def _order(staging: Staging, source: str, row: _Row) -> ImportEvent:
    lines = [OrderLine(*values) for values in staging.rows(_LINES, (row.number,))]
    order = Order(row.order_id, row.currency, lines, row.channel, row.store_id)
    command = RecordOrder(Identity.of(row.identity), order)
    return _event(source, row, row.order_id, "order.completed", command, order)


def _refunds(staging: Staging, source: str, row: _Row) -> Iterator[ImportEvent]:
    """One refund for each order that the return was matched to."""
    lines_of: dict[str, list[ReturnedLine]] = {}
    for order_id, line_id, quantity in staging.rows(_REFUNDS, (row.number,)):
        lines_of.setdefault(order_id, []).append(ReturnedLine(line_id, quantity))
    for order_id, lines in lines_of.items():
        refund = OrderRefund(order_id, row.order_id, lines)
        command = RefundOrder(Identity.of(row.identity), refund)
        yield _event(source, row, f"{row.order_id}/{order_id}", "order.refunded", command, refund)


def _event(
    source: str,
    row: _Row,
    key: str,
    kind: str,
    command: RecordOrder | RefundOrder,
    data: Order | OrderRefund,
) -> ImportEvent:
    occurred_at = instant_of(row.occurred_at_us)
    # As the file names the member: the payload stays the same when the program gets a region for its phones.
    payload = msgspec.json.encode([kind, row.identity, occurred_at, data])
    submission = Submission(command, source, key, payload, ACTOR, occurred_at)
    return ImportEvent(submission, row.number, row.first_line, row.member, isinstance(command, RefundOrder))
