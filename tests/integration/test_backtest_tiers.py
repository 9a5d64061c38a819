"""The backtest decides tiers anew: the live program moves everybody as they moved, and another one as it would have."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal

import msgspec
import pytest

from jifen.analytics.backtest.report import BacktestReport, TierSetReport
from jifen.analytics.backtest.run import run_backtest
from jifen.core.program import EarningRule, ProgramDocument
from jifen.core.rules.document import Cap
from jifen.core.tiers.commands import GrantTier
from jifen.core.tiers.document import CalendarYear, Downgrade, RollingMonths, TierLevel, TierPeriod
from jifen.db.embedded import EmbeddedAddress
from jifen.engine.engine import Engine
from jifen.engine.submission import Submission
from jifen.services.time_work import settle_due
from tests.databases import BARE, add_program, fetch_sql, fresh_database, running_engine
from tests.integration.test_backtest import assert_same
from tests.integration.tier_support import Clock, done, order, person, refund, started, submission
from tests.unit.core.tiers.club import ZONE, club, level, named, tier_set

MEMBERS = 10
BEGIN = datetime(2019, 1, 20, 12, tzinfo=ZONE)
PROGRAM_FROM = datetime(2018, 1, 1, tzinfo=ZONE)
LEVELS = [
    level("regular"),
    level("silver", "period.spent_cents >= 100000", "period.spent_cents >= 60000", coefficient=Decimal("1.2")),
    level("gold", "period.spent_cents >= 500000", coefficient=Decimal("1.5")),
    TierLevel("black", named("black"), by="manual"),
]
QUARTER = RollingMonths(3)
WITH_GRACE = Downgrade("to_earned", "monthly", 1, 40)


def shop(
    period: TierPeriod = QUARTER, downgrade: Downgrade = WITH_GRACE, silver_cents: int = 100_000
) -> ProgramDocument:
    """Silver and gold multiply; members fall after days of grace; black is given by hand."""
    silver = msgspec.structs.replace(
        LEVELS[1], qualify=f"period.spent_cents >= {silver_cents}", keep=f"period.spent_cents >= {silver_cents // 2}"
    )
    return club(tier_set(period, downgrade, [LEVELS[0], silver, *LEVELS[2:]]))


class Town:
    """Members who buy, send back and are given tiers on random days; time work comes now and then."""

    def __init__(self, engine: Engine, clock: Clock, url: str, seed: int) -> None:
        self._engine, self._clock, self._url = engine, clock, url
        self._chance = random.Random(seed)
        self._orders: list[str] = []
        self._number = 0

    async def live(self, days: int = 900) -> None:
        """So many days, of which something happens on some."""
        chance, ends = self._chance, BEGIN + timedelta(days=days)
        for member in range(MEMBERS):
            await done(self._engine, self._order(member, 30_000))
        while self._clock.now < ends:
            self._clock.now += timedelta(days=chance.choice([1, 2, 5, 9]), hours=chance.randrange(20))
            if chance.random() < 0.3:
                await settle_due(self._engine, self._url, self._clock.now)
            await done(self._engine, self._something())

    def _something(self) -> Submission:
        chance, member = self._chance, self._chance.randrange(MEMBERS)
        kind = chance.random()
        if kind < 0.12 and self._orders:
            return refund(self._orders.pop(chance.randrange(len(self._orders))))
        if kind < 0.17:
            until = None if chance.random() < 0.3 else self._clock.now + timedelta(days=chance.choice([20, 90]))
            return submission(GrantTier(person(member), "black", None, until))
        late = timedelta(days=chance.choice([3, 40])) if kind < 0.25 else None
        cents = chance.choice([9_900, 35_000, 70_000, 130_000, 420_000])
        return self._order(member, cents, None if late is None else self._clock.now - late)

    def _order(self, member: int, cents: int, at: datetime | None = None) -> Submission:
        self._number += 1
        name = f"o{self._number}"
        self._orders.append(name)
        return order(member, name, cents, at)


def lived(url: str, document: ProgramDocument, seed: int) -> None:
    """Let members live in an empty database under a program."""
    add_program(url, document, PROGRAM_FROM)

    async def run() -> None:
        clock = Clock(BEGIN)
        engine = await started(url, clock)
        try:
            await Town(engine, clock, url, seed).live()
        finally:
            await engine.stop()

    asyncio.run(run())


def backtest(
    url: str, draft: ProgramDocument, *, since: date | None = None, until: date | None = None
) -> BacktestReport:
    """Run one in a single process."""
    return asyncio.run(run_backtest(url, draft, since=since, until=until, workers=1))


def settle_now(url: str) -> None:
    """Let time work book everything that is due today."""

    async def run() -> None:
        async with running_engine(url) as engine:
            await settle_due(engine, url, datetime.now(ZONE))

    asyncio.run(run())


def members_by_tier(url: str) -> dict[str, int]:
    """Who stands where by the table of standings; whoever has none has the lowest tier."""
    rows = fetch_sql(
        url,
        "SELECT coalesce(t.tier, 'regular'), count(*) FROM members m LEFT JOIN member_tiers t USING (shard, member_id) "
        "GROUP BY 1",
    )
    return dict(rows)


def moves_of(report: TierSetReport, *, draft: bool) -> dict[tuple[str, str], int]:
    """The moves of one side."""
    found = {(each.before, each.after): each.draft if draft else each.recorded for each in report.moves}
    return {move: number for move, number in found.items() if number}


def standing_of(report: TierSetReport, *, draft: bool) -> dict[str, int]:
    """The members of each tier on one side."""
    found = {each.tier: each.draft if draft else each.recorded for each in report.members}
    return {tier: number for tier, number in found.items() if number}


def assert_tiers_are_same(report: BacktestReport) -> None:
    """Nobody stands or moved otherwise, and not a point differs."""
    assert_same(report)
    (tiers,) = report.tier_sets
    assert tiers.is_same, tiers
    assert all(rule.tier_events == 0 for wallet in report.wallets for rule in wallet.rules)


@pytest.fixture(scope="module")
def town_url(database_server: EmbeddedAddress) -> Iterator[str]:
    """A town under the program with grace. Tests only read it."""
    with fresh_database(database_server, BARE) as url:
        lived(url, shop(), 1)
        yield url


@pytest.mark.parametrize(
    ("seed", "document"),
    [
        (1, shop()),
        (2, shop()),
        (3, shop(CalendarYear(), Downgrade("one_step", "period_end", 1, 0))),
        (4, shop(RollingMonths(12), Downgrade("to_earned", "period_end", 1, 20))),
        (5, shop(downgrade=Downgrade("never"))),
    ],
)
def test_the_live_program_moves_everybody_as_they_moved(
    bare_database_url: str, seed: int, document: ProgramDocument
) -> None:
    """Up with orders, down after grace, given and ended: live is backtest, whether time work ran or not; and what the
    report says of the end is what the table of standings says."""
    lived(bare_database_url, document, seed)
    before = backtest(bare_database_url, document)
    assert_tiers_are_same(before)
    (tiers,) = before.tier_sets
    ups = sum(each.draft for each in tiers.moves if each.after in ("silver", "gold"))
    downs = sum(each.draft for each in tiers.moves if each.after == "regular")
    assert ups > MEMBERS / 2
    assert (downs > 0) == (document.tier_sets[0].downgrade.policy != "never")
    settle_now(bare_database_url)
    after = backtest(bare_database_url, document)
    assert_tiers_are_same(after)
    assert after.tier_sets == before.tier_sets
    assert standing_of(tiers, draft=True) == members_by_tier(bare_database_url)


def test_periods_change_nothing_under_the_live_program(town_url: str) -> None:
    """Standings at the beginning are those that were; reviews on the edges fall on the same side."""
    for since, until in (
        (date(2019, 6, 1), None),
        (None, date(2020, 3, 1)),
        (date(2019, 5, 17), date(2020, 8, 1)),
        (date(2020, 4, 2), date(2020, 4, 30)),
    ):
        report = backtest(town_url, shop(), since=since, until=until)
        assert_tiers_are_same(report)


@pytest.mark.parametrize(
    "draft",
    [
        shop(silver_cents=40_000),
        shop(RollingMonths(1), Downgrade("one_step", "monthly", 15, 0)),
        shop(downgrade=Downgrade("never")),
    ],
)
def test_a_draft_moves_everybody_as_if_it_had_been_live(
    town_url: str, bare_database_url: str, draft: ProgramDocument
) -> None:
    """The same lives under the draft, live: its ledger has just the points and tiers that the backtest told."""
    lived(bare_database_url, draft, 1)
    told, really = backtest(town_url, draft), backtest(bare_database_url, draft)
    assert_tiers_are_same(really)
    for here, there in zip(told.wallets, really.wallets, strict=True):
        for name in ("issued", "taken_back", "outstanding"):
            assert getattr(here, name).draft == getattr(there, name).recorded, name
    (here_tiers,), (there_tiers,) = told.tier_sets, really.tier_sets
    assert moves_of(here_tiers, draft=True) == moves_of(there_tiers, draft=False)
    assert standing_of(here_tiers, draft=True) == standing_of(there_tiers, draft=False)
    assert moves_of(here_tiers, draft=False) == moves_of(backtest(town_url, shop()).tier_sets[0], draft=False)
    assert told.is_same is False


def test_what_comes_of_tiers_alone_is_told_as_such(town_url: str) -> None:
    """Only a threshold changes: all of the difference comes from tiers. Only a rate changes: none of it does."""
    easier = backtest(town_url, shop(silver_cents=40_000)).wallets[0]
    assert easier.issued.difference == easier.tier_points > 0
    (rule,) = [each for each in easier.rules if each.tier_events]
    assert rule.tier_points == easier.tier_points
    assert sum(line.draft for line in easier.tiers) == easier.issued.draft
    by_tier = {line.key: line for line in easier.tiers}
    assert by_tier["silver"].draft > by_tier["silver"].recorded
    assert by_tier["regular"].draft < by_tier["regular"].recorded

    document = shop()
    richer = [
        msgspec.structs.replace(rule, ratio=msgspec.structs.replace(rule.ratio, points=2 * rule.ratio.points))
        for rule in document.earning
        if rule.ratio is not None
    ]
    doubled = backtest(town_url, msgspec.structs.replace(document, earning=richer))
    assert doubled.wallets[0].issued.difference > 0
    assert doubled.wallets[0].tier_points == 0
    assert doubled.tier_sets[0].is_same


def test_a_draft_with_other_tiers_tells_what_it_cannot_give(town_url: str) -> None:
    """Where the tier that somebody gave is gone, the gift would be refused; without tier sets, the recorded ones
    count, and nobody stands anywhere under the draft."""
    document = shop()
    level_set = document.tier_sets[0]
    fewer = msgspec.structs.replace(level_set, tiers=level_set.tiers[:3])
    report = backtest(town_url, msgspec.structs.replace(document, tier_sets=[fewer]))
    given = fetch_sql(
        town_url, "SELECT count(*) FROM transactions WHERE kind = 18 AND trace -> 'tier' ->> 'cause' = 'granted'"
    )[0][0]
    assert report.refused == {"unknown_tier": given}
    assert "black" not in standing_of(report.tier_sets[0], draft=True)
    assert "black" in standing_of(report.tier_sets[0], draft=False)

    without = backtest(town_url, msgspec.structs.replace(document, tier_sets=[]))
    assert without.refused == {"unknown_tier_set": given}
    assert standing_of(without.tier_sets[0], draft=True) == {}
    assert sum(standing_of(without.tier_sets[0], draft=False).values()) == MEMBERS
    assert without.wallets[0].issued.difference < 0


def test_tiers_where_there_were_none(bare_database_url: str) -> None:
    """A draft may bring tier sets: everybody begins at the bottom of them."""
    plain = msgspec.structs.replace(shop(), tier_sets=[])
    add_program(bare_database_url, plain, PROGRAM_FROM)

    async def run() -> None:
        clock = Clock(BEGIN)
        engine = await started(bare_database_url, clock)
        try:
            for number in range(6):
                await done(engine, order(1, f"o{number}", 60_000))
                clock.later(10)
        finally:
            await engine.stop()

    asyncio.run(run())
    report = backtest(bare_database_url, shop())
    (tiers,) = report.tier_sets
    assert moves_of(tiers, draft=False) == {}
    # Twice 600 yuan is silver; nothing bought for long, so both tiers were lost again by today.
    assert moves_of(tiers, draft=True) == {("regular", "silver"): 1, ("silver", "regular"): 1}
    wallet = report.wallets[0]
    # The third to the sixth order earn a fifth more.
    assert wallet.issued.difference == wallet.tier_points == 4 * 120
    assert wallet.rules[0].tier_events == 4


def test_a_ledger_with_tiers_that_no_version_has_any_more(bare_database_url: str) -> None:
    """Tier sets may go with a newer version: a draft without them replays the lives under those that had them."""
    lived(bare_database_url, shop(), 6)
    without = msgspec.structs.replace(shop(), tier_sets=[])
    add_program(bare_database_url, without, datetime.now(ZONE) - timedelta(days=30))
    for since in (None, date(2019, 8, 1), date(2020, 8, 1)):
        report = backtest(bare_database_url, without, since=since)
        assert report.transactions > 0 and report.tier_sets == [] and not report.refused


def bought(url: str, document: ProgramDocument, *members: int) -> None:
    """Let these members buy for 100.00 each, day by day, in an empty database under a program."""
    add_program(url, document, PROGRAM_FROM)

    async def buy() -> None:
        clock = Clock(BEGIN)
        engine = await started(url, clock)
        try:
            for number, member in enumerate(members):
                await done(engine, order(member, f"b{number}", 10_000))
                clock.later(1)
        finally:
            await engine.stop()

    asyncio.run(buy())


def capped(document: ProgramDocument) -> ProgramDocument:
    """All members together get 150 points at most of the first rule."""
    base, *others = document.earning
    base = msgspec.structs.replace(base, caps=[Cap("points", 150, "program", "lifetime")])
    return msgspec.structs.replace(document, earning=[base, *others])


def test_a_budget_of_the_past_holds_before_the_period(bare_database_url: str) -> None:
    """What all had used of a cap that the draft lacks still stops what lies before the period."""
    bought(bare_database_url, capped(shop()), 0, 1, 2)
    report = backtest(bare_database_url, shop(), since=(BEGIN + timedelta(days=30)).date())
    outstanding = report.wallets[0].outstanding
    assert (outstanding.recorded, outstanding.draft) == (150, 150)
    assert backtest(bare_database_url, shop()).wallets[0].issued.draft == 300


def test_what_an_event_used_itself_is_no_matter_of_tiers(bare_database_url: str) -> None:
    """The second order gets what is left of a budget in any tier; only the rule that asks for the tier differs."""
    bought(bare_database_url, capped(shop()), 0, 0)
    easier = capped(shop(silver_cents=5_000))
    extra = EarningRule("extra", easier.earning[0].wallet, fixed=1, audience='member.tier == "silver"')
    report = backtest(bare_database_url, msgspec.structs.replace(easier, earning=[*easier.earning, extra]))
    (wallet, *_) = report.wallets
    assert (wallet.issued.recorded, wallet.issued.draft, wallet.tier_points) == (150, 151, 1)
