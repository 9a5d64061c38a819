"""`jifen points convert, save, unsave`: between the wallets of one member."""

from __future__ import annotations

from typing import Annotated

import typer

from jifen.cli.invocation import Invocation, command
from jifen.cli.members import Name, Reason
from jifen.cli.operating import Key
from jifen.cli.points.doing import do_for
from jifen.cli.points.group import Points, group
from jifen.cli.program import AsJson


@command(group, "convert")
def convert(
    invocation: Invocation,
    member: Name,
    points: Points,
    conversion: Annotated[
        str, typer.Option("--by", metavar="CONVERSION", help="计划中的转换规则 / Which conversion of the program.")
    ],
    reason: Reason = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """按计划的比率转换到另一账户 / Convert points into those of another wallet."""
    said = {"conversion": conversion, "points": points, "reason": reason}
    do_for(invocation, "convert_points", member, said, key, as_json=as_json)


@command(group, "save")
def save(
    invocation: Invocation,
    member: Name,
    points: Points,
    reason: Reason = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """把即将到期的积分存入积分银行 / Put points that expire soon into the points bank."""
    do_for(invocation, "save_points", member, {"points": points, "reason": reason}, key, as_json=as_json)


@command(group, "unsave")
def unsave(
    invocation: Invocation,
    member: Name,
    points: Points,
    reason: Reason = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """从积分银行取出积分 / Take points out of the points bank."""
    do_for(invocation, "unsave_points", member, {"points": points, "reason": reason}, key, as_json=as_json)
