"""Households: members who spend their points together."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from jifen.api import answers
from jifen.api.bodies import Body, MemberAnswer, MemberId
from jifen.api.operations.base import Operation, member_of
from jifen.core.commands import Command
from jifen.core.members.commands import FoundHousehold, JoinHousehold, LeaveHousehold
from jifen.core.refusal import Refusal
from jifen.services.persons import Name


class HouseholdBody(Body, frozen=True):
    """A household begins. `head` is in it, too; `members` are the others."""

    name: Name
    head: MemberId
    members: Annotated[list[MemberId], Meta(max_length=100)] = msgspec.field(default_factory=list)


class JoinBody(Body, frozen=True):
    """Whose household it is: anybody in it."""

    with_: MemberId = msgspec.field(name="with")


class LeaveBody(Body, frozen=True):
    """Why the member leaves."""


def _found(_: str, body: HouseholdBody) -> Command | Refusal:
    if not body.name.strip():
        message, zh = "A household is named by more than blanks.", "家庭名称不能为空或只有空格。"
        return Refusal("invalid_field", message, "/name", message_zh=zh)
    head = member_of(body.head, "/head")
    if isinstance(head, Refusal):
        return head
    others: list[int] = []
    for index, name in enumerate(body.members):
        member = member_of(name, f"/members/{index}")
        if isinstance(member, Refusal):
            return member
        others.append(member)
    return FoundHousehold(head, body.name, tuple(others))


def _join(name: str, body: JoinBody) -> Command | Refusal:
    member, beside = member_of(name), member_of(body.with_, "/with")
    if isinstance(member, Refusal):
        return member
    return beside if isinstance(beside, Refusal) else JoinHousehold(member, beside)


def _leave(name: str, _: LeaveBody) -> Command | Refusal:
    member = member_of(name)
    return member if isinstance(member, Refusal) else LeaveHousehold(member)


_ANSWER = {"status": "applied", "member_id": "100001"}
_CODES = ("unknown_member", "member_closed", "member_anonymised", "member_merged", "in_household", "household_full")

OPERATIONS = (
    Operation(
        name="found_household",
        path="/v1/households",
        summary="Begin a household; GET /v1/members/{member_id}/household shows it",
        summary_zh="建立家庭（共享积分）",
        body=HouseholdBody,
        answer_type=MemberAnswer,
        command=_found,
        answer=answers.member_answer,
        codes=(*_CODES, "same_member"),
        example={"name": "李家", "head": "100001", "members": ["100002"]},
        example_answer=_ANSWER,
    ),
    Operation(
        name="join_household",
        path="/v1/members/{member_id}/household/join",
        summary="Join the household of another member",
        summary_zh="加入某会员所在的家庭",
        body=JoinBody,
        answer_type=MemberAnswer,
        command=_join,
        answer=answers.member_answer,
        codes=(*_CODES, "no_household"),
        example={"with": "100001"},
        example_answer=_ANSWER,
    ),
    Operation(
        name="leave_household",
        path="/v1/members/{member_id}/household/leave",
        summary="Leave the household",
        summary_zh="退出家庭",
        body=LeaveBody,
        is_body_needed=False,
        answer_type=MemberAnswer,
        command=_leave,
        answer=answers.member_answer,
        codes=("unknown_member", "no_household"),
        example={"reason": "moved out"},
        example_answer=_ANSWER,
    ),
)
