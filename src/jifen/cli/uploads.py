"""`jifen import list, show, stop`: the imports that were asked for over HTTP."""

from __future__ import annotations

from typing import Annotated

import typer

from jifen.cli.importing import group
from jifen.cli.invocation import Invocation, command
from jifen.cli.operating import look
from jifen.cli.output import write_json, write_line, write_note, write_table
from jifen.cli.program import AsJson

_LISTED = 50

ImportNumber = Annotated[int, typer.Argument(metavar="ID", min=1, max=2**63 - 1, help="见 list / As `list` shows it.")]


STATES = {
    "uploaded": "已上传",
    "checking": "检查中",
    "checked": "已检查",
    "running": "导入中",
    "done": "已完成",
    "failed": "失败",
    "stopped": "已停止",
}
"""Where an import stands."""
KINDS = {"members": "会员", "orders": "订单", "balances": "期初余额"}
"""What it brings."""


def register(app: typer.Typer) -> None:
    """The commands stand below `jifen import`, which `jifen.cli.importing` puts there."""


@command(group, "list")
def list_all(invocation: Invocation, as_json: AsJson = False) -> None:
    """列出经 HTTP 上传的导入，最近 50 个 / The imports that were asked for over HTTP, the last 50."""
    from jifen.services.uploads.imports import list_imports

    found = invocation.ask(lambda connection: list_imports(connection, limit=_LISTED), may_make=False)
    if as_json:
        write_json(found)
        return
    say = invocation.say
    write_table(
        [
            say("编号", "id"),
            say("状态", "state"),
            say("内容", "kind"),
            say("文件", "file"),
            "%",
            say("行", "rows"),
            say("上传者", "sent by"),
            say("上传时间", "sent at"),
        ],
        [
            [
                each.id,
                say(STATES[each.status], each.status),
                say(KINDS[each.kind], each.kind),
                each.file_name,
                each.percent,
                each.rows_total,
                each.uploaded_by,
                each.uploaded_at,
            ]
            for each in found
        ],
    )


@command(group, "show")
def show(invocation: Invocation, number: ImportNumber, as_json: AsJson = False) -> None:
    """显示一个导入：进度、检查报告与结果 / Show an import: how far it is, what it found, what it did."""
    found, _ = look(invocation, "get_import", str(number))
    if as_json:
        write_json(found)
        return
    say, progress = invocation.say, found.progress
    rows: list[tuple[str, object]] = [
        (say("状态", "state"), say(STATES[found.status], found.status)),
        (say("内容", "kind"), say(KINDS[found.kind], found.kind)),
        (say("文件", "file"), found.file_name),
        (say("进度", "progress"), f"{progress.percent} %"),
    ]
    if progress.rows_total is not None:
        rows.append((say("行", "rows"), f"{progress.rows_done:,} / {progress.rows_total:,}"))
    for name, value in (
        (say("上传者", "sent by"), found.uploaded_by),
        (say("上传时间", "sent at"), found.uploaded_at),
        (say("导入者", "started by"), found.started_by),
        (say("开始", "started at"), found.started_at),
        (say("结束", "ended at"), found.ended_at),
        (say("错误", "error"), found.error),
    ):
        if value is not None:
            rows.append((name, value))
    write_table([found.import_id, ""], rows)
    # What was found and done is as deep as its file is wide: it is shown as it is kept.
    for name, value in ((say("检查报告", "report"), found.report), (say("结果", "result"), found.result)):
        if value is not None:
            write_line(f"{name}:")
            write_json(value)


@command(group, "stop")
def stop(invocation: Invocation, number: ImportNumber, as_json: AsJson = False) -> None:
    """停止一个导入，已入账的保留 / Stop an import; what was recorded stays."""
    from jifen.services.uploads.imports import stop_import

    found = invocation.ask(lambda connection: stop_import(connection, number), may_make=False)
    if as_json:
        write_json(found)
    else:
        write_note(
            invocation.say(f"导入 {number}：{STATES[found.status]}。", f"The import {number} is {found.status}.")
        )
