"""What changed between two programs, in words, in Chinese and English."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from jifen.core.program import ProgramDocument


class Change(msgspec.Struct, frozen=True):
    """One thing that changed: where (`path`), and in words."""

    path: str
    zh: str
    en: str


_LISTS: tuple[tuple[str, str, str, str], ...] = (
    ("earning", "id", "规则", "rule"),
    ("wallets", "id", "积分账户", "wallet"),
    ("groups", "id", "规则组", "group"),
    ("campaigns", "id", "活动", "campaign"),
    ("fields", "id", "会员字段", "member field"),
    ("events", "type", "事件类型", "type of event"),
    ("tier_sets", "id", "等级体系", "tier set"),
    ("draws", "id", "抽奖活动", "draw"),
)
_WORDS = {
    "name": ("名称", "name"),
    "ratio": ("比例", "ratio"),
    "fixed": ("固定积分", "fixed points"),
    "steps": ("阶梯", "steps"),
    "progressive": ("累进", "progressive rates"),
    "coefficient": ("系数", "coefficient"),
    "formula": ("公式", "formula"),
    "basis": ("计算范围", "basis"),
    "rounding": ("取整", "rounding"),
    "pending_days": ("待生效天数", "pending days"),
    "expiry": ("有效期", "expiry"),
    "event": ("触发事件", "event"),
    "window": ("时间窗口", "window"),
    "audience": ("人群条件", "audience"),
    "when": ("条件", "condition"),
    "lines": ("商品行条件", "line filter"),
    "group": ("规则组", "group"),
    "priority": ("优先级", "priority"),
    "caps": ("上限", "caps"),
    "campaign": ("活动", "campaign"),
    "wallet": ("积分账户", "wallet"),
    "budgets": ("预算", "budgets"),
    "value": ("价值", "value"),
    "pick": ("取法", "way of picking"),
    "schema": ("数据格式", "schema"),
    "type": ("类型", "type"),
    "currency": ("币种", "currency"),
    "time_zone": ("时区", "time zone"),
    "register_unknown_members": ("自动注册", "registration of unknown members"),
    "refunds": ("退款政策", "refund policy"),
    "returns": ("退回政策", "return policy"),
    "holds": ("预占政策", "hold policy"),
    "coefficients": ("系数合并方式", "combination of coefficients"),
    "catalog": ("目录", "catalog"),
    "alarms": ("预警", "alarms"),
    "members": ("会员政策", "policy on members"),
    "choices": ("可选值", "choices"),
    "required": ("必填", "requirement"),
    "period": ("定级周期", "period"),
    "order": ("等级顺序", "order of tiers"),
    "qualify": ("定级条件", "condition"),
    "keep": ("保级条件", "condition for keeping it"),
    "by": ("获得方式", "way to get it"),
    "valid_months": ("有效月数", "months of validity"),
    "benefits": ("权益", "benefits"),
    "downgrade": ("降级方式", "way of falling"),
    "tiers": ("等级", "tiers"),
    "prizes": ("奖项", "prizes"),
    "otherwise": ("替代奖项", "prize given otherwise"),
    "price": ("价格", "price"),
    "ticket": ("抽奖券", "ticket"),
    "pity": ("保底", "pity rule"),
    "limits": ("次数上限", "limits"),
    "budget_cents": ("预算", "budget"),
    "daily_budget_cents": ("每日预算", "budget of a day"),
    "for": ("人群条件", "audience"),
    "retired": ("下架", "retirement"),
    "most_reward_percent": ("最高回馈率", "highest reward rate"),
}
#: A value longer than this is not shown whole.
_SHOWN = 80


def changes_between(before: ProgramDocument, after: ProgramDocument) -> list[Change]:
    """Everything that differs, in the order of the file. Where a rule stands in the file is no difference."""
    old, new = _plain(before), _plain(after)
    listed = {name for name, *_ in _LISTS}
    found = [change for name, key, zh, en in _LISTS for change in _in_list(name, key, zh, en, old, new)]
    found += _in_tiers(old, new)
    for field in ProgramDocument.__struct_fields__:
        if field not in listed and old.get(field) != new.get(field):
            found.append(_changed(f"$.{field}", "积分计划", "the program", field, old.get(field), new.get(field)))
    return found


def _in_list(name: str, key: str, zh: str, en: str, old: dict[str, Any], new: dict[str, Any]) -> Iterator[Change]:
    was = {each[key]: each for each in old.get(name, [])}
    now = {each[key]: each for each in new.get(name, [])}
    for identifier in sorted(was.keys() - now.keys()):
        yield Change(f"$.{name}", f"删除{zh} {identifier}", f"The {en} {identifier} is gone")
    for identifier in sorted(now.keys() - was.keys()):
        yield Change(f"$.{name}", f"新增{zh} {identifier}", f"The {en} {identifier} is new")
    for identifier in sorted(was.keys() & now.keys()):
        one, other = was[identifier], now[identifier]
        for field in sorted((one.keys() | other.keys()) - {"tiers"}):
            if one.get(field) != other.get(field):
                yield _changed(
                    f"$.{name}[{key}={identifier}].{field}",
                    f"{zh} {identifier}",
                    f"the {en} {identifier}",
                    field,
                    one.get(field),
                    other.get(field),
                )


def _in_tiers(old: dict[str, Any], new: dict[str, Any]) -> Iterator[Change]:
    """Tiers within their sets; where one stands in the list is its rank."""
    was = {each["id"]: each for each in old.get("tier_sets", [])}
    for after in new.get("tier_sets", []):
        name, before = after["id"], was.get(after["id"])
        if before is None:
            continue
        yield from _in_list("tiers", "id", f"{name} 的等级", f"tier of {name}", before, after)
        ranks = [[tier["id"] for tier in each["tiers"]] for each in (before, after)]
        kept = [[tier for tier in each if tier in ranks[0] and tier in ranks[1]] for each in ranks]
        if kept[0] != kept[1]:
            yield _changed("$.tiers", f"{name}", f"the tier set {name}", "order", kept[0], kept[1])


def _changed(path: str, zh_owner: str, en_owner: str, field: str, before: Any, after: Any) -> Change:
    zh, en = _WORDS.get(field, (field, field))
    was, becomes = _shown(before), _shown(after)
    if before is None:
        return Change(path, f"{zh_owner}：{zh}设为 {becomes}", f"Of {en_owner} the {en} is now {becomes} (it had none)")
    if after is None:
        return Change(path, f"{zh_owner}：取消{zh}（原为 {was}）", f"Of {en_owner} the {en} is gone (it was {was})")
    return Change(
        path, f"{zh_owner}：{zh}由 {was} 改为 {becomes}", f"Of {en_owner} the {en} was {was} and is now {becomes}"
    )


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def _plain(document: ProgramDocument) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(document))
    return plain


def in_words(changes: Sequence[Change], say: Callable[[str, str], str]) -> list[str]:
    """The changes as sentences of one language."""
    return [say(change.zh, change.en) for change in changes]
