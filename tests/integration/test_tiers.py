"""Tiers through the engine: with the event, by several at once, over versions of the program, and what verify says."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest

from jifen.core.program import ProgramDocument
from jifen.core.tiers.commands import GrantTier
from jifen.core.tiers.document import CalendarYear, Downgrade
from jifen.db.embedded import EmbeddedAddress
from jifen.services.time_work import SettleReport, settle_due
from jifen.services.verification import verify
from tests.damage import damaged
from tests.databases import BARE, add_program, fetch_sql, fresh_database, name_of
from tests.integration.tier_support import BEGIN, Clock, done, order, person, refund, started, submission
from tests.unit.core.tiers.club import club, level, tier_set

YEARLY = club(tier_set(CalendarYear(), Downgrade("to_earned")))


_COUNT = "SELECT tier, count(*)::integer FROM member_tiers GROUP BY tier ORDER BY tier"


async def tiers_of(url: str) -> list[tuple[str, int]]:
    """How many members are in each tier."""
    rows = await asyncio.to_thread(fetch_sql, url, _COUNT)
    return [(tier, number) for tier, number in rows]


def without_tiers(document: ProgramDocument) -> ProgramDocument:
    return msgspec.structs.replace(document, tier_sets=[])


async def test_fifty_orders_at_once_lift_once(bare_database_url: str) -> None:
    """Fifty orders of 20 yuan through four lanes reach 1,000 yuan once, exactly with the one that reaches it."""
    await asyncio.to_thread(add_program, bare_database_url, YEARLY)
    clock = Clock()
    engine = await started(bare_database_url, clock, lanes=4)
    try:
        await done(engine, order(1, "first", 100))
        await asyncio.gather(*(engine.submit(order(1, f"o{each}", 1_998)) for each in range(50)))
    finally:
        await engine.stop()
    rows = await asyncio.to_thread(
        fetch_sql,
        bare_database_url,
        "SELECT t.trace -> 'tier' ->> 'tier', (t.trace -> 'tier' -> 'facts' ->> 'period.spent_cents')::integer "
        "FROM transactions t WHERE kind = 18",
    )
    assert rows == [("silver", 100_000)]
    assert (await verify(bare_database_url)).findings == []


async def test_nobody_is_ahead_of_what_was_spent(bare_database_url: str) -> None:
    """A cent less than a tier needs does not reach it, nor the one above it; an order earns with the tier that was
    there before it, and the coefficient of a tier comes with the next order, once (known failure 79)."""
    levels = [
        level("regular"),
        level("silver", "period.spent_cents >= 100000", coefficient=Decimal(2)),
        level("gold", "period.spent_cents >= 500000", coefficient=Decimal(3)),
    ]
    await asyncio.to_thread(add_program, bare_database_url, club(tier_set(tiers=levels)))
    engine = await started(bare_database_url, Clock())
    reached = []
    try:
        for name, cents in (("a", 99_900), ("b", 99), ("c", 1), ("d", 399_900), ("e", 100), ("f", 100)):
            (answer,) = await done(engine, order(1, name, cents))
            assert answer.trace is not None
            points = sum(award.points for award in answer.trace.awards if award.wallet == 1)
            reached.append((points, await tiers_of(bare_database_url)))
    finally:
        await engine.stop()
    assert reached == [
        (999, []),
        (0, []),
        (0, [("silver", 1)]),
        (7_998, [("silver", 1)]),
        (2, [("gold", 1)]),
        (3, [("gold", 1)]),
    ]


async def test_history_before_the_tiers_is_counted(bare_database_url: str) -> None:
    """I-18: orders, refunds and late orders of the time before count the moment the member is touched, exactly."""
    url = bare_database_url
    await asyncio.to_thread(add_program, url, without_tiers(YEARLY), BEGIN)
    clock = Clock()
    engine = await started(url, clock)
    try:
        await done(engine, order(1, "a", 60_000), order(1, "b", 70_000), order(2, "c", 50_000))
        await done(engine, order(1, "late", 10_000, datetime(2025, 12, 30, tzinfo=UTC)), refund("b"))
        assert await tiers_of(url) == []
        await asyncio.to_thread(add_program, url, YEARLY, BEGIN)
        await done(engine, order(1, "d", 39_999))
        assert await tiers_of(url) == []
        await done(engine, order(1, "e", 1))
    finally:
        await engine.stop()
    assert await tiers_of(url) == [("silver", 1)]
    kept = await asyncio.to_thread(
        fetch_sql, url, "SELECT counters ->> 9 FROM accounts WHERE wallet = 1 AND counters ->> 9 IS NOT NULL"
    )
    assert [msgspec.json.decode(row[0]) for row in kept] == [
        [[202512, 1, 10000, {"1": 100, "2": 200}], [202603, 4, 100000, {"1": 999, "2": 1999}]]
    ]
    assert (await verify(url)).findings == []


async def test_reviews_are_booked_by_time(bare_database_url: str) -> None:
    """By `settle_due`, once; a second run finds nothing; who is touched first is reviewed then."""
    url = bare_database_url
    await asyncio.to_thread(add_program, url, YEARLY)
    clock = Clock()
    engine = await started(url, clock)
    try:
        for number in range(10):
            await done(engine, order(number, f"o{number}", 500_000 if number % 2 else 100_000), refund(f"o{number}"))
        await done(engine, submission(GrantTier(person(0), "black", None, datetime(2027, 6, 1, tzinfo=UTC))))
        clock.now = datetime(2026, 12, 31, 16, tzinfo=UTC)
        await done(engine, order(3, "touch", 100))
        report = await settle_due(engine, url, clock.now, only_tiers=True)
        assert report == SettleReport(members=9, tiers_reviewed=9, tiers_moved=8)
        assert await settle_due(engine, url, clock.now) == SettleReport()
        assert await tiers_of(url) == [("black", 1), ("regular", 9)]
        clock.now = datetime(2027, 6, 1, tzinfo=UTC)
        assert (await settle_due(engine, url, clock.now)).tiers_moved == 1
    finally:
        await engine.stop()
    assert await tiers_of(url) == [("regular", 10)]
    assert (await verify(url)).findings == []


async def run_club(url: str) -> None:
    """Every kind of change of a tier."""
    clock = Clock()
    engine = await started(url, clock, lanes=1)
    try:
        await done(engine, order(1, "a", 500_000), order(2, "b", 100_000), order(3, "c", 50_000))
        await done(engine, refund("a"), submission(GrantTier(person(3), "plus", payment_reference="P1")))
        clock.now = datetime(2027, 1, 2, tzinfo=UTC)
        await settle_due(engine, url, clock.now)
        await done(engine, order(1, "d", 200_000))
    finally:
        await engine.stop()


@pytest.fixture(scope="module")
def club_template(database_server: EmbeddedAddress) -> Iterator[str]:
    """A database in which the club has been run. Tests copy it."""
    with fresh_database(database_server, BARE) as url:
        add_program(url, YEARLY)
        asyncio.run(run_club(url))
        yield name_of(url)


DAMAGES = {
    # I-17: where members stand follows from the transactions that moved them.
    "tier": ("UPDATE member_tiers SET tier = 'gold' WHERE tier = 'silver'", {"tier_standing"}),
    "review put off": ("UPDATE member_tiers SET look_at = look_at + interval '1 year'", {"tier_standing"}),
    "standing gone": ("DELETE FROM member_tiers WHERE came_by = 'paid'", {"tier_missing"}),
    "standing of nobody": (
        "INSERT INTO member_tiers "
        "SELECT shard, member_id, 'other', tier, since, came_by, valid_until, look_at, standing "
        "FROM member_tiers LIMIT 1",
        {"tier_surplus"},
    ),
    "history": (
        """UPDATE transactions SET trace = replace(trace::text, '"was":"gold"', '"was":"black"')::json """
        "WHERE kind = 18 AND trace -> 'tier' ->> 'cause' = 'review'",
        {"tier_history"},
    ),
    # I-09: a change of tier moves no points, and says so.
    "a balance behind a change": (
        """UPDATE transactions SET trace = regexp_replace(trace::text, '^{"balances":[[]{2}1,[0-9]+', """
        """'{"balances":[[1,7')::json WHERE kind = 18""",
        {"trace_balance"},
    ),
    "a wallet behind a change": (
        """UPDATE transactions SET trace = replace(trace::text, '{"balances":[[1,', '{"balances":[[9,')::json """
        "WHERE kind = 18",
        {"trace_balance", "account_sequence"},
    ),
    # I-18: what is counted month by month follows from the transactions.
    "a month": ("UPDATE accounts SET counters = replace(counters::text, '[202603,1,', '[202604,1,')::json", {"months"}),
    "an order in a month": (
        "UPDATE accounts SET counters = replace(counters::text, '[202603,1,', '[202603,2,')::json",
        {"months"},
    ),
    "money in a month": (
        "UPDATE accounts SET counters = replace(counters::text, '[202603,1,50000,', '[202603,1,50001,')::json",
        {"months"},
    ),
    "points in a month": (
        "UPDATE accounts SET counters = replace(counters::text, '\"1\":500', '\"1\":501')::json",
        {"months"},
    ),
}


@pytest.mark.parametrize("name", ["nothing", *DAMAGES])
async def test_damage_is_named(database_server: EmbeddedAddress, club_template: str, name: str) -> None:
    """I-17, I-18: damage comes out under its own name, and no other; a sound club gives nothing."""
    statement, kinds = DAMAGES.get(name, ("SELECT 1", set()))
    report = await damaged(database_server, club_template, statement)
    assert set(report.totals) == kinds, report.findings
