"""`jifen import`: orders from a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jifen.cli.demo import ensure_program
from jifen.cli.invocation import Invocation, command
from jifen.cli.output import progress_bar, write_json, write_note, write_table
from jifen.cli.program import AsJson

if TYPE_CHECKING:
    from jifen.services.imports import ImportSummary

group = typer.Typer(help="导入 / Import from files.")


def register(app: typer.Typer) -> None:
    """Put the commands below `jifen import`."""
    app.add_typer(group, name="import")


@command(group, "orders")
def import_orders(
    invocation: Invocation,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV 文件，可为 .gz / A CSV file, .gz too.")],
    mapping: Annotated[
        str,
        typer.Option(
            "--mapping", metavar="FILE|NAME", help="列映射：YAML 文件，或 online-retail、orders / The mapping."
        ),
    ],
    rejects: Annotated[
        Path | None, typer.Option("--rejects", metavar="FILE", help="无法导入的行写到这里 / Lines that were not taken.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="试算，不写入 / Record nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """从文件导入订单与退货；重复导入不会重复记账 / Import orders and returns; a second time changes nothing."""
    from jifen.services.imports import import_orders, load_mapping

    meant = load_mapping(mapping)
    _check_file(file)
    with invocation.database(may_make=not dry_run) as url:
        # A dry run writes nothing, so there it is refused where no program was applied yet.
        if meant.program is not None and not dry_run:
            ensure_program(invocation, url, meant.program)
        with progress_bar(invocation.say("导入", "import")) as progress:
            summary = invocation.run_engine(
                url,
                lambda engine: import_orders(
                    engine, url, file, meant, dry_run=dry_run, rejects=rejects, progress=progress
                ),
            )
    if as_json:
        write_json(summary)
    else:
        _show(invocation, summary, rejects)


def _check_file(file: Path) -> None:
    """Before a database is started for it."""
    from jifen.services.imports.reading import UnreadableFile

    if not file.exists():
        raise UnreadableFile(f"There is no file {file}.", file=str(file))
    if not file.is_file():
        raise UnreadableFile(f"{file} is not a file; name one file of orders.", file=str(file))


def _show(invocation: Invocation, summary: ImportSummary, rejects: Path | None) -> None:
    say = invocation.say
    rows = [
        (say("文件行数", "lines of the file"), summary.lines),
        (say("订单", "orders"), summary.orders),
        (say("会员", "members"), summary.members),
        (say("退货", "returns"), summary.returns),
        (say("本次发放积分", "points issued now"), summary.points_issued),
        (say("本次收回积分", "points reversed now"), summary.points_reversed),
        (say("此前已导入", "recorded before"), summary.duplicates),
        (say("无会员的行", "lines of guests"), summary.guest_lines),
        (say("无会员的订单", "orders of guests"), summary.guest_orders),
        (say("未能导入的行", "rejected lines"), summary.rejected_lines),
        (say("被拒绝", "refused"), summary.refused),
    ]
    write_table([say("导入结果", "import"), ""], rows)
    if summary.dry_run:
        write_note(say("试算：没有写入任何内容。", "Dry run: nothing was recorded."))
    if summary.rejected_lines or summary.refused:
        if rejects is None:
            write_note(
                say("用 --rejects 指定文件可查看未导入的行。", "Name a file with --rejects to see what was not taken.")
            )
        else:
            write_note(say(f"未导入的行见 {rejects}。", f"What was not taken is in {rejects}."))
