"""The demo shop: the same each time, plausible, and a clean ledger."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from jifen.core.ledger.values import Kind
from jifen.db.embedded import EmbeddedAddress
from jifen.services.demo import DemoRefused, DemoSummary, make_demo
from jifen.services.programs import parse_program, read_program_text
from jifen.services.verification import verify
from tests.databases import BARE, add_program, fetch_sql, fresh_database, running_engine

#: Today, so that no point of the last year has expired yet.
UNTIL = datetime.now(UTC)
MEMBERS = 150

_EVERYTHING = """
SELECT source, key_id, kind, occurred_at, actor, reason, facts::text FROM transactions
WHERE source LIKE 'demo:%' ORDER BY source, key_id
"""

#: Points by where they came from and went to: what chance must not change.
_POINTS = "SELECT from_bucket, to_bucket, count(*), sum(amount)::bigint FROM movements GROUP BY 1, 2 ORDER BY 1, 2"
#: What the shop has besides: stock with its changes, and rounds of lotteries.
_FURNITURE = """
SELECT 'stock', reward, count(*), sum(pieces)::bigint FROM stock_changes GROUP BY 2
UNION ALL SELECT 'round', draw, count(*), sum(drawn)::bigint FROM draw_rounds GROUP BY 2 ORDER BY 1, 2
"""
DEMO = parse_program(read_program_text("demo"))


@pytest.fixture
def shop_url(bare_database_url: str) -> str:
    """A database with the program of the demo shop."""
    add_program(bare_database_url, DEMO)
    return bare_database_url


@pytest.fixture
def other_url(database_server: EmbeddedAddress) -> Iterator[str]:
    """Another database with the program of the demo shop."""
    with fresh_database(database_server, BARE) as url:
        add_program(url, DEMO)
        yield url


def demo(url: str, **options: Any) -> DemoSummary:
    """Make a demo shop."""

    async def run() -> DemoSummary:
        async with running_engine(url) as engine:
            chosen: dict[str, Any] = {"members": MEMBERS, "seed": 7, "until": UNTIL} | options
            return await make_demo(engine, url, **chosen)

    return asyncio.run(run())


def figures(summary: DemoSummary) -> dict[str, int]:
    """What does not depend on how often and how fast it was made."""
    return {
        name: value for name, value in msgspec.to_builtins(summary).items() if name not in ("duplicates", "seconds")
    }


def deliveries(furniture: list[tuple[Any, ...]]) -> set[int]:
    """How often stock was delivered, of each reward that has any."""
    return {times for what, _, times, _ in furniture if what == "stock"}


def is_clean(url: str) -> bool:
    """Whether `jifen verify` finds nothing."""
    return asyncio.run(verify(url)).is_clean


def test_the_same_seed_makes_the_same_shop(database_url: str, bare_database_url: str) -> None:
    """In two databases event for event; a second time in one database it changes nothing."""
    add_program(bare_database_url, parse_program(read_program_text("starter")))
    first, elsewhere = demo(database_url), demo(bare_database_url)
    assert figures(first) == figures(elsewhere)
    rows = fetch_sql(database_url, _EVERYTHING)
    assert rows == fetch_sql(bare_database_url, _EVERYTHING)
    again = demo(database_url)
    assert figures(again) == figures(first)
    assert again.duplicates >= len(rows)
    assert fetch_sql(database_url, _EVERYTHING) == rows
    assert is_clean(database_url) and is_clean(bare_database_url)


def test_the_shop_is_plausible(database_url: str) -> None:
    """Everybody is registered, nothing is refused, some is returned and redeemed, and a few buy most."""
    told: list[tuple[int, int]] = []
    summary = demo(database_url, progress=lambda done, total: told.append((done, total)))
    assert (summary.members, summary.refused, summary.duplicates) == (MEMBERS, 0, 0)
    assert told == [(done, MEMBERS) for done in range(1, MEMBERS + 1)]
    assert 3 * MEMBERS < summary.orders < 25 * MEMBERS
    assert 0 < summary.returns < summary.orders // 10
    assert 0 < summary.redemptions < summary.orders // 3
    assert summary.points_spent < summary.points_issued
    assert 100_00 < summary.paid_cents // summary.orders < 1_500_00
    spread = fetch_sql(database_url, "SELECT min(occurred_at), max(occurred_at) FROM transactions WHERE kind = 1")[0]
    assert UNTIL - timedelta(days=367) < spread[0] < spread[1] < UNTIL
    orders = "SELECT count(*) FROM transactions WHERE kind = 1 GROUP BY member_id ORDER BY 1 DESC"
    counts = [row[0] for row in fetch_sql(database_url, orders)]
    assert sum(counts[: len(counts) // 10]) * 4 > sum(counts)
    phones = fetch_sql(database_url, "SELECT value FROM identities WHERE kind = 'phone'")
    assert len(phones) == MEMBERS and all(value.startswith("+865") for (value,) in phones)


def test_more_members_only_add(database_url: str) -> None:
    """A shop that was made small can be made larger: the members that are there stay as they are."""
    small = demo(database_url, members=20)
    larger = demo(database_url, members=60)
    assert larger.members == 60
    assert larger.duplicates >= small.orders + small.members
    assert is_clean(database_url)


def test_with_its_own_program_as_well(shop_url: str, other_url: str) -> None:
    """With rewards, tiers, lotteries and gifts: the same events, and the same points whatever codes and draws came out.
    A second time changes nothing, not even stock or rounds; more members bring more stock, and their events."""
    first, elsewhere = demo(shop_url), demo(other_url)
    assert first.refused == elsewhere.refused == 0
    assert figures(first) == figures(elsewhere)
    rows, points = fetch_sql(shop_url, _EVERYTHING), fetch_sql(shop_url, _POINTS)
    assert (rows, points) == (fetch_sql(other_url, _EVERYTHING), fetch_sql(other_url, _POINTS))
    furniture = fetch_sql(shop_url, _FURNITURE)
    again = demo(shop_url)
    assert figures(again) == figures(first)
    assert (fetch_sql(shop_url, _EVERYTHING), fetch_sql(shop_url, _POINTS)) == (rows, points)
    assert fetch_sql(shop_url, _FURNITURE) == furniture
    larger = demo(shop_url, members=MEMBERS + 100)
    assert (larger.members, larger.refused) == (MEMBERS + 100, 0)
    assert set(rows) < set(fetch_sql(shop_url, _EVERYTHING))
    assert deliveries(furniture) == {2}, "150 members need the second delivery"
    assert deliveries(fetch_sql(shop_url, _FURNITURE)) == {3}
    assert is_clean(shop_url) and is_clean(other_url)


def test_the_shop_uses_what_its_program_has(shop_url: str) -> None:
    """Every kind of reward, in every state that people leave it in; tiers, draws, gifts, households, two persons."""
    summary = demo(shop_url, members=400, seed=1)
    assert (summary.members, summary.refused) == (400, 0)
    parts = (summary.redemptions, summary.delivered, summary.coupons_used, summary.draws, summary.households)
    assert all(parts) and summary.adjustments and summary.transfers
    assert summary.returned <= summary.delivered < summary.redemptions
    kinds = {kind for (kind,) in fetch_sql(shop_url, "SELECT DISTINCT kind FROM transactions")}
    assert {Kind.EARN, Kind.REVERSE, Kind.REDEEM, Kind.STEP, Kind.DRAW, Kind.TIER, Kind.ADJUST, Kind.TRANSFER} <= kinds
    redeemed = fetch_sql(shop_url, "SELECT DISTINCT content->>'kind' FROM redemptions")
    expected = {"goods", "coupon", "service", "virtual", "donation", "lottery_ticket"}
    assert {kind for (kind,) in redeemed} == expected
    states = {state for (state,) in fetch_sql(shop_url, "SELECT DISTINCT content->>'state' FROM redemptions")}
    assert {"fulfilled", "written_off", "approved", "cancelled"} <= states
    tiers = dict(fetch_sql(shop_url, "SELECT tier, count(*) FROM member_tiers GROUP BY tier"))
    assert 0 < tiers["gold"] < tiers["silver"] < 200
    assert is_clean(shop_url)


def test_another_seed_is_another_shop(database_url: str) -> None:
    """Both stand side by side."""
    demo(database_url, members=10)
    other = demo(database_url, members=10, seed=8)
    assert (other.members, other.duplicates, other.refused) == (10, 0, 0)


def test_pending_points_and_long_ago(bare_database_url: str) -> None:
    """With the program `demo` points wait seven days; a shop of years ago has expired points: both stay clean."""
    add_program(bare_database_url, parse_program(read_program_text("demo")))
    assert demo(bare_database_url, members=60).refused == 0
    demo(bare_database_url, members=20, seed=9, until=UNTIL - timedelta(days=1_000), days=800)
    assert is_clean(bare_database_url)


def test_what_cannot_be_made_is_refused(database_url: str, bare_database_url: str) -> None:
    """Figures out of range, no program, another currency, or the same seed over other days: one clear line."""
    for options in ({"members": 0}, {"members": 2_000_000}, {"days": 0}, {"seed": -1}, {"seed": 10_000}):
        with pytest.raises(DemoRefused):
            demo(database_url, **options)
    with pytest.raises(DemoRefused, match="no program"):
        demo(bare_database_url)
    add_program(bare_database_url, parse_program(read_program_text("online-retail")))
    with pytest.raises(DemoRefused, match="CNY"):
        demo(bare_database_url)
    demo(database_url, members=5)
    before = fetch_sql(database_url, "SELECT count(*) FROM transactions")
    with pytest.raises(DemoRefused, match="another seed"):
        demo(database_url, members=5, until=UNTIL - timedelta(days=3))
    assert fetch_sql(database_url, "SELECT count(*) FROM transactions") == before
