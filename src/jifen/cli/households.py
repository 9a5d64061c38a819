"""`jifen households`: members who spend their points together."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from jifen.cli.invocation import Invocation, command
from jifen.cli.members import Name, Reason, number_of
from jifen.cli.names import read_named
from jifen.cli.operating import given, operate
from jifen.cli.output import write_json, write_note, write_table
from jifen.cli.program import AsJson

group = typer.Typer(help="家庭：会员共用积分 / Households: members who spend their points together.")


def register(app: typer.Typer) -> None:
    """Put the commands below `jifen households`."""
    app.add_typer(group, name="households")


def _show(invocation: Invocation, member: int, *, as_json: bool) -> None:
    from jifen.services.households import find_household

    now = datetime.now(UTC)
    household, names = read_named(
        invocation, lambda connection, catalog: find_household(connection, catalog, member, now)
    )
    if as_json:
        write_json(household)
        return
    say = invocation.say
    rows: list[tuple[str, object]] = [(say("户主", "head"), household.head_id)]
    rows += [(say("成员", "member"), each) for each in household.member_ids if each != household.head_id]
    rows += [
        (names.wallet(wallet), say(f"共可用 {points:,}", f"{points:,} available in all"))
        for wallet, points in household.available.items()
    ]
    write_table([household.name, ""], rows)


@command(group, "show")
def show(invocation: Invocation, member: Name, as_json: AsJson = False) -> None:
    """显示某会员所在的家庭 / Show the household that a member is in."""
    _show(invocation, number_of(invocation, member), as_json=as_json)


@command(group, "found")
def found(
    invocation: Invocation,
    name: Annotated[str, typer.Argument(metavar="NAME", help="家庭名称 / The household's name.")],
    head: Annotated[str, typer.Option("--head", metavar="MEMBER", help="户主 / Its head.")],
    others: Annotated[
        list[str] | None,
        typer.Option("--member", metavar="MEMBER", help="其他成员，可多次 / Somebody else; may be repeated."),
    ] = None,
    reason: Reason = None,
    as_json: AsJson = False,
) -> None:
    """建立家庭 / Begin a household."""
    first = str(number_of(invocation, head))
    members = [str(number_of(invocation, each)) for each in others or ()]
    operate(
        invocation, "found_household", "", given({"name": name, "head": first, "members": members, "reason": reason})
    )
    _show(invocation, int(first), as_json=as_json)


@command(group, "join")
def join(
    invocation: Invocation,
    member: Name,
    beside: Annotated[
        str, typer.Option("--with", metavar="MEMBER", help="家庭中的任何一位 / Anybody who is in the household.")
    ],
    reason: Reason = None,
    as_json: AsJson = False,
) -> None:
    """加入家庭 / Join the household of another member."""
    number = number_of(invocation, member)
    said = given({"with": str(number_of(invocation, beside)), "reason": reason})
    operate(invocation, "join_household", str(number), said)
    _show(invocation, number, as_json=as_json)


@command(group, "leave")
def leave(invocation: Invocation, member: Name, reason: Reason = None, as_json: AsJson = False) -> None:
    """退出家庭 / Leave the household."""
    number = number_of(invocation, member)
    operate(invocation, "leave_household", str(number), given({"reason": reason}))
    if as_json:
        write_json({"member_id": str(number)})
    else:
        write_note(invocation.say(f"会员 {number} 已退出家庭。", f"Member {number} has left the household."))
