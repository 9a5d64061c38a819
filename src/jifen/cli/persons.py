"""`jifen members register, describe, profile, changes` and `jifen members identities`: what is known of a member, and
what finds them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from jifen.cli.asking import Refused, read
from jifen.cli.invocation import Invocation, Options, command
from jifen.cli.members import Name, Reason, change, group, number_of, show_member
from jifen.cli.operating import Key, given, look, operate
from jifen.cli.output import write_json, write_table
from jifen.cli.program import AsJson
from jifen.cli.usage import BadValue, pairs
from jifen.core.refusal import Refusal

if TYPE_CHECKING:
    from jifen.db.connection import Connection
    from jifen.services.catalog import Catalog

identities = typer.Typer(help="身份标识：添加、移除、标记已验证 / Identities: add, remove, note as verified.")

IdentityTexts = Annotated[
    list[str], typer.Argument(metavar="IDENTITY...", help="身份标识，如 phone:13800138000 / What finds the member.")
]
Birthday = Annotated[str | None, typer.Option("--birthday", metavar="DAY", help="生日 / YYYY-MM-DD or MM-DD.")]
Channel = Annotated[str | None, typer.Option("--channel", metavar="TEXT", help="注册渠道 / By which way.")]
Fields = Annotated[
    list[str] | None,
    typer.Option("--field", metavar="NAME=VALUE", help="计划声明的字段，可多次 / Fields that the program declares."),
]
Tags = Annotated[list[str] | None, typer.Option("--tag", metavar="TEXT", help="标签，可多次 / Tags; may be repeated.")]


@dataclass(frozen=True)
class Person(Options):
    """What is known of a person."""

    name: Annotated[str | None, typer.Option("--name", metavar="TEXT", help="姓名 / The name.")] = None
    gender: Annotated[str | None, typer.Option("--gender", metavar="female|male|other", help="性别 / The gender.")] = (
        None
    )
    birthday: Birthday = None
    channel: Channel = None
    language: Annotated[
        str | None, typer.Option("--language", metavar="TAG", help="语言，如 zh-CN / The language.")
    ] = None
    address: Annotated[
        list[str] | None,
        typer.Option("--address", metavar="NAME=TEXT", help="如 city=杭州，可多次 / Parts of the address."),
    ] = None
    field: Fields = None
    tag: Tags = None

    def said(self, invocation: Invocation, *, tags: str) -> dict[str, Any]:
        """The body of it, of what was given. `tags`: what the tags are called there. Raises Refused."""
        return given(
            {
                "name": self.name,
                "gender": self.gender,
                "birthday": self.birthday,
                "channel": self.channel,
                "language": self.language,
                "address": pairs(self.address, "--address") or None,
                "fields": _typed_fields(invocation, self.field),
                tags: self.tag,
            }
        )


# Of all that is known of a person, what can be forgotten by its name alone.
_CLEARABLE: Final = ("name", "gender", "birthday", "channel", "language", "address")


def register(_app: typer.Typer) -> None:
    """The commands stand below `jifen members`, which `jifen.cli.members` puts there."""
    group.add_typer(identities, name="identities")


@command(group, "register")
def register_member(
    invocation: Invocation,
    identities: IdentityTexts,
    person: Person,
    verified: Annotated[
        list[str] | None,
        typer.Option("--verified", metavar="IDENTITY", help="其中已验证的，可多次 / Those that were verified."),
    ] = None,
    reason: Reason = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """注册会员，连同资料与验证状态 / Register a member, with what is known of the person and what was verified."""
    known = person.said(invocation, tags="tags")
    said = given({"identities": identities, "verified": verified, "person": known or None, "reason": reason})
    done = operate(invocation, "register_member", "", said, key=key)
    show_member(invocation, done.answer.member_id, as_json=as_json)


@command(group, "describe")
def describe(
    invocation: Invocation,
    member: Name,
    person: Person,
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
    said = person.said(invocation, tags="add_tags") | given({"remove_tags": remove_tag})
    for each in clear or ():
        _clear(said, each)
    if not said:
        raise BadValue("MEMBER", "没有写要改什么，例如 --name", "nothing is said that could change; try --name")
    change(invocation, "describe_person", member, said | given({"reason": reason}), as_json=as_json)


def _clear(said: dict[str, Any], name: str) -> None:
    """Say of something that is known of a person that it is to be forgotten."""
    of_program, sign, id_of_field = name.partition(".")
    if sign and of_program == "fields":
        said["fields"] = said.get("fields", {}) | {id_of_field: None}
    elif name in _CLEARABLE:
        said[name] = None
    else:
        known = ", ".join((*_CLEARABLE, "fields.ID"))
        raise BadValue("--clear", f"{name[:40]!r} 须为 {known} 之一", f"{name[:40]!r} is none of {known}")


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
            "fields": _typed_fields(invocation, field),
            "reason": reason,
        }
    )
    change(invocation, "set_profile", member, said, as_json=as_json)


def _typed_fields(invocation: Invocation, texts: list[str] | None) -> dict[str, object] | None:
    """Fields of a member in the types that the program declares. None: none were given. Raises
    Refused."""
    from jifen.services.catalog import NO_PROGRAM
    from jifen.services.persons import read_field

    async def types(connection: Connection, catalog: Catalog) -> dict[str, str] | Refusal:
        program = await catalog.program(connection)
        return NO_PROGRAM if program is None else {each.id: each.type for each in program.fields.values()}

    fields = pairs(texts, "--field")
    known = read(invocation, types) if fields else {}
    typed: dict[str, object] = {}
    for name, text in fields.items():
        kind = known.get(name, "string")
        value = read_field(text, kind)
        if value is None:
            zh = f"{name} 须为 {kind} 类型，不能是 {text[:80]!r}。"
            message = f"{name} must be of type {kind}, not {text[:80]!r}."
            raise Refused(Refusal("invalid_field", message, message_zh=zh))
        typed[name] = value
    return typed or None


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
    said = given({"identities": texts, "verified": verified, "reason": reason})
    change(invocation, "add_identities", member, said, as_json=as_json)


@command(identities, "remove")
def remove(
    invocation: Invocation, member: Name, texts: IdentityTexts, reason: Reason = None, as_json: AsJson = False
) -> None:
    """移除身份标识，至少保留一个 / Remove identities; one must remain."""
    said = given({"identities": texts, "reason": reason})
    change(invocation, "remove_identities", member, said, as_json=as_json)


@command(identities, "verify")
def verify(
    invocation: Invocation, member: Name, texts: IdentityTexts, reason: Reason = None, as_json: AsJson = False
) -> None:
    """标记身份标识已验证 / Note that identities were made sure to be the member's."""
    said = given({"identities": texts, "reason": reason})
    change(invocation, "verify_identities", member, said, as_json=as_json)
