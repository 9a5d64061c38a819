"""`jifen members`: look one up, steps of a life, duplicates and their merging."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from jifen.cli.asking import Refused, read
from jifen.cli.invocation import Invocation, command
from jifen.cli.names import read_named
from jifen.cli.operating import Key, given, operate
from jifen.cli.output import write_json, write_note, write_table
from jifen.cli.paging import Cursor, note_more
from jifen.cli.program import AsJson
from jifen.cli.usage import BadValue
from jifen.core.refusal import Refusal

if TYPE_CHECKING:
    from jifen.db.connection import Connection
    from jifen.services.catalog import Catalog
    from jifen.services.members import BalancesView, MemberView

group = typer.Typer(help="会员：查询、冻结、注销、去重合并 / Members: look up, freeze, close, merge duplicates.")

Name = Annotated[
    str, typer.Argument(metavar="MEMBER", help="会员号，或身份标识如 phone:13800138000 / A number, or an identity.")
]
Reason = Annotated[str | None, typer.Option("--reason", metavar="TEXT", help="原因 / Why.")]


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


def change(invocation: Invocation, name: str, member: str, said: Mapping[str, object], *, as_json: bool) -> None:
    """Do an operation on a member, whose present state is shown then. Raises Refused."""
    number = str(number_of(invocation, member))
    operate(invocation, name, number, said)
    show_member(invocation, number, as_json=as_json)


@command(group, "freeze")
def freeze(invocation: Invocation, member: Name, reason: Reason = None, as_json: AsJson = False) -> None:
    """冻结：不能消耗积分 / Freeze: no spending until unfrozen."""
    change(invocation, "freeze_member", member, given({"reason": reason}), as_json=as_json)


@command(group, "unfreeze")
def unfreeze(invocation: Invocation, member: Name, reason: Reason = None, as_json: AsJson = False) -> None:
    """解冻 / Unfreeze."""
    change(invocation, "unfreeze_member", member, given({"reason": reason}), as_json=as_json)


@command(group, "close")
def close(invocation: Invocation, member: Name, reason: Reason = None, as_json: AsJson = False) -> None:
    """注销；积分按计划清零或保留 / Close; points are forfeited or kept as the program says."""
    change(invocation, "close_member", member, given({"reason": reason}), as_json=as_json)


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
    change(invocation, "anonymise_member", member, given({"reason": reason}), as_json=as_json)


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
    note_more(invocation, found.next_cursor)


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
