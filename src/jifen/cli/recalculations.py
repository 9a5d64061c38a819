"""`jifen tiers recalculations` and `jifen tiers stop`: recalculations that run or ran, wherever they were begun."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer

from jifen.cli.invocation import Invocation, command
from jifen.cli.operating import look
from jifen.cli.output import write_json, write_table
from jifen.cli.program import AsJson
from jifen.cli.tiers import group

if TYPE_CHECKING:
    from jifen.api.tiers import RecalculationView

RecalculationNumber = Annotated[
    int, typer.Argument(metavar="NUMBER", min=1, max=10**18 - 1, help="编号，见 recalculations / Its number.")
]


def register(_app: typer.Typer) -> None:
    """The commands stand below `jifen tiers`, which `jifen.cli.tiers` puts there."""


@command(group, "recalculations")
def list_all(invocation: Invocation, as_json: AsJson = False) -> None:
    """列出最近五十次重新定级 / List the last fifty recalculations, the newest first."""
    found, _ = look(invocation, "list_recalculations")
    if as_json:
        write_json(found.recalculations)
    else:
        _show(invocation, found.recalculations)


@command(group, "stop")
def stop(invocation: Invocation, number: RecalculationNumber, as_json: AsJson = False) -> None:
    """停止一次重新定级，已结束的不变 / Stop a recalculation; one that is over stays as it is."""
    from jifen.api.tiers import view_of_recalculation
    from jifen.services.tiers.recalculation import stop_recalculation

    found = invocation.ask(lambda connection: stop_recalculation(connection, number), may_make=False)
    view = view_of_recalculation(found)
    if as_json:
        write_json(view)
    else:
        _show(invocation, [view])


def _show(invocation: Invocation, recalculations: list[RecalculationView]) -> None:
    say = invocation.say
    write_table(
        [
            say("编号", "number"),
            say("状态", "status"),
            say("已处理", "looked at"),
            say("共", "of"),
            say("有变化", "with a change"),
            say("发起者", "asked by"),
            say("发起时间", "asked at"),
        ],
        [
            [
                each.recalculation_id,
                say(*_STATES[each.status]),
                each.members_done,
                each.members_total,
                each.members_moved,
                each.asked_by,
                each.asked_at,
            ]
            for each in recalculations
        ],
    )


_STATES: Final = {
    "running": ("进行中", "running"),
    "done": ("已完成", "done"),
    "stopped": ("已停止", "stopped"),
    "failed": ("失败", "failed"),
}
