"""Where returns of a file were booked before.

A return that names no order is matched to purchases, and a file that is imported again, mended or longer, may have
other purchases to match. What was given back stays with the order that it was booked upon, or it would be given back
twice: so the ledger is asked first.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Final

import msgspec

from jifen.core.identity import shard_of_member
from jifen.core.orders import OrderRefund
from jifen.db.connection import Connection
from jifen.engine.loading import find_keys
from jifen.engine.submission import digest_refund
from jifen.services.imports.staging import Staging

#: So many refunds are asked for at once.
_ASKED_AT_ONCE: Final = 5_000
_FACTS: Final = """
SELECT t.facts FROM unnest($1::smallint[], $2::bigint[], $3::integer[]) AS wanted (shard, member_id, sequence)
JOIN transactions t USING (shard, member_id, sequence)
WHERE t.facts IS NOT NULL
"""
#: Each return and each purchase that it may belong to. `CROSS JOIN` and `+` keep SQLite to this order of going: from
#: the returns, which are few, to the member's lines of the SKU by their index.
_POSSIBLE: Final = """
SELECT DISTINCT o.order_id, r.order_id
FROM orders r
CROSS JOIN lines l ON l.order_number = r.number
CROSS JOIN lines p ON p.member = l.member AND p.sku = l.sku
CROSS JOIN orders o ON o.number = p.order_number
WHERE r.is_return AND NOT r.is_bad AND l.refund_of IS NULL AND NOT +o.is_return AND +o.occurred_at_us < r.occurred_at_us
"""

_decode_refund = msgspec.json.Decoder(OrderRefund).decode


async def learn_booked(connection: Connection, shards: int, staging: Staging) -> None:
    """Put into the staging what the file's returns have given back before. Raises what the database raises."""
    possible = iter(staging.rows(_POSSIBLE))
    while names := list(islice(possible, _ASKED_AT_ONCE)):
        found = await find_keys(connection, [digest_refund(*each) for each in names], shards)
        if not found:
            continue
        members = [each.member_id for each in found.values()]
        sequences = [each.sequence for each in found.values()]
        places = ([shard_of_member(member, shards) for member in members], members, sequences)
        _keep(staging, (_decode_refund(row["facts"]) for row in await connection.fetch(_FACTS, *places)))


def _keep(staging: Staging, refunds: Iterable[OrderRefund]) -> None:
    staging.change(
        "INSERT INTO booked (return_id, order_id, line_id, quantity) VALUES (?, ?, ?, ?)",
        [
            (refund.refund_id, refund.order_id, line.line_id, line.quantity)
            for refund in refunds
            for line in refund.lines or ()
        ],
    )
