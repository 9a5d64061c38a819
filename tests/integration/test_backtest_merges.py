"""Members who were merged, and parted, are replayed beside each other: live is backtest, whatever happened of it."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import msgspec
import pytest

from jifen.analytics.backtest.kin import families_of
from jifen.analytics.backtest.run import run_backtest
from jifen.core.commands import AdjustPoints, CorrectOrder, RecordEvent, RecordOrder, ReverseTransaction, SpendPoints
from jifen.core.identity import Identity, shard_of_member
from jifen.core.members.commands import ChangeLife, FoundHousehold, MergeMembers, SpendFromHousehold, UndoMerge
from jifen.core.orders import Order, OrderCorrection, OrderLine
from jifen.core.program import EarningRule, MemberPolicy, ProgramDocument, RefundPolicy
from jifen.core.rules.document import Cap
from jifen.core.tiers.commands import GrantTier
from jifen.core.tiers.document import Benefits
from jifen.engine.engine import Engine
from jifen.engine.submission import Answer
from tests.databases import add_program, fetch_sql, running_engine
from tests.integration.test_backtest import assert_same, backtest
from tests.integration.test_backtest_tiers import moves_of
from tests.integration.test_merges import PROGRAM, Life

BEGAN = datetime(2018, 1, 1, tzinfo=UTC)
NAMES = ("alice", "bob", "carol", "dave")


async def lives(url: str, program: ProgramDocument, seed: int, began: datetime = BEGAN) -> list[int]:
    """Random lives of four members who are merged and parted again and again."""
    await asyncio.to_thread(add_program, url, program, began)
    chance, engine = random.Random(seed), Engine(url, lanes=2)
    await engine.start()
    try:
        life = Life(url, engine)
        members = [await life.member(name) for name in NAMES]
        orders: list[str] = []
        spends: list[tuple[int, int]] = []
        merges: list[tuple[int, int]] = []
        for step in range(60):
            member, kind = chance.choice(members), chance.random()
            if kind < 0.35:
                name, cents = f"O{step}", chance.randrange(100, 40_000)
                order = Order(name, "CNY", [OrderLine("1", 4, cents)])
                command = RecordOrder(Identity("external", chance.choice(NAMES)), order)
                outcome = await life.ask(command, chance.choice([0, 5, 20, 500]))
                orders += [name] if isinstance(outcome, Answer) else []
            elif kind < 0.5:
                outcome = await life.ask(SpendPoints(member, None, chance.randrange(1, 200)))
                spends += [(outcome.member_id, outcome.sequence)] if isinstance(outcome, Answer) else []
            elif kind < 0.65 and orders:
                await life.refund(chance.choice(orders), chance.choice([None, 1, 2]))
            elif kind < 0.68 and orders:
                lines = [OrderLine("1", 4, chance.choice([0, 9_000, 25_000, 40_000]))]
                correction = OrderCorrection(chance.choice(orders), f"C{step}", "CNY", lines)
                await life.ask(CorrectOrder(None, correction))
            elif kind < 0.72 and spends:
                await life.ask(ReverseTransaction(*chance.choice(spends)))
            elif kind < 0.75:
                await life.ask(GrantTier(member, "plus", payment_reference=f"P{step}"))
            elif kind < 0.78:
                await life.ask(AdjustPoints(member, None, chance.randrange(-50, 50) or 1))
            elif kind < 0.82:
                await life.ask(RecordEvent(member, "member.checked_in"), chance.choice([0, 1, 2]))
            elif kind < 0.93:
                outcome = await life.ask(MergeMembers(member, chance.choice(members)))
                merges += [(outcome.member_id, outcome.sequence)] if isinstance(outcome, Answer) else []
            elif merges:
                await life.ask(UndoMerge(*chance.choice(merges)))
        return members
    finally:
        await engine.stop()


def with_coefficients(program: ProgramDocument) -> ProgramDocument:
    """Tiers multiply, so that every one matters for points."""
    (level,) = program.tier_sets
    benefits = [Benefits(), *(Benefits(coefficient=Decimal(times)) for times in (2, 3, 4))]
    tiers = [msgspec.structs.replace(each, benefits=brings) for each, brings in zip(level.tiers, benefits, strict=True)]
    return msgspec.structs.replace(program, tier_sets=[msgspec.structs.replace(level, tiers=tiers)])


@pytest.mark.parametrize("seed", range(10))
def test_random_merges_change_nothing_under_the_live_program(bare_database_url: str, seed: int) -> None:
    """Refunds and cancelled spends of merged members, chains of merges, undone ones, late events between: the figures
    are those that were recorded, by members apart or all at once, and from any day on."""
    policy = random.Random(seed).choice([RefundPolicy("debt"), RefundPolicy("forgive"), RefundPolicy("refuse")])
    program = msgspec.structs.replace(with_coefficients(PROGRAM), refunds=policy)
    members = asyncio.run(lives(bare_database_url, program, seed))
    assert len({shard_of_member(each, 64) for each in members}) > 1
    merged = fetch_sql(bare_database_url, "SELECT count(*), count(undone_at) FROM merges")[0]
    assert merged[0] > 0
    report = backtest(bare_database_url, program)
    assert_same(report)
    assert report.kinds["merge"] == sum(merged)
    assert report.tier_sets[0].is_same, report.tier_sets[0]
    gift = EarningRule("gift", "points", fixed=1, caps=[Cap("points", 3, "program", "lifetime")])
    tight = backtest(bare_database_url, msgspec.structs.replace(program, earning=[*program.earning, gift]))
    assert tight.order == "as_recorded"
    assert tight.wallets[0].issued.difference == 3
    today = datetime.now(UTC).date()
    for since, until in ((today, None), (today - timedelta(days=10), None), (None, today - timedelta(days=1))):
        assert_same(backtest(bare_database_url, program, since=since, until=until))


@pytest.mark.parametrize("seed", range(20, 24))
def test_history_goes_before_merges(bare_database_url: str, seed: int) -> None:
    """Orders of before the program, told between merges: a family is replayed as of when things happened as well, by
    itself or with everybody, and every sum fits the ledger."""
    program = with_coefficients(PROGRAM)
    asyncio.run(lives(bare_database_url, program, seed, datetime.now(UTC) - timedelta(days=10)))
    report = backtest(bare_database_url, program)
    assert report.history > 0
    assert all(check.fits for check in report.checks)
    assert report.refused.keys() <= {"insufficient_points", "follows_refused"}
    gift = EarningRule("gift", "points", fixed=1, caps=[Cap("points", 3, "program", "lifetime")])
    tight = backtest(bare_database_url, msgspec.structs.replace(program, earning=[*program.earning, gift]))
    assert tight.order == "as_recorded"
    assert tight.tier_sets == report.tier_sets
    assert tight.wallets[0].issued.draft == report.wallets[0].issued.draft + 3


def test_a_merge_under_a_draft_takes_what_the_draft_gave(bare_database_url: str) -> None:
    """Twice the points of both are the survivor's: a spend that both paid together is paid, refunds find their lots
    with the survivor, and the months of both together make the tier."""

    async def run() -> None:
        async with running_engine(bare_database_url, lanes=2) as engine:
            life = Life(bare_database_url, engine)
            alice, bob = await life.member("alice"), await life.member("bob")
            await life.order(alice, "A1", 10_000)
            await life.order(bob, "B1", 15_000)
            await life.do(MergeMembers(alice, bob))
            await life.do(SpendPoints(alice, None, 200))
            assert isinstance(await life.refund("B1"), Answer)
            await life.order(alice, "A2", 1_000)

    add_program(bare_database_url, PROGRAM, BEGAN)
    asyncio.run(run())
    base, *others = PROGRAM.earning
    assert base.ratio is not None
    richer = msgspec.structs.replace(base, ratio=msgspec.structs.replace(base.ratio, points=2 * base.ratio.points))
    report = backtest(bare_database_url, msgspec.structs.replace(PROGRAM, earning=[richer, *others]))
    assert not report.refused
    wallet = report.wallets[0]
    assert (wallet.issued.recorded, wallet.issued.draft) == (260, 520)
    assert (wallet.taken_back.recorded, wallet.taken_back.draft) == (150, 300)
    assert (wallet.outstanding.recorded, wallet.outstanding.draft) == (-90, 20)
    (level,) = PROGRAM.tier_sets
    stricter = [
        level.tiers[0],
        msgspec.structs.replace(level.tiers[1], qualify="period.spent_cents >= 25000"),
        level.tiers[2],
    ]
    draft = msgspec.structs.replace(PROGRAM, tier_sets=[msgspec.structs.replace(level, tiers=stricter)])
    moved = backtest(bare_database_url, draft)
    assert moves_of(moved.tier_sets[0], draft=True) == {("regular", "silver"): 1}


def test_families_are_whoever_hangs_together() -> None:
    """By one merge or by several, undone or not."""
    assert families_of([]) == []
    assert families_of([(5, 2), (7, 9), (2, 3), (9, 5), (11, 12)]) == [(2, 3, 5, 7, 9), (11, 12)]
    assert families_of([(1, 2), (1, 2)]) == [(1, 2)]


def test_households_and_closed_members_are_replayed(bare_database_url: str) -> None:
    """A common spend and its cancellation, points that are forfeited with closing, and those that come back after."""
    program = msgspec.structs.replace(PROGRAM, members=MemberPolicy(closed_points="forfeit"))
    add_program(bare_database_url, program, BEGAN)

    async def run() -> None:
        async with running_engine(bare_database_url, lanes=2) as engine:
            life = Life(bare_database_url, engine)
            alice, bob, carol = [await life.member(name) for name in NAMES[:3]]
            await life.order(alice, "A1", 10_000)
            await life.order(bob, "B1", 30_000, days_ago=20)
            await life.order(carol, "C1", 20_000)
            await life.do(FoundHousehold(alice, "home", (bob,)))
            spent = await life.do(SpendFromHousehold(alice, None, 250))
            await life.do(SpendFromHousehold(bob, None, 60))
            await life.do(ReverseTransaction(alice, spent.sequence))
            used = await life.do(SpendPoints(carol, None, 70))
            await life.do(ChangeLife(carol, "close"))
            await life.do(ReverseTransaction(carol, used.sequence))
            assert isinstance(await life.refund("C1", 1), Answer)

    asyncio.run(run())
    for since in (None, datetime.now(UTC).date(), date(2019, 1, 1)):
        report = asyncio.run(run_backtest(bare_database_url, program, since=since))
        assert_same(report)
        assert {"spend", "adjust", "reverse"} <= report.kinds.keys()
