"""`jifen program draft, drafts, show-draft, check, publish, diff`: from a file to a version, step by step."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from jifen.cli.findings import note_not_proven, read_report, show_report
from jifen.cli.instants import read_instant
from jifen.cli.invocation import Invocation, command
from jifen.cli.operating import look
from jifen.cli.output import shown_instant, write_json, write_line, write_table
from jifen.cli.program import AcceptFindings, AsJson, FileOrName, Overtake, actor_name, group

if TYPE_CHECKING:
    from jifen.db.connection import Connection
    from jifen.services.drafts import Draft
    from jifen.services.programs import AppliedProgram


_STATES: Final = {"draft": ("草稿", "draft"), "checked": ("已检查", "checked"), "published": ("已发布", "published")}


def register(_app: typer.Typer) -> None:
    """These commands stand below `jifen program` since this module was imported."""


DraftId = Annotated[int, typer.Argument(metavar="DRAFT", help="草稿编号 / The draft's number.")]


@command(group, "draft")
def draft(invocation: Invocation, file: FileOrName, as_json: AsJson = False) -> None:
    """把文件存为草稿 / Keep a file as a draft, made from the newest version."""
    from jifen.services.drafts import make_draft
    from jifen.services.programs import parse_program, read_program_text

    text = read_program_text(file)
    parse_program(text, file)
    made = invocation.ask(lambda connection: make_draft(connection, text, actor_name()), may_make=True)
    if as_json:
        write_json(_shown(made))
        return
    write_line(
        invocation.say(
            f"已存为草稿 {made.id}（基于第 {made.base_version} 版）。",
            f"Kept as draft {made.id}, made from version {made.base_version}.",
        )
    )


@command(group, "drafts")
def drafts(invocation: Invocation, as_json: AsJson = False) -> None:
    """列出草稿 / List the drafts."""
    from jifen.services.drafts import all_drafts

    found = invocation.ask(all_drafts, may_make=False)
    if as_json:
        write_json([_shown(each) for each in found])
        return
    say = invocation.say
    write_table(
        [
            say("编号", "draft"),
            say("状态", "status"),
            say("基于版本", "made from"),
            say("作者", "by"),
            say("时间", "at"),
        ],
        [[each.id, say(*_STATES[each.status]), each.base_version, each.created_by, each.created_at] for each in found],
    )


@command(group, "show-draft")
def show(invocation: Invocation, draft_id: DraftId, as_json: AsJson = False) -> None:
    """显示一份草稿：文件与它的改动 / Show a draft: the file, and what it would change."""
    found, _ = look(invocation, "get_draft", str(draft_id))
    if as_json:
        write_json(found)
        return
    say = invocation.say
    state, at = say(*_STATES[found.status]), shown_instant(found.created_at)
    # As comments of the file's own language: what is written can be kept as a draft again as it is.
    write_line(
        say(
            f"# 草稿 {found.draft_id}（{state}），基于第 {found.base_version} 版，{at}，{found.created_by}",
            f"# draft {found.draft_id} ({state}), made from version {found.base_version}, {at}, {found.created_by}",
        )
    )
    for change in found.changes:
        for line in say(change.zh, change.en).splitlines():
            write_line(f"# {line}")
    write_line(found.program.rstrip("\n"))


@command(group, "discard")
def discard(invocation: Invocation, draft_id: DraftId, as_json: AsJson = False) -> None:
    """丢弃草稿 / Throw a draft away; one that was published stays."""

    async def work(connection: Connection) -> Draft:
        from jifen.services.drafts import delete_draft, find_draft

        found = await find_draft(connection, draft_id)
        await delete_draft(connection, found)
        return found

    gone = invocation.ask(work, may_make=False)
    if as_json:
        write_json(_shown(gone))
    else:
        write_line(invocation.say(f"草稿 {gone.id} 已丢弃。", f"Draft {gone.id} is thrown away."))


@command(group, "check")
def check(invocation: Invocation, draft_id: DraftId, as_json: AsJson = False) -> None:
    """检查草稿的规则 / Check a draft's rules; exit code 1 where there are findings."""
    checked, report = invocation.ask(lambda connection: _check(connection, draft_id), may_make=False)
    if as_json:
        write_json(_shown(checked))
    else:
        name = invocation.say(f"草稿 {checked.id}", f"Draft {checked.id}")
        show_report(invocation, name, read_report(report))
    if report["findings"]:
        raise typer.Exit(1)


@command(group, "publish")
def publish(
    invocation: Invocation,
    draft_id: DraftId,
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="INSTANT", help="何时生效 / From when it holds.", show_default=False),
    ] = None,
    accept_findings: AcceptFindings = None,
    overtake: Overtake = False,
    as_json: AsJson = False,
) -> None:
    """检查并发布草稿，立即或定时 / Check a draft and publish it, at once or at an instant."""
    effective_at = read_instant(at, "--at", may_be_future=True)
    applied, report = invocation.ask(
        lambda connection: _publish(connection, draft_id, effective_at, accept_findings, overtakes=overtake),
        may_make=False,
    )
    if as_json:
        write_json(applied)
        return
    since = invocation.say("立即", "at once") if effective_at is None else shown_instant(effective_at)
    write_line(
        invocation.say(
            f"已发布为第 {applied.version} 版，生效时间：{since}。",
            f"Published as version {applied.version}, in force: {since}.",
        )
    )
    note_not_proven(invocation, report)


@command(group, "diff")
def diff(
    invocation: Invocation,
    before: Annotated[str, typer.Argument(metavar="VERSION|FILE", help="版本号或文件 / A version or a file.")],
    after: Annotated[
        str | None, typer.Argument(metavar="VERSION|FILE", help="默认最新版本 / Default: the newest version.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """用文字说明两个积分计划的差异 / Say in words how two programs differ."""
    from jifen.services.program_changes import changes_between
    from jifen.services.programs import parse_program, program_version, read_program_text

    def document(name: str | None) -> Any:
        if name is not None and not name.isdigit():
            return parse_program(read_program_text(name), name)
        version = None if name is None else int(name)
        return invocation.ask(lambda connection: program_version(connection, version), may_make=False).document

    changes = changes_between(document(before), document(after))
    if as_json:
        write_json(changes)
        return
    for change in changes:
        write_line(invocation.say(change.zh, change.en))
    if not changes:
        write_line(invocation.say("没有差异。", "They say the same."))


async def _check(connection: Connection, draft_id: int) -> tuple[Draft, dict[str, Any]]:
    from jifen.services.drafts import find_draft, keep_report
    from jifen.services.publishing import report_on
    from jifen.services.segments.catalog import all_segments

    found = await find_draft(connection, draft_id)
    saved = [each.segment_id for each in await all_segments(connection)]
    report = report_on(found.document, saved)
    return await keep_report(connection, found, report), report


async def _publish(
    connection: Connection, draft_id: int, effective_at: datetime | None, because: str | None, *, overtakes: bool
) -> tuple[AppliedProgram, dict[str, Any]]:
    from jifen.services.drafts import publish_draft

    checked, report = await _check(connection, draft_id)
    applied = await publish_draft(
        connection,
        checked,
        actor_name(),
        effective_at=effective_at,
        accepted_because=because,
        overtakes=overtakes,
    )
    return applied, report


def _shown(draft: Draft) -> dict[str, Any]:
    names = ("id", "base_version", "status", "created_at", "created_by", "checked_at", "report", "published_version")
    return {name: getattr(draft, name) for name in names}
