"""`jifen members`: look one up, steps of a life, duplicates and their merging."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from jifen.cli.asking import Refused, read
from jifen.cli.invocation import Invocation, command
from jifen.cli.names import read_named
from jifen.cli.operating import Key, given, operate
from jifen.cli.output import write_json, write_note, write_table
from jifen.cli.paging import Cursor
from jifen.cli.program import AsJson
from jifen.cli.usage import BadValue
from jifen.core.refusal import Refusal

if TYPE_CHECKING:
    from jifen.core.members.commands import LifeStep
    from jifen.db.connection import Connection
    from jifen.services.catalog import Catalog
    from jifen.services.members import BalancesView, MemberView

group = typer.Typer(help="会员：查询、冻结、注销、去重合并 / Members: look up, freeze, close, merge duplicates.")

Name = Annotated[
    str, typer.Argument(metavar="MEMBER", help="会员号，或身份标识如 phone:13800138000 / A number, or an identity.")
]
Reason = Annotated[str | None, typer.Option("--reason", metavar="TEXT", help="原因 / Why.")]


PersonName = Annotated[str | None, typer.Option("--name", metavar="TEXT", help="姓名 / The name.")]
Gender = Annotated[str | None, typer.Option("--gender", metavar="female|male|other", help="性别 / The gender.")]
Birthday = Annotated[str | None, typer.Option("--birthday", metavar="DAY", help="生日 / YYYY-MM-DD or MM-DD.")]
Channel = Annotated[str | None, typer.Option("--channel", metavar="TEXT", help="注册渠道 / By which way.")]
LanguageTag = Annotated[str | None, typer.Option("--language", metavar="TAG", help="语言，如 zh-CN / The language.")]
AddressParts = Annotated[
    list[str] | None,
    typer.Option("--address", metavar="NAME=TEXT", help="如 city=杭州，可多次 / Parts of the address."),
]
Fields = Annotated[
    list[str] | None,
    typer.Option("--field", metavar="NAME=VALUE", help="计划声明的字段，可多次 / Fields that the program declares."),
]
Tags = Annotated[list[str] | None, typer.Option("--tag", metavar="TEXT", help="标签，可多次 / Tags; may be repeated.")]


def register(app: typer.Typer) -> None:
    """Put the commands below `jifen members`."""
    app.add_typer(group, name="members")


async def _find(connection: Connection, catalog: Catalog, name: str) -> MemberView:
    from jifen.core.identity import parse_identity
    from jifen.services.members import find_by_identity, find_member, parse_member_id, unknown_member

    if ":" in name:
        identity = parse_identity(name)
        if isinstance(identity, Refusal):
            raise Refused(identity)
        found = await find_by_identity(connection, catalog, identity)
    else:
        number = parse_member_id(name)
        found = None if number is None else await find_member(connection, catalog, number)
    if found is None:
        refusal = unknown_member(name)
        raise Refused(refusal)
    return found


def number_of(invocation: Invocation, name: str) -> int:
    """The number of a member by number or identity. Raises Refused."""
    return int(read(invocation, lambda connection, catalog: _find(connection, catalog, name)).member_id)


def show_member(invocation: Invocation, name: str, *, as_json: bool) -> None:
    """Show a member by number or identity."""
    from jifen.services.members import balances_now

    async def look(connection: Connection, catalog: Catalog) -> tuple[MemberView, BalancesView | None]:
        found = await _find(connection, catalog, name)
        balances = await balances_now(connection, catalog, int(found.member_id), datetime.now(UTC))
        return found, None if isinstance(balances, Refusal) else balances

    (member, balances), names = read_named(invocation, look)
    if as_json:
        write_json(member)
        return
    say = invocation.say
    rows: list[tuple[str, object]] = [(say("状态", "status"), say(_STATUS[member.status], member.status))]
    if member.merged_into is not None:
        rows.append((say("已并入", "merged into"), member.merged_into))
    if member.person.name:
        rows.append((say("姓名", "name"), member.person.name))
    rows += [(say("身份标识", "identity"), each) for each in member.identities]
    rows += [(names.tier_set(each.tier_set), names.tier(each.tier_set, each.tier or "")) for each in member.tiers]
    rows += [
        (names.wallet(wallet), say(f"可用 {each.available:,}", f"{each.available:,} available"))
        for wallet, each in ({} if balances is None else balances.balances).items()
    ]
    write_table([member.member_id, ""], rows)


_STATUS = {
    "active": "正常",
    "frozen": "冻结",
    "closed": "已注销",
    "anonymised": "已匿名",
    "merged": "已合并",
}


@command(group, "show")
def show(invocation: Invocation, member: Name, as_json: AsJson = False) -> None:
    """显示一位会员 / Show a member."""
    show_member(invocation, member, as_json=as_json)


@command(group, "register")
def register_member(
    invocation: Invocation,
    identities: Annotated[
        list[str], typer.Argument(metavar="IDENTITY...", help="身份标识，如 phone:13800138000 / What finds the member.")
    ],
    verified: Annotated[
        list[str] | None,
        typer.Option("--verified", metavar="IDENTITY", help="其中已验证的，可多次 / Those that were verified."),
    ] = None,
    name: PersonName = None,
    gender: Gender = None,
    birthday: Birthday = None,
    channel: Channel = None,
    language: LanguageTag = None,
    address: AddressParts = None,
    field: Fields = None,
    tag: Tags = None,
    reason: Reason = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """注册会员，连同资料与验证状态 / Register a member, with what is known of the person and what was verified."""
    person = given(
        {
            "name": name,
            "gender": gender,
            "birthday": birthday,
            "channel": channel,
            "language": language,
            "address": pairs(address, "--address") or None,
            "fields": typed_fields(invocation, pairs(field, "--field")) or None,
            "tags": tag,
        }
    )
    said = given({"identities": identities, "verified": verified, "person": person or None, "reason": reason})
    done = operate(invocation, "register_member", "", said, key=key)
    show_member(invocation, done.answer.member_id, as_json=as_json)


def typed_fields(invocation: Invocation, fields: dict[str, str]) -> dict[str, bool | int | str]:
    """Fields of a member in the types that the program declares. Raises Refused."""
    from jifen.services.catalog import NO_PROGRAM
    from jifen.services.persons import read_field

    async def types(connection: Connection, catalog: Catalog) -> dict[str, str] | Refusal:
        program = await catalog.program(connection)
        return NO_PROGRAM if program is None else {each.id: each.type for each in program.document.fields}

    known = read(invocation, types) if fields else {}
    typed: dict[str, bool | int | str] = {}
    for name, text in fields.items():
        kind = known.get(name, "string")
        value = read_field(text, kind)
        if value is None:
            zh = f"{name} 须为 {kind} 类型，不能是 {text[:80]!r}。"
            message = f"{name} must be of type {kind}, not {text[:80]!r}."
            raise Refused(Refusal("invalid_field", message, message_zh=zh))
        typed[name] = value
    return typed


def pairs(texts: list[str] | None, option: str) -> dict[str, str]:
    """What an option says several times as NAME=TEXT, by name."""
    pairs: dict[str, str] = {}
    for text in texts or ():
        name, sign, value = text.partition("=")
        if not (name and sign and value):
            raise BadValue(option, f"{text!r} 须写成 NAME=TEXT", f"{text!r} is not NAME=TEXT")
        pairs[name] = value
    return pairs


def _live(invocation: Invocation, name: str, step: LifeStep, reason: str | None, *, as_json: bool) -> None:
    number = str(number_of(invocation, name))
    operate(invocation, f"{step}_member", number, given({"reason": reason}))
    show_member(invocation, number, as_json=as_json)


@command(group, "freeze")
def freeze(invocation: Invocation, member: Name, reason: Reason = None, as_json: AsJson = False) -> None:
    """冻结：不能消耗积分 / Freeze: no spending until unfrozen."""
    _live(invocation, member, "freeze", reason, as_json=as_json)


@command(group, "unfreeze")
def unfreeze(invocation: Invocation, member: Name, reason: Reason = None, as_json: AsJson = False) -> None:
    """解冻 / Unfreeze."""
    _live(invocation, member, "unfreeze", reason, as_json=as_json)


@command(group, "close")
def close(invocation: Invocation, member: Name, reason: Reason = None, as_json: AsJson = False) -> None:
    """注销；积分按计划清零或保留 / Close; points are forfeited or kept as the program says."""
    _live(invocation, member, "close", reason, as_json=as_json)


@command(group, "anonymise")
def anonymise(
    invocation: Invocation,
    member: Name,
    reason: Reason = None,
    is_sure: Annotated[
        bool, typer.Option("--yes", help="确认清除个人资料，不可恢复 / Sure: personal data cannot be brought back.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """清除个人资料，账本保留 / Erase the personal data; the ledger stays."""
    if not is_sure:
        raise BadValue(
            "--yes",
            "个人资料清除后无法恢复，确认请加 --yes",
            "personal data cannot be brought back; add --yes if you are sure",
        )
    _live(invocation, member, "anonymise", reason, as_json=as_json)


@command(group, "merge")
def merge(
    invocation: Invocation,
    member: Name,
    duplicate: Annotated[
        str, typer.Option("--from", metavar="MEMBER", help="并入的重复会员 / The duplicate that goes.")
    ],
    reason: Reason = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """把重复会员并入该会员；输出合并编号 / Merge a duplicate into the member; says the merge's id."""
    survivor, absorbed = str(number_of(invocation, member)), str(number_of(invocation, duplicate))
    said = given({"from": absorbed, "reason": reason})
    merge_id = operate(invocation, "merge_members", survivor, said, key=key).answer.transaction_id
    if as_json:
        write_json({"merge_id": merge_id, "member_id": survivor, "from": absorbed})
        return
    show_member(invocation, survivor, as_json=False)
    write_note(
        invocation.say(f"撤销：jifen members undo-merge {merge_id}", f"To undo it: jifen members undo-merge {merge_id}")
    )


@command(group, "undo-merge")
def undo_merge(
    invocation: Invocation,
    merge_id: Annotated[str, typer.Argument(metavar="MERGE", help="合并编号，如 100001-8 / The merge's id.")],
    reason: Reason = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """撤销合并，退回仍在的部分 / Undo a merge; what is still there goes back."""
    done = operate(invocation, "undo_merge", merge_id, given({"reason": reason}), key=key)
    show_member(invocation, done.answer.member_id, as_json=as_json)


@command(group, "duplicates")
def duplicates(
    invocation: Invocation,
    percent: Annotated[
        int, typer.Option("--percent", min=0, max=100, help="最低相似度 / Only pairs of at least this score.")
    ] = 50,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="最多列出 / So many.")] = 100,
    cursor: Cursor = None,
    as_json: AsJson = False,
) -> None:
    """列出疑似重复的会员及原因 / List members who may be one person, and why."""
    from jifen.services.duplicates import find_duplicates

    found = read(
        invocation,
        lambda connection, _: find_duplicates(connection, percent=percent, limit=limit, cursor=cursor),
    )
    if as_json:
        write_json(found)
        return
    say = invocation.say
    write_table(
        [say("会员", "member"), say("另一会员", "other"), "%", say("原因", "why")],
        [
            [
                each.member_id,
                each.other_id,
                each.score,
                ", ".join(say(REASONS[reason], reason.replace("_", " ")) for reason in each.reasons),
            ]
            for each in found.duplicates
        ],
    )
    for each in found.shared_by_too_many:
        write_note(
            say(
                f"{each.value} 为过多会员共有，未据此比较。",
                f"Too many members share {each.value}: they were not compared by it.",
            )
        )
    if found.next_cursor is not None:
        write_note(say(f"还有更多：--cursor {found.next_cursor}", f"There are more: --cursor {found.next_cursor}"))


REASONS = {
    "phone": "同一手机号",
    "email": "同一邮箱",
    "card": "同一卡号",
    "external": "同一会员编号",
    "openid": "同一 OpenID",
    "unionid": "同一 UnionID",
    "name_and_birthday": "同名同生日",
    "similar_name_and_birthday": "姓名相近且同生日",
}
