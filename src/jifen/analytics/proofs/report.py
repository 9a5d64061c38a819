"""What the check of a program's rules comes to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, Literal

import msgspec

from jifen.analytics.proofs.undecided import Undecided

#: So many of those that were not reached are named.
MOST_NAMED: Final = 10

FindingKind = Literal[
    "never_true",
    "can_fail",
    "shadowed",
    "ambiguous",
    "multiplying_overlap",
    "gap",
    "rate_exceeded",
    "gaining_loop",
    "idle_cap",
    "unknown_reference",
    "magnitude",
    "utc_clock",
    "unreachable_tier",
    "lost_fee",
]


class Counterexample(msgspec.Struct, frozen=True):
    """A CloudEvent, the facts of a member and an instant with which `rules try` shows the finding."""

    event: dict[str, Any]
    member: dict[str, Any]
    at: str


class FilePlace(msgspec.Struct, frozen=True):
    """A part of the program's file, by its path (`$.earning[0].when`), and by line and column where they are known."""

    path: str
    line: int | None = None
    column: int | None = None


class Finding(msgspec.Struct, frozen=True):
    """Something that rules do, or do not, and that their author will hardly want. `place`: of what it is about, where
    that is a part of the file and not rules as a whole."""

    kind: FindingKind
    rules: list[str]
    message: str
    message_zh: str
    message_en: str
    counterexample: Counterexample | None = None
    place: FilePlace | None = None


class NotProven(msgspec.Struct, frozen=True):
    """A rule of which something could not be proven, and why; `place` as for a finding."""

    rule: str
    why: str
    why_zh: str
    why_en: str
    place: FilePlace | None = None


class HighestReward(msgspec.Struct, frozen=True):
    """The order that gives back most of those that were found: the percentage, rounded down, and what shows it."""

    percent: str
    example: Counterexample


class CheckReport(msgspec.Struct, frozen=True):
    """All findings, and what could not be proven. `highest_reward_percent`: what no order can pass, where known;
    `highest_reward_found`: how near to it an order comes that was found and rated."""

    findings: list[Finding]
    not_proven: list[NotProven]
    highest_reward_percent: str | None = None
    highest_reward_found: HighestReward | None = None


def finding(
    kind: FindingKind,
    rules: list[str],
    zh: str,
    en: str,
    counterexample: Counterexample | None = None,
    place: FilePlace | None = None,
) -> Finding:
    """A finding in both languages; `message` has both, Chinese first."""
    return Finding(kind, rules, f"{zh} / {en}", zh, en, counterexample, place)


def not_proven(rule: str, zh: str, en: str, place: FilePlace | None = None) -> NotProven:
    """What could not be proven of a rule, in both languages; `why` has both, Chinese first."""
    return NotProven(rule, f"{zh} / {en}", zh, en, place)


def gave_up(rule: str, kind: FindingKind, reason: Undecided, others: Iterable[str] = ()) -> NotProven:
    """A question that was left open."""
    named = list(others)
    of_zh = f"（与 {'、'.join(named)}）" if named else ""
    of_en = f" (with {', '.join(named)})" if named else ""
    zh = f"{kind}{of_zh}：求解器没有给出答案（{reason.zh}）"
    return not_proven(rule, zh, f"{kind}{of_en}: no answer ({reason.en})")


def not_shown(rule: str, kind: FindingKind, others: Iterable[str] = ()) -> NotProven:
    """A question for which an event was found that, rated for real, does not show it."""
    named = list(others)
    of_zh = f"（与 {'、'.join(named)}）" if named else ""
    of_en = f" (with {', '.join(named)})" if named else ""
    zh = f"{kind}{of_zh}：既没有证明不会发生，实际计算也没有再现"
    return not_proven(rule, zh, f"{kind}{of_en}: not proven impossible, but the event that was found does not show it")


def not_reached(kinds: str, owners: Sequence[str]) -> NotProven:
    """What was not asked, or not to the end, because the check as a whole had taken what it may."""
    named, more = ", ".join(owners[:MOST_NAMED]), len(owners) - MOST_NAMED
    of_zh, of_en = (f"{named} 等 {len(owners)} 条规则", f"{named} and {more} more") if more > 0 else (named, named)
    zh = f"{kinds}：整个检查的计算量已用完，未检查或未检查完：{of_zh}"
    en = f"{kinds}: the check as a whole has taken what it may; not, or not wholly, checked: {of_en}"
    return not_proven(owners[0], zh, en)
