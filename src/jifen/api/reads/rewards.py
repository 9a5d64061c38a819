"""Rewards, redemptions, what waits to be delivered, and coupons."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from jifen.api.operations.redemptions import EXAMPLE_COUPON, EXAMPLE_DETAIL, EXAMPLE_REDEMPTION
from jifen.api.reads.base import Asked, Query, Read
from jifen.core.redemption.machine import State
from jifen.core.refusal import Refusal
from jifen.engine.redemptions import unknown_redemption
from jifen.services import members, redemptions, rewards, slow_sellers

MemberName = Annotated[str, Meta(pattern="^[1-9][0-9]{0,18}$")]
Cursor = Annotated[str, Meta(max_length=200)]
PageSize = Annotated[int, Meta(ge=1, le=200)]


class MemberQuery(Query, frozen=True):
    """For which member: what they may have, and what is missing."""

    member: MemberName | None = None


class RedemptionsQuery(Query, frozen=True):
    """So many redemptions, after the page that ended with this cursor, in this state only."""

    limit: PageSize = 50
    cursor: Cursor | None = None
    state: State | None = None


class OpenQuery(Query, frozen=True):
    """So many of those that wait for somebody, in this state only: to be paid, approved, or (`approved`) delivered."""

    limit: PageSize = 50
    cursor: Cursor | None = None
    state: Literal["waiting_for_payment", "waiting_for_approval", "approved"] | None = None


class DeliveryQuery(Query, frozen=True):
    """What is to be delivered (`open`), longest waiting first; or what was (`done`), newest first."""

    limit: PageSize = 50
    cursor: Cursor | None = None
    state: Literal["open", "done"] = "open"


def _member_of(query: MemberQuery) -> int | Refusal | None:
    if query.member is None:
        return None
    member = members.parse_member_id(query.member)
    return members.unknown_member(query.member) if member is None else member


async def _rewards(asked: Asked) -> rewards.RewardList | Refusal:
    member = _member_of(asked.query)
    if isinstance(member, Refusal):
        return member
    return await rewards.list_rewards(asked.connection, asked.catalog, member, asked.now)


async def _reward(asked: Asked) -> rewards.RewardView | Refusal:
    member = _member_of(asked.query)
    if isinstance(member, Refusal):
        return member
    return await rewards.find_reward_view(asked.connection, asked.catalog, asked.name, member, asked.now)


async def _slow_sellers(asked: Asked) -> slow_sellers.SlowSellers | Refusal:
    query: SlowSellersQuery = asked.query
    return await slow_sellers.find_slow_sellers(
        asked.connection, asked.catalog, percent=query.percent, days=query.days, now=asked.now
    )


class SlowSellersQuery(Query, frozen=True):
    """Rewards of whose reach (members who could have one) less than `percent` took one within the last `days`."""

    percent: Annotated[int, Meta(ge=1, le=100)] = 15
    days: Annotated[int, Meta(ge=1, le=3660)] = 90


async def _redemption(asked: Asked) -> redemptions.RedemptionDetail | Refusal:
    key = members.parse_transaction_id(asked.name)
    if key is None:
        return unknown_redemption(asked.name)
    return await redemptions.find_redemption(asked.connection, asked.catalog, *key, asked.now)


async def _of_member(asked: Asked) -> redemptions.RedemptionPage | Refusal:
    member_id = members.parse_member_id(asked.name)
    if member_id is None:
        return members.unknown_member(asked.name)
    query: RedemptionsQuery = asked.query
    return await redemptions.redemptions_of_member(
        asked.connection,
        asked.catalog,
        member_id,
        cursor=query.cursor,
        limit=query.limit,
        state=query.state,
        now=asked.now,
    )


async def _open(asked: Asked) -> redemptions.RedemptionPage | Refusal:
    query: OpenQuery = asked.query
    states = [*redemptions.WAITING] if query.state is None else [query.state]
    return await redemptions.open_redemptions(
        asked.connection,
        asked.catalog,
        states=[*states],
        cursor=query.cursor,
        limit=query.limit,
        now=asked.now,
    )


async def _fulfilments(asked: Asked) -> redemptions.RedemptionPage | Refusal:
    query: DeliveryQuery = asked.query
    if query.state == "done":
        return await redemptions.deliveries(
            asked.connection, asked.catalog, cursor=query.cursor, limit=query.limit, now=asked.now
        )
    return await redemptions.open_redemptions(
        asked.connection,
        asked.catalog,
        states=["approved"],
        cursor=query.cursor,
        limit=query.limit,
        now=asked.now,
    )


async def _coupon(asked: Asked) -> redemptions.CouponDetail | Refusal:
    return await redemptions.find_coupon(asked.connection, asked.catalog, asked.name, asked.now)


_REWARD = {
    "reward_id": "five-yuan",
    "kind": "coupon",
    "name": {"zh": "5 元券", "en": "5 yuan off"},
    "description": None,
    "pictures": ["/pictures/5.png"],
    "category": "vouchers",
    "prices": [
        {
            "price": 0,
            "wallet": "points",
            "points": 100,
            "cash_cents": 0,
            "condition": None,
            "needs": None,
            "is_open": True,
            "is_default": True,
        },
    ],
    "opens_at": None,
    "closes_at": None,
    "condition": 'member.tier == "gold"',
    "needs": {"zh": "等级是金卡", "en": "the tier is Gold"},
    "hidden": False,
    "limits": [{"most": 1, "period": "day"}],
    "left": 20,
    "coupon": {"face": "fixed", "cents": 500, "valid_days": 30},
    "add_on": None,
    "fulfilment": "none",
    "retired": False,
    "captcha": None,
    "lacks": [{"code": "insufficient_points", "zh": "还差 20 积分", "en": "100 points were asked for ..."}],
}
_PAGE = {"redemptions": [EXAMPLE_REDEMPTION], "next_cursor": None}

READS = (
    Read(
        name="list_rewards",
        path="/v1/rewards",
        summary="The rewards, for a member with what is missing",
        summary_zh="兑换品列表（可指定会员，说明还差什么）",
        query=MemberQuery,
        answer_type=rewards.RewardList,
        run=_rewards,
        codes=("unknown_member", "no_program"),
        example_answer={"rewards": [_REWARD]},
    ),
    Read(
        name="find_slow_sellers",
        path="/v1/rewards/slow-sellers",
        summary="Rewards that hardly anybody takes, with a proposal",
        summary_zh="滞销兑换品及建议",
        query=SlowSellersQuery,
        answer_type=slow_sellers.SlowSellers,
        run=_slow_sellers,
        codes=("no_program",),
        example_answer={
            "percent": 15,
            "since": "2026-08-13T00:00:00Z",
            "rewards": [
                {
                    "reward_id": "cup",
                    "name": {"zh": "杯子", "en": "Cup"},
                    "takers": 3,
                    "reach": 120,
                    "use_percent": 2,
                    "proposal": "re_price",
                    "points": 2000,
                    "proposed_points": 800,
                    "zh": "120 位会员可兑，3 位兑换；建议由 2,000 降至 800 积分，适用会员中有积分者半数可兑。",
                    "en": "120 members could have it and 3 took it; try 800 points instead of 2,000: half of those for "
                    "whom it is, and who have points, could pay that.",
                }
            ],
            "left_out": [
                {
                    "reward_id": "vase",
                    "name": {"zh": "花瓶", "en": "Vase"},
                    "reason": "sold_out",
                    "zh": "已兑完，兑换少不代表没人要",
                    "en": "it is sold out: who wanted one could not have it",
                }
            ],
        },
    ),
    Read(
        name="get_reward",
        path="/v1/rewards/{reward_id}",
        summary="A reward",
        summary_zh="一个兑换品",
        query=MemberQuery,
        answer_type=rewards.RewardView,
        run=_reward,
        codes=("unknown_reward", "unknown_member", "no_program"),
        example_answer=_REWARD,
    ),
    Read(
        name="list_open_redemptions",
        path="/v1/redemptions",
        summary="Redemptions that wait for somebody, longest waiting first",
        summary_zh="待处理的兑换单（等待最久的在前）",
        query=OpenQuery,
        answer_type=redemptions.RedemptionPage,
        run=_open,
        example_answer=_PAGE,
    ),
    Read(
        name="get_redemption",
        path="/v1/redemptions/{redemption_id}",
        summary="A redemption with its steps",
        summary_zh="一张兑换单及其步骤",
        answer_type=redemptions.RedemptionDetail,
        run=_redemption,
        codes=("unknown_redemption",),
        example_answer=EXAMPLE_DETAIL,
    ),
    Read(
        name="list_redemptions_of_member",
        path="/v1/members/{member_id}/redemptions",
        summary="A member's redemptions, newest first",
        summary_zh="会员的兑换单（最新在前）",
        query=RedemptionsQuery,
        answer_type=redemptions.RedemptionPage,
        run=_of_member,
        codes=("unknown_member",),
        example_answer=_PAGE,
    ),
    Read(
        name="list_fulfilments",
        path="/v1/fulfilments",
        summary="What is to be shipped, booked or delivered, or was",
        summary_zh="履约任务（发货、预约、数字交付）",
        query=DeliveryQuery,
        answer_type=redemptions.RedemptionPage,
        run=_fulfilments,
        example_answer=_PAGE,
    ),
    Read(
        name="get_coupon",
        path="/v1/coupons/{code}",
        summary="A coupon by its code",
        summary_zh="按券码查询优惠券",
        answer_type=redemptions.CouponDetail,
        run=_coupon,
        codes=("unknown_coupon", "mistyped_coupon"),
        example_answer=EXAMPLE_COUPON,
    ),
)
