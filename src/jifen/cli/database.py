"""`jifen init`, `expire`, `verify`, `backup`, `restore`: the database as a whole."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

import msgspec
import typer

from jifen.cli.demo import DEMO_PROGRAM, begin_of_shop
from jifen.cli.instants import read_instant
from jifen.cli.invocation import Invocation, command, refuse_empty_folder, run_connected
from jifen.cli.output import progress_bar, shown_instant, write_json, write_line, write_note, write_table
from jifen.cli.program import AsJson, actor_name
from jifen.core.counted import counted
from jifen.core.errors import JifenError

if TYPE_CHECKING:
    from jifen.db.backup import BackupReport
    from jifen.db.backup import Progress as ByteProgress
    from jifen.services.time_work import SettleReport
    from jifen.services.verification import VerifyReport
    from jifen.settings import Settings


class RestoreNeedsFolder(JifenError):
    """A backup is restored into a data folder, not into a running server of somebody's."""

    code: ClassVar[str] = "restore_needs_folder"


def register(app: typer.Typer) -> None:
    """Put the commands below `jifen`."""
    command(app, "init")(init)
    command(app, "expire")(expire)
    command(app, "verify")(verify)
    command(app, "backup")(backup)
    command(app, "restore")(restore)


def init(
    invocation: Invocation,
    program: Annotated[
        str | None, typer.Option("--program", metavar="FILE|NAME", help="积分计划，默认 starter / Default: starter.")
    ] = None,
    shards: Annotated[
        int | None, typer.Option("--shards", help="分片数，之后不可更改，默认 64 / Fixed for ever. Default: 64.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """建立数据库并应用积分计划 / Make the database and apply a program to it."""
    from jifen.services.programs import AppliedProgram, apply_program, current_program, parse_program, read_program_text

    name = program or "starter"
    text = read_program_text(name)
    parse_program(text, name)
    with invocation.database(may_make=True, shards=shards) as url:
        current = run_connected(url, current_program)
        if current is not None and program is None:
            applied = AppliedProgram(current.version, False)
        else:
            # The shop that `jifen demo` makes is a year old, and so are its rewards.
            since = begin_of_shop(until=datetime.now(UTC)) if current is None and name == DEMO_PROGRAM else None
            applied = run_connected(
                url, lambda connection: apply_program(connection, text, actor_name(), name, effective_at=since)
            )
        count = run_connected(url, lambda connection: connection.fetchval("SELECT shards FROM installation"))
    if as_json:
        write_json({"program_version": applied.version, "is_new": applied.is_new, "shards": count})
        return
    version = applied.version
    write_line(
        invocation.say(
            f"数据库已就绪：{count} 个分片，积分计划第 {version} 版。",
            f"The database is ready: {count} shards, program version {version}.",
        )
    )


def expire(
    invocation: Invocation,
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="INSTANT", help="只处理此刻之前到期的会员，默认现在 / Only who was due by then."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """登记到期：积分过期、待生效转可用、预占结束 / Book what is due: expiry, pending points, ended holds."""
    from jifen.services.time_work import settle_due

    instant = read_instant(at, "--at") or datetime.now(UTC)
    with (
        invocation.database(may_make=False) as url,
        progress_bar(invocation.say("到期处理", "expire")) as progress,
    ):
        report = invocation.run_engine(url, lambda engine: settle_due(engine, url, instant, progress))
    if as_json:
        write_json(report)
    else:
        _show_expired(invocation, report)
    if report.failed:
        raise typer.Exit(1)


def _show_expired(invocation: Invocation, report: SettleReport) -> None:
    say = invocation.say
    write_table(
        [say("到期处理", "expire"), ""],
        [
            (say("会员", "members"), report.members),
            (say("过期批次", "lots expired"), report.lots_expired),
            (say("过期积分", "points expired"), report.points_expired),
            (say("转为可用的批次", "lots matured"), report.lots_matured),
            (say("结束的预占", "holds ended"), report.holds_ended),
            (say("到期结束的兑换", "redemptions ended"), report.redemptions_ended),
            (say("公布种子的抽奖轮次", "rounds revealed"), report.rounds_revealed),
        ],
    )
    if report.failed:
        count = report.failed
        write_note(
            say(
                f"{count} 位会员未能处理，请稍后重试。",
                f"{counted(count, 'members')} could not be settled; try again later.",
            )
        )


def verify(invocation: Invocation, as_json: AsJson = False) -> None:
    """重放全部分录并核对；有任何不符则退出码为 1 / Replay all movements and compare; exit code 1 on any finding."""
    import asyncio

    from jifen.services.verification import verify as verify_all

    with (
        invocation.database(may_make=False) as url,
        progress_bar(invocation.say("核对", "verify")) as progress,
    ):
        report = asyncio.run(verify_all(url, progress))
    if as_json:
        write_json({"is_clean": report.is_clean} | msgspec.to_builtins(report))
    else:
        _show_verified(invocation, report)
    if not report.is_clean:
        raise typer.Exit(1)


def _show_verified(invocation: Invocation, report: VerifyReport) -> None:
    say, counts = invocation.say, report.counts
    write_table(
        [say("核对范围", "looked at"), ""],
        [
            (say("会员", "members"), counts.members),
            (say("积分流水", "transactions"), counts.transactions),
            (say("分录", "movements"), counts.movements),
            (say("积分批次", "lots"), counts.lots),
            (say("账户", "accounts"), counts.accounts),
            (say("幂等键", "keys"), counts.keys),
            (say("预占", "holds"), counts.holds),
        ],
    )
    if report.is_clean:
        write_line(say("全部相符。", "Everything fits."))
        return
    write_table(
        [say("不符", "finding"), say("会员", "member"), say("说明", "detail")],
        [(each.kind, None if each.member_id is None else str(each.member_id), each.detail) for each in report.findings],
    )
    total = sum(report.totals.values())
    write_line(say(f"共 {total} 处不符。", f"{counted(total, 'findings')} in all."))


def backup(
    invocation: Invocation,
    target: Annotated[Path, typer.Argument(metavar="TARGET", help="新文件夹 / A new folder.")],
    as_json: AsJson = False,
) -> None:
    """完整备份并校验 / A full backup, verified."""
    settings = invocation.settings()
    with progress_bar(invocation.say("备份", "backup"), in_bytes=True) as progress:
        report = _make_backup(settings, target, progress)
    if as_json:
        write_json(
            {
                "folder": str(report.folder),
                "created_at": report.created_at,
                "postgresql_version": report.postgresql_version,
                "jifen_version": report.jifen_version,
                "database_bytes": report.database_bytes,
                "stored_bytes": report.stored_bytes,
                "embedded": report.embedded,
            }
        )
        return
    size = f"{report.stored_bytes:,}"
    write_line(
        invocation.say(
            f"已备份到 {report.folder}（{size} 字节，已校验）。",
            f"Backed up to {report.folder} ({size} bytes, verified).",
        )
    )


def _make_backup(settings: Settings, target: Path, progress: ByteProgress) -> BackupReport:
    from jifen.db.backup import backup as make
    from jifen.db.embedded import default_data_folder, use

    if settings.database_url is not None:
        return make(settings.database_url, target, progress=progress)
    refuse_empty_folder(settings)
    with use(settings.data or default_data_folder()) as address:
        return make(address, target, progress=progress)


def restore(
    invocation: Invocation,
    source: Annotated[Path, typer.Argument(metavar="BACKUP", help="备份文件夹 / The folder of the backup.")],
    as_json: AsJson = False,
) -> None:
    """校验备份并恢复到新的数据目录 / Verify a backup and restore it into a new data folder."""
    from jifen.db.embedded import default_data_folder
    from jifen.db.restore import restore as restore_all

    if "DATABASE_URL" in invocation.given:
        raise RestoreNeedsFolder(
            "A backup is restored into a data folder: name one with --data instead of --url. For a server of yours, "
            "start that server on the folder `cluster` of the backup."
        )
    data = invocation.settings().data or default_data_folder()
    with progress_bar(invocation.say("恢复", "restore"), in_bytes=True) as progress:
        report = restore_all(source, data, progress=progress)
    if as_json:
        write_json(
            {
                "data": str(report.data),
                "created_at": report.created_at,
                "postgresql_version": report.postgresql_version,
                "stored_bytes": report.stored_bytes,
            }
        )
        return
    made_at = shown_instant(report.created_at)
    write_line(
        invocation.say(
            f"已将 {made_at} 的备份恢复到 {report.data}。", f"The backup of {made_at} is restored to {report.data}."
        )
    )
