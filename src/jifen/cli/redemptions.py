"""`jifen redemptions` and `jifen coupons`: what waits for somebody, every step, and coupons at the till."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from jifen.cli.asking import Refused
from jifen.cli.invocation import Invocation, command
from jifen.cli.members import Name, Reason, number_of
from jifen.cli.names import names_in, read_named
from jifen.cli.operating import Key, given, look, operate
from jifen.cli.output import write_json, write_line, write_table
from jifen.cli.paging import Cursor, Limit, note_more
from jifen.cli.points.group import Purse
from jifen.cli.program import AsJson
from jifen.cli.usage import pairs
from jifen.core.refusal import Refusal

if TYPE_CHECKING:
    from jifen.db.connection import Connection
    from jifen.services.catalog import Catalog
    from jifen.services.redemptions import RedemptionPage, RedemptionView

group = typer.Typer(help="兑换单：待办、审批、发货、退回 / Redemptions: what waits, approvals, deliveries, returns.")
coupons = typer.Typer(help="券码：查询与核销 / Coupons: look them up, write them off.")

RedemptionId = Annotated[str, typer.Argument(metavar="REDEMPTION", help="兑换编号，如 100001-8 / The redemption's id.")]
Code = Annotated[str, typer.Argument(metavar="CODE", help="券码，大小写与连字符不限 / The coupon's code.")]
Reward = Annotated[str, typer.Argument(metavar="REWARD", help="兑换品编号 / The reward's id.")]
Quantity = Annotated[int, typer.Option("--quantity", min=1, max=100, help="件数 / How many pieces.")]
Rung = Annotated[
    int | None,
    typer.Option("--price", metavar="NUMBER", min=0, help="价格档，从 0 起 / Which price, counted from 0."),
]
Roles = Annotated[
    list[str] | None, typer.Option("--role", metavar="ROLE", help="以何角色，可多次 / In which role; may be repeated.")
]


def register(app: typer.Typer) -> None:
    """Put the commands below `jifen redemptions` and `jifen coupons`."""
    app.add_typer(group, name="redemptions")
    app.add_typer(coupons, name="coupons")


@command(group, "list")
def list_waiting(
    invocation: Invocation,
    member: Annotated[
        int | None, typer.Option("--member", metavar="NUMBER", min=1, help="该会员的全部兑换 / All of this member's.")
    ] = None,
    state: Annotated[
        str | None,
        typer.Option("--state", metavar="STATE", help="只看一种状态，如 waiting_for_approval / In one state only."),
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
    as_json: AsJson = False,
) -> None:
    """列出待处理的兑换，等待最久的在前 / List what waits for somebody, longest waiting first."""
    if member is None:
        page, catalog = look(invocation, "list_open_redemptions", limit=limit, cursor=cursor, state=state)
    else:
        page, catalog = look(
            invocation, "list_redemptions_of_member", str(member), limit=limit, cursor=cursor, state=state
        )
    _show_page(invocation, page, catalog, as_json=as_json)


@command(group, "deliveries")
def deliveries(
    invocation: Invocation,
    done: Annotated[
        bool, typer.Option("--done", help="已交付的，最新的在前 / What was delivered, newest first.")
    ] = False,
    limit: Limit = 50,
    cursor: Cursor = None,
    as_json: AsJson = False,
) -> None:
    """列出待发货、待预约、待交付的，等待最久的在前 / List what is to be delivered, longest waiting first."""
    state = "done" if done else "open"
    page, catalog = look(invocation, "list_fulfilments", limit=limit, cursor=cursor, state=state)
    _show_page(invocation, page, catalog, as_json=as_json)


def _show_page(invocation: Invocation, page: RedemptionPage, catalog: Catalog, *, as_json: bool) -> None:
    if as_json:
        write_json(page)
        return
    say, names = invocation.say, names_in(invocation, catalog)
    write_table(
        ["id", say("兑换品", "reward"), say("件数", "pieces"), say("状态", "state"), say("积分", "points"), ""],
        [
            [
                each.redemption_id,
                names.reward(each.reward),
                each.quantity,
                state_name(invocation, each),
                each.points,
                each.requested_at,
            ]
            for each in page.redemptions
        ],
    )
    note_more(invocation, page.next_cursor)


def state_name(invocation: Invocation, redemption: RedemptionView) -> str:
    """The state of a redemption in the caller's language."""
    from jifen.services.chinese import STATES

    return invocation.say(STATES[redemption.state], redemption.state.replace("_", " "))


def _parsed(name: str) -> tuple[int, int]:
    from jifen.services.members import parse_transaction_id

    place = parse_transaction_id(name)
    if place is None:
        raise Refused(Refusal("unknown_redemption", f"{name[:40]} is no redemption; ids look like 100001-8."))
    return place


def _show(invocation: Invocation, name: str, *, as_json: bool) -> None:
    from jifen.services.chinese import STEPS
    from jifen.services.redemptions import find_redemption

    member, sequence = _parsed(name)
    now = datetime.now(UTC)
    found, names = read_named(
        invocation, lambda connection, catalog: find_redemption(connection, catalog, member, sequence, now)
    )
    if as_json:
        write_json(found)
        return
    say = invocation.say
    rows: list[tuple[str, object]] = [
        (say("兑换品", "reward"), names.reward(found.reward)),
        (say("件数", "pieces"), found.quantity),
        (say("状态", "state"), state_name(invocation, found)),
        (say("积分", "points"), names.points(found.points, found.wallet)),
    ]
    if found.approval is not None and found.state == "waiting_for_approval":
        step = f"{found.approval.step}/{found.approval.steps}: {', '.join(found.approval.waiting_for)}"
        rows.append((say("等待审批", "waits for"), step))
    if found.order_id is not None:
        rows.append((say("订单", "with order"), found.order_id))
    rows += [(say("支付", "paid by"), f"{each.points:,}  {each.transaction_id}") for each in found.paid_by]
    rows += [(say("券码", "coupon"), each.code) for each in found.coupons]
    rows += [(name, value) for name, value in found.delivery.items()]
    if found.refund_cents:
        rows.append((say("应退金额", "money owed back"), names.money(found.refund_cents)))
    write_table([found.redemption_id, ""], rows)
    write_table(
        [
            say("步骤", "step"),
            say("时间", "at"),
            say("操作人", "by"),
            say("交易", "transaction"),
            say("原因", "reason"),
        ],
        [
            [
                say(STEPS[each.step], each.step.replace("_", " ")),
                each.at,
                each.actor,
                each.transaction_id,
                each.reason or "",
            ]
            for each in found.steps
        ],
    )


@command(group, "show")
def show(invocation: Invocation, redemption: RedemptionId, as_json: AsJson = False) -> None:
    """显示一笔兑换 / Show a redemption."""
    _show(invocation, redemption, as_json=as_json)


@command(group, "quote")
def quote_price(
    invocation: Invocation,
    member: Name,
    reward: Reward,
    quantity: Quantity = 1,
    price: Rung = None,
    purse: Purse = "member",
    as_json: AsJson = False,
) -> None:
    """报价，15 分钟内有效，不占用积分 / Quote a price, held for a quarter of an hour; binds nothing."""
    from jifen.services.rewards import QuoteView, make_quote

    number, now = number_of(invocation, member), datetime.now(UTC)

    async def work(connection: Connection, catalog: Catalog) -> QuoteView | Refusal:
        return await make_quote(
            connection, catalog, number, reward, quantity, price, None, now, from_household=purse == "household"
        )

    found, names = read_named(invocation, work)
    if as_json:
        write_json(found)
        return
    say = invocation.say
    rows: list[tuple[str, object]] = [
        (say("兑换品", "reward"), names.reward(found.reward)),
        (say("件数", "pieces"), found.quantity),
        (say("积分", "points"), names.points(found.points, found.wallet)),
    ]
    if found.cash_cents:
        rows.append((say("现金", "money"), names.money(found.cash_cents)))
    rows += [(say("可用积分", "available"), f"{found.available:,}"), (say("有效至", "holds until"), found.until)]
    write_table([found.reward, ""], rows)
    write_line(found.quote)


@command(group, "redeem")
def redeem(
    invocation: Invocation,
    member: Name,
    reward: Reward,
    quantity: Quantity = 1,
    price: Rung = None,
    purse: Purse = "member",
    order: Annotated[
        str | None,
        typer.Option("--order", metavar="ID", help="换购所随的订单号 / The order that an add-on is taken with."),
    ] = None,
    quote: Annotated[
        str | None,
        typer.Option("--quote", metavar="QUOTE", help="按先前的报价，见 quote / For a price that was quoted before."),
    ] = None,
    reason: Reason = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """为会员兑换奖品 / Redeem a reward for a member."""
    number = str(number_of(invocation, member))
    said = given(
        {
            "reward": reward,
            "quantity": quantity,
            "price": price,
            "quote": quote,
            "from": purse,
            "order_id": order,
            "reason": reason,
        }
    )
    done = operate(invocation, "redeem_reward", number, said, key=key)
    _show(invocation, done.answer.redemption.redemption_id, as_json=as_json)
    if not as_json:
        done.note_repetition(invocation)


def _step(
    invocation: Invocation,
    name: str,
    redemption: str,
    said: dict[str, object],
    *,
    as_json: bool,
    roles: list[str] | None = None,
) -> None:
    operate(invocation, name, redemption, given(said), roles=roles or ())
    _show(invocation, redemption, as_json=as_json)


@command(group, "approve")
def approve(
    invocation: Invocation, redemption: RedemptionId, role: Roles = None, reason: Reason = None, as_json: AsJson = False
) -> None:
    """同意（须有本步骤的角色，申请人不能审批） / Agree, in a role of the present step; not whoever asked."""
    _step(invocation, "approve_redemption", redemption, {"reason": reason}, as_json=as_json, roles=role)


@command(group, "reject")
def reject(
    invocation: Invocation, redemption: RedemptionId, role: Roles = None, reason: Reason = None, as_json: AsJson = False
) -> None:
    """驳回，积分退回 / Refuse; the points return."""
    _step(invocation, "reject_redemption", redemption, {"reason": reason}, as_json=as_json, roles=role)


@command(group, "pay")
def pay(
    invocation: Invocation,
    redemption: RedemptionId,
    payment: Annotated[
        str,
        typer.Option("--payment", metavar="ID", help="付款单号，一笔只计一次 / The payment; each counts once."),
    ],
    reason: Reason = None,
    as_json: AsJson = False,
) -> None:
    """登记现金部分已付 / Note that the money part was paid."""
    _step(invocation, "pay_redemption", redemption, {"payment": payment, "reason": reason}, as_json=as_json)


@command(group, "fulfil")
def fulfil(
    invocation: Invocation,
    redemption: RedemptionId,
    detail: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME=TEXT", help="如 carrier=SF number=SF1 / How: carrier, number, at, content."
        ),
    ] = None,
    reason: Reason = None,
    as_json: AsJson = False,
) -> None:
    """登记已发货、已预约或已交付 / Note that it was shipped, booked or delivered."""
    said: dict[str, object] = {"delivery": pairs(detail, "--set"), "reason": reason}
    _step(invocation, "fulfil_redemption", redemption, said, as_json=as_json)


@command(group, "cancel")
def cancel(invocation: Invocation, redemption: RedemptionId, reason: Reason = None, as_json: AsJson = False) -> None:
    """取消，积分退回原批次 / Cancel it; the points return to their lots."""
    _step(invocation, "cancel_redemption", redemption, {"reason": reason}, as_json=as_json)


@command(group, "return")
def give_back(invocation: Invocation, redemption: RedemptionId, reason: Reason = None, as_json: AsJson = False) -> None:
    """登记退货，积分退回原批次 / It came back; the points return to their lots."""
    _step(invocation, "return_redemption", redemption, {"reason": reason}, as_json=as_json)


def _show_coupon(invocation: Invocation, code: str, *, as_json: bool) -> None:
    from jifen.services.redemptions import find_coupon

    now = datetime.now(UTC)
    found, names = read_named(invocation, lambda connection, catalog: find_coupon(connection, catalog, code, now))
    if as_json:
        write_json(found)
        return
    coupon, say = found.coupon, invocation.say
    usable = say("可用", "can be used") if coupon.is_usable else say("不可用", "cannot be used")
    write_line(f"{coupon.code}  {names.reward(found.redemption.reward)}  {usable}")
    if coupon.face == "fixed":
        left = f"{names.money(coupon.remaining_cents)} / {names.money(coupon.cents)}"
        write_line(say(f"余额 {left}", f"left {left}"))
    if coupon.uses:
        write_table(
            [say("核销", "written off by"), say("时间", "at"), say("操作人", "by"), say("门店", "store")],
            [[use.transaction_id, use.at, use.actor, use.store] for use in coupon.uses],
        )


@command(coupons, "show")
def show_coupon(invocation: Invocation, code: Code, as_json: AsJson = False) -> None:
    """查询券码 / Look a coupon up."""
    _show_coupon(invocation, code, as_json=as_json)


@command(coupons, "write-off")
def write_off(
    invocation: Invocation,
    code: Code,
    cents: Annotated[
        int | None, typer.Option("--cents", min=1, help="部分核销金额（分） / A part of the face value, in cents.")
    ] = None,
    store: Annotated[str | None, typer.Option("--store", metavar="ID", help="门店 / The store.")] = None,
    order: Annotated[
        str | None, typer.Option("--order", metavar="ID", help="用于哪个订单 / With which order it is used.")
    ] = None,
    reason: Reason = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """核销；同一张券只能用一次 / Write a coupon off; each is used up once."""
    said = given({"amount_cents": cents, "store": store, "order_id": order, "reason": reason})
    operate(invocation, "write_off_coupon", code, said, key=key)
    _show_coupon(invocation, code, as_json=as_json)


@command(coupons, "cancel")
def cancel_write_off(
    invocation: Invocation,
    code: Code,
    booked_by: Annotated[
        str | None,
        typer.Option(
            "--write-off",
            metavar="TRANSACTION",
            help="撤销哪一笔（有多笔时必填） / Which one; needed where there are several.",
        ),
    ] = None,
    reason: Reason = None,
    as_json: AsJson = False,
) -> None:
    """撤销一笔核销 / Undo a write-off."""
    operate(invocation, "cancel_write_off", code, given({"write_off": booked_by, "reason": reason}))
    _show_coupon(invocation, code, as_json=as_json)
