"""A vocabulary and facts for the tests of conditions."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from jifen.core.conditions import Vocabulary
from jifen.core.conditions.fields import FieldType

NAMES: Final[dict[str, FieldType]] = {
    "order.total_cents": "int",
    "order.discount_cents": "int",
    "order.channel": "string",
    "order.lines": "lines",
    "member.tier": "string",
    "member.tags": "strings",
    "member.vip": "bool",
    "member.fields.fav-tea": "string",
    "line.category": "string",
    "now": "timestamp",
    "now.hour": "int",
}
VOCABULARY: Final = Vocabulary(NAMES)


def line(sku: str = "A", category: str = "tea", quantity: int = 1, paid_cents: int = 100) -> dict[str, Any]:
    """An order line with every field."""
    return {
        "line_id": f"l-{sku}",
        "sku": sku,
        "name": "",
        "category": category,
        "brand": "",
        "quantity": quantity,
        "paid_cents": paid_cents,
    }


def facts(**changes: Any) -> dict[str, Any]:
    """Facts for every name; changes are written with two underscores for the dot."""
    return {
        "order.total_cents": 6000,
        "order.discount_cents": 0,
        "order.channel": "store",
        "order.lines": [line("A", "tea", 2, 5000), line("B", "mug", 1, 1000)],
        "member.tier": "gold",
        "member.tags": ["student", "中文"],
        "member.vip": True,
        "member.fields.fav-tea": "oolong",
        "line.category": "tea",
        "now": datetime(2026, 11, 11, 10, 30, tzinfo=UTC),
        "now.hour": 18,
    } | {name.replace("__", "."): value for name, value in changes.items()}
