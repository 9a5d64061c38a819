"""Members as people: their life, their data, the identities that find them."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from jifen.api import answers
from jifen.api.bodies import Body, MemberAnswer, MemberId, TransactionAnswer
from jifen.api.operations.base import Operation, member_of
from jifen.core.commands import Command
from jifen.core.limits import MAXIMUM_IDENTITIES
from jifen.core.members.commands import (
    AddIdentities,
    ChangeLife,
    DescribePerson,
    LifeStep,
    MergeMembers,
    RemoveIdentities,
    UndoMerge,
    VerifyIdentities,
)
from jifen.core.refusal import Refusal
from jifen.services.events import IdentityText, parse_identities
from jifen.services.members import parse_transaction_id
from jifen.services.persons import (
    AddressBody,
    Birthday,
    FieldValue,
    Gender,
    LanguageTag,
    Name,
    Names,
    whole_numbers,
)


class LifeBody(Body, frozen=True):
    """Why the step is taken, for the people who read it later."""


class PersonBody(Body, frozen=True):
    """What is known of a person. What is left out stays as it is; null takes a value away. `birthday`: YYYY-MM-DD or
    MM-DD; `fields`: those that the program declares."""

    name: Name | UnsetType | None = UNSET
    gender: Gender | UnsetType | None = UNSET
    birthday: Birthday | UnsetType | None = UNSET
    channel: Name | UnsetType | None = UNSET
    language: LanguageTag | UnsetType | None = UNSET
    address: AddressBody | UnsetType | None = UNSET
    fields: Annotated[dict[str, FieldValue | None], Meta(max_length=100)] = msgspec.field(default_factory=dict)
    add_tags: Names = msgspec.field(default_factory=list)
    remove_tags: Names = msgspec.field(default_factory=list)


class IdentitiesBody(Body, frozen=True):
    """Identities (`kind:value`; phone, email, openid, unionid, card, external)."""

    identities: Annotated[list[IdentityText], Meta(min_length=1, max_length=MAXIMUM_IDENTITIES)]


class AddIdentitiesBody(IdentitiesBody, frozen=True):
    """Identities that are to find the member as well. `verified`: it was made sure that they are the member's own."""

    verified: bool = False


class MergeBody(Body, frozen=True):
    """Who is the same person: everything of `from` (a member's number) goes to the member of the path."""

    from_: MemberId = msgspec.field(name="from")


class UndoMergeBody(Body, frozen=True):
    """Why they are two persons after all."""


_SAID = ("name", "gender", "birthday", "channel", "language", "address")


def _person(name: str, body: PersonBody) -> Command | Refusal:
    member = member_of(name)
    if isinstance(member, Refusal):
        return member
    said: dict[str, Any] = {each: value for each in _SAID if (value := getattr(body, each)) is not UNSET}
    if isinstance(said.get("address"), AddressBody):
        said["address"] = said["address"].address
    return DescribePerson(member, said, whole_numbers(body.fields), tuple(body.add_tags), tuple(body.remove_tags))


def _add_identities(name: str, body: AddIdentitiesBody) -> Command | Refusal:
    member, identities = member_of(name), parse_identities(body.identities, "/identities")
    if isinstance(member, Refusal):
        return member
    return identities if isinstance(identities, Refusal) else AddIdentities(member, identities, body.verified)


def _remove_identities(name: str, body: IdentitiesBody) -> Command | Refusal:
    member, identities = member_of(name), parse_identities(body.identities, "/identities")
    if isinstance(member, Refusal):
        return member
    return identities if isinstance(identities, Refusal) else RemoveIdentities(member, identities)


def _verify_identities(name: str, body: IdentitiesBody) -> Command | Refusal:
    member, identities = member_of(name), parse_identities(body.identities, "/identities")
    if isinstance(member, Refusal):
        return member
    return identities if isinstance(identities, Refusal) else VerifyIdentities(member, identities)


def _merge(name: str, body: MergeBody) -> Command | Refusal:
    member, absorbed = member_of(name), member_of(body.from_, "/from")
    if isinstance(member, Refusal):
        return member
    return absorbed if isinstance(absorbed, Refusal) else MergeMembers(member, absorbed)


def _undo_merge(name: str, _: UndoMergeBody) -> Command | Refusal:
    merge = parse_transaction_id(name)
    return Refusal("unknown_merge", f"There is no merge {name[:40]!r}.") if merge is None else UndoMerge(*merge)


_MERGED = {
    "status": "applied",
    "transaction_id": "100001-8",
    "member_id": "100001",
    "kind": "merge",
    "occurred_at": "2026-11-11T02:03:04.567Z",
    "recorded_at": "2026-11-11T02:03:04.567Z",
    "program_version": 1,
    "balances": {"points": {"available": 1180, "pending": 0, "held": 0, "debt": 0}},
    "counterpart": "100002-5",
}
_ANSWER = {"status": "applied", "member_id": "100001"}
_LIFE_CODES = ("unknown_member", "member_closed", "member_anonymised", "member_merged")


def _life(step: LifeStep, summary: str, summary_zh: str, *codes: str) -> Operation:
    def command(name: str, _: LifeBody) -> Command | Refusal:
        member = member_of(name)
        return member if isinstance(member, Refusal) else ChangeLife(member, step)

    return Operation(
        name=f"{step}_member",
        path=f"/v1/members/{{member_id}}/{step}",
        summary=summary,
        summary_zh=summary_zh,
        body=LifeBody,
        is_body_needed=False,
        answer_type=MemberAnswer,
        command=command,
        answer=answers.member_answer,
        codes=(*_LIFE_CODES, *codes),
        example={"reason": "asked for by telephone"},
        example_answer=_ANSWER,
    )


OPERATIONS = (
    _life("freeze", "Freeze a member: no spending until unfrozen", "冻结会员（不能消耗积分）"),
    _life("unfreeze", "Unfreeze a member", "解冻会员"),
    _life("close", "Close a membership", "注销会员", "holds_open", "in_household"),
    _life(
        "anonymise",
        "Erase the personal data of a member; the ledger stays",
        "匿名化会员（保留积分流水）",
        "holds_open",
        "in_household",
    ),
    Operation(
        name="describe_person",
        path="/v1/members/{member_id}/person",
        summary="Change what is known of a person; what is left out stays",
        summary_zh="修改会员个人资料（只改给出的字段）",
        body=PersonBody,
        answer_type=MemberAnswer,
        command=_person,
        answer=answers.member_answer,
        codes=(*_LIFE_CODES, "field_required"),
        example={"name": "李雷", "birthday": "1990-05-17", "fields": {"size": "L"}, "add_tags": ["tea"]},
        example_answer=_ANSWER,
    ),
    Operation(
        name="add_identities",
        path="/v1/members/{member_id}/identities",
        summary="Add identities that find the member",
        summary_zh="添加身份标识",
        body=AddIdentitiesBody,
        answer_type=MemberAnswer,
        command=_add_identities,
        answer=answers.member_answer,
        codes=(*_LIFE_CODES, "invalid_identity", "identity_taken", "too_many_identities"),
        example={"identities": ["phone:13800138000"], "verified": True},
        example_answer=_ANSWER,
    ),
    Operation(
        name="remove_identities",
        path="/v1/members/{member_id}/identities/remove",
        summary="Remove identities; one must remain",
        summary_zh="移除身份标识（至少保留一个）",
        body=IdentitiesBody,
        answer_type=MemberAnswer,
        command=_remove_identities,
        answer=answers.member_answer,
        codes=(*_LIFE_CODES, "invalid_identity", "unknown_identity", "last_identity"),
        example={"identities": ["phone:13800138000"]},
        example_answer=_ANSWER,
    ),
    Operation(
        name="verify_identities",
        path="/v1/members/{member_id}/identities/verify",
        summary="Note that identities were verified",
        summary_zh="标记身份标识已验证",
        body=IdentitiesBody,
        answer_type=MemberAnswer,
        command=_verify_identities,
        answer=answers.member_answer,
        codes=(*_LIFE_CODES, "invalid_identity", "unknown_identity"),
        example={"identities": ["phone:13800138000"]},
        example_answer=_ANSWER,
    ),
    Operation(
        name="merge_members",
        path="/v1/members/{member_id}/merge",
        summary="Merge a duplicate into the member; the answer's transaction_id names the merge",
        summary_zh="合并重复会员（transaction_id 即合并编号）",
        body=MergeBody,
        answer_type=TransactionAnswer,
        command=_merge,
        answer=answers.transaction_answer,
        codes=(*_LIFE_CODES, "member_frozen", "same_member", "holds_open", "in_household", "balance_too_large"),
        example={"from": "100002", "reason": "same person, two phones"},
        example_answer=_MERGED,
    ),
    Operation(
        name="undo_merge",
        path="/v1/merges/{merge_id}/undo",
        summary="Undo a merge: what is still there goes back",
        summary_zh="撤销合并（退回仍在的部分）",
        body=UndoMergeBody,
        is_body_needed=False,
        answer_type=TransactionAnswer,
        command=_undo_merge,
        answer=answers.transaction_answer,
        codes=("unknown_merge", "merge_undone", "member_anonymised", "member_merged"),
        example={"reason": "father and son"},
        example_answer=_MERGED | {"transaction_id": "100001-9", "refers_to": "100001-8"},
    ),
)
