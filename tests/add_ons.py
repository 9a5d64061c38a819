"""A program with add-ons, which members take with an order, for tests."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from jifen.core.program import ProgramDocument
from jifen.core.redemption.document import Reward
from tests.redeeming import with_rewards

ADD_ONS: Final[list[dict[str, Any]]] = [
    {
        # Handed over at the till with the order.
        "id": "mug",
        "kind": "add_on",
        "name": {"zh": "换购马克杯", "en": "Mug"},
        "prices": [{"points": 30, "cash_cents": 990}, {"points": 60}],
        "stock": "counted",
        "fulfilment": "shipping",
        "limits": [{"most": 5, "period": "day"}],
    },
    {
        "id": "tote",
        "kind": "add_on",
        "name": {"zh": "换购帆布袋", "en": "Tote bag"},
        "prices": [{"points": 50}],
        "add_on": {"most": 2, "from_cents": 5_000},
        "coupon": {"face": "voucher"},
    },
    {
        "id": "sweet",
        "kind": "add_on",
        "name": {"zh": "换购糖果", "en": "Sweet"},
        "prices": [{"points": 5}],
    },
    {
        "id": "lamp",
        "kind": "add_on",
        "name": {"zh": "换购台灯", "en": "Lamp"},
        "prices": [{"points": 40}],
        "fulfilment": "shipping",
        "approval": "two-eyes",
    },
]


def with_add_ons(document: ProgramDocument) -> ProgramDocument:
    """The program with rewards of every kind, and add-ons."""
    document = with_rewards(document)
    add_ons = msgspec.convert(ADD_ONS, list[Reward])
    return msgspec.structs.replace(document, rewards=[*document.rewards, *add_ons])
