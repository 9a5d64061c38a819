"""What the imports of members, orders and balances have in common: `jifen import KIND FILE`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Protocol, TypeVar

import typer
from msgspec import structs

from jifen.cli.invocation import Invocation, NoDatabase, Options
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

MappingFile = Annotated[
    str | None,
    typer.Option("--mapping", metavar="FILE", help="列映射 YAML / What the columns mean.", show_default=False),
]
_LONGEST_SOURCE = 200


class LeftOut(Protocol):
    """What the summaries of all imports say of a workbook."""

    hidden: int
    other_sheets: list[str]


@dataclass(frozen=True)
class Rows(Options):
    """Which rows are imported, and how."""

    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE]",
            help="CSV（可为 .gz）、Excel（.xlsx）或 JSON Lines / CSV (.gz too), Excel or JSON lines.",
            show_default=False,
        ),
    ] = None
    query: Annotated[
        str | None,
        typer.Option(
            "--query",
            metavar="SQL",
            help="从 IMPORT_DATABASE_URL 指向的 PostgreSQL 或 MySQL 查询 / Of the database in IMPORT_DATABASE_URL.",
            show_default=False,
        ),
    ] = None
    sheet: Annotated[
        str | None,
        typer.Option(
            "--sheet", metavar="NAME", help="工作表，优先于映射 / The sheet of a workbook.", show_default=False
        ),
    ] = None
    source: Annotated[
        str | None,
        typer.Option(
            "--source",
            metavar="NAME",
            help="数据来自哪个系统，优先于映射；同一来源只入账一次 / The system it comes from; before the mapping's.",
            show_default=False,
        ),
    ] = None
    infer: Annotated[
        bool, typer.Option("--infer", help="按表头推测映射并输出 / Propose a mapping from the header.")
    ] = False
    rejects: Annotated[
        Path | None, typer.Option("--rejects", metavar="FILE", help="无法导入的行写到这里 / Rows that were not taken.")
    ] = None
    dry_run: Annotated[bool, typer.Option("--dry-run", help="只检查，不写入 / Look at everything, record nothing.")] = (
        False
    )


def register(app: typer.Typer) -> None:
    """Put the commands of all imports below `jifen import`."""
    app.add_typer(group, name="import")


def propose(invocation: Invocation, kind: Kind, rows: Rows) -> None:
    """Write a mapping that is proposed for the rows, and for the program in force where there is one."""
    from jifen.services.imports.proposals import propose_mapping

    with _file_of(rows) as file:
        program = _program_in_force(invocation)
        proposed = propose_mapping(kind, file, source=_checked(rows.source), sheet=rows.sheet, program=program)
    write_line(proposed.rstrip("\n"))


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


def chosen(mapping: M, rows: Rows) -> M:
    """The mapping with what was said of it on the command line. The rows of a query are always written alike."""
    from jifen.services.imports.mapping import FileShape

    if rows.query is not None:
        mapping = structs.replace(mapping, file=FileShape(), header_row=None)
    if rows.sheet is not None:
        mapping = structs.replace(mapping, sheet=rows.sheet)
    return mapping if _checked(rows.source) is None else structs.replace(mapping, source=rows.source)


def _checked(source: str | None) -> str | None:
    from jifen.core.text import unfit_text

    if source is not None and (not 0 < len(source) <= _LONGEST_SOURCE or unfit_text(source)):
        zh = f"来源须为 1 至 {_LONGEST_SOURCE} 个字符，不含控制字符"
        raise BadValue("--source", zh, f"a source has 1 to {_LONGEST_SOURCE} characters, without control characters")
    return source


def imported(
    invocation: Invocation,
    rows: Rows,
    record: Callable[[Engine | None, str, Path, Progress], Awaitable[S]],
    *,
    prepare: Callable[[str], None] | None = None,
) -> S:
    """What recording the rows came to; nothing is recorded by a dry run. `prepare`: what is done before, to the
    database, which is made where there is none."""
    with (
        _file_of(rows) as file,
        invocation.database(may_make=prepare is not None and not rows.dry_run) as url,
    ):
        if prepare is not None and not rows.dry_run:
            prepare(url)
        with progress_bar(invocation.say("导入", "import")) as progress:
            return invocation.run_engine(
                url, lambda engine: record(None if rows.dry_run else engine, url, file, progress)
            )


@contextmanager
def _file_of(rows: Rows) -> Iterator[Path]:
    """The file that was named, or one with the rows of the query: before a database is started for it."""
    from jifen.services.imports.kinds import kind_of
    from jifen.services.imports.querying import queried

    if (rows.file is None) == (rows.query is None):
        raise BadValue("FILE", "FILE 与 --query 须且只能写一个", "name either a FILE or a --query, and not both")
    if rows.file is not None:
        kind_of(rows.file)
        yield rows.file
    else:
        with queried(rows.query or "") as file:
            yield file


def say_left_out(invocation: Invocation, summary: LeftOut) -> None:
    """What a person who looks at the workbook may expect otherwise."""
    if summary.hidden:
        number = summary.hidden
        english = f"{counted(number, 'rows')} hidden in the sheet; what is hidden counts."
        write_note(invocation.say(f"{number} 行在工作表中被隐藏，同样已读取。", english))
    if summary.other_sheets:
        names = ", ".join(summary.other_sheets)
        write_note(invocation.say(f"未读取的工作表：{names}。", f"Sheets that were not read: {names}."))


def say_rejected(invocation: Invocation, rejected: int, rows: Rows) -> None:
    """Whether something was recorded, and where it is told what was not taken."""
    if rows.dry_run:
        write_note(invocation.say("试算：什么也没有写入。", "A dry run: nothing was recorded."))
    if rejected and rows.rejects is None:
        write_note(invocation.say("用 --rejects FILE 查看原因。", "See why with --rejects FILE."))
    elif rejected:
        write_note(invocation.say(f"原因见 {rows.rejects}。", f"{rows.rejects} says why."))
