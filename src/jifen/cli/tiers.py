"""`jifen tiers`: reviews that are due, who would move under a draft, recalculating everybody."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from jifen.cli.instants import read_instant
from jifen.cli.invocation import Invocation, command
from jifen.cli.names import Names
from jifen.cli.output import Progress, progress_bar, write_json, write_line, write_note, write_table
from jifen.cli.program import AsJson, FileOrName, actor_name
from jifen.core.counted import counted

if TYPE_CHECKING:
    from jifen.engine.engine import Engine
    from jifen.services.tiers.preview import Moves, Preview
    from jifen.services.tiers.recalculation import Recalculation

group = typer.Typer(help="会员等级：定级、预览、重新评定 / Tiers: reviews, previews, recalculations.")


def register(app: typer.Typer) -> None:
    """Put the commands below `jifen tiers`."""
    app.add_typer(group, name="tiers")


@command(group, "review")
def review(
    invocation: Invocation,
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="INSTANT", help="只处理此刻之前到期的，默认现在 / Only what was due by then."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """处理到期的定级与到期的授予等级 / Book reviews that are due, and ends of tiers that were given."""
    from jifen.services.time_work import settle_due

    instant = read_instant(at, "--at") or datetime.now(UTC)
    say = invocation.say
    with invocation.database(may_make=False) as url, progress_bar(say("定级", "review")) as progress:
        report = invocation.run_engine(url, lambda engine: settle_due(engine, url, instant, progress, only_tiers=True))
    if as_json:
        write_json(report)
    else:
        rows = [
            (say("会员", "members"), report.members),
            (say("定级", "reviews and ends"), report.tiers_reviewed),
            (say("等级变化", "tiers changed"), report.tiers_moved),
        ]
        write_table([say("定级", "review"), ""], rows)
    if report.failed:
        write_note(
            say(f"{report.failed} 位会员未能处理。", f"{counted(report.failed, 'members')} could not be reviewed.")
        )
        raise typer.Exit(1)


@command(group, "preview")
def preview(
    invocation: Invocation,
    file: FileOrName,
    limit: Annotated[
        int, typer.Option("--limit", min=0, max=1000, help="最多列出多少位会员 / So many movers are listed.")
    ] = 20,
    after: Annotated[
        str | None,
        typer.Option("--after", metavar="PLACE", help="从上一页的位置继续 / Behind this place.", show_default=False),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """预览草案会使哪些会员升降级，不写入 / Who would move under a draft; nothing is changed."""
    from jifen.services.programs import parse_program, read_program_text
    from jifen.services.tiers.preview import preview_tiers

    document = parse_program(read_program_text(file), file)
    now = datetime.now(UTC)
    found = invocation.ask(
        lambda connection: preview_tiers(connection, document, now, limit=limit, after=after), may_make=False
    )
    if as_json:
        write_json(found)
    else:
        _show_preview(invocation, found, Names(document, invocation.say))


def _moves(moves: Sequence[Moves], called: Names) -> list[list[object]]:
    return [
        [
            called.tier_set(each.tier_set),
            called.tier(each.tier_set, each.was),
            called.tier(each.tier_set, each.tier),
            each.members,
        ]
        for each in moves
    ]


def _show_preview(invocation: Invocation, found: Preview, called: Names) -> None:
    say = invocation.say
    if found.moves is not None:
        write_line(
            say(
                f"共 {found.members:,} 位会员，{found.moving:,} 位的等级会变化。",
                f"Of {counted(found.members or 0, 'members')} {found.moving:,} would move.",
            )
        )
        names = [say("等级体系", "tier set"), say("现等级", "from"), say("新等级", "to"), say("会员数", "members")]
        write_table(names, _moves(found.moves, called))
        if found.falls:
            write_line(
                say(
                    f"另有 {found.in_grace:,} 位不再达标，进入宽限期，期满降级：",
                    f"{found.in_grace:,} more no longer qualify; they fall when their days of grace are over:",
                )
            )
            write_table(names, _moves(found.falls, called))
    if found.movers:
        names = [say("会员", "member"), say("等级体系", "tier set"), say("现等级", "from"), say("新等级", "to")]
        names += [say("何时", "when"), ""]
        at_once = say("立即", "at once")
        write_table(
            names,
            [
                [
                    each.member_id,
                    called.tier_set(each.tier_set),
                    called.tier(each.tier_set, each.was),
                    called.tier(each.tier_set, each.tier),
                    at_once if each.falls_at is None else each.falls_at,
                    each.condition or "",
                ]
                for each in found.movers
            ],
        )
    if found.next is not None:
        write_note(say(f"还有更多：--after {found.next}", f"There are more: --after {found.next}"))
    if found.unsettled:
        write_note(
            say(
                f"{found.unsettled:,} 位会员有到期未处理的事项，请先运行 jifen expire。",
                f"Something due is not booked for {counted(found.unsettled, 'members')}: run jifen expire first.",
            )
        )


@command(group, "recalculate")
def recalculate(
    invocation: Invocation,
    resume: Annotated[
        int | None,
        typer.Option("--resume", metavar="NUMBER", help="继续已停止的任务 / Go on with one.", show_default=False),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """按现行规则重新评定全部会员；可中断后继续 / Work out everybody's tiers anew; can be stopped and resumed."""
    with (
        invocation.database(may_make=False) as url,
        progress_bar(invocation.say("重新定级", "recalculate")) as progress,
    ):
        found = invocation.run_engine(url, lambda engine: _recalculate(engine, url, resume, progress))
    if as_json:
        write_json(found)
    else:
        say = invocation.say
        rows = [
            (say("编号", "number"), found.id),
            (say("已处理会员", "members looked at"), found.members_done),
            (say("有变化的会员", "members with a change"), found.members_moved),
        ]
        write_table([say("重新定级", "recalculation"), ""], rows)
    if found.status != "done":
        write_note(
            invocation.say(f"已停止；用 --resume {found.id} 继续。", f"It was stopped; go on with --resume {found.id}.")
        )
        raise typer.Exit(1)


async def _recalculate(engine: Engine, url: str, resume: int | None, progress: Progress) -> Recalculation:
    from jifen.db.connection import connect
    from jifen.engine.collector import calm_collector
    from jifen.services.tiers.recalculation import (
        RecalculationRunning,
        begin_recalculation,
        resume_recalculation,
        run_recalculation,
        stop_recalculation,
    )

    connection = await connect(url)
    calm_collector()
    try:
        if resume is None:
            job = await begin_recalculation(connection, actor_name())
        else:
            job = await resume_recalculation(connection, resume)
        try:
            return await run_recalculation(engine, connection, job, progress)
        except asyncio.CancelledError:
            # Ctrl-C: whoever pressed it is told how to go on.
            return await stop_recalculation(connection, job.id)
        except RecalculationRunning:
            # Another process works on it: that one is not to stop.
            raise
        except BaseException:
            # The engine gave up: whoever resumes it need not wait until it is taken for gone.
            if not connection.is_closed():
                await stop_recalculation(connection, job.id)
            raise
    finally:
        await connection.close(timeout=5)
