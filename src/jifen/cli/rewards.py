"""`jifen rewards`: the catalogue, its stock and codes, and what hardly anybody takes."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final
from uuid import uuid4

import typer

from jifen.cli.asking import accepted
from jifen.cli.invocation import Invocation, command
from jifen.cli.members import Reason
from jifen.cli.names import Names, names_in, read_named
from jifen.cli.operating import Key, look
from jifen.cli.output import write_json, write_line, write_note, write_table
from jifen.cli.program import AsJson, actor_name
from jifen.cli.texts import listed
from jifen.cli.usage import BadValue
from jifen.core.counted import counted
from jifen.core.system_words import system_words

if TYPE_CHECKING:
    from jifen.db.connection import Connection
    from jifen.services.draws import DrawView
    from jifen.services.rewards import PriceView, RewardView
    from jifen.services.stock import CodesView, StockView

group = typer.Typer(help="兑换品：目录、库存、券码、滞销 / Rewards: catalogue, stock, codes, slow sellers.")

RewardId = Annotated[str, typer.Argument(metavar="REWARD", help="兑换品编号 / The reward's id.")]
ForMember = Annotated[
    int | None,
    typer.Option("--member", metavar="NUMBER", min=1, help="以该会员的视角 / As this member sees them."),
]


def register(app: typer.Typer) -> None:
    """Put the commands below `jifen rewards`."""
    app.add_typer(group, name="rewards")


@command(group, "list")
def list_all(
    invocation: Invocation,
    member: ForMember = None,
    as_json: AsJson = False,
) -> None:
    """列出兑换品；指定会员时说明还差什么 / List rewards; for a member, with what is missing."""
    from jifen.services.rewards import list_rewards

    now = datetime.now(UTC)
    found, names = read_named(
        invocation,
        lambda connection, catalog: list_rewards(connection, catalog, member, now, with_all=member is None),
    )
    if as_json:
        write_json(found)
        return
    say = invocation.say
    heads = [say("兑换品", "reward"), say("名称", "name"), say("价格", "price"), say("剩余", "left"), ""]
    write_table(
        heads,
        [
            [
                each.reward_id,
                say(each.name.zh, each.name.en),
                _prices(invocation, each, names),
                each.left,
                _state(invocation, each),
            ]
            for each in found.rewards
        ],
    )


def _prices(invocation: Invocation, reward: RewardView, names: Names) -> str:
    """What everybody pays; then what some pay, with who they are. For a member: only what the member may choose."""
    open_to = [each for each in reward.prices if each.is_open is not False]
    # Where a member may take none, what is missing is told beside it, and the prices say for what.
    shown = sorted(open_to or reward.prices, key=lambda each: each.needs is not None)
    return " / ".join(_price(invocation, each, names) for each in shown)


def _price(invocation: Invocation, price: PriceView, names: Names) -> str:
    say = invocation.say
    cash = f" + {names.money(price.cash_cents)}" if price.cash_cents else ""
    # A member who may take the price need not read why.
    needs = None if price.is_open else price.needs
    who = "" if needs is None else say(f"（{needs.zh}）", f" ({needs.en})")
    return f"{names.points(price.points, price.wallet)}{cash}{who}"


def _state(invocation: Invocation, reward: RewardView) -> str:
    say = invocation.say
    if reward.retired:
        return say("已下架", "retired")
    if reward.lacks is None:
        return say("仅符合条件者可见", "hidden") if reward.hidden else ""
    return listed(say, [(each.zh, each.en) for each in reward.lacks]) or say("可兑换", "can be redeemed")


@command(group, "show")
def show(invocation: Invocation, reward: RewardId, member: ForMember = None, as_json: AsJson = False) -> None:
    """显示一个兑换品；指定会员时说明还差什么 / Show a reward; for a member, with what is missing."""
    found, catalog = look(invocation, "get_reward", reward, member=member)
    if as_json:
        write_json(found)
        return
    say, names = invocation.say, names_in(invocation, catalog)
    rows: list[tuple[str, object]] = [(say("名称", "name"), say(found.name.zh, found.name.en))]
    if found.description is not None:
        rows.append((say("说明", "description"), say(found.description.zh, found.description.en)))
    rows += [
        (say(f"价格 {each.price}", f"price {each.price}"), _price(invocation, each, names)) for each in found.prices
    ]
    rows.append((say("剩余", "left"), say("不限", "without end") if found.left is None else f"{found.left:,}"))
    rows += shown_terms(invocation, found)
    if state := _state(invocation, found):
        rows.append((say("状态", "state"), state))
    write_table([found.reward_id, ""], rows)


def shown_terms(invocation: Invocation, offer: RewardView | DrawView) -> list[tuple[str, object]]:
    """When, how often and by whom a reward or a lottery can be had, as far as that is limited."""
    say = invocation.say
    rows: list[tuple[str, object]] = []
    if offer.opens_at is not None:
        rows.append((say("开始", "opens at"), offer.opens_at))
    if offer.closes_at is not None:
        rows.append((say("结束", "closes at"), offer.closes_at))
    if offer.needs is not None:
        rows.append((say("条件", "needs"), say(offer.needs.zh, offer.needs.en)))
    for each in offer.limits:
        zh, en = _PERIODS[each.period]
        rows.append((say("每位会员限量", "limit for a member"), say(f"{zh} {each.most:,}", f"{each.most:,} {en}")))
    return rows


_PERIODS: Final = {
    "day": ("每天", "a day"),
    "week": ("每周", "a week"),
    "month": ("每月", "a month"),
    "year": ("每年", "a year"),
    "lifetime": ("终身", "in all"),
}


@command(group, "stock")
def stock(
    invocation: Invocation,
    reward: RewardId,
    pieces: Annotated[
        int | None, typer.Option("--pieces", metavar="N", help="总件数（含已兑）/ Pieces that there ever were.")
    ] = None,
    add: Annotated[int | None, typer.Option("--add", metavar="N", help="增减件数 / So many more, or fewer.")] = None,
    reason: Reason = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """设置或修正库存 / Set or correct the stock of a reward."""
    from jifen.api.idempotency import read_key
    from jifen.services.programs import current_program
    from jifen.services.stock import set_stock

    async def work(connection: Connection) -> StockView:
        shards = await connection.fetchval("SELECT shards FROM installation")
        program = await current_program(connection)
        return await set_stock(
            connection,
            program,
            shards,
            reward,
            key=uuid4().hex if key is None else accepted(read_key(key)),
            actor=actor_name(),
            reason=reason,
            pieces=pieces,
            add=add,
        )

    found = invocation.ask(work, may_make=False)
    if as_json:
        write_json(found)
        return
    say = invocation.say
    write_line(
        say(
            f"{found.reward}：共 {found.pieces:,} 件，已兑 {found.taken:,}，剩余 {found.left:,}。",
            f"{found.reward}: {counted(found.pieces, 'pieces')}, {found.taken:,} taken, {found.left:,} left.",
        )
    )


@command(group, "codes")
def codes(
    invocation: Invocation,
    reward: RewardId,
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="CSV（code 列）或 JSON Lines / CSV with a column `code`, or JSON lines."),
    ],
    reason: Reason = None,
    as_json: AsJson = False,
) -> None:
    """导入自有券码，按顺序发放 / Put codes of your own into a pool; they are given in order."""
    from jifen.services.programs import current_program
    from jifen.services.stock import add_codes, read_codes

    texts = read_codes(_read(file))

    async def work(connection: Connection) -> CodesView:
        shards = await connection.fetchval("SELECT shards FROM installation")
        program = await current_program(connection)
        return await add_codes(connection, program, shards, reward, texts, actor=actor_name(), reason=reason, most=None)

    found = invocation.ask(work, may_make=False)
    if as_json:
        write_json(found)
        return
    say = invocation.say
    write_line(
        say(
            f"新增 {found.added:,} 个券码，{found.known:,} 个已存在；券池共 {found.pieces:,} 个。",
            f"{counted(found.added, 'codes')} added, {found.known:,} known before; the pool has {found.pieces:,}.",
        )
    )


def _read(file: Path) -> str:
    try:
        content = file.read_bytes()
    except OSError as error:
        zh, en = system_words(error)
        raise BadValue("FILE", f"无法读取 {file}：{zh}", f"{file} cannot be read: {en}") from None
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise BadValue("FILE", f"{file} 既不是 UTF-8 也不是 GB18030", f"{file} is neither UTF-8 nor GB18030")


@command(group, "slow")
def slow(
    invocation: Invocation,
    percent: Annotated[
        int, typer.Option("--percent", min=1, max=100, help="低于此比例算滞销 / Below this share of use.")
    ] = 15,
    days: Annotated[int, typer.Option("--days", min=1, max=3660, help="统计天数 / So many days back.")] = 90,
    as_json: AsJson = False,
) -> None:
    """滞销兑换品与建议（调价或下架） / Rewards that hardly anybody takes, with a proposal."""
    from jifen.services.slow_sellers import find_slow_sellers

    now = datetime.now(UTC)
    found, names = read_named(
        invocation,
        lambda connection, catalog: find_slow_sellers(connection, catalog, percent=percent, days=days, now=now),
    )
    if as_json:
        write_json(found)
        return
    say = invocation.say
    if found.rewards:
        write_table(
            [say("兑换品", "reward"), say("名称", "name"), say("使用率 %", "use %"), say("建议", "proposal")],
            [
                [each.reward_id, names.reward(each.reward_id), each.use_percent, say(each.zh, each.en)]
                for each in found.rewards
            ],
        )
    else:
        write_note(say("没有滞销兑换品。", "There is no slow seller."))
    if found.left_out:
        write_note(say("未评判：", "Not judged:"))
        write_table(
            [say("兑换品", "reward"), say("名称", "name"), say("原因", "why")],
            [[each.reward_id, names.reward(each.reward_id), say(each.zh, each.en)] for each in found.left_out],
        )
