"""The parts of the report's page that are about no single wallet."""

from __future__ import annotations

from html import escape

from jifen.analytics.backtest.markup import Cell, Signed, both, card, entitled, named, said, table
from jifen.analytics.backtest.report import BacktestReport, Names, TierSetReport
from jifen.analytics.backtest.words import CHECKS, KINDS, LIMITS, OWNERS, PERIODS, REFUSALS


def caps(report: BacktestReport) -> str:
    """How often caps and budgets cut an award."""
    if not report.caps:
        return ""
    headings = [
        both("上限或预算", "cap or budget"),
        both("限制", "limits"),
        both("最多", "most"),
        both("实际：次数", "recorded: times"),
        both("实际：截去积分", "recorded: points cut"),
        both("草案：次数", "draft: times"),
        both("草案：会员", "draft: members"),
        both("草案：截去积分", "draft: points cut"),
    ]
    rows: list[list[Cell]] = [
        [
            _owner(report.names, each.cap),
            " ".join((said(OWNERS, each.per), said(PERIODS, each.period), said(LIMITS, each.limit))),
            each.most,
            each.recorded_events,
            each.recorded_points,
            each.draft_events,
            each.draft_members,
            each.draft_points,
        ]
        for each in report.caps
    ]
    return f"<h2>{both('上限与预算', 'Caps and budgets')}</h2>" + f'<div class="card">{table(headings, rows)}</div>'


def _owner(names: Names, owner: str) -> str:
    kind, colon, name = owner.partition(":")
    known = {"rule": names.rules, "campaign": names.campaigns}.get(kind, {})
    return f"{said(OWNERS, kind)} {entitled(known, name)}" if colon else said(OWNERS, f"whole-{kind}")


def refused(report: BacktestReport) -> str:
    """What happened, and would not have under the draft."""
    if not report.refused:
        return ""
    total = sum(report.refused.values())
    listed = len(report.refused_transactions)
    counts = table(
        [both("原因", "reason"), both("流水", "transactions")],
        [[f"{said(REFUSALS, code)} <small>{escape(code)}</small>", count] for code, count in report.refused.items()],
    )
    headings = [
        both("流水", "transaction"),
        both("类型", "kind"),
        both("原因", "reason"),
        both("数额", "points"),
        both("账户", "wallet"),
    ]
    rows: list[list[Cell]] = [
        [
            escape(each.transaction_id),
            said(KINDS, each.kind),
            said(REFUSALS, each.code),
            "" if each.points is None else f"{each.points:,}",
            "" if each.wallet is None else entitled(report.names.wallets, each.wallet),
        ]
        for each in report.refused_transactions
    ]
    title = both(
        f"实际发生、草案下会被拒绝的流水：{total:,} 笔", f"Transactions that the draft would refuse: {total:,}"
    )
    first = both(f"其中前 {listed} 笔", f"The first {listed} of them")
    return f"<h2>{title}</h2>" + f'<div class="card">{counts}</div>' + card(first, table(headings, rows))


def failed(report: BacktestReport) -> str:
    """Rules that could not be evaluated."""
    if not report.failed:
        return ""
    headings = [both("规则", "rule"), both("次数", "events"), both("例如", "for example")]
    rows: list[list[Cell]] = [
        [entitled(report.names.rules, each.rule), each.events, named(each.why)] for each in report.failed
    ]
    title = both("无法求值的规则", "Rules that could not be evaluated")
    return f"<h2>{title}</h2>" + f'<div class="card fault">{table(headings, rows)}</div>'


def tiers(report: BacktestReport) -> str:
    """Who stands in which tier at the end, and the moves between them."""
    return "".join(_tier_set(each) for each in report.tier_sets if each.members or each.moves)


def _tier_set(tier_set: TierSetReport) -> str:
    figures = [both("实际", "recorded"), both("草案", "draft"), both("差异", "difference")]
    members: list[list[Cell]] = [
        [_tier(tier_set, each.tier), each.recorded, each.draft, Signed(each.draft - each.recorded)]
        for each in tier_set.members
    ]
    moves: list[list[Cell]] = [
        [
            _tier(tier_set, each.before),
            _tier(tier_set, each.after),
            each.recorded,
            each.draft,
            Signed(each.draft - each.recorded),
        ]
        for each in tier_set.moves
    ]
    name = escape(tier_set.tier_set) if tier_set.name is None else named(tier_set.name)
    return (
        f"<h2>{both('等级', 'Tiers')} · {name}</h2>"
        '<div class="two">'
        + card(both("期末各等级会员", "Members by tier at the end"), table([both("等级", "tier"), *figures], members))
        + card(
            both("期间的等级变动", "Moves between tiers"),
            table([both("原等级", "from"), both("新等级", "to"), *figures], moves)
            if moves
            else f'<p class="soft">{both("没有", "None.")}</p>',
        )
        + "</div>"
        + _moves_by_month(tier_set)
    )


def _moves_by_month(tier_set: TierSetReport) -> str:
    """Rises and falls of each month; from where to where is in the figures of the report."""
    months: dict[str, list[int]] = {}
    ranks = {each.tier: rank for rank, each in enumerate(tier_set.members)}
    for each in tier_set.months:
        counts = months.setdefault(each.month, [0, 0, 0, 0])
        place = 0 if ranks.get(each.after, -1) > ranks.get(each.before, -1) else 2
        counts[place] += each.recorded
        counts[place + 1] += each.draft
    if len(months) < 2:
        return ""
    headings = [
        both("月份", "month"),
        both("升级：实际", "rises: recorded"),
        both("升级：草案", "rises: draft"),
        both("降级：实际", "falls: recorded"),
        both("降级：草案", "falls: draft"),
    ]
    rows: list[list[Cell]] = [[month, *counts] for month, counts in months.items()]
    return card(both("各月的等级变动", "Moves by month"), table(headings, rows))


def _tier(tier_set: TierSetReport, tier: str) -> str:
    return entitled(tier_set.tiers, tier) if tier else both("无等级", "no tier")


def checks(report: BacktestReport) -> str:
    """The recorded figures against the ledger."""
    headings = [
        both("账户", "wallet"),
        both("核对", "check"),
        both("事件合计", "by the events"),
        both("账本合计", "by the ledger"),
        "",
    ]
    rows: list[list[Cell]] = [
        [
            entitled(report.names.wallets, each.wallet),
            said(CHECKS, each.name),
            each.events,
            each.ledger,
            both("相符", "fits") if each.fits else f'<b class="less">{both("不符", "does not fit")}</b>',
        ]
        for each in report.checks
    ]
    kind = "card" if all(each.fits for each in report.checks) else "card fault"
    title = both("实际数字与账本核对", "The recorded figures against the ledger")
    return f"<h2>{title}</h2>" + f'<div class="{kind}">{table(headings, rows)}</div>'


def notes(report: BacktestReport) -> str:
    """What to know about the figures."""
    notes = "".join(f"<p>{named(note)}</p>" for note in report.notes)
    return f"<h2>{both('说明', 'Notes')}</h2>" + f'<div class="card soft">{notes}</div>'
