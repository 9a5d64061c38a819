"""`jifen points hold, capture, release, held`: points bound while a customer pays."""

from __future__ import annotations

from typing import Annotated

import typer

from jifen.cli.instants import read_instant
from jifen.cli.invocation import Invocation, command
from jifen.cli.members import Name, Reason, number_of
from jifen.cli.names import names_in
from jifen.cli.operating import Key, look
from jifen.cli.output import write_json, write_table
from jifen.cli.points.doing import do
from jifen.cli.points.group import ExpiresAt, HoldId, Points, Reference, Wallet, group
from jifen.cli.program import AsJson


@command(group, "hold")
def hold(
    invocation: Invocation,
    member: Name,
    points: Points,
    wallet: Wallet = None,
    expires_at: ExpiresAt = None,
    reference: Reference = None,
    reason: Reason = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """预占积分，稍后扣减或释放 / Hold points, to be captured or released later."""
    said = {
        "member_id": str(number_of(invocation, member)),
        "points": points,
        "wallet": wallet,
        "expires_at": read_instant(expires_at, "--expires-at", may_be_future=True),
        "reference": reference,
        "reason": reason,
    }
    do(invocation, "place_hold", "", said, key, as_json=as_json)


@command(group, "capture")
def capture(
    invocation: Invocation,
    hold_id: HoldId,
    points: Annotated[
        int | None,
        typer.Option("--points", metavar="N", help="只扣减一部分 / Only so many.", show_default=False),
    ] = None,
    release_rest: Annotated[bool, typer.Option("--release-rest", help="其余释放 / Free what then remains.")] = False,
    reason: Reason = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """扣减预占的积分 / Spend what is held, all of it unless said otherwise."""
    said = {"points": points, "release_rest": release_rest or None, "reason": reason}
    do(invocation, "capture_hold", hold_id, said, key, as_json=as_json)


@command(group, "release")
def release(
    invocation: Invocation, hold_id: HoldId, reason: Reason = None, key: Key = None, as_json: AsJson = False
) -> None:
    """释放预占，积分恢复可用 / Free what is held."""
    do(invocation, "release_hold", hold_id, {"reason": reason}, key, as_json=as_json)


@command(group, "held")
def held(invocation: Invocation, hold_id: HoldId, as_json: AsJson = False) -> None:
    """显示一笔预占的现状 / Show how a hold stands."""
    found, catalog = look(invocation, "get_hold", hold_id)
    if as_json:
        write_json(found)
        return
    say = invocation.say
    rows: list[tuple[str, object]] = [
        (say("状态", "status"), say(_STATES[found.status], found.status)),
        (say("会员", "member"), found.member_id),
        (say("积分账户", "wallet"), names_in(invocation, catalog).wallet(found.wallet)),
        (say("预占", "held at first"), found.points),
        (say("已扣减", "captured"), found.captured),
        (say("仍预占", "held now"), found.remaining),
        (say("预占时间", "placed at"), found.placed_at),
        (say("到期时间", "ends at"), found.expires_at),
    ]
    if found.reference is not None:
        rows.append((say("单号", "reference"), found.reference))
    write_table([found.hold_id, ""], rows)


_STATES = {"open": "预占中", "captured": "已扣减", "released": "已释放", "expired": "已到期"}
