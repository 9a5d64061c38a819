"""The read operations under /v1: one table from which both the routes and the OpenAPI document are made."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from jifen.analytics.backtest.jobs import UnknownBacktest
from jifen.api.backtests import BACKTEST_PATH, EXAMPLE_BACKTEST, BacktestView, find_backtest
from jifen.api.drafts import EXAMPLE_DRAFT, DraftView, find_draft, view_of_draft
from jifen.core.identity import parse_identity
from jifen.core.limits import MAXIMUM_TEXT
from jifen.core.program import ProgramDocument
from jifen.core.refusal import Refusal
from jifen.core.text import unfit_text
from jifen.db.connection import Connection
from jifen.db.queries import load_queries
from jifen.services import history, members
from jifen.services.catalog import NO_PROGRAM, Catalog
from jifen.services.drafts import UnknownDraft, all_drafts
from jifen.services.explanations.explanation import Explanation, explain_transaction
from jifen.services.explanations.words import Locale, Reader
from jifen.services.instants import Instant, to_utc

_SQL = load_queries("reads")
#: A plus sign that nobody encoded arrives as a space; in an instant it can only have been a plus sign.
_LOST_PLUS = re.compile(r"(?<=[Tt:\d.]) (?=\d\d:\d\d$)")


class Query(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing can be asked for beside the path."""


class IdentityQuery(Query, frozen=True):
    """Whom to look for: an identity as kind:value."""

    identity: Annotated[str, Meta(min_length=1, max_length=MAXIMUM_TEXT + 16)]


class AsOfQuery(Query, frozen=True):
    """As of which instant; left out: now."""

    as_of: Instant | None = None


class PageQuery(Query, frozen=True):
    """So many transactions, after the page that ended with this cursor, of this kind only."""

    limit: Annotated[int, Meta(ge=1, le=200)] = 50
    cursor: Annotated[str, Meta(max_length=64)] | None = None
    kind: history.KindName | None = None


class ExplanationQuery(Query, frozen=True):
    """In which language and for whom: operators learn of every rule, members of what gave them points."""

    locale: Locale = "zh"
    reader: Reader = "operator"


class ProgramView(msgspec.Struct, frozen=True):
    """The version of the program that commands are decided by now."""

    version: int
    applied_at: datetime
    applied_by: str
    program: ProgramDocument


class DraftList(msgspec.Struct, frozen=True):
    """Drafts, newest first."""

    drafts: list[DraftView]


class Asked(msgspec.Struct, frozen=True):
    """What a read is made with: within one snapshot of the database, at an instant."""

    connection: Connection
    catalog: Catalog
    name: str
    query: Any
    now: datetime


class Read(msgspec.Struct, frozen=True, kw_only=True):
    """One read operation. `path` has at most one part in braces."""

    name: str
    path: str
    summary: str
    summary_zh: str
    query: type[Query] = Query
    answer_type: type[msgspec.Struct]
    run: Callable[[Asked], Awaitable[msgspec.Struct | Refusal]]
    codes: tuple[str, ...] = ()
    example_answer: dict[str, Any]


def read_query(kind: type[Query], parameters: dict[str, str]) -> Query | Refusal:
    """The typed query, or the refusal that names the parameter at fault."""
    for name, value in parameters.items():
        if unfit_text(value):
            return _bad_parameter(name, "It contains a character that no such value has.")
    try:
        return msgspec.convert({name: _value(name, text) for name, text in parameters.items()}, kind)
    except msgspec.ValidationError as error:
        what, _, path = str(error).partition(" - at `$.")
        named = path.rstrip("`") or (re.findall(r"`([^`]*)`", what) or ["?"])[-1]
        return _bad_parameter(named[:40], f"{what[:200]}.")


def _value(name: str, text: str) -> str | int:
    """A parameter as JSON would have it. (msgspec's own lenient reading would take `null` and Unix times as well.)"""
    if name == "limit" and text.isascii() and text.isdigit() and len(text) < 10:
        return int(text)
    return _LOST_PLUS.sub("+", text) if name == "as_of" else text


def _bad_parameter(name: str, what: str) -> Refusal:
    return Refusal("invalid_parameter", f"Query parameter {name!r}: {what}", None, {"parameter": name})


async def _program(asked: Asked) -> ProgramView | Refusal:
    program = await asked.catalog.program(asked.connection)
    if program is None:
        return NO_PROGRAM
    row = await asked.connection.fetchrow(_SQL["program"], program.version)
    return ProgramView(program.version, row["applied_at"], row["applied_by"], program.document)


async def _member(asked: Asked) -> members.MemberView | Refusal:
    member_id = members.parse_member_id(asked.name)
    if member_id is None:
        return members.unknown_member(asked.name)
    found = await members.find_member(asked.connection, asked.catalog, member_id)
    return members.unknown_member(asked.name) if found is None else found


async def _members(asked: Asked) -> members.MemberList | Refusal:
    identity = parse_identity(asked.query.identity)
    if isinstance(identity, Refusal):
        return Refusal("invalid_identity", identity.message, None, {"parameter": "identity"})
    found = await members.find_by_identity(asked.connection, asked.catalog, identity)
    return members.MemberList([] if found is None else [found])


async def _balances(asked: Asked) -> members.BalancesView | Refusal:
    member_id = members.parse_member_id(asked.name)
    if member_id is None:
        return members.unknown_member(asked.name)
    as_of: datetime | None = asked.query.as_of
    if as_of is None:
        return await members.balances_now(asked.connection, asked.catalog, member_id, asked.now)
    instant = to_utc(as_of, "")
    if isinstance(instant, Refusal):
        return Refusal(instant.code, instant.message, None, {"parameter": "as_of"})
    return await members.balances_at(asked.connection, asked.catalog, member_id, instant, asked.now)


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


_MEMBER = {
    "member_id": "100001",
    "status": "active",
    "registered_at": "2026-11-01T02:03:04.567Z",
    "recorded_at": "2026-11-01T02:03:04.567Z",
    "identities": ["openid:oX1v5h", "phone:13800138000"],
}
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
    "awards": [{"rule": "base", "wallet": "points", "points": 1180, "rated_cents": 118_050}],
}
_LOT = {
    "lot_id": "100001-1-0",
    "earned_at": "2026-11-11T02:03:04.567Z",
    "effective_at": "2026-11-11T02:03:04.567Z",
    "expires_at": "2027-11-30T16:00:00Z",
}


async def _drafts(asked: Asked) -> DraftList:
    return DraftList([await view_of_draft(asked.connection, each) for each in await all_drafts(asked.connection)])


async def _draft(asked: Asked) -> DraftView | Refusal:
    try:
        return await view_of_draft(asked.connection, await find_draft(asked.connection, asked.name))
    except UnknownDraft as error:
        return Refusal(error.code, error.message)


async def _backtest(asked: Asked) -> BacktestView | Refusal:
    try:
        return await find_backtest(asked.connection, asked.name)
    except UnknownBacktest as error:
        return Refusal(error.code, error.message)


READS = (
    Read(
        name="find_members",
        path="/v1/members",
        summary="Find a member by identity",
        summary_zh="按身份标识查找会员",
        query=IdentityQuery,
        answer_type=members.MemberList,
        run=_members,
        codes=("invalid_identity",),
        example_answer={"members": [_MEMBER]},
    ),
    Read(
        name="get_member",
        path="/v1/members/{member_id}",
        summary="A member",
        summary_zh="会员",
        answer_type=members.MemberView,
        run=_member,
        codes=("unknown_member",),
        example_answer=_MEMBER,
    ),
    Read(
        name="get_balances",
        path="/v1/members/{member_id}/balances",
        summary="What a member has, now or as of an instant",
        summary_zh="会员余额（当前或某一时刻）",
        query=AsOfQuery,
        answer_type=members.BalancesView,
        run=_balances,
        codes=("unknown_member", "no_program", "instant_in_future", "instant_too_far"),
        example_answer={
            "member_id": "100001",
            "as_of": "2026-11-12T00:00:00Z",
            "balances": {
                "points": _BALANCES["points"]
                | {"next_expiries": [{"expires_at": "2027-11-30T16:00:00Z", "points": 1180}]}
            },
        },
    ),
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
    Read(
        name="list_drafts",
        path="/v1/program/drafts",
        summary="The newest two hundred drafts of the program",
        summary_zh="积分计划草稿列表",
        answer_type=DraftList,
        run=_drafts,
        example_answer={"drafts": [EXAMPLE_DRAFT]},
    ),
    Read(
        name="get_draft",
        path="/v1/program/drafts/{draft_id}",
        summary="A draft, and what it would change",
        summary_zh="一个草稿及其改动",
        answer_type=DraftView,
        run=_draft,
        codes=("unknown_draft",),
        example_answer=EXAMPLE_DRAFT,
    ),
    Read(
        name="get_backtest",
        path=BACKTEST_PATH,
        summary="A backtest: how far it is, and its report",
        summary_zh="一次回测：进度与报告",
        answer_type=BacktestView,
        run=_backtest,
        codes=("unknown_backtest",),
        example_answer=EXAMPLE_BACKTEST,
    ),
    Read(
        name="get_program",
        path="/v1/program",
        summary="The current version of the program",
        summary_zh="当前版本的积分计划",
        answer_type=ProgramView,
        run=_program,
        codes=("no_program",),
        example_answer={
            "version": 1,
            "applied_at": "2026-11-01T00:00:00Z",
            "applied_by": "cli",
            "program": {
                "name": {"zh": "示例积分", "en": "Demo points"},
                "currency": "CNY",
                "time_zone": "Asia/Shanghai",
                "wallets": [{"id": "points", "name": {"zh": "积分", "en": "Points"}}],
                "earning": [
                    {
                        "id": "base",
                        "wallet": "points",
                        "ratio": {"points": 1, "per_cents": 100},
                        "basis": "order",
                        "rounding": "floor",
                        "pending_days": 0,
                        "expiry": {"policy": "rolling", "months": 12, "until": "month_end"},
                    }
                ],
                "register_unknown_members": True,
                "refunds": {"spent_points": "debt"},
                "returns": {"expired_lots": "expire", "grace_days": 0},
                "holds": {"minutes": 30},
            },
        },
    ),
)

#: What any read can be refused with, whatever it asks for.
COMMON_READ_CODES = ("unauthorized", "invalid_parameter", "internal", "database_unavailable")
