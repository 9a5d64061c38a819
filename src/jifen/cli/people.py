"""`jifen import members` and `jifen import balances`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from jifen.cli import importing
from jifen.cli.importing import DryRun, Infer, MappingFile, Query, Rejects, Sheet, Source, TableFile, group
from jifen.cli.invocation import Invocation, command
from jifen.cli.output import Progress, write_json, write_table
from jifen.cli.program import AsJson

if TYPE_CHECKING:
    from jifen.engine.engine import Engine
    from jifen.services.imports.people import BalanceSummary, MemberSummary


def register(app: typer.Typer) -> None:
    """The commands stand below `jifen import`, which `jifen.cli.importing` puts there."""


@command(group, "members")
def import_members(
    invocation: Invocation,
    file: TableFile = None,
    mapping: MappingFile = None,
    query: Query = None,
    sheet: Sheet = None,
    source: Source = None,
    infer: Infer = False,
    rejects: Rejects = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """导入会员，附完整度与重复报告；再次导入不会重复 / Import members; a second time changes nothing."""
    from jifen.services.imports import people

    if infer:
        importing.propose("members", file, query, sheet, source)
        return
    meant = importing.chosen(people.load_member_mapping(importing.needed(mapping)), sheet, source)

    async def record(engine: Engine | None, url: str, rows: Path, progress: Progress) -> MemberSummary:
        return await people.import_members(engine, url, rows, meant, rejects=rejects, progress=progress)

    summary = importing.imported(invocation, file, query, record, dry_run=dry_run)
    if as_json:
        write_json(summary)
        return
    say = invocation.say
    write_table(
        [say("列", "column"), say("含义", "means"), say("非空", "filled"), "%"],
        [[each.column, each.means, each.filled, each.percent] for each in summary.columns],
    )
    rows = [
        (say("行", "rows"), summary.rows),
        (say("新会员", "registered"), summary.registered),
        (say("已有会员", "known"), summary.known),
        (say("文件内重复", "repeated in the file"), summary.repeated),
        (say("已导入过", "unchanged"), summary.unchanged),
        (say("未导入", "rejected"), summary.rejected),
    ]
    write_table([say("会员导入", "members"), ""], rows)
    importing.say_left_out(invocation, summary)
    importing.say_rejected(invocation, summary.rejected, rejects, dry_run=dry_run)


@command(group, "balances")
def import_balances(
    invocation: Invocation,
    file: TableFile = None,
    mapping: MappingFile = None,
    query: Query = None,
    sheet: Sheet = None,
    source: Source = None,
    infer: Infer = False,
    rejects: Rejects = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """导入期初余额，每行一个批次，并核对合计 / Import opening balances as lots; proves that the sums agree."""
    from jifen.services.imports import people

    if infer:
        importing.propose("balances", file, query, sheet, source)
        return
    meant = importing.chosen(people.load_balance_mapping(importing.needed(mapping)), sheet, source)

    async def record(engine: Engine | None, url: str, rows: Path, progress: Progress) -> BalanceSummary:
        return await people.import_balances(engine, url, rows, meant, rejects=rejects, progress=progress)

    summary = importing.imported(invocation, file, query, record, dry_run=dry_run)
    if as_json:
        write_json(summary)
    else:
        _show_balances(invocation, summary)
        importing.say_left_out(invocation, summary)
        importing.say_rejected(invocation, summary.rejected, rejects, dry_run=dry_run)
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
