"""A day in the demo shop, told act by act: `jifen demo --day`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from jifen.cli.output import write_line
from jifen.cli.texts import Texts
from jifen.core.counted import counted
from jifen.services.demo.day import Act, DayReport
from jifen.services.demo.day.acts import (
    Apology,
    Arrival,
    Evening,
    Gift,
    Lottery,
    Opening,
    Preview,
    Purchase,
    Sale,
    Voucher,
)

#: A heading and the lines below it, each in Chinese and English.
Line = tuple[str, str]
_REASONS: Final[dict[str, Line]] = {
    "invalid_identity": ("号码无效", "no valid number"),
    "missing_value": ("没有任何标识", "nothing to find them by"),
    "invalid_birthday": ("生日不存在", "no such birthday"),
    "inexact_number": ("号码末位已丢失", "digits lost by the spreadsheet"),
}


class Teller:
    """Tells each act when it is over, in the language of the caller."""

    def __init__(self, say: Texts) -> None:
        self._say = say
        self._acts = 0

    def __call__(self, day: int, act: Act) -> None:
        """Tell one act."""
        if self._acts == 0:
            self._write("", (f"演示商店的第 {day:,} 天", f"Day {day:,} in the demo shop"))
        self._acts += 1
        heading, *lines = _TOLD[type(act)](act)
        mark = "✓" if act.is_right else "✗"
        write_line("")
        self._write(f"{mark} {self._acts}. ", heading)
        for line in lines:
            self._write("     ", line)

    def end(self, report: DayReport) -> None:
        """How the day came out."""
        write_line("")
        if report.is_right:
            line = (
                f"这一天分毫不差，用时 {report.seconds:.1f} 秒。",
                f"Every figure of the day is exact. It took {report.seconds:.1f} seconds.",
            )
        else:
            line = ("有一幕（✗）与应有的结果不符。", "Something (✗) did not come out as it must.")
        self._write("", line)

    def _write(self, before: str, line: Line) -> None:
        """One language a line: both would be too long for one."""
        if self._say.language != "en":
            write_line(before + line[0])
            before = " " * len(before)
        if self._say.language != "zh":
            write_line(before + line[1])


def _arrival(act: Arrival) -> list[Line]:
    reasons = [(_REASONS.get(code, (code, code)), number) for code, number in sorted(act.reasons.items())]
    zh = "，".join(f"{words[0]} {number:,}" for words, number in reasons)
    en = ", ".join(f"{words[1]} {number:,}" for words, number in reasons)
    return [
        ("早晨：旧系统的会员转入", "Morning: members come over from an old system"),
        (
            f"Excel 表 {act.rows:,} 行：新会员 {act.registered:,}，表内重复 {act.repeated:,}，未导入 {act.rejected:,}",
            f"{counted(act.rows, 'rows')} of Excel: {counted(act.registered, 'new members')}, {act.repeated:,} "
            f"repeated, "
            f"{act.rejected:,} rejected",
        ),
        (f"未导入的原因：{zh}", f"rejected: {en}"),
        (
            f"期初余额 {act.balances:,} 笔：入账 {act.ledger_points:,} 分，未导入 {act.rejected_points:,} 分，"
            f"文件合计 {act.file_points:,} 分",
            f"{counted(act.balances, 'opening balances')}: {counted(act.ledger_points, 'points')} booked, "
            f"{act.rejected_points:,} "
            f"rejected, {act.file_points:,} in the file",
        ),
    ]


def _purchase(act: Purchase) -> list[Line]:
    paid = f"{act.paid_cents / 100:,.2f}"
    return [
        ("中午：李梅来购物", "Noon: Li Mei buys"),
        (
            f"会员 {act.member_id} 实付 {paid} 元，得 {act.points:,} 分，其中 {act.pending:,} 分待退货期结束后生效",
            f"member {act.member_id} pays {paid} yuan for {counted(act.points, 'points')}; {act.pending:,} wait for "
            f"the days of "
            "returns",
        ),
    ]


def _preview(act: Preview) -> list[Line]:
    zh = "，".join(f"{each.was_name.zh} → {each.tier_name.zh} {each.members:,}" for each in act.moves)
    en = ", ".join(f"{each.was_name.en} → {each.tier_name.en} {each.members:,}" for each in act.moves)
    return [
        (f"如果{act.tier.zh}的门槛降低", f"What if {act.tier.en} asked for less?"),
        (
            f"“{act.asks.zh}”改为“{act.draft_asks.zh}”（仅预览）",
            f"“{act.asks.en}” becomes “{act.draft_asks.en}” (a draft only)",
        ),
        (
            f"{act.members:,} 位会员中有 {act.moving:,} 位会变动：{zh}",
            f"of {counted(act.members, 'members')} {act.moving:,} would move: {en}",
        ),
    ]


def _apology(act: Apology) -> list[Line]:
    return [
        ("下午：商品破损，补偿须两人经手", "Afternoon: an apology that takes two"),
        (
            f"店员申请补偿 {act.points:,} 分，超过单人上限 {act.limit_points:,} 分，等待复核",
            f"the clerk asks for {act.points:,} points, above the {act.limit_points:,} that one may give: it waits",
        ),
        (
            f"店员自己批准：被拒绝（{act.own_refusal}）；经理批准：立即入账，可用 {act.available:,} 分",
            f"the clerk agrees to it: refused ({act.own_refusal}); the manager agrees: done, "
            f"{act.available:,} available",
        ),
    ]


def _gift(act: Gift) -> list[Line]:
    parcel = " ".join(act.delivery.values())
    return [
        (f"一份贵重礼品：{act.reward.zh}", f"A dear gift: {act.reward.en}"),
        (
            f"李梅兑换，先冻结 {act.points:,} 分；{act.asks.zh}时须由 {act.waited_for} 批准",
            f"Li Mei asks for it, and {act.points:,} points are held; where {act.asks.en}, "
            f"the {act.waited_for} must agree",
        ),
        (
            f"店员自己批准：被拒绝（{act.own_refusal}）；经理批准后发货：{parcel}，可用 {act.available:,} 分",
            f"the clerk agrees to it: refused ({act.own_refusal}); the manager agrees, and it is shipped: {parcel}; "
            f"{act.available:,} available",
        ),
    ]


def _voucher(act: Voucher) -> list[Line]:
    return [
        ("一张券，两个收银台", "One voucher, two tills"),
        (
            f"{act.points:,} 分兑换“{act.reward.zh}”：{act.code}",
            f"{counted(act.points, 'points')} for a {act.reward.en}: {act.code}",
        ),
        (
            f"两店同时核销：{act.used_at}核销 {act.cents / 100:.2f} 元，{act.refused_at}被拒绝（{act.refusal}）",
            f"two stores write it off at once: {act.used_at} takes {act.cents / 100:.2f} yuan, "
            f"{act.refused_at} is refused ({act.refusal})",
        ),
    ]


def _sale(act: Sale) -> list[Line]:
    return [
        (f"秒杀：{act.reward.zh}", f"Flash sale: {act.reward.en}"),
        (
            f"{act.buyers:,} 人同时抢 {act.pieces:,} 件，每人连点两次：{act.requests:,} 个请求，{act.seconds:.2f} 秒",
            f"{counted(act.buyers, 'members')} want {counted(act.pieces, 'pieces')} at once, each clicks twice: "
            f"{act.requests:,} requests "
            f"in {act.seconds:.2f} s",
        ),
        (
            f"售出 {act.sold:,}，重复点击得到原答复 {act.repeated:,}，已抢完 {act.sold_out:,}，剩余 {act.left:,}",
            f"{act.sold:,} sold, {act.repeated:,} second clicks got the first answer, {act.sold_out:,} sold out, "
            f"{act.left:,} left",
        ),
    ]


def _opening(act: Opening) -> list[Line]:
    return [
        (f"{act.name.zh}：先公布哈希", f"{act.name.en}: the hash is published first"),
        (
            f"第 {act.round:,} 轮，种子的 SHA-256：{act.commitment}",
            f"round {act.round:,}, SHA-256 of the seed: {act.commitment}",
        ),
    ]


def _lottery(act: Lottery) -> list[Line]:
    zh = "，".join(f"{each.name.zh} × {each.times:,}" for each in act.prizes)
    en = ", ".join(f"{each.name.en} × {each.times:,}" for each in act.prizes)
    return [
        ("大家抽奖，再公布种子，人人可验", "Everybody draws, then the seed is revealed for all to check"),
        (f"{act.draws:,} 次抽奖：{zh}", f"{counted(act.draws, 'draws')}: {en}"),
        (f"种子：{act.seed}", f"the seed: {act.seed}"),
        (
            f"哈希{'一致' if act.fits else '不一致'}；由种子逐一重算：{act.draws:,} 次中 {act.recomputed:,} 次相符",
            f"the hash {'fits' if act.fits else 'DIFFERS'}; worked out again from the seed: "
            f"{act.recomputed:,} of {act.draws:,} are right",
        ),
    ]


def _evening(act: Evening) -> list[Line]:
    found = ", ".join(f"{kind} {number:,}" for kind, number in sorted(act.findings.items()))
    looked = (
        f"会员 {act.members:,}，流水 {act.transactions:,}，分录 {act.movements:,}，{act.duration_ms:,} 毫秒",
        f"{counted(act.members, 'members')}, {counted(act.transactions, 'transactions')}, "
        f"{counted(act.movements, 'movements')}, "
        f"{act.duration_ms:,} ms",
    )
    return [
        ("晚上：逐笔核对（jifen verify）", "Evening: everything is replayed (jifen verify)"),
        looked,
        (f"发现：{found}", f"found: {found}") if found else ("全部相符。", "Everything fits."),
    ]


_TOLD: Final[dict[type, Callable[[Any], list[Line]]]] = {
    Arrival: _arrival,
    Purchase: _purchase,
    Preview: _preview,
    Apology: _apology,
    Gift: _gift,
    Voucher: _voucher,
    Sale: _sale,
    Opening: _opening,
    Lottery: _lottery,
    Evening: _evening,
}
