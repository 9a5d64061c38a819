"""`jifen rules`: check and try the rules of a program before they are published."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jifen.cli.findings import show_report
from jifen.cli.instants import read_instant
from jifen.cli.invocation import Invocation, command
from jifen.cli.output import progress_bar, write_json, write_line, write_table
from jifen.cli.program import AsJson, FileOrName

if TYPE_CHECKING:
    from jifen.core.program import Program
    from jifen.services.trying import Trial

group = typer.Typer(help="积分规则：检查、试算 / Rules: check and try them.")

EventFile = Annotated[
    Path, typer.Option("--event", metavar="FILE", help="CloudEvent 的 JSON 文件 / A CloudEvent as JSON.")
]
MemberFile = Annotated[
    Path | None,
    typer.Option("--member", metavar="FILE", help="会员情况（JSON 或 YAML）/ What rules see of the member."),
]
ProgramHere = Annotated[
    str | None,
    typer.Argument(
        metavar="[FILE|NAME]",
        help="YAML 文件，或自带的积分计划；省略则为此文件夹中的一个 / A file or a starter; or the one here.",
        show_default=False,
    ),
]
At = Annotated[str | None, typer.Option("--at", metavar="INSTANT", help="事件发生的时间 / When the event happens.")]


def register(app: typer.Typer) -> None:
    """Put the commands below `jifen rules`."""
    app.add_typer(group, name="rules")


@command(group, "try")
def try_rules(
    invocation: Invocation,
    program: FileOrName,
    event: EventFile,
    member: MemberFile = None,
    at: At = None,
    as_json: AsJson = False,
) -> None:
    """试算一个事件会得多少积分，不入账 / Try what an event would earn; nothing is recorded."""
    from jifen.services.programs import read_program_text
    from jifen.services.trial_files import try_files
    from jifen.services.trying import draft_program

    instant = read_instant(at, "--at", may_be_future=True)
    draft = draft_program(read_program_text(program), program)
    trial = try_files(draft, event, member, at=instant, now=datetime.now(UTC))
    if as_json:
        write_json(trial)
        return
    _show(invocation, draft, trial)


def _show(invocation: Invocation, program: Program, trial: Trial) -> None:
    say = invocation.say
    local = trial.at.astimezone(program.zone)
    when = f"{local:%Y-%m-%d %H:%M} {program.document.time_zone}"
    write_line(say(f"按 {when} 试算，不入账。", f"Tried for {when}; nothing is recorded."))
    names = {wallet.id: say(wallet.name.zh, wallet.name.en) for wallet in program.document.wallets}
    sums = "、".join(f"{points:,} {names[wallet]}" for wallet, points in trial.totals.items() if points)
    write_line(say(f"共得：{sums or '无'}", f"Earned: {(sums or 'nothing').replace('、', ', ')}"))
    if not trial.trace:
        write_line(say("没有规则针对这类事件。", "No rule waits for this type of event."))
        return
    write_table(
        [say("规则", "rule"), say("积分", "points"), say("说明", "why")],
        [[each.rule, each.points, say(each.words.zh, each.words.en)] for each in trial.trace],
    )


@command(group, "check")
def check_rules(invocation: Invocation, program: ProgramHere = None, as_json: AsJson = False) -> None:
    """检查积分规则有无漏洞 / Look for loop-holes in the rules of a program; exit code 1 where there are findings."""
    from jifen.analytics.proofs import check_program
    from jifen.services.program_here import program_here
    from jifen.services.programs import parse_program_file, read_program_text

    name = program_here(Path()) if program is None else program
    document, file = parse_program_file(read_program_text(name), name)
    with progress_bar(invocation.say("检查规则", "Checking rules")) as progress:
        report = check_program(document, progress=progress, locate=file.place_in)
    if as_json:
        write_json(report)
    else:
        show_report(invocation, name, report)
    if report.findings:
        raise typer.Exit(1)
