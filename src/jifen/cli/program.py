"""`jifen program`: write a new file from a template, apply a file, show a version, list all."""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jifen.cli.findings import note_not_proven
from jifen.cli.invocation import Invocation, command
from jifen.cli.output import shown_instant, write_json, write_line, write_table
from jifen.cli.usage import BadValue

if TYPE_CHECKING:
    from jifen.db.connection import Connection
    from jifen.services.alarms import AlarmReport

group = typer.Typer(help="积分计划：新建、应用、查看 / The program: write, apply and show it.")

FileOrName = Annotated[
    str,
    typer.Argument(metavar="FILE|NAME", help="YAML 文件，或自带的 starter、demo、online-retail / A file or a starter."),
]
AsJson = Annotated[bool, typer.Option("--json", help="输出 JSON / Write JSON.")]


AcceptFindings = Annotated[
    str | None,
    typer.Option(
        "--accept-findings",
        metavar="REASON",
        help="接受检查发现的问题，写明理由 / Publish in spite of findings; the reason is kept.",
        show_default=False,
    ),
]
Overtake = Annotated[
    bool,
    typer.Option(
        "--overtake",
        help="取代定时发布、尚未生效的版本 / Versions that would begin later never will.",
        show_default=False,
    ),
]


def register(app: typer.Typer) -> None:
    """Put the commands below `jifen program`."""
    app.add_typer(group, name="program")


def actor_name() -> str:
    """Who acts on this command line, as the ledger keeps it: the account of the process. What the environment says of
    it (`LOGNAME`, `USER`) anybody can change, and so would approve what they asked for themselves."""
    try:
        return f"cli:{pwd.getpwuid(os.getuid()).pw_name}"
    except KeyError:
        return f"cli:{os.getuid()}"


@command(group, "new")
def new(
    invocation: Invocation,
    template: Annotated[
        str | None,
        typer.Option(
            "--template",
            metavar="NAME",
            help="模板名；不写则列出全部 / Its name; none: all are listed.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", metavar="FILE", help="写入何处，默认 模板名.yaml / Default: NAME.yaml.", show_default=False
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="覆盖已有文件 / Replace a file that is there.")] = False,
    as_json: AsJson = False,
) -> None:
    """按行业模板新建积分计划文件 / Write a new program file from the template of a trade."""
    from jifen.services.templates import TEMPLATES, write_template

    if template is None:
        if output is not None or force:
            raise BadValue("--template", "请写明要写出的模板", "name the template that is to be written")
        _list_templates(invocation, TEMPLATES, as_json)
        return
    place = output or Path(f"{template}.yaml")
    write_template(template, place, overwrite=force)
    if as_json:
        write_json({"template": template, "file": str(place)})
    else:
        write_line(invocation.say(f"已写入 {place}。", f"Wrote {place}."))


def _list_templates(invocation: Invocation, templates: Mapping[str, tuple[str, str]], as_json: bool) -> None:
    if as_json:
        write_json([{"template": name, "zh": zh, "en": en} for name, (zh, en) in templates.items()])
        return
    say = invocation.say
    write_table(
        [say("模板", "template"), say("行业", "trade")], [[name, say(*trade)] for name, trade in templates.items()]
    )


@command(group, "apply")
def apply(
    invocation: Invocation,
    file: FileOrName,
    accept_findings: AcceptFindings = None,
    overtake: Overtake = False,
    as_json: AsJson = False,
) -> None:
    """检查并应用积分计划文件，生成新版本 / Check a file and make it the next version of the program."""
    from jifen.services.programs import apply_program, read_program_text
    from jifen.services.publishing import accepted_findings, report_on

    text = read_program_text(file)
    # Before a database is started for it: a wrong file needs none.
    report = report_on(text, file)
    accepted = accepted_findings(report, accept_findings, file)
    applied = invocation.ask(
        lambda connection: apply_program(connection, text, actor_name(), file, accepted=accepted, overtakes=overtake),
        may_make=True,
    )
    if as_json:
        write_json(applied)
        return
    number = applied.version
    if applied.is_new:
        write_line(invocation.say(f"已生成积分计划第 {number} 版。", f"The program is now at version {number}."))
    else:
        write_line(
            invocation.say(
                f"内容与第 {number} 版相同，没有新版本。",
                f"Version {number} says the same already; nothing was changed.",
            )
        )
    note_not_proven(invocation, report)


@command(group, "show")
def show(
    invocation: Invocation,
    version: Annotated[int | None, typer.Option("--version", help="版本号，默认最新 / Default: the newest.")] = None,
    as_json: AsJson = False,
) -> None:
    """显示积分计划 / Show the program: the file as its author wrote it, or its content as JSON."""
    from jifen.services.programs import program_version

    found = invocation.ask(lambda connection: program_version(connection, version), may_make=False)
    if as_json:
        write_json(
            {
                "version": found.version,
                "applied_at": found.applied_at,
                "applied_by": found.applied_by,
                "effective_at": found.effective_at,
                "program": found.document,
            }
        )
        return
    # As a comment of the file's own language: what is written can be kept and applied again as it is.
    write_line(
        invocation.say(
            f"# 第 {found.version} 版，{shown_instant(found.applied_at)}，{found.applied_by}，"
            f"自 {shown_instant(found.effective_at)} 起生效",
            f"# version {found.version}, {shown_instant(found.applied_at)}, {found.applied_by}, "
            f"in force from {shown_instant(found.effective_at)}",
        )
    )
    write_line(found.source.rstrip("\n"))


@command(group, "alarms")
def alarms(invocation: Invocation, as_json: AsJson = False) -> None:
    """查看预警：发放量与预算 / What the alarms say of issued points and budgets; exit code 1 where one rings."""
    report = invocation.ask(_look_at_alarms, may_make=False)
    if as_json:
        write_json(report)
    else:
        say = invocation.say
        rows = [
            [one.alarm, one.threshold, each.wallet, one.since, one.issued, one.limit, say(*_RINGS[one.is_ringing])]
            for each in report.issuance
            for one in (each.judgement,)
        ]
        rows += [
            [each.budget, each.limit, "", "", each.used, each.most, say(*_RINGS[each.is_ringing])]
            for each in report.budgets
        ]
        heads = [("预警", "alarm"), ("阈值", "threshold"), ("积分账户", "wallet"), ("起始日", "since")]
        heads += [("当前", "now"), ("上限", "limit"), ("状态", "state")]
        write_table([say(*head) for head in heads], rows)
    if report.ringing:
        raise typer.Exit(1)


_RINGS = {True: ("触发", "rings"), False: ("正常", "quiet")}


async def _look_at_alarms(connection: Connection) -> AlarmReport:
    from jifen.services.alarms import look_at_alarms
    from jifen.services.programs import UnknownProgramVersion, current_program

    program = await current_program(connection)
    if program is None:
        raise UnknownProgramVersion("There is no program yet: apply one with `jifen program apply FILE`.")
    return await look_at_alarms(connection, program, datetime.now(UTC))


@command(group, "list")
def list_all(invocation: Invocation, as_json: AsJson = False) -> None:
    """列出所有版本 / List all versions."""
    from jifen.services.programs import program_versions

    versions = invocation.ask(program_versions, may_make=False)
    if as_json:
        write_json(versions)
        return
    say = invocation.say
    heads = [("版本", "version"), ("状态", "state"), ("生效时间", "in force from"), ("名称", "name")]
    heads += [("应用时间", "applied at"), ("应用者", "applied by")]
    rows = [
        [
            each.version,
            say(*_STATES[each.state]),
            each.effective_at,
            say(each.name_zh, each.name_en),
            each.applied_at,
            each.applied_by,
        ]
        for each in versions
    ]
    write_table([say(*head) for head in heads], rows)


_STATES = {
    "scheduled": ("待生效", "scheduled"),
    "in_force": ("生效中", "in force"),
    "superseded": ("已被取代", "superseded"),
    "overtaken": ("未生效即被取代", "overtaken"),
}
