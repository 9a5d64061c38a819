"""`jifen points adjust, gift, spend, reverse`: points that come, go and return."""

from __future__ import annotations

from typing import Annotated

import typer

from jifen.cli.instants import read_instant
from jifen.cli.invocation import Invocation, command
from jifen.cli.members import Name, Reason
from jifen.cli.operating import Key
from jifen.cli.points.doing import do, do_for
from jifen.cli.points.group import ExpiresAt, Points, Purse, Reference, TransactionId, Wallet, group
from jifen.cli.program import AsJson


# A number below 0 looks like an option.
@command(group, "adjust", context_settings={"ignore_unknown_options": True})
def adjust(
    invocation: Invocation,
    member: Name,
    points: Annotated[
        int, typer.Argument(metavar="POINTS", help="增加多少，负数为减少，如 50、-50 / How many more; below 0: fewer.")
    ],
    wallet: Wallet = None,
    reason_code: Annotated[
        str | None,
        typer.Option("--reason-code", metavar="CODE", help="计划规定的原因代码 / Why, of those that the program has."),
    ] = None,
    expires_at: ExpiresAt = None,
    reason: Reason = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """人工调整余额；超过限额的须另一人复核 / Correct a balance; above the limit a second person must agree."""
    said = {
        "points": points,
        "wallet": wallet,
        "reason_code": reason_code,
        "expires_at": read_instant(expires_at, "--expires-at", may_be_future=True),
        "reason": reason,
    }
    do_for(invocation, "adjust_points", member, said, key, as_json=as_json)


@command(group, "gift")
def gift(
    invocation: Invocation,
    member: Name,
    points: Points,
    to: Annotated[str, typer.Option("--to", metavar="MEMBER", help="受赠会员：会员号或身份标识 / Who gets them.")],
    wallet: Wallet = None,
    reason: Reason = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """转赠给另一会员，有效期不变 / Give points to another member; they keep their expiry."""
    said = {"to": to, "points": points, "wallet": wallet, "reason": reason}
    do_for(invocation, "transfer_points", member, said, key, as_json=as_json)


@command(group, "spend")
def spend(
    invocation: Invocation,
    member: Name,
    points: Points,
    wallet: Wallet = None,
    reference: Reference = None,
    purse: Purse = "member",
    reason: Reason = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """消耗积分，最早到期的先用 / Spend points, those first that expire soonest."""
    said = {"points": points, "wallet": wallet, "reference": reference, "from": purse, "reason": reason}
    do_for(invocation, "spend_points", member, said, key, as_json=as_json)


@command(group, "reverse")
def reverse(
    invocation: Invocation,
    transaction: TransactionId,
    reason: Reason = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """冲正一笔流水，积分退回原批次 / Reverse a transaction; points return to their lots."""
    do(invocation, "reverse_transaction", transaction, {"reason": reason}, key, as_json=as_json)
