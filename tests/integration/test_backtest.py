"""The backtest: the recorded program changes nothing, another one changes what it should, and nothing is touched."""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from time import sleep

import msgspec
import pytest

from jifen.analytics.backtest.report import BacktestReport
from jifen.analytics.backtest.run import BacktestFailed, BacktestRefused, run_backtest
from jifen.core.commands import RecordEvent, RecordOrder
from jifen.core.identity import Identity
from jifen.core.orders import Order, OrderLine
from jifen.core.program import EarningRule, ProgramDocument, Ratio, Wallet
from jifen.core.rules.document import Cap, LocalizedText
from jifen.core.rules.facts import CHECKED_IN
from jifen.db.embedded import EmbeddedAddress
from jifen.engine.submission import Submission
from jifen.services.demo import make_demo
from jifen.services.verification import verify
from tests.databases import BARE, DEFAULT_PROGRAM, add_program, fetch_sql, fresh_database, running_engine
from tests.integration.lives import RICH, live_on

NOW = datetime.now(UTC)
TABLES = ("accounts", "transactions", "movements", "lots", "holds", "keys", "usages", "shared_usages", "outbox")


def backtest(
    url: str, document: ProgramDocument, *, since: date | None = None, until: date | None = None, workers: int = 2
) -> BacktestReport:
    """Run one."""
    return asyncio.run(run_backtest(url, document, since=since, until=until, workers=workers))


def with_ratio(points: int, cents: int, document: ProgramDocument = DEFAULT_PROGRAM) -> ProgramDocument:
    """The same program with another rate."""
    base = msgspec.structs.replace(document.earning[0], ratio=Ratio(points, cents))
    return msgspec.structs.replace(document, earning=[base, *document.earning[1:]])


@pytest.fixture(scope="module")
def rich_url(database_server: EmbeddedAddress) -> Iterator[str]:
    """A database where forty members did everything under the rich program. Tests only read it."""
    with fresh_database(database_server, BARE) as url:
        add_program(url, RICH)
        live_on(url, 40)
        yield url


@pytest.fixture(scope="module")
def shop_url(database_server: EmbeddedAddress) -> Iterator[str]:
    """A demo shop of three hundred members under the program of the tests. Tests only read it."""
    with fresh_database(database_server, BARE) as url:
        add_program(url)

        async def run() -> None:
            async with running_engine(url) as engine:
                await make_demo(engine, url, members=300, seed=7, until=NOW)

        asyncio.run(run())
        yield url


def rows_of(url: str) -> list[object]:
    """How many rows the tables of the ledger have, and a figure that changes with any of them."""
    count = "SELECT count(*), sum(hashtext(t::text)) FROM {} t"
    return [fetch_sql(url, count.format(table)) for table in TABLES]


def assert_same(report: BacktestReport) -> None:
    """Not a point differs, and the recorded sums are those of the ledger."""
    assert report.refused == {}
    assert report.failed == []
    assert all(check.fits for check in report.checks), report.checks
    for wallet in report.wallets:
        assert wallet.members_more == wallet.members_less == 0
        assert wallet.winners == wallet.losers == []
        for figure in (wallet.issued, wallet.taken_back, wallet.spent, wallet.expired, wallet.outstanding):
            assert figure.difference == 0, (wallet.wallet, wallet)
        for rule in wallet.rules:
            assert (rule.only_draft_events, rule.only_recorded_events, rule.changed_events) == (0, 0, 0), rule
    assert report.is_same


def test_the_recorded_program_changes_nothing(shop_url: str) -> None:
    """A shop of hundreds, with orders, refunds, spends, holds and transfers."""
    report = backtest(shop_url, DEFAULT_PROGRAM)
    assert_same(report)
    assert {"earn", "reverse", "spend", "hold", "capture", "release", "transfer"} <= report.kinds.keys()
    recorded = fetch_sql(
        shop_url, "SELECT count(*), count(DISTINCT member_id) FROM transactions WHERE kind NOT IN (6, 7, 11)"
    )
    assert (report.transactions, report.members) == recorded[0]
    issued = fetch_sql(shop_url, "SELECT sum(amount)::bigint FROM movements WHERE from_bucket = 10")[0][0]
    wallet = report.wallets[0]
    assert wallet.issued.recorded == issued
    for lines in (wallet.months, wallet.categories, wallet.tiers):
        assert sum(line.recorded for line in lines) == sum(line.draft for line in lines) == issued


def test_the_recorded_program_changes_nothing_whatever_happens(rich_url: str) -> None:
    """Corrections, cancelled spends of forgiven points, lots that expired in holds, caps, budgets, late events: the
    replay keeps in memory what the engine reads from its tables, and comes to the same."""
    kinds = {row[0] for row in fetch_sql(rich_url, "SELECT DISTINCT kind FROM transactions")}
    assert kinds == set(range(1, 13)), "the lives of these members have everything"
    report = backtest(rich_url, RICH)
    assert_same(report)
    assert report.wallets[0].taken_back.recorded > 0
    assert any(cap.draft_events for cap in report.caps if cap.per == "member")
    for cap in report.caps:
        assert (cap.recorded_events, cap.recorded_points) == (cap.draft_events, cap.draft_points), cap


def test_accounts_agree_with_what_is_outstanding(rich_url: str) -> None:
    """What members have at the end, by the movements, is what their accounts say once everything due is booked."""
    report = backtest(rich_url, RICH)
    accounts = fetch_sql(
        rich_url,
        "SELECT wallet, sum(available + pending + held - debt)::bigint FROM accounts GROUP BY wallet ORDER BY 1",
    )
    expired_since = [wallet.expired.recorded for wallet in report.wallets]
    booked = fetch_sql(
        rich_url,
        "SELECT coalesce(sum(CASE WHEN to_bucket = 12 THEN amount ELSE -amount END), 0)::bigint FROM movements "
        "WHERE wallet = 1 AND 12 IN (from_bucket, to_bucket)",
    )[0][0]
    assert report.wallets[1].outstanding.recorded == accounts[1][1]
    assert report.wallets[0].outstanding.recorded == accounts[0][1] - (expired_since[0] - booked)


def test_late_orders_meet_the_same_member_again(database_url: str) -> None:
    """First orders, by when they happened; the replay knows no more of later ones than the engine did."""
    first = msgspec.structs.replace(
        DEFAULT_PROGRAM.earning[0], id="first", ratio=None, fixed=500, audience="member.is_first_order"
    )
    document = msgspec.structs.replace(DEFAULT_PROGRAM, earning=[*DEFAULT_PROGRAM.earning, first])
    add_program(database_url, document)

    async def run() -> None:
        async with running_engine(database_url) as engine:
            for number, day in enumerate((20, 10, 15, 5, 25)):
                command = RecordOrder(Identity("external", "ann"), Order(f"o{day}", "CNY", [OrderLine("1", 1, 10_000)]))
                instant = datetime(2026, 10, day, 4, tzinfo=UTC)
                await engine.submit(Submission(command, "shop", str(number), b"", "test", instant))

    asyncio.run(run())
    report = backtest(database_url, document)
    assert_same(report)
    (rule,) = [each for each in report.wallets[0].rules if each.rule == "first"]
    assert rule.draft == 1_500


def test_late_check_ins_join_the_same_streaks_again(database_url: str) -> None:
    """The hole between two streaks is closed in the replay as it was when the day came."""
    streaks = [
        EarningRule(
            f"day-{day}", "points", fixed=day, event="member.checked_in", when=f"member.checkin_streak == {day}"
        )
        for day in range(1, 9)
    ]
    document = msgspec.structs.replace(DEFAULT_PROGRAM, earning=[*DEFAULT_PROGRAM.earning, *streaks])
    add_program(database_url, document)

    async def run() -> None:
        async with running_engine(database_url) as engine:
            for day in (10, 11, 13, 14, 12, 15):
                command = RecordEvent(Identity("external", "ann"), CHECKED_IN, {})
                instant = datetime(2026, 10, day, 4, tzinfo=UTC)
                await engine.submit(Submission(command, "shop", str(day), b"", "test", instant))

    asyncio.run(run())
    report = backtest(database_url, document)
    assert_same(report)
    given = {each.rule: each.draft for each in report.wallets[0].rules if each.draft}
    assert given == {"day-1": 2, "day-2": 4, "day-3": 3, "day-6": 6}


def test_a_doubled_ratio_doubles(shop_url: str) -> None:
    """Where every order of whole yuan earns twice: issued, taken back, each month and each member."""
    report = backtest(shop_url, with_ratio(200, 100))
    hundredfold = backtest(shop_url, with_ratio(100, 100))
    wallet, half = report.wallets[0], hundredfold.wallets[0]
    assert wallet.issued.draft == 2 * half.issued.draft
    assert wallet.taken_back.draft == 2 * half.taken_back.draft
    assert [line.draft for line in wallet.months] == [2 * line.draft for line in half.months]
    # Members who were only given something earn nothing, under any rate.
    earners = fetch_sql(shop_url, "SELECT count(DISTINCT member_id) FROM transactions WHERE kind = 1")[0][0]
    assert earners <= report.members
    assert wallet.members_more == earners - wallet.members_same
    assert wallet.members_less == 0
    (rule,) = wallet.rules
    assert (rule.only_draft_events, rule.only_recorded_events) == (0, 0)
    assert rule.changed_points == wallet.issued.difference
    assert wallet.winners == sorted(wallet.winners, key=lambda each: -each.difference)
    assert len(wallet.winners) == 20
    assert sum(step.members for step in wallet.histogram) == earners


def test_spends_that_cannot_be_paid_are_counted(shop_url: str) -> None:
    """Under a tenth of the points; what rests on a refused hold is refused with it."""
    report = backtest(shop_url, with_ratio(1, 1_000))
    assert report.refused["insufficient_points"] > 0
    assert report.refused["follows_refused"] > 0
    assert len(report.refused_transactions) == min(sum(report.refused.values()), 100)
    wallet = report.wallets[0]
    assert wallet.refused_points > 0
    assert wallet.spent.draft < wallet.spent.recorded
    assert wallet.losers[0].difference < 0
    assert not report.is_same


def test_since_leaves_what_was_before_as_it_was(shop_url: str) -> None:
    """Before the first day the old rate holds, from then on the new one; the outstanding points carry both."""
    middle = (NOW - timedelta(days=120)).date()
    report = backtest(shop_url, with_ratio(2, 100), since=middle)
    everything = backtest(shop_url, DEFAULT_PROGRAM)
    wallet, whole = report.wallets[0], everything.wallets[0]
    before = backtest(shop_url, DEFAULT_PROGRAM, until=middle - timedelta(days=1)).wallets[0]
    assert wallet.issued.recorded + before.issued.recorded == whole.issued.recorded
    assert wallet.outstanding.recorded == whole.outstanding.recorded
    assert all(line.key >= f"{middle:%Y-%m}" for line in wallet.months)
    assert wallet.issued.draft >= 2 * wallet.issued.recorded
    assert all(check.fits for check in report.checks)
    assert_same(backtest(shop_url, DEFAULT_PROGRAM, since=middle))


def test_since_and_until_change_nothing_under_the_recorded_program(rich_url: str) -> None:
    """Also where the period cuts through refunds of earlier orders, caps of the month and budgets of the year."""
    for since, until in ((90, None), (None, 60), (120, 30), (0, None), (None, 1_000)):
        begin = None if since is None else (NOW - timedelta(days=since)).date()
        end = None if until is None else (NOW - timedelta(days=until)).date()
        report = backtest(rich_url, RICH, since=begin, until=end)
        assert_same(report)


def test_a_period_without_events_is_empty(shop_url: str) -> None:
    """Nothing is divided by nothing."""
    report = backtest(shop_url, DEFAULT_PROGRAM, until=date(2001, 1, 1))
    assert (report.transactions, report.members, report.orders) == (0, 0, 0)
    assert_same(report)


def test_budgets_of_all_members_are_exact(shop_url: str) -> None:
    """One that is reached is never passed, and the report says how it was come by; one that is not is exact anyhow."""
    bonus = EarningRule("bonus", "points", fixed=10, caps=[Cap("points", 995, per="program")])
    tight = msgspec.structs.replace(DEFAULT_PROGRAM, earning=[*DEFAULT_PROGRAM.earning, bonus])
    report = backtest(shop_url, tight)
    rule = next(each for each in report.wallets[0].rules if each.rule == "bonus")
    (cap,) = report.caps
    assert report.order == "as_recorded"
    assert rule.draft == 995
    assert cap.draft_points == 10 * report.orders - 995
    wide = msgspec.structs.replace(bonus, caps=[Cap("points", 10 * report.orders, per="program")])
    report = backtest(shop_url, msgspec.structs.replace(tight, earning=[*DEFAULT_PROGRAM.earning, wide]))
    assert report.order == "by_member"
    assert report.caps[0].draft_events == 0
    wide = msgspec.structs.replace(bonus, caps=[Cap("points", 10 * report.orders - 1, per="program")])
    report = backtest(shop_url, msgspec.structs.replace(tight, earning=[*DEFAULT_PROGRAM.earning, wide]))
    assert (report.order, report.caps[0].draft_points) == ("as_recorded", 1)


def test_a_recorded_budget_that_was_reached_is_replayed_in_its_order(database_url: str) -> None:
    """Events one after another: the replay gives the budget to the same ones."""
    bonus = EarningRule("bonus", "points", fixed=10, caps=[Cap("points", 55, per="program")])
    document = msgspec.structs.replace(DEFAULT_PROGRAM, earning=[*DEFAULT_PROGRAM.earning, bonus])
    add_program(database_url, document)

    async def run() -> None:
        async with running_engine(database_url) as engine:
            for number in range(20):
                order = Order(f"o{number}", "CNY", [OrderLine("1", 1, 10_000)])
                command = RecordOrder(Identity("external", f"m{number * 7 % 5}"), order)
                await engine.submit(Submission(command, "shop", f"k{number}", b"", "tester"))

    asyncio.run(run())
    report = backtest(database_url, document)
    assert report.order == "as_recorded"
    assert_same(report)


def test_workers_do_not_matter(rich_url: str) -> None:
    """However many processes share the members, the figures are the same."""
    draft = with_ratio(3, 200, RICH)
    reports = [backtest(rich_url, draft, workers=workers) for workers in (1, 2, 3)]
    plain = []
    for report in reports:
        values = msgspec.to_builtins(report)
        for name in ("workers", "seconds", "settled_at", "transactions_per_second", "orders_per_second"):
            del values[name]
        plain.append(values)
    assert plain[0] == plain[1] == plain[2]


def test_nothing_is_touched(rich_url: str) -> None:
    """The ledger is as it was, to the last row, and verifies clean."""
    before = rows_of(rich_url)
    backtest(rich_url, with_ratio(5, 100, RICH))
    assert rows_of(rich_url) == before
    assert asyncio.run(verify(rich_url)).is_clean


def test_a_rule_that_cannot_be_evaluated_is_reported(shop_url: str) -> None:
    """With how often and why, instead of giving points in silence."""
    faulty = EarningRule("faulty", "points", formula="order.total_cents / (order.line_count - order.line_count)")
    report = backtest(shop_url, msgspec.structs.replace(DEFAULT_PROGRAM, earning=[*DEFAULT_PROGRAM.earning, faulty]))
    (failed,) = report.failed
    assert (failed.rule, failed.events) == ("faulty", report.orders)
    assert failed.why.en.startswith("a number in the formula")
    assert failed.why.zh.startswith("公式")


def test_a_draft_that_does_not_fit_is_refused(shop_url: str, bare_database_url: str) -> None:
    """Other money, another zone, a wallet that is gone; a period that ends before it begins; no program at all."""
    replace = msgspec.structs.replace
    for draft, word in (
        (replace(DEFAULT_PROGRAM, currency="EUR"), "currency"),
        (replace(DEFAULT_PROGRAM, time_zone="Europe/Paris"), "time_zone"),
        (
            replace(
                DEFAULT_PROGRAM,
                wallets=[Wallet("stars", LocalizedText(zh="星", en="Stars"))],
                earning=[EarningRule("base", "stars", Ratio(1, 100))],
            ),
            "points",
        ),
    ):
        with pytest.raises(BacktestRefused, match=word):
            backtest(shop_url, draft)
    with pytest.raises(BacktestRefused, match="before it begins"):
        backtest(shop_url, DEFAULT_PROGRAM, since=date(2026, 2, 1), until=date(2026, 1, 1))
    with pytest.raises(BacktestRefused, match="no program"):
        backtest(bare_database_url, DEFAULT_PROGRAM)


def test_a_new_wallet_and_an_empty_database(database_url: str) -> None:
    """A draft may bring a wallet; nobody has recorded anything yet."""
    growth = Wallet("growth", LocalizedText(zh="成长值", en="Growth"))
    document = msgspec.structs.replace(
        DEFAULT_PROGRAM,
        wallets=[*DEFAULT_PROGRAM.wallets, growth],
        earning=[*DEFAULT_PROGRAM.earning, EarningRule("growth", "growth", Ratio(1, 100))],
    )
    report = backtest(database_url, document)
    assert [wallet.wallet for wallet in report.wallets] == ["points", "growth"]
    assert report.transactions == 0


def test_a_process_that_dies_is_told(shop_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No half of a result is taken for the whole, and no process is left behind, however late it is seen off."""
    monkeypatch.setattr("jifen.analytics.backtest.run.WORKER_MODULE", "jifen.no_such_module")
    wait = os.waitpid
    delays = iter((0.3, 1.0))

    def late(pid: int, options: int) -> tuple[int, int]:
        ended = wait(pid, options)
        sleep(next(delays, 0.0))
        return ended

    monkeypatch.setattr(os, "waitpid", late)
    with pytest.raises(BacktestFailed):
        asyncio.run(run_backtest(shop_url, DEFAULT_PROGRAM, workers=2))
    gc.collect()
