"""`jifen demo` and `jifen bench`: a made-up shop to look at, and measurements."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Final

import typer

import jifen
from jifen.cli.instants import read_instant
from jifen.cli.invocation import Invocation, command, run_connected
from jifen.cli.output import progress_bar, write_json, write_note, write_table
from jifen.cli.program import AsJson, actor_name
from jifen.core.errors import JifenError

if TYPE_CHECKING:
    from jifen.db.connection import Connection
    from jifen.services.demo import DemoSummary
    from jifen.services.demo.day import Act

DEMO_PROGRAM: Final = "demo"
DEMO_MEMBERS: Final = 200
DEMO_SEED: Final = 1
DEMO_DAYS: Final = 365


class NoBenchmarks(JifenError):
    """The benchmarks belong to the source, not to the installed package."""

    code: ClassVar[str] = "no_benchmarks"


def register(app: typer.Typer) -> None:
    """Put the commands below `jifen`."""
    command(app, "demo")(demo)
    command(app, "bench", context_settings={"ignore_unknown_options": True})(bench)


def demo(
    invocation: Invocation,
    members: Annotated[int, typer.Option("--members", help="会员数 / How many members.")] = DEMO_MEMBERS,
    seed: Annotated[
        int, typer.Option("--seed", help="随机种子；同样的种子得到同样的商店 / Same seed, same shop.")
    ] = DEMO_SEED,
    days: Annotated[int, typer.Option("--days", help="多少天 / How many days.")] = DEMO_DAYS,
    until: Annotated[
        str | None, typer.Option("--until", metavar="INSTANT", help="截止时刻，默认现在 / Up to then. Default: now.")
    ] = None,
    day: Annotated[
        bool, typer.Option("--day", help="在商店里演一天：导入、审批、核销、秒杀、抽奖、核对 / Play a day in the shop.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """生成演示商店：一年的订单、退货、兑换 / Make a demo shop: a year of orders, returns, redemptions."""
    instant = read_instant(until, "--until") or datetime.now(UTC)
    begins_at = begin_of_shop(members, seed, until=instant, days=days)
    with invocation.database(may_make=True) as url:
        ensure_program(invocation, url, DEMO_PROGRAM, effective_at=begins_at)
        is_there = day and run_connected(url, has_members)
        summary = None if is_there else make_shop(invocation, url, members, seed, days, instant)
        if day:
            _play(invocation, url, summary, as_json=as_json)
        elif summary is not None and as_json:
            write_json(summary)
        elif summary is not None:
            _show(invocation, summary)


def begin_of_shop(
    members: int = DEMO_MEMBERS, seed: int = DEMO_SEED, *, until: datetime, days: int = DEMO_DAYS
) -> datetime:
    """From when on the program of a demo shop holds: its rewards were on offer all the time. Raises DemoRefused."""
    from jifen.services.demo import open_season

    return open_season(members, seed, until, days).begins_at


def make_shop(invocation: Invocation, url: str, members: int, seed: int, days: int, until: datetime) -> DemoSummary:
    """Make the demo shop, with a bar that shows how far it is."""
    from jifen.services.demo import make_demo

    with progress_bar(invocation.say("演示商店", "demo shop")) as progress:
        return invocation.run_engine(
            url,
            lambda engine: make_demo(
                engine, url, members=members, seed=seed, until=until, days=days, progress=progress
            ),
        )


async def has_members(connection: Connection) -> bool:
    """Whether anybody is a member already."""
    return bool(await connection.fetchval("SELECT EXISTS (SELECT 1 FROM members)"))


def _show(invocation: Invocation, summary: DemoSummary) -> None:
    say = invocation.say
    rows = [
        (say("会员", "members"), summary.members),
        (say("订单", "orders"), summary.orders),
        (say("退货", "returns"), summary.returns),
        (say("兑换", "redemptions"), summary.redemptions),
        (say("履约", "delivered"), summary.delivered),
        (say("兑换退回", "returned"), summary.returned),
        (say("券核销", "coupons used"), summary.coupons_used),
        (say("抽奖", "draws"), summary.draws),
        (say("手工调整", "corrections"), summary.adjustments),
        (say("转赠", "gifts"), summary.transfers),
        (say("家庭", "households"), summary.households),
        (say("发放积分", "points issued"), summary.points_issued),
        (say("消耗积分", "points spent"), summary.points_spent),
        (say("收回积分", "points reversed"), summary.points_reversed),
        (say("此前已有", "there before"), summary.duplicates),
    ]
    write_table([say("演示商店", "demo shop"), ""], rows)


def _play(invocation: Invocation, url: str, summary: DemoSummary | None, *, as_json: bool) -> None:
    """Play a day, and tell it as it happens. Exit code 1 where anything did not come out as it must."""
    from jifen.cli.day import Teller
    from jifen.services.demo.day import play_day

    teller = Teller(invocation.say)

    def keep_quiet(_day: int, _act: Act) -> None:
        """The whole report comes at the end."""

    report = invocation.run_engine(url, lambda engine: play_day(engine, url, keep_quiet if as_json else teller))
    report.shop = summary
    if as_json:
        write_json(report)
    else:
        teller.end(report)
    if not report.is_right:
        raise typer.Exit(1)


def ensure_program(invocation: Invocation, url: str, name: str, *, effective_at: datetime | None = None) -> bool:
    """Give a database without a program one that comes with jifen, and say so; whether that was needed. It holds from
    `effective_at` on (None: from now on)."""
    from jifen.services.programs import apply_program, current_program, read_program_text

    if run_connected(url, current_program) is not None:
        return False
    text = read_program_text(name)
    run_connected(
        url, lambda connection: apply_program(connection, text, actor_name(), name, effective_at=effective_at)
    )
    write_note(
        invocation.say(
            f"尚无积分计划：已应用自带的 {name}。", f"There was no program yet: the starter {name} was applied."
        )
    )
    return True


def bench(
    invocation: Invocation,
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="[ARGUMENTS]...", help="交给 python -m bench / For python -m bench.")
    ] = None,
) -> None:
    """运行性能测试（仅限源码目录） / Run the benchmarks; they come with the source only."""
    root = Path(jifen.__file__).parents[2]
    if not (root / "bench" / "__main__.py").is_file():
        raise NoBenchmarks(
            "The benchmarks come with the source of jifen, not with the installed package: fetch the source and "
            "run `make bench` there."
        )
    invocation.settings()
    done = subprocess.run([sys.executable, "-m", "bench", *(arguments or [])], cwd=root, check=False)  # noqa: S603 - this very Python
    raise typer.Exit(done.returncode)
