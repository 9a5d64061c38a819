"""`jifen redemptions` and `jifen coupons`: what waits for somebody, every step, and coupons at the till."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from jifen.cli.asking import Refused, submit
from jifen.cli.invocation import Invocation, command
from jifen.cli.members import Name, Reason, number_of, pairs
from jifen.cli.names import read_named
from jifen.cli.output import write_json, write_line, write_note, write_table
from jifen.cli.program import AsJson
from jifen.cli.usage import BadValue
from jifen.core.limits import MAXIMUM_TEXT
from jifen.core.refusal import Refusal

if TYPE_CHECKING:
    from jifen.core.commands import Command
    from jifen.services.redemptions import RedemptionPage, RedemptionView

group = typer.Typer(help="兑换单：待办、审批、发货、退回 / Redemptions: what waits, approvals, deliveries, returns.")
coupons = typer.Typer(help="券码：查询与核销 / Coupons: look them up, write them off.")

RedemptionId = Annotated[str, typer.Argument(metavar="REDEMPTION", help="兑换编号，如 100001-8 / The redemption's id.")]
Code = Annotated[str, typer.Argument(metavar="CODE", help="券码，大小写与连字符不限 / The coupon's code.")]
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
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="最多列出 / So many.")] = 50,
    cursor: Annotated[
        str | None,
        typer.Option("--cursor", help="从上一页继续 / From where the page before ended.", show_default=False),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """列出待处理的兑换，等待最久的在前 / List what waits for somebody, longest waiting first."""
    from jifen.services.redemptions import WAITING, open_redemptions, redemptions_of_member

    now = datetime.now(UTC)
    page: RedemptionPage
    if member is None:
        page, names = read_named(
            invocation,
            lambda connection, catalog: open_redemptions(
                connection, catalog, states=[*WAITING], cursor=cursor, limit=limit, now=now
            ),
        )
    else:
        number = member
        page, names = read_named(
            invocation,
            lambda connection, catalog: redemptions_of_member(
                connection, catalog, number, cursor=cursor, limit=limit, state=None, now=now
            ),
        )
    if as_json:
        write_json(page)
        return
    say = invocation.say
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
    if page.next_cursor is not None:
        write_note(say(f"还有更多：--cursor {page.next_cursor}", f"There are more: --cursor {page.next_cursor}"))


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
        rows.append((say("应退金额", "money owed back"), f"{found.refund_cents / 100:,.2f}"))
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


@command(group, "redeem")
def redeem(
    invocation: Invocation,
    member: Name,
    reward: Annotated[str, typer.Argument(metavar="REWARD", help="奖品编号 / The reward's id.")],
    quantity: Annotated[int, typer.Option("--quantity", min=1, help="件数 / How many pieces.")] = 1,
    price: Annotated[
        int | None,
        typer.Option("--price", metavar="NUMBER", min=0, help="价格档，从 0 起 / Which price, counted from 0."),
    ] = None,
    purse: Annotated[
        Literal["member", "household"],
        typer.Option("--from", help="用谁的积分：本人或家庭 / Whose points: the member's, or the household's."),
    ] = "member",
    order: Annotated[
        str | None,
        typer.Option("--order", metavar="ID", help="换购所随的订单号 / The order that an add-on is taken with."),
    ] = None,
    reason: Reason = None,
    as_json: AsJson = False,
) -> None:
    """为会员兑换奖品 / Redeem a reward for a member."""
    from jifen.core.redemption.commands import RedeemReward

    number = number_of(invocation, member)
    asked = RedeemReward(number, reward, quantity, price, from_household=purse == "household", order_id=order)
    answer = submit(invocation, asked, reason=reason)
    _show(invocation, f"{number}-{answer.sequence}", as_json=as_json)


def _step(
    invocation: Invocation,
    redemption: str,
    step: Command,
    *,
    reason: str | None,
    as_json: bool,
    roles: list[str] | None = None,
) -> None:
    submit(invocation, step, reason=reason, roles=tuple(roles or ()))
    _show(invocation, redemption, as_json=as_json)


@command(group, "approve")
def approve(
    invocation: Invocation, redemption: RedemptionId, role: Roles = None, reason: Reason = None, as_json: AsJson = False
) -> None:
    """同意（须有本步骤的角色，申请人不能审批） / Agree, in a role of the present step; not whoever asked."""
    from jifen.core.redemption.commands import ApproveRedemption

    step = ApproveRedemption(*_parsed(redemption))
    _step(invocation, redemption, step, reason=reason, as_json=as_json, roles=role)


@command(group, "reject")
def reject(
    invocation: Invocation, redemption: RedemptionId, role: Roles = None, reason: Reason = None, as_json: AsJson = False
) -> None:
    """驳回，积分退回 / Refuse; the points return."""
    from jifen.core.redemption.commands import RejectRedemption

    step = RejectRedemption(*_parsed(redemption))
    _step(invocation, redemption, step, reason=reason, as_json=as_json, roles=role)


@command(group, "pay")
def pay(
    invocation: Invocation,
    redemption: RedemptionId,
    payment: Annotated[
        str,
        typer.Option("--payment", metavar="ID", help="付款单号，一笔只计一次 / The payment; each counts once."),
    ],
    as_json: AsJson = False,
) -> None:
    """登记现金部分已付 / Note that the money part was paid."""
    from jifen.core.redemption.commands import PayRedemption

    payment = payment.strip()
    if not 0 < len(payment) <= MAXIMUM_TEXT:
        raise BadValue(
            "--payment", f"付款单号须为 1 至 {MAXIMUM_TEXT} 个字符", f"a payment has 1 to {MAXIMUM_TEXT} characters"
        )

    step = PayRedemption(*_parsed(redemption), payment)
    _step(invocation, redemption, step, reason=None, as_json=as_json)


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
    as_json: AsJson = False,
) -> None:
    """登记已发货、已预约或已交付 / Note that it was shipped, booked or delivered."""
    from jifen.core.redemption.commands import FulfilRedemption

    step = FulfilRedemption(*_parsed(redemption), pairs(detail, "--set"))
    _step(invocation, redemption, step, reason=None, as_json=as_json)


@command(group, "cancel")
def cancel(invocation: Invocation, redemption: RedemptionId, reason: Reason = None, as_json: AsJson = False) -> None:
    """取消，积分退回原批次 / Cancel it; the points return to their lots."""
    from jifen.core.redemption.commands import CancelRedemption

    _step(invocation, redemption, CancelRedemption(*_parsed(redemption)), reason=reason, as_json=as_json)


@command(group, "return")
def give_back(invocation: Invocation, redemption: RedemptionId, reason: Reason = None, as_json: AsJson = False) -> None:
    """登记退货，积分退回原批次 / It came back; the points return to their lots."""
    from jifen.core.redemption.commands import ReturnRedemption

    _step(invocation, redemption, ReturnRedemption(*_parsed(redemption)), reason=reason, as_json=as_json)


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
        left = f"{coupon.remaining_cents / 100:,.2f} / {coupon.cents / 100:,.2f}"
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
    as_json: AsJson = False,
) -> None:
    """核销；同一张券只能用一次 / Write a coupon off; each is used up once."""
    from jifen.core.redemption.codes import canonical_code
    from jifen.core.redemption.commands import WriteOffCoupon

    submit(invocation, WriteOffCoupon(canonical_code(code), cents, store))
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
    from jifen.core.redemption.codes import canonical_code
    from jifen.core.redemption.commands import CancelWriteOff

    submit(invocation, CancelWriteOff(canonical_code(code), booked_by), reason=reason)
    _show_coupon(invocation, code, as_json=as_json)
