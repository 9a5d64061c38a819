"""Slow sellers: who can have a reward is counted member by member; what cannot be judged is named, with why."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from jifen.core.commands import AdjustPoints
from jifen.core.members.commands import ChangeLife
from jifen.core.program import LocalizedText, ProgramDocument
from jifen.core.redemption.commands import CancelRedemption
from jifen.core.redemption.document import Price, Reward
from jifen.core.rules.document import Window
from jifen.core.tiers.commands import GrantTier
from jifen.core.tiers.document import Benefits, TierLevel, TierSet
from jifen.db.connection import connect
from jifen.services.catalog import Catalog
from jifen.services.segments.catalog import create_segment
from jifen.services.slow_sellers import SlowSellers, find_slow_sellers
from tests.databases import DEFAULT_PROGRAM, add_program, running_engine
from tests.integration.test_redemptions import Desk

NAME = LocalizedText("名", "Name")
GOLD = 'member.tier == "gold"'
TIERS = [
    TierLevel("regular", NAME),
    TierLevel("gold", NAME, by="manual", benefits=Benefits(opened_rewards=["opened"])),
]
OLD = [
    Reward("mug", "goods", NAME, [Price(100)], fulfilment="shipping"),
    Reward("lounge", "virtual", NAME, [Price(50)], audience=GOLD),
    Reward("opened", "virtual", NAME, [Price(50)]),
    Reward("ladder", "virtual", NAME, [Price(300), Price(100, audience=GOLD)]),
    Reward("for-rich", "virtual", NAME, [Price(5)], audience='"rich" in member.segments'),
    Reward("for-others", "virtual", NAME, [Price(5)], audience='!("rich" in member.segments)'),
    Reward("dear", "virtual", NAME, [Price(90_000)]),
    Reward("gone", "goods", NAME, [Price(1)], stock="counted"),
    Reward("over", "virtual", NAME, [Price(1)], period=Window(until="2026-01-31")),
    Reward("later", "virtual", NAME, [Price(1)], period=Window(since="2999-01-01")),
    Reward("secret", "virtual", NAME, [Price(1)], audience=GOLD, hidden=True),
    Reward("pattern", "virtual", NAME, [Price(1)], audience='member.channel.matches("^app")'),
    Reward("treat", "add_on", NAME, [Price(1)]),
    Reward("former", "virtual", NAME, [Price(1)], retired=True),
]


def program(*rewards: Reward) -> ProgramDocument:
    """A program with these rewards."""
    tiers = [TierSet("level", NAME, TIERS)]
    return msgspec.structs.replace(DEFAULT_PROGRAM, rewards=[*OLD, *rewards], tier_sets=tiers)


@pytest.fixture
async def desk(bare_database_url: str) -> AsyncIterator[Desk]:
    """A shop whose rewards are there for two hundred days, but for one that came five days ago."""
    now = datetime.now(UTC)
    await asyncio.to_thread(add_program, bare_database_url, program(), now - timedelta(days=200))
    newer = program(Reward("new", "virtual", NAME, [Price(1)]))
    await asyncio.to_thread(add_program, bare_database_url, newer, now - timedelta(days=5))
    connection = await connect(bare_database_url)
    await create_segment(connection, "rich", NAME, "balance.points >= 900", "test")
    await connection.close()
    async with running_engine(bare_database_url, lanes=2) as engine:
        yield Desk(bare_database_url, engine)


async def judge(desk: Desk, percent: int = 100, days: int = 90) -> SlowSellers:
    """The report of this moment."""
    connection = await connect(desk.url)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            catalog = Catalog()
            await catalog.refresh(connection)
            now = datetime.now(UTC)
            found = await find_slow_sellers(connection, catalog, percent=percent, days=days, now=now)
    finally:
        await connection.close()
    assert isinstance(found, SlowSellers)
    return found


async def open_shop(desk: Desk) -> dict[str, int]:
    """Members of every sort. Of those who can have a mug two take one; one of these has nothing left."""
    points = {"taker": 1_000, "spent": 100, "idle": 1_000, "poor": 10, "gold": 200, "frozen": 1_000, "closed": 500}
    members = {name: await desk.member(name, each) for name, each in points.items()}
    await desk.do(GrantTier(members["gold"], "gold"))
    for name in ("taker", "spent"):
        await desk.redeem(members[name], "mug")
    await desk.do(CancelRedemption(members["idle"], await desk.redeem(members["idle"], "mug")))
    await desk.do(ChangeLife(members["frozen"], "freeze"))
    await desk.do(ChangeLife(members["closed"], "close"))
    return members


async def test_only_whoever_could_have_it_counts(desk: Desk) -> None:
    """Eligible and taken, eligible and not taken, not eligible: by points, tier, rung, segment, opening tier and
    life."""
    await open_shop(desk)
    found = {each.reward_id: each for each in (await judge(desk)).rewards}
    assert {name: (each.takers, each.reach) for name, each in found.items()} == {
        "mug": (2, 4),  # taker, spent, idle, gold
        "lounge": (0, 1),  # gold
        "opened": (0, 1),  # gold
        "ladder": (0, 3),  # taker and idle for 300, gold for 100
        "for-rich": (0, 2),  # taker, idle
        "for-others": (0, 2),  # poor, gold
        "dear": (0, 0),
    }
    assert found["mug"].use_percent == 50
    assert found["dear"].proposal == "retire"
    # Of those for whom it is one has points: 200, and the price is not what holds back.
    assert (found["lounge"].proposal, found["lounge"].proposed_points) == ("retire", None)


async def test_below_the_share_alone(desk: Desk) -> None:
    """Half of those who could took a mug: no slow seller at 50 %."""
    await open_shop(desk)
    assert "mug" not in {each.reward_id for each in (await judge(desk, percent=50)).rewards}
    assert "mug" in {each.reward_id for each in (await judge(desk, percent=51)).rewards}


async def test_a_price_is_proposed_that_half_of_those_meant_could_pay(desk: Desk) -> None:
    """Of members with the tier, not of all: the rich ones have none."""
    members = await open_shop(desk)
    await desk.do(AdjustPoints(members["gold"], None, -160))
    (found,) = [each for each in (await judge(desk)).rewards if each.reward_id == "lounge"]
    assert (found.reach, found.proposal, found.points, found.proposed_points) == (0, "re_price", 50, 40)


async def test_what_cannot_be_judged_is_named_with_why(desk: Desk) -> None:
    """Sold out, too new, not on sale, hidden, taken with orders alone, or with a condition that SQL cannot count; what
    is retired is not even named."""
    await open_shop(desk)
    report = await judge(desk)
    assert {each.reward_id: each.reason for each in report.left_out} == {
        "gone": "sold_out",
        "new": "too_new",
        "over": "not_on_sale",
        "later": "not_on_sale",
        "secret": "hidden",
        "pattern": "not_counted",
        "treat": "needs_order",
    }
    assert all(each.zh and each.en for each in report.left_out)
    assert "matches()" in next(each.en for each in report.left_out if each.reward_id == "pattern")
    # Within three days the new one was there all the time.
    assert "new" in {each.reward_id for each in (await judge(desk, days=3)).rewards}


async def test_a_version_that_never_held_makes_no_reward_older(desk: Desk) -> None:
    """It was overtaken before it began."""
    now = datetime.now(UTC)
    more = Reward("newest", "virtual", NAME, [Price(1)])
    await asyncio.to_thread(add_program, desk.url, program(more), now - timedelta(days=4))
    await asyncio.to_thread(add_program, desk.url, program(), now - timedelta(days=4))
    await asyncio.to_thread(add_program, desk.url, program(more), now - timedelta(days=1))
    left_out = {each.reward_id: each.reason for each in (await judge(desk, days=3)).left_out}
    assert left_out["newest"] == "too_new"
