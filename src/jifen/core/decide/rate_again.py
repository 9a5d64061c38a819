"""Orders that are rated again, as goods come back or what was told of them is corrected.

Rules and facts are those of the order's own time. Of a cap there is what nobody else has used by now: what the order
itself has used stays its own, so that nobody loses points because others came since; and what it gets more than that
counts, and is never more than is left.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from jifen.core.decide.context import Decision, PastTransaction
from jifen.core.decide.earn import NOBODY
from jifen.core.ledger.values import Kind
from jifen.core.orders import Order, OrderLine
from jifen.core.rules.caps import OpenCap, usage_name
from jifen.core.rules.document import ORDER_COMPLETED
from jifen.core.rules.facts import RatedEvent
from jifen.core.rules.rate import Award, Rating, rate
from jifen.core.trace import Trace

_CHANGING = (Kind.REVERSE, Kind.CORRECT)


class Again(msgspec.Struct, frozen=True, gc=False):
    """What an order earned, and earns now. `used`: what was used of caps by now; `uses`: what the order uses more
    than it did before; both by usage name."""

    before: list[Award]
    after: list[Award]
    used: dict[str, int]
    uses: dict[str, int]


def earned_again(
    decision: Decision, earned: PastTransaction, was: tuple[Order, list[OrderLine]], now: tuple[Order, list[OrderLine]]
) -> Again:
    """Rate an order again. `was` and `now`: what was and is said of it, with the lines that remained and remain."""
    changes = [trace for kind, trace in earned.referring if kind in _CHANGING]
    before = earned.trace.awards
    if changes:
        # Under what was left when it was rated last.
        last = changes[-1]
        before = _rated(earned, *was, _of_others(earned, last.used, _own_uses(earned, changes[:-1]))).awards
    own, used = _own_uses(earned, changes), _used_by_now(decision, earned)
    rating = _rated(earned, *now, _of_others(earned, used, own))
    uses = {name: more for name, number in rating.uses.items() if (more := number - own.get(name, 0)) > 0}
    return Again(before, rating.awards, {name: number for name, number in used.items() if number}, uses)


def count_uses(decision: Decision, earned: PastTransaction, again: Again) -> None:
    """Count what the order uses of caps beyond what it used before."""
    caps = _caps_of(earned)
    for name, number in again.uses.items():
        (decision.shared_uses if caps[name].is_shared else decision.uses)[name] = number


def _rated(earned: PastTransaction, order: Order, lines: list[OrderLine], used: Mapping[str, int]) -> Rating:
    if not lines:
        return Rating([], {}, [])
    program, trace = earned.program, earned.trace
    event = RatedEvent(ORDER_COMPLETED, earned.occurred_at, earned.source, order, lines)
    book = program.books.get(ORDER_COMPLETED)
    return rate(book, event, trace.member or NOBODY, used, program.document.coefficients)


def _caps_of(earned: PastTransaction) -> dict[str, OpenCap]:
    """The caps on the day of the order whose period outlasts it, by usage name."""
    book = earned.program.books.get(ORDER_COMPLETED)
    if book is None or not book.has_caps:
        return {}
    day = book.day_of(earned.occurred_at)
    caps = (cap for rule in book.on_day(day).capped for cap in rule.caps if cap.cap.period != "event")
    return {usage_name(cap, day): cap for cap in caps}


def _own_uses(earned: PastTransaction, changes: Sequence[Trace]) -> dict[str, int]:
    """What an order has used of caps, after these changes of it. A refund gives nothing of it back."""
    own = dict(earned.trace.uses)
    for each in changes:
        for name, number in each.uses.items():
            own[name] = own.get(name, 0) + number
    return own


def _used_by_now(decision: Decision, earned: PastTransaction) -> dict[str, int]:
    """What was used of the order's caps in all."""
    used = {}
    for name, cap in _caps_of(earned).items():
        if cap.is_shared:
            used[name] = decision.shared_used.get(name, 0)
        else:
            used[name] = decision.state.used.get(name, 0) + decision.used_above.get(name, 0)
    return used


def _of_others(earned: PastTransaction, used: Mapping[str, int], own: Mapping[str, int]) -> dict[str, int]:
    """What others than the order itself have of its caps, given what was used in all."""
    # Where a later version has a higher limit, others may have used more than this one had.
    return {
        name: max(min(used.get(name, 0), cap.cap.most) - own.get(name, 0), 0) for name, cap in _caps_of(earned).items()
    }
