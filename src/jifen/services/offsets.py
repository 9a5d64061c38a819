"""How many of a member's points can pay how much of an order: a quote, which binds nothing."""

from __future__ import annotations

from datetime import datetime

import msgspec

from jifen.core.decide.offset import most_cents, usable_points, value_of
from jifen.core.refusal import Refusal
from jifen.db.connection import Connection
from jifen.services.catalog import NO_PROGRAM, Catalog
from jifen.services.members import settled_state, unknown_member


class OffsetQuote(msgspec.Struct, frozen=True):
    """At most `points` can pay `cents`; fewer can be chosen in whole steps. Hold them, and name the hold in the order.

    `most_cents` is what points may pay of this total at all, `available` what the member has.
    """

    wallet: str
    points: int
    cents: int
    least_points: int
    step_points: int
    most_cents: int
    available: int


async def quote_offset(
    connection: Connection, catalog: Catalog, member_id: int, total_cents: int, now: datetime
) -> OffsetQuote | Refusal:
    """What a member's points can pay of an order, at this moment. Needs a snapshot."""
    program = await catalog.program(connection)
    if program is None:
        return NO_PROGRAM
    policy = program.document.offset
    if policy is None:
        return Refusal("offset_not_allowed", "Points cannot pay for orders: the program knows no such way of paying.")
    state = await settled_state(connection, catalog, program, member_id, now)
    if state is None:
        return unknown_member(str(member_id))
    wallet = program.wallet_numbers[policy.wallet]
    available = next((each.available for each in state.accounts if each.wallet == wallet), 0)
    points = usable_points(policy, total_cents, available)
    return OffsetQuote(
        policy.wallet,
        points,
        value_of(policy, points),
        policy.least,
        policy.step,
        most_cents(policy, total_cents),
        available,
    )
