"""What the imports of members, orders and balances have in common: `jifen import KIND FILE`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Protocol, TypeVar

import typer
from msgspec import structs

from jifen.cli.invocation import Invocation, NoDatabase
from jifen.cli.output import Progress, progress_bar, write_line, write_note
from jifen.cli.usage import BadValue
from jifen.core.counted import counted

if TYPE_CHECKING:
    from jifen.core.program import ProgramDocument
    from jifen.engine.engine import Engine
    from jifen.services.imports import Mapping
    from jifen.services.imports.people import BalanceMapping, MemberMapping
    from jifen.services.imports.proposals import Kind

S = TypeVar("S")
M = TypeVar("M", "Mapping", "MemberMapping", "BalanceMapping")

group = typer.Typer(help="导入 / Import from files.")

TableFile = Annotated[
    Path | None,
    typer.Argument(
        metavar="[FILE]",
        help="CSV（可为 .gz）、Excel（.xlsx）或 JSON Lines / CSV (.gz too), Excel or JSON lines.",
        show_default=False,
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
Source = Annotated[
    str | None,
    typer.Option(
        "--source",
        metavar="NAME",
        help="数据来自哪个系统，优先于映射；同一来源只入账一次 / The system it comes from; goes before the mapping's.",
        show_default=False,
    ),
]
Infer = Annotated[bool, typer.Option("--infer", help="按表头推测映射并输出 / Propose a mapping from the header.")]
Rejects = Annotated[
    Path | None, typer.Option("--rejects", metavar="FILE", help="无法导入的行写到这里 / Rows that were not taken.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="只检查，不写入 / Look at everything, record nothing.")]

_LONGEST_SOURCE = 200


class LeftOut(Protocol):
    """What the summaries of all imports say of a workbook."""

    hidden: int
    other_sheets: list[str]


def register(app: typer.Typer) -> None:
    """Put the commands of all imports below `jifen import`."""
    app.add_typer(group, name="import")


def propose(
    invocation: Invocation, kind: Kind, file: Path | None, query: str | None, sheet: str | None, source: str | None
) -> None:
    """Write a mapping that is proposed for the rows, and for the program in force where there is one."""
    from jifen.services.imports.proposals import propose_mapping

    with rows_of(file, query) as rows:
        program = _program_in_force(invocation)
        write_line(propose_mapping(kind, rows, source=_checked(source), sheet=sheet, program=program).rstrip("\n"))


def _program_in_force(invocation: Invocation) -> ProgramDocument | None:
    from jifen.services.programs import current_program

    try:
        program = invocation.ask(current_program, may_make=False)
    except NoDatabase:
        return None
    return None if program is None else program.document


def needed(mapping: str | None) -> str:
    """The mapping that was named."""
    if mapping is None:
        raise BadValue(
            "--mapping",
            "请用 --mapping FILE 指定映射；--infer 会提出一个",
            "name a mapping with --mapping FILE; --infer proposes one",
        )
    return mapping


def chosen(mapping: M, sheet: str | None, source: str | None, query: str | None) -> M:
    """The mapping with what was said of it on the command line. The rows of a query are always written alike."""
    from jifen.services.imports.mapping import FileShape

    if query is not None:
        mapping = structs.replace(mapping, file=FileShape(), header_row=None)
    if sheet is not None:
        mapping = structs.replace(mapping, sheet=sheet)
    return mapping if _checked(source) is None else structs.replace(mapping, source=source)


def _checked(source: str | None) -> str | None:
    from jifen.core.text import unfit_text

    if source is not None and (not 0 < len(source) <= _LONGEST_SOURCE or unfit_text(source)):
        zh = f"来源须为 1 至 {_LONGEST_SOURCE} 个字符，不含控制字符"
        raise BadValue("--source", zh, f"a source has 1 to {_LONGEST_SOURCE} characters, without control characters")
    return source


def imported(
    invocation: Invocation,
    file: Path | None,
    query: str | None,
    record: Callable[[Engine | None, str, Path, Progress], Awaitable[S]],
    *,
    dry_run: bool,
    prepare: Callable[[str], None] | None = None,
) -> S:
    """What recording the rows came to; nothing is recorded by a dry run. `prepare`: what is done before, to the
    database, which is made where there is none."""
    with (
        rows_of(file, query) as rows,
        invocation.database(may_make=prepare is not None and not dry_run) as url,
    ):
        if prepare is not None and not dry_run:
            prepare(url)
        with progress_bar(invocation.say("导入", "import")) as progress:
            return invocation.run_engine(url, lambda engine: record(None if dry_run else engine, url, rows, progress))


@contextmanager
def rows_of(file: Path | None, query: str | None) -> Iterator[Path]:
    """The file that was named, or one with the rows of the query: before a database is started for it."""
    from jifen.services.imports.kinds import kind_of
    from jifen.services.imports.querying import queried

    if (file is None) == (query is None):
        raise BadValue("FILE", "FILE 与 --query 须且只能写一个", "name either a FILE or a --query, and not both")
    if file is not None:
        kind_of(file)
        yield file
    else:
        with queried(query or "") as rows:
            yield rows


def say_left_out(invocation: Invocation, summary: LeftOut) -> None:
    """What a person who looks at the workbook may expect otherwise."""
    if summary.hidden:
        number = summary.hidden
        english = f"{counted(number, 'rows')} hidden in the sheet; what is hidden counts."
        write_note(invocation.say(f"{number} 行在工作表中被隐藏，同样已读取。", english))
    if summary.other_sheets:
        names = ", ".join(summary.other_sheets)
        write_note(invocation.say(f"未读取的工作表：{names}。", f"Sheets that were not read: {names}."))


def say_rejected(invocation: Invocation, rejected: int, rejects: Path | None, *, dry_run: bool) -> None:
    """Whether something was recorded, and where it is told what was not taken."""
    if dry_run:
        write_note(invocation.say("试算：什么也没有写入。", "A dry run: nothing was recorded."))
    if rejected and rejects is None:
        write_note(invocation.say("用 --rejects FILE 查看原因。", "See why with --rejects FILE."))
    elif rejected:
        write_note(invocation.say(f"原因见 {rejects}。", f"{rejects} says why."))
