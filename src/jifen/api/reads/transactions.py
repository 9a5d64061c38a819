"""Transactions, holds, and why they are what they are."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from jifen.api.reads.base import Asked, Query, Read
from jifen.core.refusal import Refusal
from jifen.core.wording.values import Locale
from jifen.services import history, members
from jifen.services.explanations.explanation import Explanation, explain_transaction
from jifen.services.explanations.words import Reader


class PageQuery(Query, frozen=True):
    """So many transactions, after the page that ended with this cursor, of this kind only."""

    limit: Annotated[int, Meta(ge=1, le=200)] = 50
    cursor: Annotated[str, Meta(max_length=64)] | None = None
    kind: history.KindName | None = None


class ExplanationQuery(Query, frozen=True):
    """In which language and for whom: operators learn of every rule, members of what gave them points."""

    locale: Locale = "zh"
    reader: Reader = "operator"


async def _transactions(asked: Asked) -> history.TransactionPage | Refusal:
    member_id = members.parse_member_id(asked.name)
    if member_id is None:
        return members.unknown_member(asked.name)
    query: PageQuery = asked.query
    before = None if query.cursor is None else history.decode_cursor(query.cursor)
    if isinstance(before, Refusal):
        return before
    return await history.transactions_page(
        asked.connection, asked.catalog, member_id, before=before, limit=query.limit, kind=query.kind
    )


async def _transaction(asked: Asked) -> history.TransactionDetail | Refusal:
    key = members.parse_transaction_id(asked.name)
    if key is None:
        return Refusal("unknown_transaction", f"There is no transaction {asked.name[:40]!r}.")
    return await history.find_transaction(asked.connection, asked.catalog, *key)


async def _explanation(asked: Asked) -> Explanation | Refusal:
    key = members.parse_transaction_id(asked.name)
    if key is None:
        return Refusal("unknown_transaction", f"There is no transaction {asked.name[:40]!r}.")
    query: ExplanationQuery = asked.query
    return await explain_transaction(asked.connection, asked.catalog, *key, locale=query.locale, reader=query.reader)


async def _hold(asked: Asked) -> history.HoldView | Refusal:
    key = members.parse_transaction_id(asked.name)
    if key is None:
        return Refusal("unknown_hold", f"There is no hold {asked.name[:40]!r}.")
    return await history.find_hold(asked.connection, asked.catalog, *key, asked.now)


_BALANCES = {"points": {"available": 1180, "pending": 0, "held": 0, "debt": 0}}
_TRANSACTION = {
    "transaction_id": "100001-1",
    "member_id": "100001",
    "kind": "earn",
    "occurred_at": "2026-11-11T02:03:04.567Z",
    "recorded_at": "2026-11-11T02:03:04.567Z",
    "program_version": 1,
    "source": "shop",
    "key": "order-1001",
    "actor": "key:5f0c2b7a91",
    "balances": _BALANCES,
    "changes": {"points": 1180},
    "awards": [{"rule": "base", "wallet": "points", "points": 1180, "rated_cents": 118_050}],
}
_LOT = {
    "lot_id": "100001-1-0",
    "earned_at": "2026-11-11T02:03:04.567Z",
    "effective_at": "2026-11-11T02:03:04.567Z",
    "expires_at": "2027-11-30T16:00:00Z",
}

READS = (
    Read(
        name="list_transactions",
        path="/v1/members/{member_id}/transactions",
        summary="A member's transactions, newest first",
        summary_zh="会员积分流水（最新在前）",
        query=PageQuery,
        answer_type=history.TransactionPage,
        run=_transactions,
        codes=("unknown_member",),
        example_answer={"transactions": [_TRANSACTION], "next_cursor": None},
    ),
    Read(
        name="get_transaction",
        path="/v1/transactions/{transaction_id}",
        summary="A transaction with its movements, lots and trace",
        summary_zh="一笔流水：分录、批次、计算明细",
        answer_type=history.TransactionDetail,
        run=_transaction,
        codes=("unknown_transaction",),
        example_answer=_TRANSACTION
        | {
            "movements": [{"wallet": "points", "source": "issued", "target": "available", "points": 1180, "lot": _LOT}],
            "facts": {
                "order_id": "1001",
                "currency": "CNY",
                "lines": [{"line_id": "1", "quantity": 2, "paid_cents": 118_050}],
            },
        },
    ),
    Read(
        name="explain_transaction",
        path="/v1/transactions/{transaction_id}/explanation",
        summary="Why a transaction moved what it moved, in words for operators or members",
        summary_zh="一笔流水的文字说明（供运营人员或会员）",
        query=ExplanationQuery,
        answer_type=Explanation,
        run=_explanation,
        codes=("unknown_transaction",),
        example_answer={
            "transaction_id": "100001-1",
            "locale": "zh",
            "reader": "member",
            "title": "获得 2,360 积分",
            "lines": [
                "您于 2026年11月11日 10:03 消费 1,180.50 元（订单 1001）。",
                "「消费积分」：按实付 1,180.50 元得 2,360 积分。",
                "您在「双十一」活动获得双倍积分。",
                "2,360 积分立即可用，有效期至 2027年11月30日（含当日）。",
                "此次变动后：可用 2,360 积分。",
            ],
            "rules": [
                {
                    "rule": "base",
                    "name": "消费积分",
                    "outcome": "awarded",
                    "words": "「消费积分」：按实付 1,180.50 元得 2,360 积分。",
                    "points": 2360,
                },
                {
                    "rule": "double-eleven",
                    "name": "双十一双倍",
                    "outcome": "multiplied",
                    "words": "您在「双十一」活动获得双倍积分。",
                    "points": 0,
                },
            ],
            "failed": [],
            "is_reproduced": None,
        },
    ),
    Read(
        name="get_hold",
        path="/v1/holds/{hold_id}",
        summary="A hold as it stands",
        summary_zh="预占的当前状态",
        answer_type=history.HoldView,
        run=_hold,
        codes=("unknown_hold", "no_program"),
        example_answer={
            "hold_id": "100001-8",
            "member_id": "100001",
            "status": "open",
            "wallet": "points",
            "points": 120,
            "captured": 0,
            "remaining": 120,
            "placed_at": "2026-11-11T02:03:04.567Z",
            "expires_at": "2026-11-11T02:33:04.567Z",
            "reference": "cart 7",
        },
    ),
)
