"""`jifen approvals`: what waits for a second person."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from jifen.cli.invocation import Invocation, command
from jifen.cli.operating import given, look, operate
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


@command(group, "show")
def show(invocation: Invocation, approval_id: ApprovalId, as_json: AsJson = False) -> None:
    """显示一个请求的内容与现状 / Show a request: what would be done, who asked, how it stands."""
    found, _ = look(invocation, "get_approval", str(approval_id))
    if as_json:
        write_json(found)
        return
    say = invocation.say
    rows: list[tuple[str, object]] = [
        (say("状态", "state"), say(_STATES[found.state], found.state)),
        (say("会员", "member"), found.member_id),
    ]
    rows += [(say(_SAID.get(name, name), name.replace("_", " ")), value) for name, value in found.command.items()]
    rows += [
        (name, value)
        for name, value in (
            (say("原因", "reason"), found.reason),
            (say("提出者", "asked by"), found.asked_by_name or found.asked_by),
            (say("提出时间", "asked at"), found.asked_at),
            (say("失效时间", "lapses at"), found.lapses_at),
            (say("处理者", "decided by"), found.decided_by),
            (say("处理时间", "decided at"), found.decided_at),
            (say("处理意见", "why it was decided so"), found.decision_reason),
            (say("流水", "transaction"), found.transaction_id),
        )
        if value is not None
    ]
    write_table([str(approval_id), ""], rows)


_STATES = {"waiting": "待复核", "approved": "已批准", "rejected": "已驳回", "lapsed": "已失效"}
_SAID = {"points": "积分", "wallet": "积分账户", "reason_code": "原因代码", "expires_at": "到期时间"}


@command(group, "approve")
def approve(invocation: Invocation, approval_id: ApprovalId, reason: Why = None, as_json: AsJson = False) -> None:
    """批准并立即执行 / Approve a request: it is done at once."""
    transaction = operate(
        invocation, "approve_request", str(approval_id), given({"reason": reason})
    ).answer.transaction_id
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
    operate(invocation, "reject_request", str(approval_id), given({"reason": reason}))
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
