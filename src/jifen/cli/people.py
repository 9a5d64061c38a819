"""`jifen import members` and `jifen import balances`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from jifen.cli import importing
from jifen.cli.importing import MappingFile, Rows, group
from jifen.cli.invocation import Invocation, command
from jifen.cli.members import REASONS
from jifen.cli.output import Progress, write_json, write_note, write_table
from jifen.cli.program import AsJson
from jifen.core.counted import counted

if TYPE_CHECKING:
    from jifen.engine.engine import Engine
    from jifen.services.imports.people import BalanceSummary, MemberSummary
    from jifen.services.imports.people.duplicates import DuplicateReport, FileDuplicate
    from jifen.services.imports.people.lots import AddedRows


def register(app: typer.Typer) -> None:
    """The commands stand below `jifen import`, which `jifen.cli.importing` puts there."""


@command(group, "members")
def import_members(
    invocation: Invocation,
    rows: Rows,
    mapping: MappingFile = None,
    as_json: AsJson = False,
) -> None:
    """导入会员，附完整度与重复报告；再次导入不会重复 / Import members; a second time changes nothing."""
    from jifen.services.imports import people

    if rows.infer:
        importing.propose(invocation, "members", rows)
        return
    meant = importing.chosen(people.load_member_mapping(importing.needed(mapping)), rows)

    async def record(engine: Engine | None, url: str, file: Path, progress: Progress) -> MemberSummary:
        return await people.import_members(engine, url, file, meant, rejects=rows.rejects, progress=progress)

    summary = importing.imported(invocation, rows, record)
    if as_json:
        write_json(summary)
        return
    say = invocation.say
    write_table(
        [say("列", "column"), say("含义", "means"), say("非空", "filled"), "%"],
        [[each.column, _meaning(invocation, each.means), each.filled, each.percent] for each in summary.columns],
    )
    counts = [
        (say("行", "rows"), summary.rows),
        (say("新会员", "registered"), summary.registered),
        (say("已有会员", "known"), summary.known),
        (say("文件内重复", "repeated in the file"), summary.repeated),
        (say("已导入过", "unchanged"), summary.unchanged),
        (say("未导入", "rejected"), summary.rejected),
    ]
    write_table([say("会员导入", "members"), ""], counts)
    _show_duplicates(invocation, summary.duplicates)
    importing.say_left_out(invocation, summary)
    importing.say_rejected(invocation, summary.rejected, rows)


@command(group, "balances")
def import_balances(
    invocation: Invocation,
    rows: Rows,
    mapping: MappingFile = None,
    as_json: AsJson = False,
) -> None:
    """导入期初余额，每行一个批次，并核对合计 / Import opening balances as lots; proves that the sums agree."""
    from jifen.services.imports import people

    if rows.infer:
        importing.propose(invocation, "balances", rows)
        return
    meant = importing.chosen(people.load_balance_mapping(importing.needed(mapping)), rows)

    async def record(engine: Engine | None, url: str, file: Path, progress: Progress) -> BalanceSummary:
        return await people.import_balances(engine, url, file, meant, rejects=rows.rejects, progress=progress)

    summary = importing.imported(invocation, rows, record)
    if as_json:
        write_json(summary)
    else:
        _show_balances(invocation, summary)
        _say_doubtful(invocation, summary)
        importing.say_left_out(invocation, summary)
        importing.say_rejected(invocation, summary.rejected, rows)
    if not summary.agrees:
        raise typer.Exit(1)


def _show_balances(invocation: Invocation, summary: BalanceSummary) -> None:
    say = invocation.say
    rows = [
        (say("行", "rows"), summary.rows),
        (say("零积分的行", "rows of 0 points"), summary.empty),
        (say("新入账", "booked"), summary.booked),
        (say("已导入过", "unchanged"), summary.unchanged),
        (say("待复核", "waiting for approval"), summary.waiting),
        (say("未导入", "rejected"), summary.rejected),
    ]
    write_table([say("期初余额", "balances"), ""], rows)
    headings = [say("积分账户", "wallet"), say("文件合计", "file"), say("未导入", "rejected"), say("待复核", "waiting")]
    if summary.dry_run:
        sums = [[each.wallet, each.file_points, each.rejected_points, each.waiting_points] for each in summary.wallets]
        write_table(headings, sums)
        return
    agrees, differs = say("一致", "agrees"), say("不一致", "DIFFERS")
    write_table(
        [*headings, say("账本合计", "ledger"), ""],
        [
            [
                each.wallet,
                each.file_points,
                each.rejected_points,
                each.waiting_points,
                each.ledger_points,
                agrees if each.agrees else differs,
            ]
            for each in summary.wallets
        ],
    )


def _show_duplicates(invocation: Invocation, report: DuplicateReport) -> None:
    """Who stands in the file twice, and who was a member before."""
    say = invocation.say
    for title, found in (
        (say("文件内重复的行", "lines of one person"), report.in_file),
        (say("与已有会员重复的行", "lines of members"), report.with_members),
    ):
        if not found.total:
            continue
        shown = found.listed[:_SHOWN]
        write_table(
            [title, say("原因", "why"), say("会员", "member")],
            [
                [
                    _lines(invocation, each),
                    _reasons(invocation, each.reasons),
                    each.member_id or "",
                ]
                for each in shown
            ],
        )
        _say_more(invocation, found.total - len(shown))
    if report.birthdays_of_too_many:
        days = ", ".join(report.birthdays_of_too_many[:_SHOWN])
        write_note(
            say(
                f"这些日期出生的人过多，未据此比较姓名：{days}。",
                f"Too many were born on these days, so that their names were not compared: {days}.",
            )
        )


def _meaning(invocation: Invocation, means: str) -> str:
    """What a column holds: `birthday`, or `identity phone`, `field size`."""
    kind, _, name = means.partition(" ")
    return invocation.say(f"{MEANINGS[kind]} {name}".rstrip(), means)


def _reasons(invocation: Invocation, reasons: list[str]) -> str:
    return ", ".join(invocation.say(REASONS.get(each, each), each.replace("_", " ")) for each in reasons)


def _lines(invocation: Invocation, group: FileDuplicate | AddedRows) -> str:
    """Lines as a person reads them, and how many further ones there are."""
    told = ", ".join(map(str, group.lines))
    if group.line_count is None:
        return told
    more = group.line_count - len(group.lines)
    return told + invocation.say(f" 等另 {more} 行", f" and {more} more")


def _say_more(invocation: Invocation, more: int) -> None:
    if more > 0:
        write_note(
            invocation.say(
                f"另有 {more:,} 项未列出（--json 列出前 100 项）。",
                f"And {more:,} more (--json lists the first 100).",
            )
        )


def _say_doubtful(invocation: Invocation, summary: BalanceSummary) -> None:
    """What may be the same points twice."""
    say = invocation.say
    if summary.repeated.total:
        shown = summary.repeated.listed[:_SHOWN]
        write_table(
            [say("合并入账的行", "rows added together"), say("积分账户", "wallet"), say("合计", "points"), ""],
            [
                [
                    _lines(invocation, each),
                    each.wallet,
                    each.points,
                    say("积分相同，可能重复", "the same points: copied?") if each.alike else "",
                ]
                for each in shown
            ],
        )
        _say_more(invocation, summary.repeated.total - len(shown))
    if (moved := summary.expiry_changed).lots:
        write_note(
            say(
                f"注意：{moved.lots:,} 个批次共 {moved.points:,} 积分此前已以另一有效期入账，文件中已没有原来的："
                "两者并存，请用调整收回其中之一。",
                f"Look: {counted(moved.lots, 'lots')} of {counted(moved.points, 'points')} came before with another "
                f"expiry, which the file "
                "has no more. Both stand: take one back with an adjustment.",
            )
        )
    for each in summary.booked_elsewhere:
        write_note(
            say(
                f"注意：其中 {each.lots:,} 个批次共 {each.points:,} 积分与来源 {each.source} 已入账的完全相同。"
                f"如为同一系统，请改用 --source {each.source}，否则会重复入账。",
                f"Look: {counted(each.lots, 'lots')} of {counted(each.points, 'points')} are the very same as the "
                f"source {each.source} has "
                f"brought. If it is one system, say --source {each.source}: otherwise they are booked twice.",
            )
        )


MEANINGS = {
    "identity": "身份标识",
    "field": "自定义字段",
    "name": "姓名",
    "gender": "性别",
    "birthday": "生日",
    "registered_at": "入会时间",
    "channel": "注册渠道",
    "language": "语言",
    "country": "国家",
    "province": "省份",
    "city": "城市",
    "district": "区县",
    "street": "街道",
    "postal_code": "邮政编码",
    "tags": "标签",
}
"""What columns of members can hold."""

#: So many duplicates are shown.
_SHOWN = 20
