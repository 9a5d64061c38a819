"""One recorded transaction, and what had been asked for."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from jifen.analytics.backtest.recorded import RecordedTrace, decode_counterpart
from jifen.core.commands import RecordEvent, RecordOrder
from jifen.core.decide.earn import EventFacts
from jifen.core.ledger.values import Kind
from jifen.core.orders import Order, OrderCorrection, OrderRefund

_decode_order = msgspec.json.Decoder(Order).decode
_decode_event = msgspec.json.Decoder(EventFacts).decode
_decode_refund = msgspec.json.Decoder(OrderRefund).decode


class CorrectionNames(msgspec.Struct, frozen=True, gc=False):
    """What is kept of a correction beside the order that it makes."""

    order_id: str
    correction_id: str


_decode_names = msgspec.json.Decoder(CorrectionNames).decode


class EventType(msgspec.Struct, frozen=True, gc=False):
    """The type alone of an event that is no order."""

    event: str


_decode_type = msgspec.json.Decoder(EventType).decode


class Entry(msgspec.Struct, gc=False):
    """One recorded transaction. `decided_at`: when its turn comes, as it was recorded or, if it came as history, as it
    happened."""

    sequence: int
    kind: Kind
    version: int
    refers_to: int | None
    occurred_at: datetime
    recorded_at: datetime
    decided_at: datetime
    source: str
    facts: str | None
    trace: RecordedTrace
    opened: str | None

    @property
    def counterpart(self) -> tuple[int, int] | None:
        """The other side's transaction of a merge."""
        return None if self.opened is None else decode_counterpart(self.opened)

    @property
    def is_order(self) -> bool:
        """Whether it earned by an order, and not by another event."""
        return not (self.facts or "").startswith('{"event":')

    def says(self, event_type: str) -> bool:
        """Whether it earned by an event of this type."""
        return self.facts is not None and not self.is_order and _decode_type(self.facts).event == event_type


def earning_of(entry: Entry, member: int) -> RecordOrder | RecordEvent:
    """The event that earned."""
    assert entry.facts is not None
    if entry.is_order:
        return RecordOrder(member, _decode_order(entry.facts))
    event = _decode_event(entry.facts)
    return RecordEvent(member, event.event, dict(event.data))


def refund_of(entry: Entry) -> OrderRefund:
    """The refund of an order."""
    assert entry.facts is not None
    return _decode_refund(entry.facts)


def correction_of(entry: Entry) -> OrderCorrection:
    """The correction of an order."""
    order = entry.trace.corrected
    assert order is not None and entry.facts is not None
    names = _decode_names(entry.facts)
    return OrderCorrection(
        names.order_id, names.correction_id, order.currency, order.lines, order.channel, order.store_id
    )


def moves_nothing(entry: Entry) -> bool:
    """Whether it moved no points: most steps of a redemption, and what others of a household paid for alone."""
    trace = entry.trace
    is_about_points = entry.kind in (Kind.SPEND, Kind.REDEEM, Kind.STEP, Kind.REVERSE)
    return is_about_points and trace.wallet is not None and not (trace.points or trace.withheld or trace.taken_back)


KINDS: Final = {int(kind): kind for kind in Kind}
KIND_NAMES: Final = {int(kind): kind.name.lower() for kind in Kind}
