"""`jifen import orders`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jifen.cli import importing
from jifen.cli.demo import ensure_program
from jifen.cli.importing import Rows, group
from jifen.cli.invocation import Invocation, command
from jifen.cli.output import Progress, write_json, write_table
from jifen.cli.program import AsJson

if TYPE_CHECKING:
    from jifen.engine.engine import Engine
    from jifen.services.imports import ImportSummary

OrderMapping = Annotated[
    str | None,
    typer.Option(
        "--mapping",
        metavar="FILE|NAME",
        help="列映射：YAML 文件，或 online-retail、orders / What the columns mean: a file, or one of these names.",
        show_default=False,
    ),
]


def register(app: typer.Typer) -> None:
    """The command stands below `jifen import`, which `jifen.cli.importing` puts there."""


@command(group, "orders")
def import_orders(
    invocation: Invocation,
    rows: Rows,
    mapping: OrderMapping = None,
    as_json: AsJson = False,
) -> None:
    """导入订单与退货；重复导入不会重复记账 / Import orders and returns; a second time changes nothing."""
    from jifen.services.imports import import_orders, load_mapping

    if rows.infer:
        importing.propose(invocation, "orders", rows)
        return
    meant = importing.chosen(load_mapping(importing.needed(mapping)), rows)
    program = meant.program

    async def record(engine: Engine | None, url: str, file: Path, progress: Progress) -> ImportSummary:
        return await import_orders(engine, url, file, meant, rejects=rows.rejects, progress=progress)

    # A dry run writes nothing, so there it is refused where no program was applied yet.
    def prepare(url: str) -> None:
        if program is not None:
            ensure_program(invocation, url, program)

    summary = importing.imported(invocation, rows, record, prepare=prepare)
    if as_json:
        write_json(summary)
        return
    _show(invocation, summary)
    importing.say_left_out(invocation, summary)
    importing.say_rejected(invocation, summary.rejected_lines + summary.refused, rows)


def _show(invocation: Invocation, summary: ImportSummary) -> None:
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
