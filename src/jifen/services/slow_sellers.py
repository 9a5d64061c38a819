"""Rewards that hardly anybody takes: how many could, how many did, and what might be done about it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, Literal

import msgspec

from jifen.core.counted import counted
from jifen.core.program import Program
from jifen.core.redemption.offers import OpenReward
from jifen.core.redemption.reach import audience_of, reach_of
from jifen.core.redemption.values import NO_STOCK, Stock
from jifen.core.refusal import Refusal
from jifen.core.rules.document import LocalizedText
from jifen.db.connection import Connection
from jifen.db.queries import load_queries
from jifen.services.catalog import NO_PROGRAM, Catalog
from jifen.services.rewards import read_stocks
from jifen.services.segments.catalog import conditions_of
from jifen.services.segments.figures import Figures, Reach, Uncountable

_SQL = load_queries("redemption_reads")
#: A new price is at most this share (percent) below the old one; what would need more should go.
MOST_CUT_PERCENT = 80

Reason = Literal["hidden", "needs_order", "not_on_sale", "sold_out", "too_new", "not_counted"]


class SlowSeller(msgspec.Struct, frozen=True):
    """A reward of little use. `reach`: active members who can have it now (who it is for, with the points for a price
    that is for them), and whoever took one; `takers`: members who took one in the time looked at; `use_percent`: takers
    per hundred of reach. `proposed_points`: half of those for whom it is, and who have points, could pay that."""

    reward_id: str
    name: LocalizedText
    takers: int
    reach: int
    use_percent: int
    proposal: Literal["re_price", "retire"]
    points: int
    proposed_points: int | None
    zh: str
    en: str


class LeftOut(msgspec.Struct, frozen=True):
    """A reward that is not judged, and why."""

    reward_id: str
    name: LocalizedText
    reason: Reason
    zh: str
    en: str


class SlowSellers(msgspec.Struct, frozen=True):
    """The rewards below a share of use, those of least use first; and those that cannot be judged."""

    percent: int
    since: datetime
    rewards: list[SlowSeller]
    left_out: list[LeftOut]


async def find_slow_sellers(
    connection: Connection, catalog: Catalog, *, percent: int, days: int, now: datetime
) -> SlowSellers | Refusal:
    """Look at every reward that is not retired. Needs a snapshot."""
    program = await catalog.program(connection)
    if program is None:
        return NO_PROGRAM
    since = now - timedelta(days=days)
    stocks = await read_stocks(connection)
    began = dict(await connection.fetch(_SQL["rewards_began"], now))
    judged: dict[str, OpenReward] = {}
    left_out: list[LeftOut] = []
    for reward in program.offers.rewards.values():
        if reward.document.retired:
            continue
        stock = stocks.get(reward.document.id, NO_STOCK)
        reason = _why_not(reward, stock, began.get(reward.document.id, now), since, now)
        if reason is None:
            judged[reward.document.id] = reward
        else:
            left_out.append(_left_out(reward, reason))
    figures = Figures(connection, program, now, await conditions_of(connection, program, program.offers.segments))
    conditions = {name: reach_of(reward, program.wallet_ids) for name, reward in judged.items()}
    found = []
    for name, reach in (await figures.reach(conditions, since)).items():
        if isinstance(reach, Uncountable):
            left_out.append(_left_out(judged[name], "not_counted", ", ".join(reach.what)))
        elif reach.takers * 100 < percent * reach.able or reach.able == 0:
            found.append(await _seller(figures, program, judged[name], reach))
    found.sort(key=lambda each: (each.use_percent, each.reward_id))
    left_out.sort(key=lambda each: each.reward_id)
    return SlowSellers(percent, since, found, left_out)


def _why_not(reward: OpenReward, stock: Stock, began: datetime, since: datetime, now: datetime) -> Reason | None:
    """Why little use of a reward would say nothing. `began`: from when on a program in force has had it."""
    opens_at, closes_at = reward.window.since, reward.window.until
    if (opens_at is not None and opens_at > now) or (closes_at is not None and closes_at <= now):
        return "not_on_sale"
    if reward.document.hidden:
        return "hidden"
    if reward.document.kind == "add_on":
        return "needs_order"
    if reward.document.stock != "none" and not stock.left:
        return "sold_out"
    return "too_new" if max(began, opens_at or began) > since else None


_WHY: Final[dict[Reason, tuple[str, str]]] = {
    "hidden": ("隐藏的兑换品，多数会员看不到", "it is hidden: most members do not see it"),
    "needs_order": (
        "只能随订单换购，与可兑会员数无法相比",
        "it is taken with orders alone, however many members have the points",
    ),
    "not_on_sale": ("尚未开始或已经结束", "its period has not begun, or is over"),
    "sold_out": ("已兑完，兑换少不代表没人要", "it is sold out: who wanted one could not have it"),
    "too_new": ("上架时间短于统计期", "it has been on sale for less than the time looked at"),
    "not_counted": ("SQL 无法计数其条件中的 {what}", "SQL cannot count what its condition asks for: {what}"),
}


def _left_out(reward: OpenReward, reason: Reason, what: str = "") -> LeftOut:
    zh, en = _WHY[reason]
    return LeftOut(reward.document.id, reward.document.name, reason, zh.format(what=what), en.format(what=what))


async def _seller(figures: Figures, program: Program, reward: OpenReward, reach: Reach) -> SlowSeller:
    price = min(reward.prices, key=lambda each: each.price.points)
    points = price.price.points
    median = await figures.median(audience_of(reward), program.wallet_ids[price.wallet])
    able, took = f"{reach.able:,}", f"{reach.takers:,}"
    use = reach.takers * 100 // reach.able if reach.able else 0
    is_dear = median < points
    proposed = _round_down(median) if is_dear and median * 100 >= points * (100 - MOST_CUT_PERCENT) else 0
    about = (reward.document.id, reward.document.name, reach.takers, reach.able, use)
    if proposed:
        zh = f"{able} 位会员可兑，{took} 位兑换；建议由 {points:,} 降至 {proposed:,} 积分，适用会员中有积分者半数可兑。"
        en = (
            f"{counted(reach.able, 'members')} could have it and {took} took it; try "
            f"{counted(proposed, 'points')} instead of {points:,}: half of those for whom it is, and who have "
            f"points, could pay that."
        )
        return SlowSeller(*about, "re_price", points, proposed, zh, en)
    zh = f"{able} 位会员可兑，仅 {took} 位兑换；" + (
        "适用会员手中的积分远低于其价格，建议下架。" if is_dear else "价格不是障碍，建议下架换新。"
    )
    en = f"{counted(reach.able, 'members')} could have it and {took} took it; " + (
        "those for whom it is hold far less than it costs: retire it."
        if is_dear
        else "the price is not what holds them back: retire it."
    )
    return SlowSeller(*about, "retire", points, None, zh, en)


def _round_down(points: int) -> int:
    """A price that people can remember: two digits, then zeros."""
    scale = int("1" + "0" * max(len(str(points)) - 2, 0))
    return points // scale * scale
