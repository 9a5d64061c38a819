"""Calls about lotteries that move no points: rounds are opened, and their seeds revealed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from jifen.api.drafts import Asked, Call
from jifen.services.catalog import Catalog
from jifen.services.rounds import RoundView, open_round, reveal_round

RoundNumber = Annotated[int, Meta(ge=1, le=2**31 - 1)]


class OpenRoundBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing is to be said: the seed is made here."""


class RevealBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which round (left out: the open one)."""

    round: RoundNumber | None = None


async def _catalog(asked: Asked) -> Catalog:
    catalog = Catalog()
    await catalog.refresh(asked.connection)
    return catalog


async def _open(asked: Asked) -> RoundView:
    catalog = await _catalog(asked)
    return await open_round(
        asked.connection, catalog.current, catalog.shards, asked.name, actor=asked.actor, now=datetime.now(UTC)
    )


async def _reveal(asked: Asked) -> RoundView:
    catalog = await _catalog(asked)
    body: RevealBody = asked.body
    return await reveal_round(
        asked.connection, catalog.shards, asked.name, body.round, actor=asked.actor, now=datetime.now(UTC)
    )


EXAMPLE_ROUND = {
    "draw": "wheel",
    "round": 1,
    "commitment": "66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925",
    "opened_at": "2026-11-11T00:00:00Z",
    "drawn": 0,
    "revealed_at": None,
    "seed": None,
}

DRAW_CALLS = (
    Call(
        name="open_round",
        method="POST",
        path="/v1/draws/{draw_id}/rounds",
        summary="Open a round of a draw: a seed is made and its hash published",
        summary_zh="开启一轮抽奖：生成种子并公布其哈希",
        body=OpenRoundBody,
        answer_type=RoundView,
        status=201,
        run=_open,
        codes=("unknown_draw", "round_open"),
        example={},
        example_answer=EXAMPLE_ROUND,
    ),
    Call(
        name="reveal_round",
        method="POST",
        path="/v1/draws/{draw_id}/reveal",
        summary="Reveal the seed of a round, which ends it",
        summary_zh="公布一轮抽奖的种子（该轮随即结束）",
        body=RevealBody,
        answer_type=RoundView,
        run=_reveal,
        codes=("unknown_round",),
        example={"round": 1},
        example_answer=EXAMPLE_ROUND | {"drawn": 57, "revealed_at": "2026-12-01T00:00:00Z", "seed": "00" * 32},
    ),
)
