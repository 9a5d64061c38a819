"""The histories that seeded members have."""

from __future__ import annotations

from datetime import datetime, timedelta

from bench.program import CURRENCY, WALLET
from bench.seeding import MEMBER, Step
from jifen.core.commands import AdjustPoints, RecordOrder, SpendPoints
from jifen.core.orders import Order, OrderLine

OPENING_POINTS = 10_000
DUE_LOTS = 5


def active_history(now: datetime) -> list[Step]:
    """An opening balance, two orders and a spend within the last months: four transactions, three lots."""
    member = 0  # the core works on a state, not on this number
    return [
        Step(AdjustPoints(member, WALLET, OPENING_POINTS), now - timedelta(days=120)),
        Step(_order("A", 12_300), now - timedelta(days=90)),
        Step(_order("B", 45_600), now - timedelta(days=60)),
        Step(SpendPoints(member, WALLET, 50), now - timedelta(days=30)),
    ]


def short_history(now: datetime) -> list[Step]:
    """One order."""
    return [Step(_order("A", 12_300), now - timedelta(days=40))]


def due_history(now: datetime) -> list[Step]:
    """Several orders two years ago whose lots have all expired in different months, and were not settled yet."""
    start = now - timedelta(days=800)
    return [Step(_order(str(number), 5_000), start + timedelta(days=40 * number)) for number in range(DUE_LOTS)]


def _order(name: str, paid_cents: int) -> RecordOrder:
    lines = [OrderLine("1", 1, paid_cents, sku="SKU-1", name="seeded")]
    return RecordOrder(0, Order(f"{MEMBER}-{name}", CURRENCY, lines, channel="store"))
