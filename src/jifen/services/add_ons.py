"""What became of add-ons whose order was given back, as the outside sees it."""

from __future__ import annotations

from typing import Literal

import msgspec

from jifen.core.ledger.values import transaction_id
from jifen.core.trace import Trace


class EndedAddOnView(msgspec.Struct, frozen=True):
    """An add-on whose order was given back: it was `cancelled`, with the points that it had cost back in their lots and
    the money (`refund_cents`) that the merchant owes back; or it is `kept`, as it had been delivered or used."""

    redemption_id: str
    reward: str
    became: Literal["cancelled", "kept"]
    points: int
    refund_cents: int


def add_ons_of(trace: Trace) -> list[EndedAddOnView]:
    """What became of add-ons with the order that a transaction gave back."""
    return [
        EndedAddOnView(
            transaction_id(each.member, each.sequence),
            each.reward,
            "kept" if each.is_kept else "cancelled",
            each.points,
            each.refund_cents,
        )
        for each in (() if trace.dealings is None else trace.dealings.add_ons)
    ]
