"""The report as one page that needs nothing else: it opens in one language, the other is at the flick of a switch.

Every text from outside goes through `escape`, here, in the pieces or in the charts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Literal

from jifen.analytics.backtest.charts import Bar, BarPair, columns, paired_columns, paired_rows
from jifen.analytics.backtest.markup import (
    LEGEND,
    Cell,
    Signed,
    both,
    card,
    entitled,
    money,
    named,
    said,
    share,
    signed,
    table,
    tile,
)
from jifen.analytics.backtest.page_details import caps, checks, failed, notes, refused, tiers
from jifen.analytics.backtest.report import (
    BacktestReport,
    Figure,
    HistogramStep,
    MemberLine,
    Names,
    PointsLine,
    WalletReport,
)
from jifen.analytics.backtest.style import STYLE
from jifen.analytics.backtest.words import KINDS
from jifen.core.rules.document import LocalizedText

Language = Literal["zh", "en"]

_STEPS = (
    '<p class="soft"><small>'
    + both(
        "每根柱子从标出的差异起，到下一根为止。",
        "Each column begins at its difference and ends where the next one does.",
    )
    + "</small></p>"
)
#: So many rules or categories have bars; the table has all.
_CHARTED = 24


def render_page(report: BacktestReport, language: Language = "zh") -> str:
    """The whole page, which opens in this language."""
    names = report.names
    wallets = [_wallet(wallet, report.currency, names) for wallet in report.wallets if _has_figures(wallet)]
    body = [_head(report), *wallets]
    body += [part(report) for part in (tiers, caps, refused, failed, checks, notes)]
    is_chinese = language == "zh"
    title = escape(f"回测：{report.program.zh}" if is_chinese else f"Backtest: {report.program.en}")
    return (
        f'<!DOCTYPE html>\n<html lang="{"zh-CN" if is_chinese else "en"}"><head><meta charset="utf-8">'
        f"<title>{title}</title>"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{STYLE}</style></head>\n<body>"
        f"{_choice('zh', '中文', language)}{_choice('en', 'English', language)}"
        f"<main>{''.join(body)}</main></body></html>\n"
    )


def _choice(language: Language, label: str, chosen: Language) -> str:
    checked = " checked" if language == chosen else ""
    return f'<input class="choice" type="radio" name="language" id="choose-{language}"{checked} aria-label="{label}">'


def _head(report: BacktestReport) -> str:
    begin = both("最早", "the beginning") if report.since is None else escape(report.since.isoformat())
    end = both("现在", "now") if report.until is None else escape(report.until.isoformat())
    tiles = [
        tile(both("重放的流水", "transactions replayed"), f"{report.transactions:,}", _kinds(report.kinds)),
        tile(both("订单", "orders"), f"{report.orders:,}", both("其他事件", "other events") + f" {_others(report)}"),
        tile(both("会员", "members"), f"{report.members:,}", ""),
        tile(
            both("会被拒绝", "would be refused"),
            f"{sum(report.refused.values()):,}",
            both("实际发生过、草案下不成立", "happened, but not under the draft"),
        ),
        tile(
            both("用时", "took"),
            f"{report.seconds:.1f} s",
            f"{report.orders_per_second:,} " + both("单/秒", "orders/s"),
        ),
    ]
    same = ""
    if report.is_same:
        same = f"<p><b>{both('与实际完全一致：没有任何差异。', 'Exactly what happened: no difference at all.')}</b></p>"
    return (
        '<div class="switch"><label for="choose-zh">中文</label><label for="choose-en">English</label></div>'
        f"<h1>{both('积分计划回测', 'Backtest of a program')}</h1>"
        f"<p>{named(report.program)}</p>"
        f'<p class="soft">{begin} – {end} · {both("对照现行第", "against version")} {report.compared_with_version} '
        f"{both('版及实际入账', 'and what was recorded')}</p>{same}"
        f'<div class="tiles">{"".join(tiles)}</div>'
    )


def _others(report: BacktestReport) -> str:
    return f"{report.events - report.orders:,}"


def _kinds(kinds: dict[str, int]) -> str:
    return " · ".join(f"{said(KINDS, kind)} {count:,}" for kind, count in kinds.items() if kind != "earn")


def _has_figures(wallet: WalletReport) -> bool:
    figures = (wallet.issued, wallet.taken_back, wallet.spent, wallet.expired, wallet.outstanding)
    return bool(wallet.rules) or any(figure.recorded or figure.draft for figure in figures)


def _wallet(wallet: WalletReport, currency: str, names: Names) -> str:
    rules = [BarPair(names.rules.get(each.rule, each.rule), each.recorded, each.draft) for each in wallet.rules]
    rules.sort(key=lambda each: -max(each.recorded, each.draft))
    months = [BarPair(each.key, each.recorded, each.draft) for each in wallet.months]
    parts = [
        f"<h2>{named(wallet.name)}</h2>",
        f'<div class="tiles">{_figures(wallet, currency)}</div>',
        card(both("各月发放", "Issued by month"), paired_columns(months) + LEGEND),
        card(both("各规则发放", "Issued by rule"), paired_rows(rules[:_CHARTED]) + LEGEND),
        card(both("差异从哪里来", "Where the difference comes from"), _causes(wallet, names)),
        card(_histogram_title(wallet), columns(_bars(wallet.histogram)) + _STEPS),
        '<div class="two">',
        card(both("得到更多的会员", "Members who get more"), _members(wallet.winners)),
        card(both("得到更少的会员", "Members who get less"), _members(wallet.losers)),
        card(both("按品类", "By category"), _lines(wallet.categories, {})),
        card(both("按等级", "By tier"), _lines(wallet.tiers, names.tiers)),
        "</div>",
    ]
    return "".join(parts)


def _figures(wallet: WalletReport, currency: str) -> str:
    named = [
        (both("发放", "issued"), wallet.issued),
        (both("退款收回", "taken back"), wallet.taken_back),
        (both("消耗", "spent"), wallet.spent),
        (both("过期", "expired"), wallet.expired),
        (both("期末未用", "outstanding at the end"), wallet.outstanding),
    ]
    tiles = [_figure_tile(label, figure, f"{figure.draft:,}", f"{figure.recorded:,}") for label, figure in named]
    for label, cents in (
        (both("净发放成本", "cost, net of refunds"), wallet.cost_cents),
        (both("期末负债", "liability at the end"), wallet.liability_cents),
    ):
        if cents is not None:
            tiles.append(
                _figure_tile(label, cents, money(cents.draft, currency), money(cents.recorded, currency), currency)
            )
    if wallet.refused_points:
        label = both("余额不足的消耗", "spends it cannot pay")
        tiles.append(tile(label, f"{wallet.refused_points:,}", both("积分", "points")))
    return "".join(tiles)


def _figure_tile(label: str, figure: Figure, draft: str, recorded: str, currency: str | None = None) -> str:
    difference = figure.difference
    shown = signed(difference)
    if currency is not None and difference:
        kind = "more" if difference > 0 else "less"
        shown = f'<span class="{kind}">{"+" if difference > 0 else ""}{money(difference, currency)}</span>'
    return tile(label, draft, f"{both('实际', 'recorded')} {recorded} · {shown}{share(figure)}")


def _causes(wallet: WalletReport, names: Names) -> str:
    headings = [
        both("规则", "rule"),
        both("实际", "recorded"),
        both("草案", "draft"),
        both("差异", "difference"),
        both("只在草案", "only in the draft"),
        both("只在实际", "only as recorded"),
        both("数额改变", "changed"),
        both("其中因等级", "of it by tier"),
    ]
    rows: list[list[Cell]] = [
        [
            entitled(names.rules, each.rule),
            each.recorded,
            each.draft,
            Signed(each.draft - each.recorded),
            _cause(each.only_draft_points, each.only_draft_events),
            _cause(-each.only_recorded_points, each.only_recorded_events),
            _cause(each.changed_points, each.changed_events),
            _cause(each.tier_points, each.tier_events),
        ]
        for each in sorted(wallet.rules, key=lambda each: (-abs(each.draft - each.recorded), each.rule))
    ]
    return table(headings, rows)


def _cause(points: int, events: int) -> str:
    return f"{signed(points)} <small>({events:,} {both('次', 'events')})</small>" if events else ""


def _histogram_title(wallet: WalletReport) -> str:
    return (
        both("每位会员的差异（积分）", "Difference for each member (points)")
        + f" <small>{both('更多', 'more')} {wallet.members_more:,} · {both('相同', 'same')} {wallet.members_same:,}"
        + f" · {both('更少', 'less')} {wallet.members_less:,}</small>"
    )


def _bars(steps: Sequence[HistogramStep]) -> list[Bar]:
    return [
        Bar(_span(step.least, step.most), step.members, "same" if step.most == 0 == step.least else _sign_kind(step))
        for step in steps
    ]


def _sign_kind(step: HistogramStep) -> str:
    return "more" if step.least > 0 else "less"


def _span(least: int, most: int) -> str:
    """The end of the step that is closer to nothing; the steps are known: 1, 2, 5, 10, 20, 50 ..."""
    nearest = least if least >= 0 else most
    return f"{nearest:+,}" if nearest else "0"


def _members(members: Sequence[MemberLine]) -> str:
    if not members:
        return f'<p class="soft">{both("没有", "Nobody.")}</p>'
    headings = [
        both("会员", "member"),
        both("实际", "recorded"),
        both("草案", "draft"),
        both("差异", "difference"),
    ]
    return table(
        headings,
        [[escape(each.member_id), each.recorded, each.draft, Signed(each.difference)] for each in members],
    )


def _lines(lines: Sequence[PointsLine], names: Mapping[str, LocalizedText]) -> str:
    headings = ["", both("实际", "recorded"), both("草案", "draft"), both("差异", "difference")]
    return table(
        headings,
        [
            [
                entitled(names, each.key) or f'<span class="soft">{both("未注明", "none named")}</span>',
                each.recorded,
                each.draft,
                Signed(each.draft - each.recorded),
            ]
            for each in lines
        ],
    )
