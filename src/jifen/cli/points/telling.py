"""Transactions and balances as people read them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from jifen.cli.invocation import Invocation
from jifen.cli.names import names_in
from jifen.cli.operating import Done
from jifen.cli.output import write_json, write_note, write_table

if TYPE_CHECKING:
    from jifen.api.bodies import ApprovalAnswer, TransactionAnswer
    from jifen.services.catalog import WalletBalances
    from jifen.services.members import WalletView

KINDS: Final = {
    "earn": ("获取", "earn"),
    "spend": ("消耗", "spend"),
    "hold": ("预占", "hold"),
    "capture": ("扣减预占", "capture"),
    "release": ("释放预占", "release"),
    "hold_expire": ("预占到期", "hold ended"),
    "expire": ("过期", "expire"),
    "reverse": ("冲正", "reverse"),
    "adjust": ("调整", "adjust"),
    "transfer": ("转赠", "gift"),
    "mature": ("生效", "became available"),
    "correct": ("订单更正", "order corrected"),
    "merge": ("会员合并", "merge"),
    "tier": ("等级变动", "tier"),
    "redeem": ("兑换", "redeem"),
    "step": ("兑换单变动", "step of a redemption"),
    "convert": ("转换", "convert"),
    "save": ("存入积分银行", "save"),
    "unsave": ("取出积分银行", "unsave"),
    "draw": ("抽奖", "draw"),
}
"""What a transaction does, in Chinese and English."""
_BUCKETS: Final = (
    ("pending", "待生效", "pending"),
    ("held", "冻结", "held"),
    ("saved", "积分银行", "saved"),
    ("debt", "欠分", "debt"),
)


def show_done(invocation: Invocation, done: Done, *, as_json: bool) -> None:
    """What a command about points did: the JSON of the API, or a table."""
    from jifen.api.bodies import ApprovalAnswer

    if as_json:
        write_json(done.answer)
        return
    if isinstance(done.answer, ApprovalAnswer):
        _show_waiting(invocation, done.answer)
    else:
        _show_transaction(invocation, done)
    done.note_repetition(invocation)


def balances_told(invocation: Invocation, balances: WalletBalances | WalletView) -> str:
    """What a wallet holds, as far as there is anything."""
    say = invocation.say
    told = [say(f"可用 {balances.available:,}", f"{balances.available:,} available")]
    for bucket, zh, en in _BUCKETS:
        if points := getattr(balances, bucket):
            told.append(say(f"{zh} {points:,}", f"{points:,} {en}"))
    return say("，", ", ").join(told) if invocation.say.language != "both" else "; ".join(told)


def _show_waiting(invocation: Invocation, answer: ApprovalAnswer) -> None:
    number = answer.approval_id
    say = invocation.say
    write_table(
        [say("请求", "request"), number],
        [
            [say("状态", "state"), say("待另一人复核，尚未记账", "waits for a second person; nothing is booked yet")],
            [say("会员", "member"), answer.member_id],
        ],
    )
    write_note(
        say(f"由另一人执行：jifen approvals approve {number}", f"For somebody else: jifen approvals approve {number}")
    )


def _show_transaction(invocation: Invocation, done: Done) -> None:
    answer: TransactionAnswer = done.answer
    say = invocation.say
    rows: list[tuple[str, object]] = [(say("会员", "member"), answer.member_id)]
    if answer.points is not None and answer.wallet is not None:
        rows.append((names_in(invocation, done.catalog).wallet(answer.wallet), f"{answer.points:,}"))
    rows += _particulars(invocation, done)
    for wallet, balances in answer.balances.items():
        name = names_in(invocation, done.catalog).wallet(wallet)
        rows.append((say(f"{name}余额", f"{name} now"), balances_told(invocation, balances)))
    write_table([answer.transaction_id, say(*KINDS[answer.kind])], rows)


def _particulars(invocation: Invocation, done: Done) -> list[tuple[str, object]]:
    """What only some transactions have."""
    answer: Any = done.answer
    say = invocation.say
    rows: list[tuple[str, object]] = []
    if answer.converted is not None:
        each = answer.converted
        name = names_in(invocation, done.catalog).wallet(each.wallet)
        fee = say(f"（{each.gross:,}，手续费 {each.fee:,}）", f" ({each.gross:,} less a fee of {each.fee:,})")
        rows.append((say("换得", "converted into"), f"{each.got:,} {name}{fee if each.fee else ''}"))
    if (until := getattr(answer, "expires_at", None)) is not None:
        rows.append((say("预占至", "held until"), until))
    if answer.refund is not None:
        rows.append((say("退还积分", "points given back"), answer.refund.points))
        rows.append(
            (say("应退金额", "money owed back"), names_in(invocation, done.catalog).money(answer.refund.cash_cents))
        )
    if answer.household is not None:
        rows.append((say("家庭共付", "by the household"), answer.household.points))
    for name, value in (
        (say("所涉流水", "refers to"), answer.refers_to),
        (say("对方流水", "other side"), answer.counterpart),
        (say("复核请求", "request"), answer.approval_id),
    ):
        if value is not None:
            rows.append((name, value))
    return rows
