"""Tiers: what a member has and how it came about; recalculations."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from jifen.api.reads.base import Asked, Query, Read
from jifen.api.tiers import (
    EXAMPLE_RECALCULATION,
    RECALCULATION_PATH,
    RECALCULATIONS_PATH,
    RecalculationView,
    view_of_recalculation,
)
from jifen.core.refusal import Refusal, refusal_from
from jifen.services import members
from jifen.services.tiers import standings
from jifen.services.tiers.recalculation import UnknownRecalculation, find_recalculation, list_recalculations


class ChangesQuery(Query, frozen=True):
    """How many changes at most, and the cursor of the page before."""

    limit: Annotated[int, Meta(ge=1, le=200)] = 50
    cursor: Annotated[str, Meta(pattern="^[1-9][0-9]{0,9}$")] | None = None


class RecalculationsView(msgspec.Struct, frozen=True):
    """The last fifty recalculations, the newest first."""

    recalculations: list[RecalculationView]


async def _tiers(asked: Asked) -> standings.MemberTiers | Refusal:
    member_id = members.parse_member_id(asked.name)
    if member_id is None:
        return members.unknown_member(asked.name)
    query: ChangesQuery = asked.query
    before = None if query.cursor is None else min(int(query.cursor), members.LARGEST_SEQUENCE)
    return await standings.member_tiers(
        asked.connection, asked.catalog, member_id, asked.now, limit=query.limit, before=before
    )


async def _recalculations(asked: Asked) -> RecalculationsView:
    return RecalculationsView([view_of_recalculation(each) for each in await list_recalculations(asked.connection)])


async def _recalculation(asked: Asked) -> RecalculationView | Refusal:
    is_number = asked.name.isascii() and asked.name.isdigit() and len(asked.name) < 19
    try:
        return view_of_recalculation(await find_recalculation(asked.connection, int(asked.name) if is_number else 0))
    except UnknownRecalculation as error:
        return refusal_from(error)


_GOLD = {"zh": "金卡", "en": "Gold"}
EXAMPLE_TIERS: list[dict[str, Any]] = [
    {
        "tier_set": "level",
        "name": {"zh": "会员等级", "en": "Level"},
        "tier": "silver",
        "tier_name": {"zh": "银卡", "en": "Silver"},
        "since": "2026-11-11T02:03:04.567Z",
        "by": "earned",
        "valid_until": "2027-11-11T16:00:00Z",
        "in_grace": False,
        "earned": "silver",
        "benefits": {"coefficient": "1.2"},
        "next": {
            "tier": "gold",
            "name": _GOLD,
            "condition": "period.spent_cents >= 500000",
            "missing": [{"fact": "period.spent_cents", "now": 468_000, "needed": 500_000, "short": 32_000}],
            "words": {"zh": "再消费 320.00 元升级为金卡", "en": "Spend CNY 320.00 more to become Gold"},
        },
    }
]

READS = (
    Read(
        name="get_member_tiers",
        path="/v1/members/{member_id}/tiers",
        summary="A member's tiers, what is missing for the next one, and every change",
        summary_zh="会员等级、升级差额与变更记录",
        query=ChangesQuery,
        answer_type=standings.MemberTiers,
        run=_tiers,
        codes=("unknown_member", "no_program"),
        example_answer={
            "member_id": "100001",
            "tiers": EXAMPLE_TIERS,
            "changes": [
                {
                    "transaction_id": "100001-8",
                    "tier_set": "level",
                    "was": "regular",
                    "tier": "silver",
                    "cause": "earned",
                    "occurred_at": "2026-11-11T02:03:04.567Z",
                    "recorded_at": "2026-11-11T02:03:04.567Z",
                    "valid_until": "2027-11-11T16:00:00Z",
                    "condition": "period.spent_cents >= 100000",
                    "facts": {"period.spent_cents": 118_050},
                    "actor": "key:1",
                    "reason": None,
                    "payment_reference": None,
                }
            ],
            "next_cursor": None,
        },
    ),
    Read(
        name="list_recalculations",
        path=RECALCULATIONS_PATH,
        summary="The recalculations of tiers that were asked for",
        summary_zh="重新定级任务列表",
        answer_type=RecalculationsView,
        run=_recalculations,
        example_answer={"recalculations": [EXAMPLE_RECALCULATION]},
    ),
    Read(
        name="get_recalculation",
        path=RECALCULATION_PATH,
        summary="How far a recalculation of tiers is",
        summary_zh="重新定级的进度",
        answer_type=RecalculationView,
        run=_recalculation,
        codes=("unknown_recalculation",),
        example_answer=EXAMPLE_RECALCULATION,
    ),
)
