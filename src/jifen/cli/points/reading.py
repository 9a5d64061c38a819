"""`jifen points balances, history, show, explain, offset`: what a member has, and how it came about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import typer

from jifen.cli.asking import read
from jifen.cli.instants import read_instant
from jifen.cli.invocation import Invocation, command
from jifen.cli.members import Name, number_of
from jifen.cli.names import names_in
from jifen.cli.operating import look
from jifen.cli.output import write_json, write_line, write_table
from jifen.cli.paging import Cursor, Limit, note_more
from jifen.cli.points.group import TransactionId, group
from jifen.cli.points.telling import KINDS, balances_told
from jifen.cli.program import AsJson

if TYPE_CHECKING:
    from jifen.core.refusal import Refusal
    from jifen.db.connection import Connection
    from jifen.services.catalog import Catalog
    from jifen.services.history import MovementView, TransactionView
    from jifen.services.offsets import OffsetQuote

BUCKETS: Final = {
    "pending": "待生效",
    "available": "可用",
    "held": "冻结",
    "saved": "积分银行",
    "debt": "欠分",
    "issued": "发放",
    "spent": "已消耗",
    "expired": "已过期",
    "reversed": "已冲正",
    "adjusted": "调整",
    "transit": "转移",
}
"""Where points stand, and where they come from and go to."""


@command(group, "balances")
def balances(
    invocation: Invocation,
    member: Name,
    as_of: Annotated[
        str | None,
        typer.Option("--as-of", metavar="INSTANT", help="某一时刻的余额 / As it was then.", show_default=False),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """显示余额，以及何时到期多少 / What a member has, and when how much of it expires."""
    instant = read_instant(as_of, "--as-of")
    found, catalog = look(invocation, "get_balances", str(number_of(invocation, member)), as_of=instant)
    if as_json:
        write_json(found)
        return
    say = invocation.say
    names = {wallet: names_in(invocation, catalog).wallet(wallet) for wallet in found.balances}
    write_table(
        [found.member_id, ""],
        [
            [say("时间", "as of"), found.as_of],
            *([names[wallet], balances_told(invocation, each)] for wallet, each in found.balances.items()),
        ],
    )
    expiring = [
        [names[wallet], each.points, each.expires_at, where]
        for wallet, view in found.balances.items()
        for where, expiries in (("", view.next_expiries), (say("积分银行", "saved"), view.saved_expiries))
        for each in expiries
    ]
    if expiring:
        write_table([say("将到期", "expiring"), say("积分", "points"), say("到期时间", "expires at"), ""], expiring)


@command(group, "history")
def history(
    invocation: Invocation,
    member: Name,
    kind: Annotated[
        str | None,
        typer.Option("--kind", metavar="KIND", help="只看一类，如 spend / Of one kind only.", show_default=False),
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
    as_json: AsJson = False,
) -> None:
    """列出会员的流水，最新的在前 / List a member's transactions, newest first."""
    if kind is not None and kind not in KINDS:
        from jifen.cli.usage import BadValue

        known = ", ".join(KINDS)
        raise BadValue("--kind", f"{kind[:40]!r} 须为 {known} 之一", f"{kind[:40]!r} is none of {known}")
    number = str(number_of(invocation, member))
    page, catalog = look(invocation, "list_transactions", number, limit=limit, cursor=cursor, kind=kind)
    if as_json:
        write_json(page)
        return
    say = invocation.say
    write_table(
        [
            say("流水", "transaction"),
            say("类型", "kind"),
            say("积分", "points"),
            say("余额", "balance"),
            say("时间", "at"),
            say("操作人", "by"),
            say("原因", "reason"),
        ],
        [
            [
                each.transaction_id,
                say(*KINDS[each.kind]),
                _points(invocation, catalog, each),
                _left(invocation, catalog, each),
                each.occurred_at,
                each.actor,
                each.reason or each.reference,
            ]
            for each in page.transactions
        ],
    )
    note_more(invocation, page.next_cursor)


def _points(invocation: Invocation, catalog: Catalog, each: TransactionView) -> str:
    """What a transaction changed of what the member has: a column that is added up by eye. In brackets what only
    stands otherwise since, as points that are held do."""
    names = names_in(invocation, catalog)
    if not each.changes and each.points and each.wallet is not None:
        return f"({names.points(each.points, each.wallet)})"
    return ", ".join(names.points(points, wallet) for wallet, points in each.changes.items())


def _left(invocation: Invocation, catalog: Catalog, each: TransactionView) -> str:
    return "; ".join(
        f"{names_in(invocation, catalog).wallet(wallet)} {balances_told(invocation, left)}"
        for wallet, left in each.balances.items()
    )


@command(group, "show")
def show(invocation: Invocation, transaction: TransactionId, as_json: AsJson = False) -> None:
    """显示一笔流水及其分录与批次 / Show a transaction with its movements and lots."""
    found, catalog = look(invocation, "get_transaction", transaction)
    if as_json:
        write_json(found)
        return
    say = invocation.say
    rows: list[tuple[str, object]] = [
        (say("会员", "member"), found.member_id),
        (say("发生时间", "happened at"), found.occurred_at),
        (say("记账时间", "recorded at"), found.recorded_at),
        (say("操作人", "by"), found.actor),
        (say("来源", "source"), f"{found.source} {found.key}"),
        (say("计划版本", "program version"), found.program_version),
    ]
    for name, value in (
        (say("原因", "reason"), found.reason),
        (say("单号", "reference"), found.reference),
        (say("所涉流水", "refers to"), found.refers_to),
        (say("对方流水", "other side"), found.counterpart),
        (say("其后涉及本笔的", "referred to by"), ", ".join(found.referred_by)),
    ):
        if value:
            rows.append((name, value))
    write_table([found.transaction_id, say(*KINDS[found.kind])], rows)
    write_table(
        [
            say("积分账户", "wallet"),
            say("从", "from"),
            say("到", "to"),
            say("积分", "points"),
            say("批次", "lot"),
            say("到期时间", "expires at"),
        ],
        [_movement(invocation, catalog, each) for each in found.movements],
    )


def _movement(invocation: Invocation, catalog: Catalog, each: MovementView) -> list[object]:
    say = invocation.say
    return [
        names_in(invocation, catalog).wallet(each.wallet),
        say(BUCKETS[each.source], each.source),
        say(BUCKETS[each.target], each.target),
        each.points,
        None if each.lot is None else each.lot.lot_id,
        None if each.lot is None else each.lot.expires_at,
    ]


@command(group, "explain")
def explain(
    invocation: Invocation,
    transaction: TransactionId,
    reader: Annotated[
        Literal["operator", "member"],
        typer.Option("--for", help="说给谁看：运营人员或会员 / For whom: operators, or the member."),
    ] = "operator",
    as_json: AsJson = False,
) -> None:
    """用文字说明一笔流水的由来 / Say in words why a transaction moved what it moved."""
    locale = "en" if invocation.say.language == "en" else "zh"
    found, _ = look(invocation, "explain_transaction", transaction, locale=locale, reader=reader)
    if as_json:
        write_json(found)
        return
    write_line(found.title)
    for line in found.lines:
        write_line(f"  {line}")
    colon = ": " if locale == "en" else "："
    rest: list[Any] = [*found.failed, *(each for each in found.rules if each.words not in found.lines)]
    for each in rest:
        write_line(f"  - {each.name}{colon}{each.words}")


@command(group, "offset")
def offset(
    invocation: Invocation,
    member: Name,
    total_cents: Annotated[
        int,
        typer.Option(
            "--total-cents", metavar="N", min=0, max=10**15, help="订单总额（分） / What the order comes to, in cents."
        ),
    ],
    as_json: AsJson = False,
) -> None:
    """积分抵现试算：可用多少积分抵多少钱 / How many points can pay how much of an order."""
    from datetime import UTC, datetime

    number = number_of(invocation, member)

    async def work(connection: Connection, catalog: Catalog) -> tuple[OffsetQuote, Catalog] | Refusal:
        from jifen.core.refusal import Refusal
        from jifen.services.offsets import quote_offset

        found = await quote_offset(connection, catalog, number, total_cents, datetime.now(UTC))
        return found if isinstance(found, Refusal) else (found, catalog)

    quote, catalog = read(invocation, work)
    if as_json:
        write_json(quote)
        return
    say = invocation.say
    name = names_in(invocation, catalog).wallet(quote.wallet)
    write_table(
        [name, ""],
        [
            (say("可用", "available"), f"{quote.available:,}"),
            (say("最多可抵", "can pay"), names_in(invocation, catalog).money(quote.cents)),
            (say("所需积分", "with points"), f"{quote.points:,}"),
            (say("最少", "at least"), f"{quote.least_points:,}"),
            (say("每次增减", "in steps of"), f"{quote.step_points:,}"),
            (say("该单抵现上限", "most of this order"), names_in(invocation, catalog).money(quote.most_cents)),
        ],
    )
