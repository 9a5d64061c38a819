"""What the check of a program's rules comes to."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

FindingKind = Literal[
    "never_true",
    "shadowed",
    "ambiguous",
    "multiplying_overlap",
    "gap",
    "rate_exceeded",
    "gaining_loop",
    "idle_cap",
    "unknown_reference",
    "magnitude",
]


class Counterexample(msgspec.Struct, frozen=True):
    """A CloudEvent, the facts of a member and an instant with which `rules try` shows the finding."""

    event: dict[str, Any]
    member: dict[str, Any]
    at: str


class Finding(msgspec.Struct, frozen=True):
    """Something that rules do, or do not, and that their author will hardly want."""

    kind: FindingKind
    rules: list[str]
    message: str
    message_zh: str
    message_en: str
    counterexample: Counterexample | None = None


class NotProven(msgspec.Struct, frozen=True):
    """A rule of which something could not be proven, and why."""

    rule: str
    why: str


class CheckReport(msgspec.Struct, frozen=True):
    """All findings, and what could not be proven. `highest_reward_percent`: what no order can pass, where known."""

    findings: list[Finding]
    not_proven: list[NotProven]
    highest_reward_percent: str | None = None


def finding(
    kind: FindingKind, rules: list[str], zh: str, en: str, counterexample: Counterexample | None = None
) -> Finding:
    """A finding in both languages; `message` has both, Chinese first."""
    return Finding(kind, rules, f"{zh} / {en}", zh, en, counterexample)
