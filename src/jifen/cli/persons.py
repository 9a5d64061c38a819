"""`jifen members describe, profile, changes` and `jifen members identities`: what is known of a member, and what finds
them."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from jifen.cli.invocation import Invocation, command
from jifen.cli.members import (
    AddressParts,
    Birthday,
    Channel,
    Fields,
    Gender,
    LanguageTag,
    Name,
    PersonName,
    Reason,
    Tags,
    group,
    number_of,
    pairs,
    show_member,
    typed_fields,
)
from jifen.cli.operating import given, look, operate
from jifen.cli.output import write_json, write_table
from jifen.cli.program import AsJson
from jifen.cli.usage import BadValue

identities = typer.Typer(help="身份标识：添加、移除、标记已验证 / Identities: add, remove, note as verified.")

IdentityTexts = Annotated[
    list[str], typer.Argument(metavar="IDENTITY...", help="身份标识，如 phone:13800138000 / What finds the member.")
]


def register(_app: typer.Typer) -> None:
    """The commands stand below `jifen members`, which `jifen.cli.members` puts there."""
    group.add_typer(identities, name="identities")


@command(group, "describe")
def describe(
    invocation: Invocation,
    member: Name,
    name: PersonName = None,
    gender: Gender = None,
    birthday: Birthday = None,
    channel: Channel = None,
    language: LanguageTag = None,
    address: AddressParts = None,
    field: Fields = None,
    tag: Tags = None,
    remove_tag: Annotated[
        list[str] | None, typer.Option("--remove-tag", metavar="TEXT", help="去掉标签，可多次 / Tags that go.")
    ] = None,
    clear: Annotated[
        list[str] | None,
        typer.Option(
            "--clear", metavar="NAME", help="清除一项，如 birthday、fields.size，可多次 / Forget it; may be repeated."
        ),
    ] = None,
    reason: Reason = None,
    as_json: AsJson = False,
) -> None:
    """修改个人资料，未写的不变 / Change what is known of a person; what is left out stays."""
    said = given(
        {
            "name": name,
            "gender": gender,
            "birthday": birthday,
            "channel": channel,
            "language": language,
            "address": pairs(address, "--address") or None,
            "add_tags": tag,
            "remove_tags": remove_tag,
            "reason": reason,
        }
    )
    fields: dict[str, object] = dict(typed_fields(invocation, pairs(field, "--field")))
    for each in clear or ():
        of_program, sign, id_of_field = each.partition(".")
        if sign and of_program == "fields":
            fields[id_of_field] = None
        elif each in _CLEARABLE:
            said[each] = None
        else:
            known = ", ".join((*_CLEARABLE, "fields.ID"))
            raise BadValue("--clear", f"{each[:40]!r} 须为 {known} 之一", f"{each[:40]!r} is none of {known}")
    if fields:
        said["fields"] = fields
    if not said.keys() - {"reason"}:
        raise BadValue("MEMBER", "没有写要改什么，例如 --name", "nothing is said that could change; try --name")
    number = str(number_of(invocation, member))
    operate(invocation, "describe_person", number, said)
    show_member(invocation, number, as_json=as_json)


_CLEARABLE: Final = ("name", "gender", "birthday", "channel", "language", "address")


@command(group, "profile")
def profile(
    invocation: Invocation,
    member: Name,
    tier: Annotated[
        str | None,
        typer.Option("--tier", metavar="TIER", help="等级（仅当计划不自动定级）/ The tier, if said by hand."),
    ] = None,
    tag: Tags = None,
    segment: Annotated[
        list[str] | None, typer.Option("--segment", metavar="TEXT", help="分群，可多次 / Segments; may be repeated.")
    ] = None,
    channel: Channel = None,
    birthday: Birthday = None,
    window_from: Annotated[
        str | None,
        typer.Option("--birthday-window-from", metavar="DAY", help="会员自选生日期的首日 / First of the days picked."),
    ] = None,
    window_days: Annotated[
        int | None, typer.Option("--birthday-window-days", metavar="N", help="生日期天数 / How many days.")
    ] = None,
    field: Fields = None,
    reason: Reason = None,
    as_json: AsJson = False,
) -> None:
    """重新写明规则可见的资料，未写的即清除 / Say anew what rules may know; what is left out is forgotten."""
    said = given(
        {
            "tier": tier,
            "tags": tag,
            "segments": segment,
            "channel": channel,
            "birthday": birthday,
            "birthday_window_from": window_from,
            "birthday_window_days": window_days,
            "fields": typed_fields(invocation, pairs(field, "--field")) or None,
            "reason": reason,
        }
    )
    number = str(number_of(invocation, member))
    operate(invocation, "set_profile", number, said)
    show_member(invocation, number, as_json=as_json)


@command(group, "changes")
def changes(invocation: Invocation, member: Name, as_json: AsJson = False) -> None:
    """列出会员的变更记录，最近一百条 / What became of a member beside the points, the last hundred steps."""
    found, _ = look(invocation, "get_member_changes", str(number_of(invocation, member)))
    if as_json:
        write_json(found)
        return
    say = invocation.say
    write_table(
        [say("时间", "at"), say("变更", "change"), say("操作人", "by"), say("原因", "reason")],
        [
            [
                each.recorded_at,
                say(_CHANGES.get(each.kind, each.kind), each.kind.replace("_", " ")),
                each.actor,
                each.reason,
            ]
            for each in found.changes
        ],
    )


_CHANGES: Final = {
    "freeze": "冻结",
    "unfreeze": "解冻",
    "close": "注销",
    "anonymise": "匿名化",
    "described": "修改资料",
    "identities_added": "添加身份标识",
    "identities_removed": "移除身份标识",
    "identities_verified": "验证身份标识",
    "household_joined": "加入家庭",
    "household_left": "退出家庭",
}


def _change(
    invocation: Invocation, name: str, member: str, said: dict[str, object], reason: str | None, *, as_json: bool
) -> None:
    number = str(number_of(invocation, member))
    operate(invocation, name, number, said | given({"reason": reason}))
    show_member(invocation, number, as_json=as_json)


@command(identities, "add")
def add(
    invocation: Invocation,
    member: Name,
    texts: IdentityTexts,
    verified: Annotated[
        bool, typer.Option("--verified", help="已确认属于本人 / It was made sure that they are the member's.")
    ] = False,
    reason: Reason = None,
    as_json: AsJson = False,
) -> None:
    """添加身份标识 / Add identities that find the member as well."""
    said: dict[str, object] = {"identities": texts, "verified": verified}
    _change(invocation, "add_identities", member, said, reason, as_json=as_json)


@command(identities, "remove")
def remove(
    invocation: Invocation, member: Name, texts: IdentityTexts, reason: Reason = None, as_json: AsJson = False
) -> None:
    """移除身份标识，至少保留一个 / Remove identities; one must remain."""
    _change(invocation, "remove_identities", member, {"identities": texts}, reason, as_json=as_json)


@command(identities, "verify")
def verify(
    invocation: Invocation, member: Name, texts: IdentityTexts, reason: Reason = None, as_json: AsJson = False
) -> None:
    """标记身份标识已验证 / Note that identities were made sure to be the member's."""
    _change(invocation, "verify_identities", member, {"identities": texts}, reason, as_json=as_json)
