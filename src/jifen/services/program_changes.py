"""What changed between two programs, field by field in words, in Chinese and English."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Final

import msgspec

from jifen.analytics.proofs.places import places_beside_rules, places_of_rule
from jifen.core.program import Program, ProgramDocument
from jifen.core.rules.document import ORDER_COMPLETED
from jifen.core.wording.conditions import localized_condition
from jifen.core.wording.values import Said
from jifen.services.program_defaults import default_of, without_empty
from jifen.services.program_words import ProgramWords, field_in_words, is_whole


class Change(msgspec.Struct, frozen=True):
    """One thing that changed: where (`path`), and in words."""

    path: str
    zh: str
    en: str


#: Lists of things that have an id of their own: by which field, and what they are called.
LISTS: Final[dict[str, tuple[str, str, str]]] = {
    "earning": ("id", "规则", "rule"),
    "wallets": ("id", "积分账户", "wallet"),
    "groups": ("id", "规则组", "group"),
    "campaigns": ("id", "活动", "campaign"),
    "fields": ("id", "会员字段", "member field"),
    "choices": ("value", "可选值", "choice"),
    "events": ("type", "事件类型", "type of event"),
    "tier_sets": ("id", "等级体系", "tier set"),
    "tiers": ("id", "等级", "tier"),
    "rewards": ("id", "兑换品", "reward"),
    "approvals": ("id", "审批流", "approval flow"),
    "conversions": ("id", "转换规则", "conversion"),
    "draws": ("id", "抽奖活动", "draw"),
    "prizes": ("id", "奖项", "prize"),
    "issuance": ("id", "发放预警", "alarm of issue"),
    "reasons": ("code", "原因", "reason"),
}
_PROGRAM: Final = ("积分计划", "the program")
#: Where one stands among the others means something.
_ORDERED: Final = ("tiers",)
#: The fields that say which kind of thing a structure is: of another kind, its parts are others.
_TAGS: Final = ("policy", "kind", "face")


def changes_between(before: ProgramDocument, after: ProgramDocument) -> list[Change]:
    """Everything that differs, in the order of the file. Where a rule stands in the file is no difference."""
    old, new = _plain(before), _plain(after)
    words = [ProgramWords(each.currency, partial(_conditions_of, each)) for each in (before, after)]
    comparison = _Comparison(*words)
    listed = [name for name in LISTS if name in ProgramDocument.__struct_fields__]
    others = [name for name in ProgramDocument.__struct_fields__ if name not in listed]
    return [
        change
        for name in (*listed, *others)
        for change in comparison.differences(
            f"$.{name}", _PROGRAM, name, field_in_words(name), old.get(name), new.get(name)
        )
    ]


def _conditions_of(document: ProgramDocument) -> dict[str, Said]:
    """What the conditions of a program ask for, by their text."""
    program = Program(0, document, {wallet.id: number for number, wallet in enumerate(document.wallets, 1)})
    rules = [rule for book in program.books.values() for rule in book.by_id.values()]
    places = [*(place for rule in rules for place in places_of_rule(rule)), *places_beside_rules(program)]
    found = {}
    for place in places:
        if place.condition.result == "bool":
            said = localized_condition(program, place.condition)
            found[place.condition.source] = (said.zh, said.en)
    return found


def in_words(changes: Sequence[Change], say: Callable[[str, str], str]) -> list[str]:
    """The changes as sentences of one language."""
    return [say(change.zh, change.en) for change in changes]


def _has_ids(value: Any, key: str) -> bool:
    return value is None or (isinstance(value, list) and all(isinstance(each, dict) and key in each for each in value))


def _named(words: ProgramWords, thing: dict[str, Any], identifier: Any) -> Said:
    """Something by its id, and by its name where it has one."""
    name = thing.get("name")
    if not isinstance(name, dict):
        return str(identifier), str(identifier)
    zh, en = words.value("name", name)
    return f"{identifier}{zh}", f"{identifier} ({en})"


def _told_whole(words: ProgramWords, key: str, thing: dict[str, Any]) -> tuple[Said, Said]:
    """Something that came or went: its name, and all that is said of it."""
    about = {part: value for part, value in thing.items() if part not in (key, "name")}
    zh, en = words.structure(about)
    return _named(words, thing, thing[key]), (f"：{zh}", f": {en}") if about else ("", "")


def _is_one_thing(before: dict[str, Any], after: dict[str, Any]) -> bool:
    """Whether a structure is told whole: it says little in parts, or is of another kind than it was."""
    if is_whole(before) or is_whole(after):
        return True
    return any(before.get(tag) != after.get(tag) for tag in _TAGS)


class _Comparison:
    """Two programs, field by field, each in its own words: its currency, its names."""

    def __init__(self, before: ProgramWords, after: ProgramWords) -> None:
        self._before = before
        self._words = after

    def differences(self, path: str, owner: Said, field: str, label: Said, before: Any, after: Any) -> Iterator[Change]:
        """What differs in a field. `label`: how it is called among all that belongs to the owner."""
        usual = default_of(path) if None in (before, after) else None
        if before == after or (usual is not None and usual in (before, after)):
            return
        # What the file does not say is not nothing.
        was, now = (usual | (each or {}) if isinstance(usual, dict) else each for each in (before, after))
        known = LISTS.get(field)
        if known is not None and _has_ids(before, known[0]) and _has_ids(after, known[0]):
            yield from self._in_list(path, owner, field, before or [], after or [])
        elif isinstance(was, dict) and isinstance(now, dict) and not _is_one_thing(was, now):
            one, other = before or {}, after or {}
            for part in dict.fromkeys((*one, *other)):
                zh, en = field_in_words(part)
                inner = f"{label[0]}的{zh}", f"{en} of the {label[1]}"
                if ".schema" in path:
                    # A JSON Schema has words of its own.
                    inner = f"{label[0]} {part}", f"{label[1]} {part}"
                yield from self.differences(f"{path}.{part}", owner, part, inner, one.get(part), other.get(part))
        elif isinstance(before, list) and isinstance(after, list):
            yield from self._in_plain_list(path, owner, field, label, before, after)
        else:
            yield self._changed(path, owner, field, label, before, after, usual)

    def _in_list(self, path: str, owner: Said, field: str, before: list[Any], after: list[Any]) -> Iterator[Change]:
        key, zh, en = LISTS[field]
        of_en = ""
        if owner != _PROGRAM:
            zh, of_en = f"{owner[0]}的{zh}", f" of {owner[1]}"
        was, now = ({each[key]: each for each in values} for values in (before, after))
        for identifier in sorted(was.keys() - now.keys(), key=str):
            name, told = _told_whole(self._before, key, was[identifier])
            yield Change(path, f"删除{zh} {name[0]}{told[0]}", f"The {en} {name[1]}{of_en} is gone{told[1]}")
        for identifier in sorted(now.keys() - was.keys(), key=str):
            name, told = _told_whole(self._words, key, now[identifier])
            yield Change(path, f"新增{zh} {name[0]}{told[0]}", f"The {en} {name[1]}{of_en} is new{told[1]}")
        for identifier in sorted(was.keys() & now.keys(), key=str):
            one, other = was[identifier], now[identifier]
            name = _named(self._words, other, identifier)
            thing = f"{zh} {name[0]}", f"the {en} {name[1]}{of_en}"
            for part in sorted(one.keys() | other.keys()):
                place = f"{path}[{key}={identifier}].{part}"
                yield from self.differences(place, thing, part, field_in_words(part), one.get(part), other.get(part))
        kept = [[each[key] for each in values if each[key] in was and each[key] in now] for values in (before, after)]
        if field in _ORDERED and kept[0] != kept[1]:
            yield self._changed(path, owner, "order", field_in_words("order"), *kept)

    def _in_plain_list(
        self, path: str, owner: Said, field: str, label: Said, before: list[Any], after: list[Any]
    ) -> Iterator[Change]:
        """What came and went in a list of things without names."""
        gone, new = [each for each in before if each not in after], [each for each in after if each not in before]
        if not gone and not new:
            yield self._changed(path, owner, field, label, before, after)
        elif gone and new and len(before) == len(after) == 1:
            yield self._changed(path, owner, field, label, before[0], after[0])
        else:
            if gone:
                zh, en = self._before.value(field, gone)
                yield Change(path, f"{owner[0]}：{label[0]}去掉 {zh}", f"Of {owner[1]} the {label[1]} lost {en}")
            if new:
                zh, en = self._words.value(field, new)
                yield Change(path, f"{owner[0]}：{label[0]}增加 {zh}", f"Of {owner[1]} the {label[1]} gained {en}")

    def _changed(
        self, path: str, owner: Said, field: str, label: Said, before: Any, after: Any, usual: Any = None
    ) -> Change:
        """One change; `usual` stands for what is None."""
        zh, en = label
        was, becomes = self._before.value(field, before), self._words.value(field, after)
        if usual is not None:
            told = self._words.value(field, usual)
            told = f"{told[0]}（默认）", f"{told[1]} (the default)"
            was, becomes = (told, becomes) if before is None else (was, told)
            said = f"{zh}由 {was[0]} 改为 {becomes[0]}", f"the {en} changed from {was[1]} to {becomes[1]}"
        elif before is None:
            said = f"{zh}设为 {becomes[0]}", f"the {en} is now {becomes[1]} (it had none)"
        elif after is None:
            said = f"取消{zh}（原为 {was[0]}）", f"the {en} is gone (it was {was[1]})"
        else:
            said = f"{zh}由 {was[0]} 改为 {becomes[0]}", f"the {en} changed from {was[1]} to {becomes[1]}"
        return Change(path, f"{owner[0]}：{said[0]}", f"Of {owner[1]} {said[1]}")


def _plain(document: ProgramDocument) -> dict[str, Any]:
    """The document as a file says it, and the trigger of every rule; what is empty is left out everywhere."""
    plain: dict[str, Any] = without_empty(msgspec.json.decode(msgspec.json.encode(document)))
    plain["earning"] = [{"event": ORDER_COMPLETED} | rule for rule in plain.get("earning", [])]
    return plain
