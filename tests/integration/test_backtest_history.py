"""History that was imported counts in a backtest as of when it happened: who would have been in which tier when."""

from __future__ import annotations

import asyncio
import random
from calendar import monthrange
from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from jifen.analytics.backtest.report import BacktestReport
from jifen.core.calendar import RollingExpiry
from jifen.core.commands import SpendPoints
from jifen.core.program import EarningRule, ProgramDocument, RefundPolicy, check_document
from jifen.core.rules.document import Cap
from jifen.core.tiers.document import CalendarYear, Downgrade, RollingMonths, TierPeriod
from jifen.engine.submission import Submission
from jifen.services.demo import make_demo
from jifen.services.imports import import_orders, load_mapping
from jifen.services.programs import parse_program, read_program_text
from tests.databases import DEFAULT_PROGRAM, add_program, running_engine
from tests.integration.test_backtest import assert_same
from tests.integration.test_backtest_tiers import (
    assert_tiers_are_same,
    backtest,
    moves_of,
    settle_now,
    standing_of,
)
from tests.integration.tier_support import Clock, done, order, person, refund, started, submission
from tests.unit.core.tiers.club import ZONE, level, tier_set

SILVER_CENTS, GOLD_CENTS = 100_000, 300_000
QUARTER = RollingMonths(3)
MONTHLY = Downgrade("to_earned", "monthly", 1)
#: A point a yuan through the end of the month a year later.
PLAIN = msgspec.structs.replace(
    DEFAULT_PROGRAM,
    earning=[
        msgspec.structs.replace(DEFAULT_PROGRAM.earning[0], expiry=RollingExpiry(months=12, until="month_end")),
    ],
)
BEGAN = datetime(2021, 5, 1, tzinfo=ZONE)
IMPORTED = datetime(2021, 6, 1, 12, tzinfo=ZONE)


class Purchase(msgspec.Struct, frozen=True):
    """An order of a member at noon of a day, and when all of it came back, if it did."""

    member: int
    day: date
    cents: int
    returned_on: date | None = None


def club(period: TierPeriod = QUARTER, downgrade: Downgrade = MONTHLY) -> ProgramDocument:
    """The same shop with tiers: silver doubles its points, gold triples them."""
    levels = [
        level("regular"),
        level("silver", f"period.spent_cents >= {SILVER_CENTS}", coefficient=Decimal(2)),
        level("gold", f"period.spent_cents >= {GOLD_CENTS}", coefficient=Decimal(3)),
    ]
    document = msgspec.structs.replace(PLAIN, tier_sets=[tier_set(period, downgrade, levels)])
    check_document(document)
    return document


def write_file(folder: Path, purchases: Sequence[Purchase], name: str = "orders.csv") -> Path:
    """The purchases as a file that can be imported."""
    lines = ["order_id,occurred_at,identity,line_id,sku,quantity,paid,refund_of"]
    for number, each in enumerate(purchases):
        key = f"{name}-{number}"
        paid = f"{each.cents // 100}.{each.cents % 100:02d}"
        lines.append(f"{key},{each.day} 12:00,external:{each.member},1,TEA,1,{paid},")
        if each.returned_on is not None:
            lines.append(f"R{key},{each.returned_on} 13:00,external:{each.member},1,TEA,1,,{key}")
    file = folder / name
    file.write_text("\n".join(lines) + "\n")
    return file


def happened(url: str, clock: Clock, *steps: Path | Submission) -> None:
    """Import files and record commands, one after another, at the time of the clock."""

    async def run() -> None:
        engine = await started(url, clock)
        try:
            for step in steps:
                if isinstance(step, Path):
                    summary = await import_orders(engine, url, step, load_mapping("orders"))
                    assert summary.refused == summary.rejected_lines == summary.duplicates == 0, summary
                else:
                    await done(engine, step)
        finally:
            await engine.stop()

    asyncio.run(run())


def moves_by_month(report: BacktestReport) -> dict[str, int]:
    """The moves under the draft, month by month."""
    return {f"{each.month} {each.before}>{each.after}": each.draft for each in report.tier_sets[0].months if each.draft}


def test_members_rise_and_fall_in_the_months_of_their_orders(bare_database_url: str, tmp_path: Path) -> None:
    """By hand: three months from 1,000.00 are silver, reviewed each 1st. Recorded, nobody ever moved."""
    add_program(bare_database_url, PLAIN, BEGAN)
    purchases = [
        # 600 and 500 make silver on 20 February, are seen until the review of 1 April, and no longer on 1 May.
        Purchase(1, date(2019, 1, 10), 60_000),
        Purchase(1, date(2019, 2, 20), 50_000),
        # Back before the next review.
        Purchase(2, date(2019, 6, 5), 200_000, date(2019, 6, 20)),
        Purchase(3, date(2019, 3, 1), 99_900),
        # Silver, then gold; on 1 March the 1,000 of January are left, on 1 May nothing.
        Purchase(4, date(2018, 11, 30), 250_000),
        Purchase(4, date(2019, 1, 2), 100_000),
        # Still silver when the program began.
        Purchase(5, date(2021, 4, 3), 150_000),
    ]
    happened(bare_database_url, Clock(IMPORTED), write_file(tmp_path, purchases))
    report = backtest(bare_database_url, club())
    assert report.history == len(purchases) + 1
    assert moves_by_month(report) == {
        "2018-11 regular>silver": 1,
        "2019-01 silver>gold": 1,
        "2019-02 regular>silver": 1,
        "2019-03 gold>silver": 1,
        "2019-05 silver>regular": 2,
        "2019-06 regular>silver": 1,
        "2019-07 silver>regular": 1,
        "2021-04 regular>silver": 1,
        "2021-08 silver>regular": 1,
    }
    (tiers,) = report.tier_sets
    assert moves_of(tiers, draft=False) == {}
    assert standing_of(tiers, draft=True) == {"regular": 5}
    # The second order of the fourth member on 2 January was bought as silver.
    assert report.wallets[0].issued.difference == report.wallets[0].tier_points == 1_000
    assert any("31 days late" in note.en for note in report.notes)
    by_then = backtest(bare_database_url, club(), until=date(2019, 4, 30))
    assert standing_of(by_then.tier_sets[0], draft=True) == {"regular": 1, "silver": 2}
    spring = backtest(bare_database_url, club(), since=date(2019, 3, 1), until=date(2019, 5, 31))
    assert moves_by_month(spring) == {"2019-03 gold>silver": 1, "2019-05 silver>regular": 2}


def test_points_of_history_expire_when_they_would_have(bare_database_url: str, tmp_path: Path) -> None:
    """Through the end of the month a year later: as of then where the draft has tiers, in the end the same without."""
    add_program(bare_database_url, PLAIN, BEGAN)
    purchases = [
        Purchase(1, date(2019, 1, 10), 10_000),
        Purchase(1, date(2019, 2, 10), 20_000, date(2019, 2, 20)),
        Purchase(1, date(2019, 3, 10), 40_000),
        Purchase(2, date(2021, 4, 10), 80_000),
    ]
    happened(bare_database_url, Clock(IMPORTED), write_file(tmp_path, purchases))
    for until, expired in ((date(2020, 1, 31), 0), (date(2020, 2, 1), 100), (date(2020, 4, 1), 500)):
        assert backtest(bare_database_url, club(), until=until).wallets[0].expired.draft == expired, until
    for draft in (PLAIN, club()):
        wallet = backtest(bare_database_url, draft).wallets[0]
        assert wallet.expired.draft == wallet.expired.recorded
        assert wallet.outstanding.draft == wallet.outstanding.recorded


class Model:
    """One member's tier, worked out day by day from nothing but the purchases."""

    def __init__(self, purchases: Sequence[Purchase], months: int, review_day: int) -> None:
        self._purchases = purchases
        self._months, self._review_day = months, review_day
        self.tier = "regular"
        self.moves: Counter[str] = Counter()
        self.points = 0

    def live(self, since: date, until: date) -> None:
        """Day by day: first the review, at midnight; then orders at noon, and at one o'clock what comes back."""
        day = since
        while day <= until:
            last = monthrange(day.year, day.month)[1]
            if day.day == min(self._review_day, last) and self.tier != "regular":
                self._move(day, self._earned(day - timedelta(days=1), day))
            for each in self._purchases:
                if each.day == day:
                    self.points += each.cents // 100 * {"regular": 1, "silver": 2, "gold": 3}[self.tier]
                    self._rise(day, self._earned(day, day, bought=each))
            day += timedelta(days=1)

    def _earned(self, seen_from: date, by: date, bought: Purchase | None = None) -> str:
        """The tier that the months up to this day earn, by what had happened at the beginning of a day, or just after
        something was bought on it."""
        last = seen_from.year * 12 + seen_from.month
        spent = 0
        for each in self._purchases:
            month = each.day.year * 12 + each.day.month
            is_known = each.day < by or (bought is not None and each.day == by and self._is_not_after(each, bought))
            is_back = each.returned_on is not None and each.returned_on < by
            if is_known and not is_back and last - self._months < month <= last:
                spent += each.cents
        return "gold" if spent >= GOLD_CENTS else "silver" if spent >= SILVER_CENTS else "regular"

    def _is_not_after(self, each: Purchase, other: Purchase) -> bool:
        return self._purchases.index(each) <= self._purchases.index(other)

    def _rise(self, day: date, tier: str) -> None:
        ranks = ("regular", "silver", "gold")
        if ranks.index(tier) > ranks.index(self.tier):
            self._move(day, tier)

    def _move(self, day: date, tier: str) -> None:
        if tier != self.tier:
            self.moves[f"{day:%Y-%m} {self.tier}>{tier}"] += 1
            self.tier = tier


def random_purchases(chance: random.Random, members: int) -> list[Purchase]:
    """What members bought and sent back in two years, each at most once a day."""
    found = []
    for member in range(1, members + 1):
        days = sorted(
            {date(2018, 1, 1) + timedelta(days=chance.randrange(730)) for _ in range(chance.randrange(1, 12))}
        )
        for day in days:
            cents = 100 * chance.choice([90, 300, 500, 800, 1_200, 3_500])
            back = day + timedelta(days=chance.randrange(1, 60)) if chance.random() < 0.2 else None
            found.append(Purchase(member, day, cents, back))
    return found


@pytest.mark.parametrize(("seed", "months", "review_day"), [(1, 3, 1), (2, 1, 31), (3, 12, 15), (4, 2, 28)])
def test_random_histories_move_members_as_a_model_says(
    bare_database_url: str, tmp_path: Path, seed: int, months: int, review_day: int
) -> None:
    """Moves of each month, members of each tier and points, whether the file came at once or the later half first."""
    add_program(bare_database_url, PLAIN, BEGAN)
    purchases = random_purchases(random.Random(seed), 30)
    earlier = [each for each in purchases if each.day < date(2018, 9, 1)]
    later = [each for each in purchases if each.day >= date(2018, 9, 1)]
    files = [write_file(tmp_path, later, "later.csv"), write_file(tmp_path, earlier, "earlier.csv")]
    happened(bare_database_url, Clock(IMPORTED), *files)
    moves, members, points = Counter[str](), Counter[str](), 0
    for member in range(1, 31):
        model = Model([each for each in purchases if each.member == member], months, review_day)
        model.live(date(2018, 1, 1), date(2021, 5, 31))
        moves += model.moves
        members[model.tier] += 1
        points += model.points
    draft = club(RollingMonths(months), Downgrade("to_earned", "monthly", review_day))
    report = backtest(bare_database_url, draft)
    assert moves_by_month(report) == dict(moves)
    assert sum(moves.values()) > 20
    assert standing_of(report.tier_sets[0], draft=True) == dict(members)
    assert report.wallets[0].issued.draft == points
    # A budget that is reached replays all members at once: they move the same.
    gift = EarningRule("gift", "points", fixed=1, caps=[Cap("points", 3, "program")])
    tight = backtest(bare_database_url, msgspec.structs.replace(draft, earning=[*draft.earning, gift]))
    assert tight.order == "as_recorded"
    assert tight.tier_sets == report.tier_sets
    assert tight.wallets[0].issued.draft == points + 3
    # Without tiers in the draft, history is what it was when it was recorded.
    assert_same(backtest(bare_database_url, PLAIN))


def test_the_live_program_moves_everybody_as_they_moved_after_an_import(bare_database_url: str, tmp_path: Path) -> None:
    """History in a shop that has tiers: from the day after the import on, live is backtest; over all, the history is
    told as history. The files of a shop that sends a file a night are no history."""
    add_program(bare_database_url, club(CalendarYear(), Downgrade("to_earned")), BEGAN)
    clock = Clock(datetime(2021, 5, 20, 12, tzinfo=ZONE))
    happened(bare_database_url, clock, order(1, "first", 120_000), order(2, "second", 30_000))
    clock.now = IMPORTED
    old = [
        Purchase(2, date(2020, 7, 1), 150_000),
        Purchase(3, date(2020, 8, 1), 90_000),
        Purchase(2, date(2021, 2, 1), 10_000),
    ]
    happened(bare_database_url, clock, write_file(tmp_path, old, "old.csv"))
    for day in range(2, 20):
        clock.later(1)
        bought = [Purchase(1 + day % 4, (IMPORTED + timedelta(days=day - 2)).date(), 35_000)]
        happened(bare_database_url, clock, write_file(tmp_path, bought, f"night{day}.csv"), order(3, f"o{day}", 20_000))
    draft = club(CalendarYear(), Downgrade("to_earned"))
    since = backtest(bare_database_url, draft, since=date(2021, 6, 2))
    assert since.transactions > 0
    assert_tiers_are_same(since)
    assert since.history == 0
    whole = backtest(bare_database_url, draft)
    assert whole.history == len(old)
    assert "2020-07 regular>silver" in moves_by_month(whole)
    settle_now(bare_database_url)
    assert_tiers_are_same(backtest(bare_database_url, draft, since=date(2021, 6, 2)))


def test_a_shop_of_nightly_files_has_no_history(bare_database_url: str, tmp_path: Path) -> None:
    """What an import tells in time is live: the program in force changes nothing."""
    add_program(bare_database_url, club(), BEGAN)
    clock = Clock(IMPORTED)
    for night in range(12):
        days = [(clock.now - timedelta(days=back)).date() for back in (9, 5, 1)]
        bought = [Purchase(1 + number, day, 25_000 + 9_000 * night) for number, day in enumerate(days)]
        happened(bare_database_url, clock, write_file(tmp_path, bought, f"night{night}.csv"))
        clock.later(10)
    report = backtest(bare_database_url, club())
    assert report.history == 0
    assert_tiers_are_same(report)
    assert moves_of(report.tier_sets[0], draft=True)


def test_what_anybody_tells_of_before_the_program_is_history(bare_database_url: str) -> None:
    """Told after a live order, it counts before it; what was spent then was spent before the order came back."""
    document = msgspec.structs.replace(PLAIN, refunds=RefundPolicy("debt"))
    add_program(bare_database_url, document, BEGAN)
    old = [datetime(2021, 4, day, 12, tzinfo=ZONE) for day in (18, 19, 20, 21)]
    happened(
        bare_database_url,
        Clock(IMPORTED),
        order(1, "live", 10_000),
        order(1, "old", 150_000, old[0]),
        order(2, "back", 10_000, old[0]),
        submission(SpendPoints(person(2), None, 90), old[1]),
        msgspec.structs.replace(refund("back"), occurred_at=old[2]),
        order(2, "again", 20_000, old[3]),
    )
    report = backtest(bare_database_url, club())
    assert report.history == 5
    # The live order is bought as silver.
    assert report.wallets[0].issued.difference == 100
    assert moves_by_month(report) == {"2021-04 regular>silver": 1, "2021-08 silver>regular": 1}
    assert report.refused == {}
    assert report.wallets[0].spent.draft == 90


def test_a_demo_shop_is_history(bare_database_url: str) -> None:
    """A year that was told in a moment, redemptions and transfers included: nothing is refused, moves have months."""
    document = parse_program(read_program_text("demo"))
    add_program(bare_database_url, document)

    async def run() -> None:
        async with running_engine(bare_database_url) as engine:
            await make_demo(engine, bare_database_url, members=120, seed=3, until=datetime.now(ZONE))

    asyncio.run(run())
    report = backtest(bare_database_url, document)
    assert report.history > 0.9 * report.transactions
    assert report.refused == {}
    assert report.wallets[0].spent.difference == 0
    assert len({month.partition(" ")[0] for month in moves_by_month(report)}) > 6
