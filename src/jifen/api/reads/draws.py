"""Lotteries, and the proof of what was drawn."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from jifen.api.draws import EXAMPLE_ROUND, RoundNumber
from jifen.api.operations.draws import EXAMPLE_DRAWN
from jifen.api.reads.base import Asked, Query, Read
from jifen.api.reads.rewards import MemberName, MemberQuery, PageSize
from jifen.core.refusal import Refusal
from jifen.services import draws, members


class ProofQuery(Query, frozen=True):
    """Which round (left out: the newest); what a member drew alone, with the transactions; so many, after the page that
    ended with this cursor."""

    round: RoundNumber | None = None
    member: MemberName | None = None
    limit: PageSize = 200
    cursor: Annotated[str, Meta(pattern="^[0-9]{1,9}$")] | None = None


def _member_of(name: str | None) -> int | Refusal | None:
    if name is None:
        return None
    member = members.parse_member_id(name)
    return members.unknown_member(name) if member is None else member


async def _draws(asked: Asked) -> draws.DrawList | Refusal:
    member = _member_of(asked.query.member)
    if isinstance(member, Refusal):
        return member
    return await draws.list_draws(asked.connection, asked.catalog, member, asked.now)


async def _draw(asked: Asked) -> draws.DrawView | Refusal:
    member = _member_of(asked.query.member)
    if isinstance(member, Refusal):
        return member
    return await draws.find_draw_view(asked.connection, asked.catalog, asked.name, member, asked.now)


async def _proof(asked: Asked) -> draws.Proof | Refusal:
    query: ProofQuery = asked.query
    member = _member_of(query.member)
    if isinstance(member, Refusal):
        return member
    return await draws.prove(
        asked.connection,
        asked.catalog,
        asked.name,
        number=query.round,
        member_id=member,
        after=int(query.cursor or 0),
        limit=query.limit,
    )


_DRAW = {
    "draw_id": "wheel",
    "name": {"zh": "大转盘", "en": "Wheel"},
    "wallet": "points",
    "points": 10,
    "ticket": "spin",
    "opens_at": None,
    "closes_at": None,
    "condition": None,
    "needs": None,
    "limits": [{"most": 3, "period": "day"}],
    "total": 1000,
    "prizes": [
        {
            "prize_id": "fifty",
            "name": {"zh": "50 积分", "en": "50 points"},
            "weight": 100,
            "points": 50,
            "wallet": "points",
            "reward": None,
            "left": 20,
            "left_today": 5,
        }
    ],
    "otherwise": "thanks",
    "pity": {"after": 9, "prize": "fifty"},
    "retired": False,
    "round": EXAMPLE_ROUND,
    "lacks": [{"code": "insufficient_points", "zh": "还差 4 积分", "en": "10 points were asked for ..."}],
    "misses": 2,
}

READS = (
    Read(
        name="list_draws",
        path="/v1/draws",
        summary="The lotteries, for a member with what is missing",
        summary_zh="抽奖活动列表（可指定会员，说明还差什么）",
        query=MemberQuery,
        answer_type=draws.DrawList,
        run=_draws,
        codes=("unknown_member", "no_program"),
        example_answer={"draws": [_DRAW]},
    ),
    Read(
        name="get_draw",
        path="/v1/draws/{draw_id}",
        summary="A lottery",
        summary_zh="一个抽奖活动",
        query=MemberQuery,
        answer_type=draws.DrawView,
        run=_draw,
        codes=("unknown_draw", "unknown_member", "no_program"),
        example_answer=_DRAW,
    ),
    Read(
        name="prove_draw",
        path="/v1/draws/{draw_id}/proof",
        summary="What was drawn in a round, so that anybody can work it out again",
        summary_zh="一轮抽奖的证明：每次抽奖都可复算",
        query=ProofQuery,
        answer_type=draws.Proof,
        run=_proof,
        codes=("unknown_round", "unknown_member"),
        example_answer={
            "draw_id": "wheel",
            "round": EXAMPLE_ROUND | {"drawn": 57, "revealed_at": "2026-12-01T00:00:00Z", "seed": "00" * 32},
            "algorithm": draws.ALGORITHM,
            "odds": [
                {
                    "program_version": 1,
                    "total": 1000,
                    "shares": [
                        {"prize": "fifty", "first": 0, "after": 100},
                        {"prize": "thanks", "first": 100, "after": 1000},
                    ],
                }
            ],
            "drawn": [
                EXAMPLE_DRAWN
                | {
                    "program_version": 1,
                    "drawn_at": "2026-11-11T02:03:04.567Z",
                    "is_right": True,
                    "transaction_id": "100001-8",
                }
            ],
            "next_cursor": None,
        },
    ),
)
