"""Rewards that hardly anybody takes: how many could, how many did, and what might be done about it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

import msgspec

from jifen.core.refusal import Refusal
from jifen.core.rules.document import LocalizedText
from jifen.db.connection import Connection
from jifen.db.queries import load_queries
from jifen.services.catalog import NO_PROGRAM, Catalog

_SQL = load_queries("redemption_reads")
#: A new price is at most this share (percent) below the old one; what would need more should go.
MOST_CUT_PERCENT = 80


class SlowSeller(msgspec.Struct, frozen=True):
    """A reward of little use. `reach`: members who have the points for its cheapest price now; `takers`: members who
    took one in the time looked at; `use_percent`: takers per hundred of both. `proposed_points`: half of the members
    with points could pay that."""

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


class SlowSellers(msgspec.Struct, frozen=True):
    """The rewards below a share of use, those of least use first."""

    percent: int
    since: datetime
    rewards: list[SlowSeller]


async def find_slow_sellers(
    connection: Connection, catalog: Catalog, *, percent: int, days: int, now: datetime
) -> SlowSellers | Refusal:
    """Look at every reward that can be had. Needs a snapshot."""
    program = await catalog.program(connection)
    if program is None:
        return NO_PROGRAM
    since = now - timedelta(days=days)
    takers = {row["reward"]: row["members"] for row in await connection.fetch(_SQL["use_of_rewards"], since)}
    found = []
    for reward in program.offers.rewards.values():
        if reward.document.retired or not reward.is_open(now):
            continue
        price = min(reward.prices, key=lambda each: each.price.points)
        points = price.price.points
        held = await connection.fetchrow(_SQL["points_held"], price.wallet, points)
        took = takers.get(reward.document.id, 0)
        # Whoever took one may not have the points for another: they had them all the same.
        could = max(held["reach"], took)
        if took * 100 < percent * could or could == 0:
            found.append(_seller(reward.document.id, reward.document.name, took, could, points, held["median"]))
    return SlowSellers(percent, since, sorted(found, key=lambda each: (each.use_percent, each.reward_id)))


def _seller(reward_id: str, name: LocalizedText, takers: int, reach: int, points: int, median: int) -> SlowSeller:
    use = takers * 100 // reach if reach else 0
    is_dear = median < points
    proposed = _round_down(median) if is_dear and median * 100 >= points * (100 - MOST_CUT_PERCENT) else 0
    if proposed:
        zh = (
            f"{reach:,} 位会员够分，{takers:,} 位兑换；建议由 {points:,} 降至 {proposed:,} 积分，半数有积分的会员可兑。"
        )
        en = (
            f"{reach:,} members can pay for it and {takers:,} took it; try {proposed:,} points instead of {points:,}: "
            "half of all members with points could pay that."
        )
        return SlowSeller(reward_id, name, takers, reach, use, "re_price", points, proposed, zh, en)
    zh = f"{reach:,} 位会员够分，仅 {takers:,} 位兑换；" + (
        "会员手中的积分远低于其价格，建议下架。" if is_dear else "价格不是障碍，建议下架换新。"
    )
    en = f"{reach:,} members can pay for it and {takers:,} took it; " + (
        "members hold far less than it costs: retire it."
        if is_dear
        else "the price is not what holds them back: retire it."
    )
    return SlowSeller(reward_id, name, takers, reach, use, "retire", points, None, zh, en)


def _round_down(points: int) -> int:
    """A price that people can remember: two digits, then zeros."""
    scale = int("1" + "0" * max(len(str(points)) - 2, 0))
    return points // scale * scale
