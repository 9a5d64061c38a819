"""`jifen import members` and `jifen import balances`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer
from msgspec import structs

from jifen.cli.invocation import Invocation, command
from jifen.cli.orders import group
from jifen.cli.output import Progress, progress_bar, write_json, write_line, write_note, write_table
from jifen.cli.program import AsJson

if TYPE_CHECKING:
    from jifen.engine.engine import Engine
    from jifen.services.imports.people import BalanceMapping, BalanceSummary, MemberMapping, MemberSummary

S = TypeVar("S")
M = TypeVar("M", "MemberMapping", "BalanceMapping")

TableFile = Annotated[
    Path | None,
    typer.Argument(
        metavar="[FILE]", help="CSV、Excel（.xlsx）或 JSON Lines / CSV, Excel or JSON lines.", show_default=False
    ),
]
Query = Annotated[
    str | None,
    typer.Option(
        "--query",
        metavar="SQL",
        help="从 IMPORT_DATABASE_URL 指向的 PostgreSQL 或 MySQL 查询 / Rows of the database in IMPORT_DATABASE_URL.",
        show_default=False,
    ),
]
Sheet = Annotated[
    str | None,
    typer.Option("--sheet", metavar="NAME", help="工作表，优先于映射 / The sheet of a workbook.", show_default=False),
]
MappingFile = Annotated[
    str | None,
    typer.Option("--mapping", metavar="FILE", help="列映射 YAML / What the columns mean.", show_default=False),
]
Infer = Annotated[bool, typer.Option("--infer", help="按表头推测映射并输出 / Propose a mapping from the header.")]
Rejects = Annotated[
    Path | None, typer.Option("--rejects", metavar="FILE", help="无法导入的行写到这里 / Rows that were not taken.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="只检查，不写入 / Look at everything, record nothing.")]


def register(app: typer.Typer) -> None:
    """The commands stand below `jifen import`, which `jifen.cli.orders` has put there."""


@command(group, "members")
def import_members(
    invocation: Invocation,
    file: TableFile = None,
    mapping: MappingFile = None,
    query: Query = None,
    sheet: Sheet = None,
    infer: Infer = False,
    rejects: Rejects = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """导入会员，附完整度与重复报告；再次导入不会重复 / Import members; a second time changes nothing."""
    from jifen.services.imports import people
    from jifen.services.imports.people.inferring import infer_member_mapping

    if infer:
        _propose(file, query, sheet, infer_member_mapping)
        return
    meant = _with_sheet(people.load_member_mapping(_needed(mapping)), sheet)

    async def record(engine: Engine | None, url: str, source: Path, progress: Progress) -> MemberSummary:
        return await people.import_members(engine, url, source, meant, rejects=rejects, progress=progress)

    summary = _imported(invocation, file, query, record, dry_run=dry_run)
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
    _say_left_out(invocation, summary)
    _say_rejected(invocation, summary.rejected, rejects, dry_run=dry_run)


@command(group, "balances")
def import_balances(
    invocation: Invocation,
    file: TableFile = None,
    mapping: MappingFile = None,
    query: Query = None,
    sheet: Sheet = None,
    infer: Infer = False,
    rejects: Rejects = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """导入期初余额，每行一个批次，并核对合计 / Import opening balances as lots; proves that the sums agree."""
    from jifen.services.imports import people
    from jifen.services.imports.people.inferring import infer_balance_mapping

    if infer:
        _propose(file, query, sheet, infer_balance_mapping)
        return
    meant = _with_sheet(people.load_balance_mapping(_needed(mapping)), sheet)

    async def record(engine: Engine | None, url: str, source: Path, progress: Progress) -> BalanceSummary:
        return await people.import_balances(engine, url, source, meant, rejects=rejects, progress=progress)

    summary = _imported(invocation, file, query, record, dry_run=dry_run)
    if as_json:
        write_json(summary)
    else:
        _show_balances(invocation, summary)
        _say_left_out(invocation, summary)
        _say_rejected(invocation, summary.rejected, rejects, dry_run=dry_run)
    if not summary.agrees:
        raise typer.Exit(1)


def _propose(
    file: Path | None, query: str | None, sheet: str | None, infer: Callable[[Path, str | None, str | None], str]
) -> None:
    with _rows_of(file, query) as source:
        write_line(infer(source, None, sheet).rstrip("\n"))


def _imported(
    invocation: Invocation,
    file: Path | None,
    query: str | None,
    record: Callable[[Engine | None, str, Path, Progress], Awaitable[S]],
    *,
    dry_run: bool,
) -> S:
    """What recording the rows came to; nothing is recorded by a dry run."""
    with (
        _rows_of(file, query) as source,
        invocation.database(may_make=False) as url,
        progress_bar(invocation.say("导入", "import")) as progress,
    ):
        return invocation.run_engine(url, lambda engine: record(None if dry_run else engine, url, source, progress))


def _show_balances(invocation: Invocation, summary: BalanceSummary) -> None:
    say = invocation.say
    rows = [
        (say("行", "rows"), summary.rows),
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


@contextmanager
def _rows_of(file: Path | None, query: str | None) -> Iterator[Path]:
    """The file that was named, or one with the rows of the query."""
    from jifen.services.imports.people.querying import queried

    if (file is None) == (query is None):
        raise typer.BadParameter("Name either a FILE or a --query, and not both.", param_hint="FILE")
    if file is not None:
        yield file
    else:
        with queried(query or "") as source:
            yield source


def _with_sheet(mapping: M, sheet: str | None) -> M:
    """The mapping for the sheet that was named."""
    return mapping if sheet is None else structs.replace(mapping, sheet=sheet)


def _needed(mapping: str | None) -> str:
    if mapping is None:
        raise typer.BadParameter("Name a mapping with --mapping FILE; --infer proposes one.", param_hint="--mapping")
    return mapping


def _say_left_out(invocation: Invocation, summary: MemberSummary | BalanceSummary) -> None:
    """What a person who looks at the workbook may expect otherwise."""
    if summary.hidden:
        number = summary.hidden
        english = f"{number} rows are hidden in the sheet; they count."
        write_note(invocation.say(f"{number} 行在工作表中被隐藏，同样已读取。", english))
    if summary.other_sheets:
        names = ", ".join(summary.other_sheets)
        write_note(invocation.say(f"未读取的工作表：{names}。", f"Sheets that were not read: {names}."))


def _say_rejected(invocation: Invocation, rejected: int, rejects: Path | None, *, dry_run: bool) -> None:
    if dry_run:
        write_note(invocation.say("试算：什么也没有写入。", "A dry run: nothing was recorded."))
    if rejected and rejects is None:
        write_note(invocation.say("用 --rejects FILE 查看原因。", "See why with --rejects FILE."))
    elif rejected:
        write_note(invocation.say(f"原因见 {rejects}。", f"{rejects} says why."))
