"""Members and what they have."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import Meta

from jifen.api.reads.base import Asked, Query, Read
from jifen.core.identity import parse_identity
from jifen.core.limits import MAXIMUM_TEXT
from jifen.core.refusal import Refusal
from jifen.services import duplicates, households, members
from jifen.services.instants import Instant, to_utc


class IdentityQuery(Query, frozen=True):
    """Whom to look for: an identity as kind:value."""

    identity: Annotated[str, Meta(min_length=1, max_length=MAXIMUM_TEXT + 16)]


class AsOfQuery(Query, frozen=True):
    """As of which instant; left out: now."""

    as_of: Instant | None = None


class DuplicatesQuery(Query, frozen=True):
    """So many pairs of at least this score, after the page that ended with this cursor."""

    limit: Annotated[int, Meta(ge=1, le=1000)] = 100
    percent: Annotated[int, Meta(ge=0, le=100)] = duplicates.LEAST_PERCENT
    cursor: Annotated[str, Meta(max_length=200)] | None = None


async def _member(asked: Asked) -> members.MemberView | Refusal:
    member_id = members.parse_member_id(asked.name)
    if member_id is None:
        return members.unknown_member(asked.name)
    found = await members.find_member(asked.connection, asked.catalog, member_id)
    return members.unknown_member(asked.name) if found is None else found


async def _members(asked: Asked) -> members.MemberList | Refusal:
    identity = parse_identity(asked.query.identity)
    if isinstance(identity, Refusal):
        details: dict[str, object] = {"parameter": "identity"}
        return Refusal("invalid_identity", identity.message, None, details, identity.message_zh)
    found = await members.find_by_identity(asked.connection, asked.catalog, identity)
    return members.MemberList([] if found is None else [found])


async def _duplicates(asked: Asked) -> duplicates.Duplicates | Refusal:
    query = asked.query
    return await duplicates.find_duplicates(
        asked.connection, percent=query.percent, limit=query.limit, cursor=query.cursor
    )


async def _household(asked: Asked) -> households.HouseholdView | Refusal:
    member_id = members.parse_member_id(asked.name)
    if member_id is None:
        return members.unknown_member(asked.name)
    return await households.find_household(asked.connection, asked.catalog, member_id, asked.now)


async def _changes(asked: Asked) -> members.MemberChanges | Refusal:
    member_id = members.parse_member_id(asked.name)
    if member_id is None:
        return members.unknown_member(asked.name)
    return await members.changes_of(asked.connection, asked.catalog, member_id)


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


_MEMBER = {
    "member_id": "100001",
    "status": "active",
    "registered_at": "2026-11-01T02:03:04.567Z",
    "recorded_at": "2026-11-01T02:03:04.567Z",
    "identities": ["openid:oX1v5h", "phone:13800138000"],
    "identity_states": [
        {"identity": "openid:oX1v5h", "added_at": None, "verified_at": None, "verified_by": None},
        {
            "identity": "phone:13800138000",
            "added_at": "2026-11-02T02:03:04.567Z",
            "verified_at": "2026-11-02T02:03:04.567Z",
            "verified_by": "till",
        },
    ],
    "person": {
        "name": "李雷",
        "gender": "male",
        "birthday": "1990-05-17",
        "channel": "wechat",
        "language": "zh",
        "address": {"city": "杭州"},
        "tier": "gold",
        "tags": ["tea"],
        "fields": {"size": "L"},
        "missing_fields": [],
    },
    "last_active_at": "2026-11-11T02:03:04.567Z",
}
_BALANCES = {"points": {"available": 1180, "pending": 0, "held": 0, "debt": 0}}

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
        name="find_duplicates",
        path="/v1/members/duplicates",
        summary="Members who may be one person, the likeliest first, and why",
        summary_zh="疑似重复会员（最可能的在前，附原因）",
        query=DuplicatesQuery,
        answer_type=duplicates.Duplicates,
        run=_duplicates,
        example_answer={
            "total": 1,
            "duplicates": [
                {
                    "member_id": "100001",
                    "other_id": "100002",
                    "score": 98,
                    "reasons": ["name_and_birthday", "phone"],
                }
            ],
        },
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
        name="get_household",
        path="/v1/members/{member_id}/household",
        summary="The household that a member is in, and what it has",
        summary_zh="会员所在家庭及其积分",
        answer_type=households.HouseholdView,
        run=_household,
        codes=("unknown_member", "no_household", "no_program"),
        example_answer={
            "household_id": "7",
            "name": "李家",
            "head_id": "100001",
            "member_ids": ["100001", "100002"],
            "available": {"points": 1530},
        },
    ),
    Read(
        name="get_member_changes",
        path="/v1/members/{member_id}/changes",
        summary="What became of a member beside the points, newest first",
        summary_zh="会员变更记录",
        answer_type=members.MemberChanges,
        run=_changes,
        codes=("unknown_member",),
        example_answer={
            "changes": [
                {
                    "kind": "freeze",
                    "status": "frozen",
                    "recorded_at": "2026-11-11T02:03:04.567Z",
                    "actor": "till",
                    "reason": "asked for by telephone",
                }
            ]
        },
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
)
