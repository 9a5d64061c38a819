"""Quotes for paying with points: asked with a body, and binding nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from jifen.api.drafts import Asked, Call, Refused
from jifen.core.limits import MAXIMUM_AMOUNT
from jifen.core.refusal import Refusal
from jifen.services.catalog import Catalog
from jifen.services.members import parse_member_id, unknown_member
from jifen.services.offsets import OffsetQuote, quote_offset
from jifen.services.snapshot import one_moment


class OffsetQuoteBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the order comes to in all, before points pay for any of it."""

    total_cents: Annotated[int, Meta(ge=0, le=MAXIMUM_AMOUNT)]


async def _quote(asked: Asked) -> OffsetQuote:
    member_id = parse_member_id(asked.name)
    if member_id is None:
        raise Refused(unknown_member(asked.name))
    catalog = Catalog()
    async with one_moment(asked.connection):
        await catalog.refresh(asked.connection)
        quote = await quote_offset(asked.connection, catalog, member_id, asked.body.total_cents, datetime.now(UTC))
    if isinstance(quote, Refusal):
        raise Refused(quote)
    return quote


OFFSET_CALLS = (
    Call(
        name="quote_offset",
        method="POST",
        path="/v1/members/{member_id}/offset-quote",
        summary="How many points can pay how much of an order",
        summary_zh="积分抵现试算：可用多少积分抵多少钱",
        body=OffsetQuoteBody,
        answer_type=OffsetQuote,
        run=_quote,
        codes=("unknown_member", "no_program", "offset_not_allowed"),
        example={"total_cents": 20_000},
        example_answer={
            "wallet": "points",
            "points": 1100,
            "cents": 1100,
            "least_points": 100,
            "step_points": 100,
            "most_cents": 10_000,
            "available": 1180,
        },
    ),
)
