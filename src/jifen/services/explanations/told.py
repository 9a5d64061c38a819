"""A transaction as it was kept, with what is needed to tell why; and the rating of its rules, worked out again."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import msgspec

from jifen.core.decide.earn import NOBODY, EventFacts
from jifen.core.ledger.values import LOTS_PER_TRANSACTION, Bucket, Kind, LotTerms
from jifen.core.orders import Order, OrderLine, remaining_lines
from jifen.core.program import Program
from jifen.core.rules.document import ORDER_COMPLETED
from jifen.core.rules.facts import RatedEvent
from jifen.core.rules.rate import Rating, rate
from jifen.core.trace import Merged, Trace

_decode_order = msgspec.json.Decoder(Order).decode
_decode_event = msgspec.json.Decoder(EventFacts).decode
_decode_any = msgspec.json.Decoder(dict[str, Any]).decode
#: From here points come when a lot is opened.
_SOURCES: Final = (Bucket.ISSUED, Bucket.ADJUSTED, Bucket.TRANSIT, Bucket.REVERSED, Bucket.SPENT)


class Moved(msgspec.Struct, frozen=True, gc=False):
    """A movement with the terms of its lot, from wherever that was opened; `position` is its own in the transaction."""

    position: int
    wallet: int
    source: Bucket
    target: Bucket
    lot: int
    amount: int
    terms: LotTerms | None


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """A transaction. `origin` is what it refers to, `earlier` what referred to that before (kind and trace each);
    `opposite` is the trace of the other side, where two members were merged."""

    member_id: int
    sequence: int
    kind: Kind
    program: Program
    occurred_at: datetime
    recorded_at: datetime
    source: str
    key: str
    actor: str
    trace: Trace
    facts: bytes | None = None
    reason: str | None = None
    movements: tuple[Moved, ...] = ()
    counterpart: tuple[int, int] | None = None
    origin: Told | None = None
    earlier: tuple[Trace, ...] = ()
    opposite: Trace | None = None

    @property
    def merged(self) -> Merged | None:
        """What passed between two members who were merged; it is kept on the survivor's side alone."""
        return self.trace.merged or (None if self.opposite is None else self.opposite.merged)

    @property
    def event(self) -> EventFacts | None:
        """What the member did, where that was no order."""
        if self.facts is None or "event" not in _decode_any(self.facts):
            return None
        return _decode_event(self.facts)

    @property
    def order(self) -> Order | None:
        """The order that earned, as it came."""
        if self.kind is not Kind.EARN or self.facts is None or self.event is not None:
            return None
        return _decode_order(self.facts)

    @property
    def opened(self) -> list[Moved]:
        """The lots that the transaction opened."""
        first = self.sequence * LOTS_PER_TRANSACTION
        return [each for each in self.movements if each.lot == first + each.position and each.source in _SOURCES]


class Remaining(msgspec.Struct, frozen=True):
    """An order as it stands after a refund or correction."""

    order: Order
    lines: list[OrderLine]


class Again(msgspec.Struct, frozen=True):
    """The rules rated once more on the facts that were kept: points by wallet as booked, and as they come out now."""

    rating: Rating
    event_type: str
    kept: dict[int, int]
    found: dict[int, int]
    is_same: bool


def rated_event(told: Told) -> RatedEvent | None:
    """The event that a transaction of kind `earn` was rated for."""
    if told.kind is not Kind.EARN or told.facts is None:
        return None
    event, order = told.event, told.order
    if order is not None:
        return RatedEvent(ORDER_COMPLETED, told.occurred_at, told.source, order, order.lines)
    assert event is not None
    plain = {name: value for name, value in event.data.items() if isinstance(value, bool | int | str)}
    return RatedEvent(event.event, told.occurred_at, told.source, data=plain)


def remaining_order(told: Told) -> Remaining | None:
    """What a refund or correction left of its order."""
    if told.origin is None or (order := told.origin.order) is None:
        return None
    returned: dict[str, int] = {}
    for trace in (*told.earlier, told.trace):
        order = trace.corrected or order
        for line, quantity in trace.returned.items():
            returned[line] = returned.get(line, 0) + quantity
    return Remaining(order, remaining_lines(order, returned))


def kept_of_order(told: Told) -> dict[int, int]:
    """What remains of the points that an order earned, by wallet, after a refund or correction."""
    assert told.origin is not None
    kept: dict[int, int] = {award.wallet: 0 for award in told.origin.trace.awards}
    for award in told.origin.trace.awards:
        kept[award.wallet] += award.points
    for trace in (*told.earlier, told.trace):
        for taken in trace.taken_back:
            kept[taken.wallet] = kept.get(taken.wallet, 0) - taken.points
    return kept


def rate_again(told: Told) -> Again | None:
    """Rate what a transaction rated: its event, or what remains of its order. None where no rule was asked."""
    event = rated_event(told)
    if event is not None:
        rating = _rate(told, event)
        kept, found = _sums(told.trace.awards), _sums(rating.awards)
        return Again(rating, event.type, kept, found, rating.awards == told.trace.awards)
    remaining = remaining_order(told)
    if remaining is None or told.origin is None or not remaining.lines:
        return None
    origin = told.origin
    event = RatedEvent(ORDER_COMPLETED, origin.occurred_at, origin.source, remaining.order, remaining.lines)
    rating = _rate(origin, event)
    kept, found = kept_of_order(told), _sums(rating.awards)
    is_same = all(kept.get(wallet, 0) == found.get(wallet, 0) for wallet in kept | found)
    return Again(rating, event.type, kept, found, is_same)


def _rate(earned: Told, event: RatedEvent) -> Rating:
    program, trace = earned.program, earned.trace
    book = program.books.get(event.type)
    policy = program.document.coefficients
    return rate(book, event, trace.member or NOBODY, trace.used, policy, with_all_verdicts=True)


def _sums(awards: list[Any]) -> dict[int, int]:
    sums: dict[int, int] = {}
    for award in awards:
        sums[award.wallet] = sums.get(award.wallet, 0) + award.points
    return sums
