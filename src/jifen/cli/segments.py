"""`jifen segments`: saved sets of members."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jifen.cli.asking import told_where
from jifen.cli.invocation import Invocation, command
from jifen.cli.output import write_json, write_line, write_note, write_table
from jifen.cli.paging import Cursor, note_more
from jifen.cli.program import AsJson, actor_name
from jifen.cli.usage import BadValue

if TYPE_CHECKING:
    from jifen.db.connection import Connection
    from jifen.services.segments.catalog import Segment
    from jifen.services.segments.lists import ListChange
    from jifen.services.segments.previews import SegmentPage, SegmentPreview
    from jifen.services.segments.selection import Place

group = typer.Typer(help="会员分群 / Segments: saved sets of members.")

SegmentId = Annotated[str, typer.Argument(metavar="SEGMENT", help="分群编号 / The segment's id.")]
Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="MEMBER", help="会员号或身份标识 kind:value / Members, by number or identity."),
]
NamesFile = Annotated[
    Path | None,
    typer.Option("--file", metavar="FILE", help="每行一位会员的文件 / A file with one member a line."),
]
ConditionText = Annotated[
    str | None,
    typer.Option("--condition", metavar="CEL", help="条件（CEL）/ Of whom this is true.", show_default=False),
]


def register(app: typer.Typer) -> None:
    """Put the commands below `jifen segments`."""
    app.add_typer(group, name="segments")


@command(group, "list")
def list_all(invocation: Invocation, as_json: AsJson = False) -> None:
    """列出会员分群 / List all segments."""
    from jifen.services.segments.catalog import all_segments

    found = invocation.ask(all_segments, may_make=False)
    if as_json:
        write_json(found)
        return
    say = invocation.say
    kinds = {"condition": say("条件", "condition"), "list": say("名单", "list")}
    write_table(
        [say("分群", "segment"), say("名称", "name"), say("类型", "kind"), say("条件", "condition")],
        [[each.segment_id, say(each.name.zh, each.name.en), kinds[each.kind], each.condition] for each in found],
    )


@command(group, "create")
def create(
    invocation: Invocation,
    segment_id: SegmentId,
    name_zh: Annotated[str, typer.Option("--name-zh", metavar="TEXT", help="中文名称 / Its name in Chinese.")],
    name_en: Annotated[str, typer.Option("--name-en", metavar="TEXT", help="英文名称 / Its name in English.")],
    condition: ConditionText = None,
    as_json: AsJson = False,
) -> None:
    """新建分群：有条件的，或一份名单 / Save a segment: with a condition, else a list that is empty at first."""
    from jifen.core.program import LocalizedText
    from jifen.services.segments.catalog import create_segment

    made = invocation.ask(
        lambda connection: create_segment(
            connection, segment_id, LocalizedText(name_zh, name_en), condition, actor_name()
        ),
        may_make=False,
    )
    if as_json:
        write_json(made)
    else:
        write_line(invocation.say(f"已新建分群 {made.segment_id}。", f"The segment {made.segment_id} is saved."))


@command(group, "change")
def change(
    invocation: Invocation,
    segment_id: SegmentId,
    name_zh: Annotated[
        str | None, typer.Option("--name-zh", metavar="TEXT", help="中文名称 / Name in Chinese.")
    ] = None,
    name_en: Annotated[
        str | None, typer.Option("--name-en", metavar="TEXT", help="英文名称 / Name in English.")
    ] = None,
    condition: ConditionText = None,
    as_json: AsJson = False,
) -> None:
    """修改分群的名称或条件，未写的不变 / Give a segment another name or condition; what is left out stays."""
    if name_zh is None and name_en is None and condition is None:
        raise BadValue(
            "SEGMENT", "没有写要改什么，例如 --condition", "nothing is said that could change; try --condition"
        )

    async def work(connection: Connection) -> Segment:
        from jifen.core.program import LocalizedText
        from jifen.services.segments.catalog import change_segment

        was = (await _segment(connection, segment_id)).name
        name = LocalizedText(was.zh if name_zh is None else name_zh, was.en if name_en is None else name_en)
        return await change_segment(connection, segment_id, name, condition, actor_name())

    changed = invocation.ask(work, may_make=False)
    if as_json:
        write_json(changed)
    else:
        write_line(
            invocation.say(f"已修改分群 {changed.segment_id}。", f"The segment {changed.segment_id} is changed.")
        )


@command(group, "delete")
def delete(invocation: Invocation, segment_id: SegmentId) -> None:
    """删除未被使用的分群 / Delete a segment that no program and no other segment asks for."""
    from jifen.services.segments.catalog import delete_segment

    invocation.ask(lambda connection: delete_segment(connection, segment_id), may_make=False)
    write_line(invocation.say(f"分群 {segment_id} 已删除。", f"The segment {segment_id} is deleted."))


@command(group, "count")
def count(
    invocation: Invocation,
    segment_id: Annotated[
        str | None, typer.Argument(metavar="SEGMENT", help="分群编号 / The segment's id.", show_default=False)
    ] = None,
    condition: ConditionText = None,
    as_json: AsJson = False,
) -> None:
    """统计分群或条件的会员数 / Count the members of a segment, or of a condition that is not saved."""
    if (segment_id is None) == (condition is None):
        raise BadValue(
            "--condition",
            "请写分群，或用 --condition 写条件，只写其一",
            "name either a segment, or a condition with --condition",
        )
    preview = invocation.ask(lambda connection: _preview(connection, segment_id, condition), may_make=False)
    if as_json:
        write_json(preview)
        return
    write_line(f"{preview.count:,}")
    if preview.left_out:
        what = ", ".join(preview.left_out)
        write_note(
            invocation.say(
                f"{what} 无法用 SQL 计算，已逐个会员计算。",
                f"SQL cannot evaluate {what}: members were looked at.",
            )
        )


@command(group, "members")
def members(
    invocation: Invocation,
    segment_id: SegmentId,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, max=1_000_000, help="最多几位 / At most.")] = 100,
    cursor: Cursor = None,
    as_json: AsJson = False,
) -> None:
    """列出分群的会员号 / List the numbers of a segment's members, one a line."""
    from jifen.services.segments.previews import decode_cursor

    after = None if cursor is None else told_where(decode_cursor(cursor))
    found = invocation.ask(lambda connection: _members(connection, segment_id, after, limit), may_make=False)
    if as_json:
        write_json(found)
        return
    for member in found.member_ids:
        write_line(member)
    note_more(invocation, found.next_cursor)


@command(group, "add")
def add(
    invocation: Invocation,
    segment_id: SegmentId,
    names: Names = None,
    file: NamesFile = None,
    as_json: AsJson = False,
) -> None:
    """把会员加入名单 / Put members on a list, named here or in a file."""
    _change(invocation, segment_id, names, file, as_json, adds=True)


@command(group, "remove")
def remove(
    invocation: Invocation,
    segment_id: SegmentId,
    names: Names = None,
    file: NamesFile = None,
    as_json: AsJson = False,
) -> None:
    """把会员移出名单 / Take members off a list, named here or in a file."""
    _change(invocation, segment_id, names, file, as_json, adds=False)


def _change(
    invocation: Invocation, segment_id: str, names: list[str] | None, file: Path | None, as_json: bool, *, adds: bool
) -> None:
    from jifen.services.segments.lists import read_names_file

    wanted = [*(names or ()), *(read_names_file(file) if file is not None else ())]
    if not wanted:
        raise BadValue("--file", "请写会员，或用 --file 写会员文件", "name members, or a file of them with --file")
    change = invocation.ask(lambda connection: _change_list(connection, segment_id, wanted, adds), may_make=False)
    if as_json:
        write_json(change)
        return
    say = invocation.say
    done = say("加入", "added") if adds else say("移出", "removed")
    write_line(
        f"{done} {change.changed:,}, {say('未变', 'unchanged')} {change.unchanged:,}, "
        f"{say('不存在', 'unknown')} {len(change.unknown):,}"
    )
    for name in change.unknown[:20]:
        write_note(say(f"没有会员 {name}。", f"There is no member {name}."))


async def _segment(connection: Connection, segment_id: str) -> Segment:
    from jifen.services.segments.catalog import find_segment

    return await find_segment(connection, segment_id)


async def _preview(connection: Connection, segment_id: str | None, condition: str | None) -> SegmentPreview:
    from jifen.services.segments.catalog import program_of
    from jifen.services.segments.previews import preview_condition, preview_segment
    from jifen.services.snapshot import one_moment

    program, now = await program_of(connection), datetime.now(UTC)
    async with one_moment(connection):
        if condition is not None:
            return await preview_condition(connection, program, condition, now, limit=20)
        segment = await _segment(connection, segment_id or "")
        return await preview_segment(connection, program, segment, now, limit=20)


async def _members(connection: Connection, segment_id: str, after: Place | None, limit: int) -> SegmentPage:
    from jifen.services.segments.catalog import program_of
    from jifen.services.segments.previews import segment_page
    from jifen.services.snapshot import one_moment

    program = await program_of(connection)
    async with one_moment(connection):
        segment = await _segment(connection, segment_id)
        return await segment_page(connection, program, segment, datetime.now(UTC), after=after, limit=limit)


async def _change_list(connection: Connection, segment_id: str, names: Sequence[str], adds: bool) -> ListChange:
    from jifen.services.segments.lists import change_list

    return await change_list(connection, await _segment(connection, segment_id), names, adds=adds, actor=actor_name())
