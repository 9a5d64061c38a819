"""The group of `jifen points`, and the options that its commands share."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

group = typer.Typer(
    help="积分：调整、转赠、转换、消耗、预占、冲正、流水 / Points: adjust, give, convert, spend, hold, undo, history."
)

Points = Annotated[int, typer.Argument(metavar="POINTS", help="多少积分 / How many points.")]
Wallet = Annotated[
    str | None,
    typer.Option(
        "--wallet", metavar="ID", help="积分账户，默认为计划的第一个 / Which wallet; the first.", show_default=False
    ),
]
Reference = Annotated[
    str | None,
    typer.Option(
        "--reference", metavar="TEXT", help="自己的单号或备注 / What it is called with you.", show_default=False
    ),
]
ExpiresAt = Annotated[
    str | None,
    typer.Option("--expires-at", metavar="INSTANT", help="何时到期 / When it ends.", show_default=False),
]
Purse = Annotated[
    Literal["member", "household"],
    typer.Option("--from", help="用谁的积分：本人或家庭 / Whose points: the member's, or the household's."),
]
TransactionId = Annotated[
    str, typer.Argument(metavar="TRANSACTION", help="流水编号，如 100001-8 / The transaction's id.")
]
HoldId = Annotated[str, typer.Argument(metavar="HOLD", help="预占编号，如 100001-8 / The hold's id.")]
