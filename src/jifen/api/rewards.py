"""Calls about rewards that move no points: quotes, stock, pools of codes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated
from uuid import uuid4

import msgspec
from msgspec import Meta

from jifen.api.drafts import Asked, Call, Refused
from jifen.api.operations.redemptions import Pieces, Purse, RewardId, Rung, SomePoints
from jifen.core.limits import MAXIMUM_REASON
from jifen.core.refusal import Refusal
from jifen.services.catalog import Catalog
from jifen.services.members import parse_member_id, unknown_member
from jifen.services.rewards import QuoteView, make_quote
from jifen.services.stock import (
    MAXIMUM_CODES,
    MAXIMUM_PIECES_IN_STOCK,
    CodesView,
    InvalidCodes,
    StockView,
    add_codes,
    read_codes,
    set_stock,
)

Number = Annotated[int, Meta(ge=0, le=MAXIMUM_PIECES_IN_STOCK)]
Change = Annotated[int, Meta(ge=-MAXIMUM_PIECES_IN_STOCK, le=MAXIMUM_PIECES_IN_STOCK)]


class QuoteBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a member would pay for so many pieces of a reward; which rung, and from whose points, as for redeeming."""

    member_id: Annotated[str, Meta(pattern="^[1-9][0-9]{0,18}$")]
    reward: RewardId
    quantity: Pieces = 1
    price: Rung | None = None
    points: SomePoints | None = None
    from_: Purse = msgspec.field(name="from", default="member")


class StockBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Either how many pieces there ever were (`pieces`), or how many more (`add`, negative: fewer); and why."""

    reason: Annotated[str, Meta(min_length=1, max_length=MAXIMUM_REASON)]
    pieces: Number | None = None
    add: Change | None = None


class CodesBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Either `codes`, or the text of a `file`: CSV (the column `code`, else the first) or JSON lines; and why."""

    reason: Annotated[str, Meta(min_length=1, max_length=MAXIMUM_REASON)]
    codes: (
        Annotated[list[Annotated[str, Meta(min_length=1, max_length=200)]], Meta(max_length=MAXIMUM_CODES)] | None
    ) = None
    file: Annotated[str, Meta(min_length=1)] | None = None


async def _catalog(asked: Asked) -> Catalog:
    catalog = Catalog()
    await catalog.refresh(asked.connection)
    return catalog


async def _quote(asked: Asked) -> QuoteView:
    body: QuoteBody = asked.body
    member = parse_member_id(body.member_id)
    if member is None:
        raise Refused(unknown_member(body.member_id))
    found = await make_quote(
        asked.connection,
        await _catalog(asked),
        member,
        body.reward,
        body.quantity,
        body.price,
        body.points,
        datetime.now(UTC),
        from_household=body.from_ == "household",
    )
    if isinstance(found, Refusal):
        raise Refused(found)
    return found


async def _stock(asked: Asked) -> StockView:
    catalog = await _catalog(asked)
    body: StockBody = asked.body
    return await set_stock(
        asked.connection,
        catalog.current,
        catalog.shards,
        asked.name,
        key=asked.key or str(uuid4()),
        actor=asked.actor,
        reason=body.reason,
        pieces=body.pieces,
        add=body.add,
    )


async def _codes(asked: Asked) -> CodesView:
    catalog = await _catalog(asked)
    body: CodesBody = asked.body
    if (body.codes is None) == (body.file is None):
        raise InvalidCodes(
            "Send either `codes` or the text of a `file`.", message_zh="请写 codes 或 file（文件内容）之一。"
        )
    codes = read_codes(body.file) if body.file is not None else body.codes or []
    return await add_codes(
        asked.connection,
        catalog.current,
        catalog.shards,
        asked.name,
        codes,
        actor=asked.actor,
        reason=body.reason,
    )


REWARD_CALLS = (
    Call(
        name="make_quote",
        method="POST",
        path="/v1/quotes",
        summary="Quote the price of a reward, held for a quarter of an hour",
        summary_zh="兑换报价（15 分钟内有效）",
        body=QuoteBody,
        answer_type=QuoteView,
        run=_quote,
        codes=(
            "unknown_member",
            "unknown_reward",
            "reward_retired",
            "reward_not_open",
            "not_eligible",
            "unknown_price",
            "no_household",
            "no_program",
        ),
        example={"member_id": "100001", "reward": "five-yuan"},
        example_answer={
            "quote": "q1w2e3",
            "reward": "five-yuan",
            "quantity": 1,
            "wallet": "points",
            "points": 100,
            "cash_cents": 0,
            "version": 1,
            "until": "2026-11-11T02:18:00Z",
            "from": "member",
            "available": 1180,
        },
    ),
    Call(
        name="set_stock",
        method="POST",
        path="/v1/rewards/{reward_id}/stock",
        summary="Set or correct the stock of a reward",
        summary_zh="设置或更正兑换品库存",
        body=StockBody,
        answer_type=StockView,
        run=_stock,
        takes_key=True,
        codes=("unknown_reward", "invalid_stock", "invalid_idempotency_key", "key_conflict"),
        example={"pieces": 100, "reason": "counted in the store room"},
        example_answer={"reward": "cup", "pieces": 100, "taken": 12, "left": 88},
    ),
    Call(
        name="add_codes",
        method="POST",
        path="/v1/rewards/{reward_id}/codes",
        summary="Put codes of your own into the pool of a reward",
        summary_zh="上传自有券码",
        body=CodesBody,
        answer_type=CodesView,
        run=_codes,
        codes=("unknown_reward", "invalid_stock", "invalid_codes"),
        example={"codes": ["SPRING-0001", "SPRING-0002"], "reason": "bought from the cinema"},
        example_answer={"reward": "movie", "added": 2, "known": 0, "pieces": 2},
    ),
)
