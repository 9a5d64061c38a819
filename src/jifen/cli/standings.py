"""`jifen tiers show, grant, take-back`: the tiers of one member."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer

from jifen.cli.instants import read_instant
from jifen.cli.invocation import Invocation, command
from jifen.cli.members import Name, Reason, number_of
from jifen.cli.names import names_in
from jifen.cli.operating import Key, given, look, operate
from jifen.cli.output import write_json, write_table
from jifen.cli.paging import Cursor, note_more
from jifen.cli.program import AsJson
from jifen.cli.tiers import group

if TYPE_CHECKING:
    from jifen.api.operations.tiers import GrantTierAnswer
    from jifen.services.catalog import Catalog
    from jifen.services.tiers.standings import MemberTiers

TierSet = Annotated[
    str | None,
    typer.Option(
        "--set", metavar="SET", help="等级体系，默认为第一个 / Which tier set; the first.", show_default=False
    ),
]


def register(_app: typer.Typer) -> None:
    """The commands stand below `jifen tiers`, which `jifen.cli.tiers` puts there."""


@command(group, "show")
def show(
    invocation: Invocation,
    member: Name,
    limit: Annotated[int, typer.Option("--limit", min=1, max=200, help="最多列出多少变更 / So many changes.")] = 50,
    cursor: Cursor = None,
    as_json: AsJson = False,
) -> None:
    """显示会员的等级、升级差额与变更记录 / A member's tiers, what is missing for the next one, and every change."""
    number = str(number_of(invocation, member))
    found, catalog = look(invocation, "get_member_tiers", number, limit=limit, cursor=cursor)
    if as_json:
        write_json(found)
    else:
        _show(invocation, catalog, found)


def _show(invocation: Invocation, catalog: Catalog, found: MemberTiers) -> None:
    say = invocation.say
    none = say("无", "none")
    write_table(
        [
            say("等级体系", "tier set"),
            say("等级", "tier"),
            say("由来", "by"),
            say("起", "since"),
            say("有效至", "valid until"),
            say("升级还差", "for the next"),
        ],
        [
            [
                say(each.name.zh, each.name.en),
                none if each.tier_name is None else say(each.tier_name.zh, each.tier_name.en),
                say(*_BY[each.by]) + (say("，保级期", ", in grace") if each.in_grace else ""),
                each.since,
                each.valid_until,
                "" if each.next is None else say(each.next.words.zh, each.next.words.en),
            ]
            for each in found.tiers
        ],
    )
    if found.changes:
        write_table(
            [
                say("流水", "transaction"),
                say("原等级", "from"),
                say("新等级", "to"),
                say("原因", "why"),
                say("时间", "at"),
                say("操作人", "by"),
                say("说明", "reason"),
            ],
            [
                [
                    each.transaction_id,
                    names_in(invocation, catalog).tier(each.tier_set, each.was),
                    names_in(invocation, catalog).tier(each.tier_set, each.tier),
                    say(*_CAUSES[each.cause]),
                    each.occurred_at,
                    each.actor,
                    each.reason or each.payment_reference,
                ]
                for each in found.changes
            ],
        )
    note_more(invocation, found.next_cursor)


_BY: Final = {
    "earned": ("达标", "earned"),
    "manual": ("人工授予", "given by hand"),
    "invited": ("邀请", "invited"),
    "paid": ("付费", "paid"),
}
_CAUSES: Final = {
    "earned": ("达标", "earned"),
    "review": ("定级", "review"),
    "grace": ("进入保级期", "grace"),
    "kept": ("保级", "kept"),
    "granted": ("授予", "granted"),
    "withdrawn": ("收回", "taken back"),
    "ended": ("授予到期", "ended"),
    "recalculated": ("重新定级", "recalculated"),
    "merged": ("会员合并", "merged"),
    "parted": ("撤销合并", "merge undone"),
}


@command(group, "grant")
def grant(
    invocation: Invocation,
    member: Name,
    tier: Annotated[str, typer.Argument(metavar="TIER", help="等级编号 / The tier's id.")],
    tier_set: TierSet = None,
    until: Annotated[
        str | None,
        typer.Option(
            "--until", metavar="INSTANT", help="有效至，默认按计划 / How long; as it says.", show_default=False
        ),
    ] = None,
    payment: Annotated[
        str | None,
        typer.Option(
            "--payment", metavar="ID", help="付费等级的付款单号，一笔只计一次 / The payment; each counts once."
        ),
    ] = None,
    reason: Reason = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """授予等级：人工、邀请或付费 / Give a member a tier: by hand, by invitation or for a payment."""
    said = given(
        {
            "tier": tier,
            "set": tier_set,
            "valid_until": read_instant(until, "--until", may_be_future=True),
            "paid": None if payment is None else {"payment_reference": payment},
            "reason": reason,
        }
    )
    _change(invocation, member, said, key, as_json=as_json)


@command(group, "take-back")
def take_back(
    invocation: Invocation,
    member: Name,
    tier_set: TierSet = None,
    reason: Reason = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """收回授予的等级 / Take back a tier that was given."""
    said = {"tier": None} | given({"set": tier_set, "reason": reason})
    _change(invocation, member, said, key, as_json=as_json)


def _change(invocation: Invocation, member: str, said: dict[str, object], key: str | None, *, as_json: bool) -> None:
    done = operate(invocation, "grant_tier", str(number_of(invocation, member)), said, key=key)
    if as_json:
        write_json(done.answer)
        return
    answer: GrantTierAnswer = done.answer
    say = invocation.say
    was = names_in(invocation, done.catalog).tier(answer.tier_set, answer.was)
    now = names_in(invocation, done.catalog).tier(answer.tier_set, answer.tier)
    rows: list[tuple[str, object]] = [
        (say("会员", "member"), answer.member_id),
        (say("等级", "tier"), f"{was} → {now}"),
        (say("由来", "by"), say(*_BY[answer.by])),
        (say("有效至", "valid until"), answer.valid_until or say("长期", "without end")),
    ]
    write_table([answer.transaction_id, ""], rows)
    done.note_repetition(invocation)
