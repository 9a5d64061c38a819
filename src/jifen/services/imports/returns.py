"""Which purchase a return belongs to.

A return that names no order is matched, in order of time, to the same member's latest earlier orders with the same
SKU that still have unreturned quantity, latest first, over several orders if need be; within an order to its lines
as they stand in the file. One return and one order make one refund. What the ledger has of a return already
(jifen.services.imports.booked) comes before all that: it stays where it is.

Where a phone is spelled in several ways, every return first takes from the orders under its own spelling: what was
given back before the program had a region stays with the order that it was booked upon, and the same file again gives
nothing back twice. Orders of several spellings come last: without a region none of them could be taken.
"""

from __future__ import annotations

from typing import NamedTuple

from jifen.services.imports.rejects import Reject
from jifen.services.imports.staging import Staging

_RETURN_LINES = """
SELECT r.number, r.order_id, r.occurred_at_us, r.member, r.spelling, l.line, l.line_id, l.quantity, l.sku, l.refund_of
FROM orders r JOIN lines l ON l.order_number = r.number
WHERE r.is_return AND NOT r.is_bad
ORDER BY r.occurred_at_us, r.first_line, l.position
"""
# `+` keeps SQLite from choosing an index of orders: the member's lines of the SKU are few. Of an order that is named it
# is the index that finds it: `is_return = 0`, as SQLite sees no equation in `NOT is_return`.
_PURCHASES = """
SELECT o.order_id, l.line_id, l.order_number, l.position, l.quantity - l.returned
FROM lines l JOIN orders o ON o.number = l.order_number
WHERE l.member = ? AND l.sku = ? AND NOT o.is_return AND NOT o.is_bad AND +o.occurred_at_us < ?
    AND l.returned < l.quantity AND ifnull(o.spelling = ?, 0) = ?
ORDER BY o.occurred_at_us DESC, o.first_line DESC, l.position
"""
_LINES_OF_ORDER = """
SELECT o.order_id, l.line_id, l.order_number, l.position, l.quantity - l.returned
FROM orders o JOIN lines l ON l.order_number = o.number
WHERE o.is_return = 0 AND o.order_id = ? AND o.member = ? AND NOT o.is_bad AND l.returned < l.quantity
    AND ifnull(o.spelling = ?, 0) = ? AND (l.line_id = ? OR (? = '' AND l.sku = ?))
ORDER BY l.position
"""
_ORDER_IN_FILE = "SELECT 1 FROM orders WHERE is_return = 0 AND order_id = ?"
_BOOKED = """
SELECT o.order_id, l.line_id, l.order_number, l.position, min(b.quantity, l.quantity - l.returned)
FROM booked b CROSS JOIN orders o ON o.is_return = 0 AND o.order_id = b.order_id
CROSS JOIN lines l ON l.order_number = o.number AND l.line_id = b.line_id
WHERE b.return_id = ? AND b.quantity > 0 AND l.sku = ? AND l.returned < l.quantity
ORDER BY o.occurred_at_us DESC, o.first_line DESC, l.position
"""
_NO_LONGER_BOOKED = "UPDATE booked SET quantity = quantity - ? WHERE return_id = ? AND order_id = ? AND line_id = ?"


class _ReturnLine(NamedTuple):
    return_number: int
    return_id: str
    occurred_at_us: int
    member: int
    spelling: str | None
    line: int
    line_id: str
    quantity: int
    sku: str | None
    refund_of: str | None


def match_returns(staging: Staging) -> None:
    """Find the purchase of every line that came back; what matches nothing becomes a reject."""
    lines = [_ReturnLine._make(row) for row in staging.rows(_RETURN_LINES)]
    waiting = [(returned, left) for returned in lines if (left := _match_booked(staging, returned))]
    for is_own_spelling in (True, False):
        tried = [(returned, _match(staging, returned, left, is_own_spelling)) for returned, left in waiting]
        waiting = [(returned, left) for returned, left in tried if left]
    for returned, left in waiting:
        staging.reject(Reject(returned.line, "quantity", "unmatched_return", f"{left} / {returned.quantity}"))


def _match_booked(staging: Staging, returned: _ReturnLine) -> int:
    """Take what the ledger has of the return already; how much is left over."""
    if returned.refund_of is not None:
        return returned.quantity
    left = returned.quantity
    for purchase in staging.rows(_BOOKED, (returned.return_id, returned.sku)).fetchall():
        before, left = left, _take(staging, returned, left, [purchase])
        change = (before - left, returned.return_id, *purchase[:2])
        staging.change(_NO_LONGER_BOOKED, [change])
        if not left:
            break
    return left


def _match(staging: Staging, returned: _ReturnLine, quantity: int, is_own_spelling: bool) -> int:
    """Take what came back from the purchases under the member's spelling in the return, or from those under others; how
    much is left over."""
    if returned.refund_of is None:
        wanted = (returned.member, returned.sku, returned.occurred_at_us, returned.spelling, is_own_spelling)
        return _take(staging, returned, quantity, staging.rows(_PURCHASES, wanted).fetchall())
    if returned.line_id and not _is_in_file(staging, returned.refund_of):
        # The order came earlier, by another file or by event: the ledger knows it and its lines.
        _book(staging, returned, returned.refund_of, returned.line_id, quantity)
        return 0
    order = (returned.refund_of, returned.member, returned.spelling, is_own_spelling)
    line = (returned.line_id, returned.line_id, returned.sku)
    return _take(staging, returned, quantity, staging.rows(_LINES_OF_ORDER, (*order, *line)).fetchall())


def _take(
    staging: Staging, returned: _ReturnLine, quantity: int, purchases: list[tuple[str, str, int, int, int]]
) -> int:
    left = quantity
    for order_id, line_id, order_number, position, available in purchases:
        taken = min(left, available)
        change = (taken, order_number, position)
        staging.change("UPDATE lines SET returned = returned + ? WHERE order_number = ? AND position = ?", [change])
        _book(staging, returned, order_id, line_id, taken)
        left -= taken
        if not left:
            break
    return left


def _book(staging: Staging, returned: _ReturnLine, order_id: str, line_id: str, quantity: int) -> None:
    row = (returned.return_number, order_id, line_id, quantity)
    staging.change("INSERT INTO refunds (return_number, order_id, line_id, quantity) VALUES (?, ?, ?, ?)", [row])


def _is_in_file(staging: Staging, order_id: str) -> bool:
    return staging.rows(_ORDER_IN_FILE, (order_id,)).fetchone() is not None
