"""The report's page and its charts: everything from outside is escaped, and odd figures are drawn."""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime
from itertools import pairwise

import msgspec

from jifen.analytics.backtest.charts import Bar, BarPair, columns, nice_ceiling, paired_columns, paired_rows
from jifen.analytics.backtest.page import render_page
from jifen.analytics.backtest.report import (
    BacktestReport,
    CapLine,
    FailedLine,
    Figure,
    HistogramStep,
    LedgerCheck,
    MemberLine,
    Names,
    PointsLine,
    RefusedLine,
    RuleLine,
    TierLine,
    TierMove,
    TierSetReport,
    WalletReport,
)
from jifen.core.program import WalletValue
from jifen.core.rules.document import LocalizedText

EVIL = '<script>alert("1")</script>&\'"'
FIGURE = Figure(1_000, 1_500, 500)
WALLET = WalletReport(
    wallet=EVIL,
    name=LocalizedText(zh=EVIL, en=EVIL),
    value=WalletValue(100, 100),
    issued=FIGURE,
    taken_back=FIGURE,
    spent=FIGURE,
    expired=Figure(0, 0, 0),
    outstanding=Figure(-5, -3, 2),
    cost_cents=Figure(100_000, 90_050, -9_950),
    liability_cents=Figure(-5, -3, 2),
    refused_points=12,
    months=[PointsLine("2026-01", 1, 0), PointsLine(EVIL, 2, 3)],
    tiers=[PointsLine("", 1, 2), PointsLine(EVIL, 3, 4)],
    categories=[PointsLine(EVIL, 3, 4)],
    rules=[RuleLine(EVIL, 1, 2, 3, 4, 5, 6, 7, 8, 9, -10)],
    members_more=1,
    members_less=2,
    members_same=3,
    histogram=[HistogramStep(-9, -5, 2), HistogramStep(0, 0, 3), HistogramStep(1, 1, 1)],
    winners=[MemberLine(EVIL, 1, 2, 1)],
    losers=[],
)
REPORT = BacktestReport(
    program=LocalizedText(zh=EVIL, en=EVIL),
    compared_with_version=3,
    since=date(2026, 1, 1),
    until=None,
    settled_at=datetime(2026, 11, 1, tzinfo=UTC),
    currency="CNY",
    order="as_recorded",
    members=6,
    transactions=20,
    events=12,
    orders=10,
    kinds={"earn": 12, "spend": 8},
    wallets=[WALLET],
    caps=[
        CapLine(f"rule:{EVIL}", "points", "member", "month", None, 1, 2, 3, 4, 5, 6),
        CapLine("program", "count", "program", "year", 9, 1, 2, 3, 4, 5, 6),
    ],
    refused={"insufficient_points": 1, EVIL: 1},
    refused_transactions=[RefusedLine("100001-1", "spend", EVIL, EVIL, 10), RefusedLine("1-2", EVIL, "x", None, None)],
    failed=[FailedLine(EVIL, 2, LocalizedText(zh=EVIL, en=EVIL))],
    checks=[LedgerCheck(EVIL, "issued", 1, 1, True), LedgerCheck("points", "taken_back", 1, 2, False)],
    notes=[LocalizedText(zh=EVIL, en=EVIL)],
    workers=1,
    seconds=1.25,
    transactions_per_second=16,
    orders_per_second=8,
    tier_sets=[
        TierSetReport(
            EVIL, None, {EVIL: LocalizedText(zh=EVIL, en=EVIL)}, [TierLine("", 1, 2)], [TierMove("", EVIL, 2, 1)]
        )
    ],
)


def test_nothing_from_outside_is_markup() -> None:
    """Names of wallets, rules, categories, members, messages: none of them can say more than text."""
    page = render_page(REPORT)
    assert "<script" not in page
    assert page.count("&lt;script&gt;") > 20
    assert "alert(&quot;1&quot;)" in page
    assert not re.search(r"<[^>]*alert", page.replace("&lt;", ""))


def test_both_languages_are_there() -> None:
    """Each text of ours has its counterpart; Chinese is shown first."""
    page = render_page(REPORT)
    assert page.count('class="zh"') == page.count('class="en"')
    assert page.index("积分计划回测") < page.index("Backtest of a program")
    assert 'id="choose-zh" checked' in page
    for text in ("各月发放", "Issued by month", "差异从哪里来", "不符", "does not fit", "−10.0%", "-99.50 CNY"):
        assert text in page, text


def test_the_page_opens_in_the_language_asked_for() -> None:
    """With the switch for the other one."""
    page = render_page(REPORT, "en")
    assert '<html lang="en">' in page
    assert 'id="choose-en" checked' in page
    assert 'id="choose-zh" checked' not in page
    assert 'for="choose-zh"' in page


def test_things_are_called_by_their_names() -> None:
    """Rules, tiers, wallets and campaigns in both languages; what has no name by its id."""

    def name(word: str) -> LocalizedText:
        return LocalizedText(zh=f"{word}中", en=f"{word}-en")

    rules = [RuleLine(rule, 1, 2, 3, 4, 5, 6, 7, 8, 9, -10, 2, 33) for rule in ("base", "nameless")]
    wallet = msgspec.structs.replace(WALLET, rules=rules, tiers=[PointsLine("gold", 1, 2)])
    report = msgspec.structs.replace(
        REPORT,
        wallets=[wallet],
        caps=[CapLine("campaign:may", "points", "member", "month", None, 1, 2, 3, 4, 5, 6)],
        checks=[LedgerCheck("points", "issued", 1, 1, True)],
        tier_sets=[TierSetReport("level", name("set"), {"gold": name("top")}, [TierLine("gold", 1, 2)], [])],
        names=Names({"points": name("purse")}, {"base": name("basis")}, {"may": name("spring")}, {"gold": name("au")}),
    )
    page = render_page(report)
    for word in ("purse", "basis", "spring", "au", "set", "top"):
        assert f"{word}中" in page and f"{word}-en" in page, word
    for identifier in (">base<", ">gold<", ">may<"):
        assert identifier not in page
    assert ">nameless<" in page


def test_numbers_are_not_broken_over_lines() -> None:
    """Also the most that a cap gives, which a draft may not have any more; and labels of many columns stay apart."""
    caps = [
        CapLine("program", "points", "program", "year", 300_000, 1, 2, 3, 4, 5, 6),
        CapLine("program", "count", "program", "year", None, 1, 2, 3, 4, 5, 6),
    ]
    page = render_page(msgspec.structs.replace(REPORT, caps=caps))
    assert '<td class="number">300,000</td>' in page and '<td class="number">–</td>' in page
    drawn = columns([Bar(f"-{each},000", each, "less") for each in range(36)])
    places = [float(x) for x in re.findall(r"translate\(([0-9.]+) ", drawn)]
    [angle] = {int(each) for each in re.findall(r"rotate\(-(\d+)\)", drawn)}
    assert (places[1] - places[0]) * math.sin(math.radians(angle)) > 12, "a line of text is so high"


def test_a_report_survives_json() -> None:
    """As the table of jobs keeps it."""
    assert msgspec.json.decode(msgspec.json.encode(REPORT), type=BacktestReport) == REPORT


def test_a_wallet_without_figures_is_left_out() -> None:
    """Nothing is said about what nobody holds; the rest of the page stands."""
    zero = Figure(0, 0, 0)
    empty = msgspec.structs.replace(
        WALLET,
        name=LocalizedText(zh="空", en="Nothing here"),
        issued=zero,
        taken_back=zero,
        spent=zero,
        outstanding=zero,
        rules=[],
        months=[],
        histogram=[],
    )
    assert "Nothing here" not in render_page(msgspec.structs.replace(REPORT, wallets=[empty]))


def test_charts_are_drawn_of_anything() -> None:
    """Nothing, one, many, noughts and negative numbers."""
    for pairs in ([], [BarPair("a", 0, 0)], [BarPair("a", -5, 7)], [BarPair(str(each), each, 2) for each in range(60)]):
        for chart in (paired_columns, paired_rows):
            drawn = chart(pairs)
            assert drawn.startswith("<svg") and drawn.endswith("</svg>")
            assert 'height="-' not in drawn and 'width="-' not in drawn
    assert columns([]).count("<rect") == 0
    assert columns([Bar("a", 3, "more"), Bar("b", 0, "less")]).count("<rect") == 2


def test_the_axis_ends_at_a_round_number() -> None:
    """1, 2, 4, 6, 8 and their tens."""
    values = (0, 1, 3, 6, 10, 11, 199, 201, 5_001, 2_300_000)
    assert [nice_ceiling(value) for value in values] == [1, 1, 4, 6, 10, 20, 200, 400, 6_000, 4_000_000]


def test_labels_of_columns_neither_touch_nor_stick_out() -> None:
    """However many months there are, however long the numbers: at twelve pixels a digit is about 7.5 wide."""
    for count in (1, 2, 12, 13, 25, 120):
        months = [BarPair(f"20{10 + index // 12}-{index % 12 + 1:02}", 1_234_567_890, 7) for index in range(count)]
        texts = re.findall(r'<text x="([\d.]+)" y="[\d.]+" text-anchor="(\w+)">([^<]+)<', paired_columns(months))
        middles = [float(x) for x, anchor, _ in texts if anchor == "middle"]
        assert middles and all(right - left > 7 * 7.5 for left, right in pairwise(middles))
        assert all(float(x) > 7.5 * len(text) for x, anchor, text in texts if anchor == "end")
