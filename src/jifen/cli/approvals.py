"""`jifen approvals`: what waits for a second person."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from jifen.cli.asking import submit
from jifen.cli.invocation import Invocation, command
from jifen.cli.output import write_json, write_line, write_table
from jifen.cli.program import AsJson
from jifen.cli.usage import BadValue

if TYPE_CHECKING:
    from jifen.db.connection import Connection
    from jifen.services.approvals import ApprovalPage

group = typer.Typer(help="待复核的请求 / What waits for a second person: list, approve, reject.")


STATES = {"waiting": "待复核", "approved": "已批准", "rejected": "已驳回", "lapsed": "已失效"}
"""Where a request stands."""


def register(app: typer.Typer) -> None:
    """Put the commands below `jifen approvals`."""
    app.add_typer(group, name="approvals")


ApprovalId = Annotated[int, typer.Argument(metavar="ID", min=1, max=2**31 - 1, help="见 list / As `list` shows it.")]
Why = Annotated[
    str | None, typer.Option("--reason", metavar="TEXT", help="处理意见 / Why it is decided so.", show_default=False)
]


@command(group, "list")
def list_all(
    invocation: Invocation,
    state: Annotated[
        str,
        typer.Option("--state", metavar="STATE", help="waiting、approved、rejected、lapsed 或 all / Or all."),
    ] = "waiting",
    as_json: AsJson = False,
) -> None:
    """列出请求（默认：待复核的），最多 200 个 / List requests, newest first, at most 200."""
    states = ("waiting", "approved", "rejected", "lapsed", "all")
    if state not in states:
        raise BadValue("--state", f"{state!r} 须为{'、'.join(states)}之一", f"{state!r} is none of {', '.join(states)}")
    page = invocation.ask(lambda connection: _page(connection, state), may_make=False)
    if as_json:
        write_json(page.approvals)
        return
    say = invocation.say
    write_table(
        [
            say("编号", "id"),
            say("状态", "state"),
            say("会员", "member"),
            say("积分", "points"),
            say("提出者", "asked by"),
            say("提出时间", "asked at"),
            say("失效时间", "lapses at"),
        ],
        [
            [
                each.approval_id,
                say(STATES[each.state], each.state),
                each.member_id,
                each.command.get("points", ""),
                each.asked_by_name or each.asked_by,
                each.asked_at,
                each.lapses_at,
            ]
            for each in page.approvals
        ],
    )


@command(group, "approve")
def approve(invocation: Invocation, approval_id: ApprovalId, reason: Why = None, as_json: AsJson = False) -> None:
    """批准并立即执行 / Approve a request: it is done at once."""
    member, sequence = _decide(invocation, approval_id, reason, is_approved=True)
    transaction = f"{member}-{sequence}"
    if as_json:
        write_json({"approval_id": str(approval_id), "state": "approved", "transaction_id": transaction})
        return
    write_line(
        invocation.say(
            f"请求 {approval_id} 已批准，流水 {transaction}。",
            f"The request {approval_id} is approved: transaction {transaction}.",
        )
    )


@command(group, "reject")
def reject(invocation: Invocation, approval_id: ApprovalId, reason: Why = None, as_json: AsJson = False) -> None:
    """驳回请求 / Reject a request."""
    _decide(invocation, approval_id, reason, is_approved=False)
    if as_json:
        write_json({"approval_id": str(approval_id), "state": "rejected"})
        return
    write_line(invocation.say(f"请求 {approval_id} 已驳回。", f"The request {approval_id} is rejected."))


async def _page(connection: Connection, state: str) -> ApprovalPage:
    from jifen.core.refusal import Refusal
    from jifen.services.approvals import approvals_page

    wanted = None if state == "all" else state
    page = await approvals_page(connection, datetime.now(UTC), state=wanted, limit=200)  # type: ignore[arg-type]
    assert not isinstance(page, Refusal), "there is no cursor that could be wrong"
    return page


def _decide(invocation: Invocation, approval_id: int, reason: str | None, *, is_approved: bool) -> tuple[int, int]:
    """Whose transaction it made; the sequence is not above 0 where it made none."""
    from jifen.core.wallets.commands import DecideApproval

    answer = submit(invocation, DecideApproval(approval_id, is_approved), reason=reason)
    return answer.member_id, answer.sequence
