"""Members: registered, and what rules may know of them."""

from __future__ import annotations

from jifen.api import answers, bodies
from jifen.api.operations.base import Operation, member_of
from jifen.core.commands import Command, SetProfile
from jifen.core.refusal import Refusal
from jifen.core.rules.standing import Profile
from jifen.services.events import parse_identities
from jifen.services.persons import registration, whole_numbers


def _register(_: str, body: bodies.RegisterMemberBody) -> Command | Refusal:
    identities = parse_identities(body.identities, "/identities")
    return identities if isinstance(identities, Refusal) else registration(identities, body.verified, body.person)


def _set_profile(name: str, body: bodies.ProfileBody) -> Command | Refusal:
    member = member_of(name)
    if isinstance(member, Refusal):
        return member
    profile = Profile(
        body.tier,
        body.tags,
        body.segments,
        body.channel,
        None,
        body.birthday,
        body.birthday_window_from,
        body.birthday_window_days,
        whole_numbers(body.fields),
    )
    return SetProfile(member, profile)


OPERATIONS = (
    Operation(
        name="register_member",
        path="/v1/members",
        summary="Register a member",
        summary_zh="注册会员",
        body=bodies.RegisterMemberBody,
        answer_type=bodies.MemberAnswer,
        status=201,
        command=_register,
        answer=answers.member_answer,
        codes=("identity_taken", "invalid_identity"),
        example={
            "identities": ["phone:13800138000", "openid:oX1v5h"],
            "verified": ["phone:13800138000"],
            "person": {"name": "李雷", "birthday": "1990-05-17", "tags": ["tea"]},
        },
        example_answer={"status": "applied", "member_id": "100001"},
    ),
    Operation(
        name="set_profile",
        path="/v1/members/{member_id}/profile",
        summary="Say what rules may know of a member",
        summary_zh="设置会员资料（规则可见）",
        body=bodies.ProfileBody,
        answer_type=bodies.MemberAnswer,
        command=_set_profile,
        answer=answers.member_answer,
        codes=(
            "unknown_member",
            "unknown_tier",
            "tier_not_settable",
            "member_closed",
            "member_anonymised",
            "member_merged",
        ),
        example={"tier": "gold", "tags": ["tea"], "birthday": "1990-05-17"},
        example_answer={"status": "applied", "member_id": "100001"},
    ),
)
