"""`jifen backtest`: what a draft of the program would have made of everything that was recorded."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

import typer

from jifen.cli.invocation import Invocation, command
from jifen.cli.output import progress_bar, write_json, write_line, write_note, write_table
from jifen.cli.program import AsJson
from jifen.core.counted import counted
from jifen.core.errors import JifenError
from jifen.core.system_words import system_words

if TYPE_CHECKING:
    from jifen.analytics.backtest.report import BacktestReport, CapLine, Figure, Names, TierSetReport, WalletReport
    from jifen.core.program import LocalizedText


class InvalidDay(JifenError):
    """A day on the command line that is none."""

    code: ClassVar[str] = "invalid_day"


class ReportNotWritten(JifenError):
    """The report cannot be written where it should be."""

    code: ClassVar[str] = "report_not_written"


def register(app: typer.Typer) -> None:
    """Put the command below `jifen`."""
    command(app, "backtest")(backtest)


def backtest(
    invocation: Invocation,
    draft: Annotated[
        str,
        typer.Option("--draft", metavar="PROGRAM", help="草案：YAML 文件或自带的名称 / A file or a starter."),
    ],
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="DAY", help="从这一天起（含） / From this day.", show_default=False),
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="DAY", help="到这一天止（含） / To this day.", show_default=False)
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option("--workers", min=1, max=64, help="进程数，默认每核一个 / Processes.", show_default=False),
    ] = None,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="网页报告写到这里 / A page.", show_default=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """用草案重放已入账的事件，比较结果，不写入 / Replay what was recorded under a draft; nothing is changed."""
    from jifen.analytics.backtest.run import run_backtest
    from jifen.services.programs import parse_program, read_program_text

    document = parse_program(read_program_text(draft), draft)
    first, last = _read_day(since, "--since"), _read_day(until, "--until")
    if html is not None:
        # Before an hour of work is lost to a wrong name.
        _check_place(html)
    with (
        invocation.database(may_make=False) as url,
        progress_bar(invocation.say("回测", "backtest")) as progress,
    ):
        report = asyncio.run(run_backtest(url, document, since=first, until=last, workers=workers, progress=progress))
    if html is not None:
        from jifen.analytics.backtest.page import render_page

        _write_page(html, render_page(report, "en" if invocation.say.language == "en" else "zh"))
    if as_json:
        write_json(report)
    else:
        _show(invocation, report)
    if html is not None:
        write_note(invocation.say(f"网页报告已写入 {html}。", f"The page is in {html}."))
    if not all(check.fits for check in report.checks):
        raise typer.Exit(1)


def _read_day(text: str | None, option: str) -> date | None:
    """The day that an option names. Raises InvalidDay."""
    if text is None:
        return None
    try:
        if len(text) != 10:
            raise ValueError(text)
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidDay(f"{option} is {text!r}; write a day such as 2026-01-31.", option=option) from None


def _check_place(file: Path) -> None:
    """See whether a page could be written there, and leave what is there as it is."""
    was_there = file.exists()
    with _writing(file), file.open("a", encoding="utf-8"):
        pass
    if not was_there:
        file.unlink()


def _write_page(file: Path, page: str) -> None:
    with _writing(file):
        file.write_text(page, encoding="utf-8")


@contextmanager
def _writing(file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        zh, en = system_words(error)
        raise ReportNotWritten(
            f"{file} cannot be written: {en}.", message_zh=f"{file}：{zh}。", file=str(file)
        ) from None


def _show(invocation: Invocation, report: BacktestReport) -> None:
    say = invocation.say
    for wallet in report.wallets:
        _show_wallet(invocation, wallet, report.names)
    headings = [say("规则", "rule"), say("实际", "recorded"), say("草案", "draft"), say("差异", "difference")]
    rules = [
        (_called(invocation, report.names.rules, each.rule), each.recorded, each.draft, each.draft - each.recorded)
        for wallet in report.wallets
        for each in wallet.rules
    ]
    if rules:
        write_table(headings, rules)
    for tier_set in report.tier_sets:
        _show_tiers(invocation, tier_set)
    hit = [each for each in report.caps if each.draft_events]
    if hit:
        write_table(
            [say("上限或预算", "cap or budget"), say("次数", "times"), say("截去积分", "points cut")],
            [(_cap(invocation, each, report.names), each.draft_events, each.draft_points) for each in hit],
        )
    for failed in report.failed:
        rule = _called(invocation, report.names.rules, failed.rule)
        write_note(
            say(
                f"规则 {rule} 有 {failed.events} 次无法求值：{failed.why.zh}",
                f"The rule {rule} could not be evaluated {counted(failed.events, 'times')}: {failed.why.en}",
            )
        )
    if report.refused:
        count = sum(report.refused.values())
        write_line(
            say(f"草案下会被拒绝的流水：{count:,} 笔。", f"Transactions that the draft would refuse: {count:,}.")
        )
    if report.history:
        write_line(
            say(
                f"其中历史流水 {report.history:,} 笔，按发生时间回放。",
                f"Of it {counted(report.history, 'transactions')} came as history and were replayed when they "
                f"happened.",
            )
        )
    if report.is_same:
        write_line(say("与实际完全一致。", "Exactly what happened: no difference."))
    write_line(
        say(
            f"重放 {report.transactions:,} 笔流水、{report.members:,} 位会员，用时 {report.seconds:.1f} 秒。",
            f"Replayed {counted(report.transactions, 'transactions')} of {counted(report.members, 'members')} in "
            f"{report.seconds:.1f} s.",
        )
    )


def _called(invocation: Invocation, names: Mapping[str, LocalizedText], key: str) -> str:
    """A thing of the program by its name; by its id where it has none."""
    return invocation.say(names[key].zh, names[key].en) if key in names else key


def _cap(invocation: Invocation, cap: CapLine, names: Names) -> str:
    from jifen.analytics.backtest.words import LIMITS, OWNERS, PERIODS

    say = invocation.say
    kind, colon, name = cap.cap.partition(":")
    known = {"rule": names.rules, "campaign": names.campaigns}.get(kind, {})
    owner = f"{say(*OWNERS[kind])} {_called(invocation, known, name)}" if colon else say(*OWNERS[f"whole-{kind}"])
    return " ".join((owner, say(*OWNERS[cap.per]), say(*PERIODS[cap.period]), say(*LIMITS[cap.limit])))


def _show_wallet(invocation: Invocation, wallet: WalletReport, names: Names) -> None:
    say = invocation.say
    figures: list[tuple[str, Figure]] = [
        (say("发放", "issued"), wallet.issued),
        (say("退款收回", "taken back"), wallet.taken_back),
        (say("消耗", "spent"), wallet.spent),
        (say("过期", "expired"), wallet.expired),
        (say("期末未用", "outstanding"), wallet.outstanding),
    ]
    for label, cents in (
        (say("净发放成本（分）", "cost (cents)"), wallet.cost_cents),
        (say("期末负债（分）", "liability (cents)"), wallet.liability_cents),
    ):
        if cents is not None:
            figures.append((label, cents))
    write_table(
        [
            _called(invocation, names.wallets, wallet.wallet),
            say("实际", "recorded"),
            say("草案", "draft"),
            say("差异", "difference"),
        ],
        [(label, each.recorded, each.draft, each.difference) for label, each in figures],
    )
    more, same, less = wallet.members_more, wallet.members_same, wallet.members_less
    write_line(
        say(
            f"会员：更多 {more:,}，相同 {same:,}，更少 {less:,}。",
            f"Members: {more:,} with more, {same:,} with the same, {less:,} with less.",
        )
    )
    if wallet.tier_points:
        write_line(
            say(
                f"发放差异中由等级变化引起：{wallet.tier_points:+,}。",
                f"Of what was issued more or less, tiers make {wallet.tier_points:+,}.",
            )
        )


def _show_tiers(invocation: Invocation, tier_set: TierSetReport) -> None:
    say = invocation.say

    def called(tier: str) -> str:
        return _called(invocation, tier_set.tiers, tier) or say("无等级", "no tier")

    figures = [say("实际", "recorded"), say("草案", "draft"), say("差异", "difference")]
    title = tier_set.tier_set if tier_set.name is None else say(tier_set.name.zh, tier_set.name.en)
    write_table(
        [say(f"{title}：期末会员", f"{title}: members at the end"), *figures],
        [(called(each.tier), each.recorded, each.draft, each.draft - each.recorded) for each in tier_set.members],
    )
    if tier_set.moves:
        write_table(
            [say(f"{title}：等级变动", f"{title}: moves"), *figures],
            [
                (f"{called(each.before)} → {called(each.after)}", each.recorded, each.draft, each.draft - each.recorded)
                for each in tier_set.moves
            ],
        )
