"""`jifen draws`: lotteries, their rounds, drawing for a member, and proofs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from jifen.cli.invocation import Invocation, command
from jifen.cli.members import Name, Reason, number_of
from jifen.cli.names import Names, names_in, read_named
from jifen.cli.operating import Key, given, look, operate
from jifen.cli.output import write_json, write_line, write_note, write_table
from jifen.cli.program import AsJson, actor_name
from jifen.cli.rewards import shown_terms
from jifen.cli.texts import listed
from jifen.core.counted import counted
from jifen.core.refusal import Refusal

if TYPE_CHECKING:
    from jifen.db.connection import Connection
    from jifen.services.catalog import Catalog
    from jifen.services.drawn import DrawnView
    from jifen.services.draws import DrawView, Proof
    from jifen.services.rounds import RoundView

group = typer.Typer(help="抽奖：活动、轮次、抽取、验证 / Lotteries: rounds, drawing, proofs.")

DrawId = Annotated[str, typer.Argument(metavar="DRAW", help="抽奖活动编号 / The draw's id.")]
MemberOption = Annotated[
    int | None, typer.Option("--member", metavar="NUMBER", min=1, help="只看该会员 / Of this member.")
]
RoundOption = Annotated[
    int | None, typer.Option("--round", metavar="N", min=1, max=2**31 - 1, help="轮次 / Which round.")
]


def register(app: typer.Typer) -> None:
    """Put the commands below `jifen draws`."""
    app.add_typer(group, name="draws")


@command(group, "list")
def list_all(invocation: Invocation, member: MemberOption = None, as_json: AsJson = False) -> None:
    """列出抽奖活动；指定会员时说明还差什么 / List lotteries; for a member, with what is missing."""
    from jifen.services.draws import list_draws

    now = datetime.now(UTC)
    found, names = read_named(
        invocation, lambda connection, catalog: list_draws(connection, catalog, member, now, with_all=member is None)
    )
    if as_json:
        write_json(found)
        return
    say = invocation.say
    write_table(
        [
            say("活动", "draw"),
            say("名称", "name"),
            say("价格", "price"),
            say("轮次", "round"),
            say("已抽", "drawn"),
            "",
        ],
        [
            [
                each.draw_id,
                say(each.name.zh, each.name.en),
                _price(invocation, each, names),
                "" if each.round is None else each.round.round,
                "" if each.round is None else each.round.drawn,
                _state(invocation, each),
            ]
            for each in found.draws
        ],
    )


def _price(invocation: Invocation, draw: DrawView, names: Names) -> str:
    ways = [names.points(draw.points, draw.wallet)] if draw.points else []
    if draw.ticket is not None:
        ways.append(f"1 × {names.reward(draw.ticket)}")
    return " / ".join(ways) or invocation.say("免费", "free")


def _state(invocation: Invocation, draw: DrawView) -> str:
    say = invocation.say
    if draw.retired:
        return say("已下架", "retired")
    if draw.lacks is None:
        return "" if draw.round is not None else say("没有进行中的轮次", "no open round")
    return listed(say, [(each.zh, each.en) for each in draw.lacks]) or say("可抽奖", "can be drawn")


@command(group, "show")
def show(invocation: Invocation, draw: DrawId, member: MemberOption = None, as_json: AsJson = False) -> None:
    """显示一个抽奖活动及概率；指定会员时说明还差什么 / A lottery and its odds; for a member, what is missing."""
    found, catalog = look(invocation, "get_draw", draw, member=member)
    if as_json:
        write_json(found)
        return
    say, names = invocation.say, names_in(invocation, catalog)
    rows: list[tuple[str, object]] = [
        (say("名称", "name"), say(found.name.zh, found.name.en)),
        (say("价格", "price"), _price(invocation, found, names)),
    ]
    if found.round is not None:
        rows.append((say("轮次", "round"), found.round.round))
        rows.append((say("已抽", "drawn"), f"{found.round.drawn:,}"))
        rows.append((say("种子的 SHA-256", "SHA-256 of its seed"), found.round.commitment))
    rows += shown_terms(invocation, found)
    if state := _state(invocation, found):
        rows.append((say("状态", "state"), state))
    write_table([found.draw_id, ""], rows)
    write_table(
        [
            say("奖品", "prize"),
            say("名称", "name"),
            say("概率", "odds"),
            say("剩余", "left"),
            say("今日剩余", "left today"),
        ],
        [
            [
                each.prize_id,
                say(each.name.zh, each.name.en),
                f"{each.weight:,}/{found.total:,}",
                each.left,
                each.left_today,
            ]
            for each in found.prizes
        ],
    )


@command(group, "open")
def open_one(invocation: Invocation, draw: DrawId, as_json: AsJson = False) -> None:
    """开启一轮：生成种子并公布其哈希 / Open a round: a seed is made and its hash published."""
    from jifen.services.programs import current_program
    from jifen.services.rounds import open_round

    async def work(connection: Connection) -> RoundView:
        shards = await connection.fetchval("SELECT shards FROM installation")
        program = await current_program(connection)
        return await open_round(connection, program, shards, draw, actor=actor_name(), now=datetime.now(UTC))

    found = invocation.ask(work, may_make=False)
    if as_json:
        write_json(found)
        return
    write_line(
        invocation.say(
            f"{found.draw} 第 {found.round} 轮已开启，种子的 SHA-256：{found.commitment}",
            f"Round {found.round} of {found.draw} is open; SHA-256 of its seed: {found.commitment}",
        )
    )


@command(group, "reveal")
def reveal(invocation: Invocation, draw: DrawId, number: RoundOption = None, as_json: AsJson = False) -> None:
    """公布种子，结束该轮 / Reveal the seed of a round (the open one), which ends it."""
    from jifen.services.rounds import reveal_round

    async def work(connection: Connection) -> RoundView:
        shards = await connection.fetchval("SELECT shards FROM installation")
        return await reveal_round(connection, shards, draw, number, actor=actor_name(), now=datetime.now(UTC))

    found = invocation.ask(work, may_make=False)
    if as_json:
        write_json(found)
        return
    write_line(
        invocation.say(
            f"{found.draw} 第 {found.round} 轮已结束，共抽 {found.drawn:,} 次，种子：{found.seed}",
            f"Round {found.round} of {found.draw} has ended after {counted(found.drawn, 'draws')}; its seed: "
            f"{found.seed}",
        )
    )


@command(group, "draw")
def draw_once(
    invocation: Invocation,
    member: Name,
    draw: DrawId,
    ticket: Annotated[
        str | None, typer.Option("--ticket", metavar="ID", help="抽奖券的兑换单号 / The redemption of a ticket.")
    ] = None,
    reason: Reason = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """替会员抽一次 / Draw once for a member."""
    said = given({"draw": draw, "ticket": ticket, "reason": reason})
    done = operate(invocation, "draw_prize", str(number_of(invocation, member)), said, key=key)
    view: DrawnView = done.answer.drawn
    if as_json:
        write_json({"transaction_id": done.answer.transaction_id, "drawn": view})
        return
    prize = names_in(invocation, done.catalog).prize(draw, view.prize)
    write_line(
        invocation.say(
            f"第 {view.round} 轮第 {view.number} 次，点数 {view.point}/{view.total}：{prize}",
            f"Number {view.number} of round {view.round}, point {view.point} of {view.total}: {prize}",
        )
    )
    done.note_repetition(invocation)


@command(group, "proof")
def proof(
    invocation: Invocation,
    draw: DrawId,
    number: RoundOption = None,
    member: MemberOption = None,
    as_json: AsJson = False,
) -> None:
    """复算一轮的每次抽奖；不符时退出码为 1 / Work out every draw of a round again; exit code 1 where one is wrong."""
    pages, names = read_named(invocation, lambda connection, catalog: _pages(connection, catalog, draw, number, member))
    drawn = [each for page in pages for each in page.drawn]
    wrong = [each for each in drawn if each.is_right is False]
    first, say = pages[0], invocation.say
    if as_json:
        write_json(
            {"draw_id": draw, "round": first.round, "algorithm": first.algorithm, "odds": first.odds, "drawn": drawn}
        )
    else:
        write_table(
            [say("序号", "number"), say("点数", "point"), say("奖项", "prize"), say("相符", "right")],
            [
                [
                    each.number,
                    f"{each.point}/{each.total}",
                    names.prize(draw, each.prize),
                    _right(invocation, each.is_right),
                ]
                for each in drawn
            ],
        )
        if first.round.seed is None:
            write_note(say("种子尚未公布，公布后方可复算。", "The seed is not revealed yet; then each can be checked."))
    if wrong:
        raise typer.Exit(1)


def _right(invocation: Invocation, is_right: bool | None) -> str:
    if is_right is None:
        return ""
    return invocation.say("是", "yes") if is_right else invocation.say("否", "no")


async def _pages(
    connection: Connection, catalog: Catalog, draw: str, number: int | None, member: int | None
) -> list[Proof] | Refusal:
    from jifen.services.draws import prove

    pages: list[Proof] = []
    after = 0
    while True:
        page = await prove(connection, catalog, draw, number=number, member_id=member, after=after, limit=1_000)
        if isinstance(page, Refusal):
            return page
        pages.append(page)
        if page.next_cursor is None:
            return pages
        after, number = int(page.next_cursor), page.round.round
