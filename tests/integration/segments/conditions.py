"""Random conditions over members, and random members: for comparing what SQL says with what CEL says."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from random import Random
from typing import Any, Final

from jifen.core.rules.document import MemberField
from jifen.core.rules.standing import Counters, Profile

FIELDS: Final = [MemberField("size", "int"), MemberField("tea", "string"), MemberField("vip", "bool")]
EDGES: Final = [0, 1, -1, 2, 3, 7, -7, 100, 2**53, 2**62, 2**63 - 1, -(2**63) + 1, -(2**63)]
TEXTS: Final = ["", "a", "A", "ab", "b", "茶", "茶😀", "gold", "\uffff", "😀"]
LISTS: Final = ["vip", "tea-club"]
NUMBERS: Final = [
    "member.days_since_registration",
    "member.birthday_month",
    "member.birthday_day",
    "member.orders",
    "member.spent_cents_month",
    "member.spent_cents_year",
    "member.spent_cents_total",
    "member.days_since_last_order",
    "member.checkin_streak",
    "member.fields.size",
    "balance.points",
    "balance.growth",
    "now.year",
    "now.month",
    "now.hour",
    "now.weekday",
]
TRUTHS: Final = [
    "member.is_birthday",
    "member.is_birthday_month",
    "member.in_birthday_window",
    "member.is_first_order",
    "member.fields.vip",
    "true",
]
NAMES: Final = ["member.tier", "member.channel", "member.fields.tea", "member.tiers.club"]
_COMPARISONS: Final = ["==", "!=", "<", "<=", ">", ">="]


class Conditions:
    """Writes conditions; `variable` is that of the quantifier around, if there is one."""

    def __init__(self, random: Random) -> None:
        self.random = random

    def number(self, depth: int, variable: str = "") -> str:
        if depth == 0 or self.random.random() < 0.3:
            return self.random.choice([self.random.choice(NUMBERS), str(self.random.choice(EDGES))])
        choices: list[Callable[[], str]] = [
            *[lambda: self._infix(self.number, ["+", "-", "*", "/", "%"], depth, variable)] * 3,
            lambda: f"(-({self.number(depth - 1, variable)}))",
            lambda: f"size({self.text(depth - 1, variable)})",
            lambda: self.random.choice(["size(member.tags)", "member.segments.size()"]),
            lambda: self._choice(self.number, depth, variable),
        ]
        return self.random.choice(choices)()

    def text(self, depth: int, variable: str = "") -> str:
        if depth > 0 and self.random.random() < 0.2:
            if self.random.random() < 0.3:
                return f"string({self.number(depth - 1, variable)})"
            return self._choice(self.text, depth, variable)
        names = [*NAMES, *([variable] * 3 if variable else [])]
        return self.random.choice([self.random.choice(names), f"'{self.random.choice(TEXTS)}'"])

    def truth(self, depth: int, variable: str = "") -> str:
        if depth == 0 or self.random.random() < 0.05:
            return self.random.choice(TRUTHS)
        choices: list[Callable[[], str]] = [
            *[lambda: self._infix(self.number, _COMPARISONS, depth, variable)] * 3,
            lambda: self._infix(self.text, _COMPARISONS, depth, variable),
            lambda: self._infix(self.truth, _COMPARISONS, depth, variable),
            *[lambda: self._logic(depth, variable)] * 3,
            lambda: f"(!{self.truth(depth - 1, variable)})",
            lambda: self._choice(self.truth, depth, variable),
            lambda: f"({self.text(depth - 1, variable)} in {self.random.choice(['member.tags', 'member.segments'])})",
            lambda: f"('{self.random.choice(LISTS)}' in member.segments)",
            lambda: f"({self.text(depth - 1, variable)} in ['a', 'gold', '茶'])",
            lambda: f"({self.number(depth - 1, variable)} in [0, 1, 7, -1])",
            lambda: self._method(depth, variable),
            self._instant,
        ]
        if not variable:
            choices += [lambda: self._quantifier(depth)] * 2
        return self.random.choice(choices)()

    def _infix(self, operand: Callable[[int, str], str], signs: list[str], depth: int, variable: str) -> str:
        left, right = (operand(depth - 1, variable) for _ in range(2))
        return f"({left} {self.random.choice(signs)} {right})"

    def _choice(self, operand: Callable[[int, str], str], depth: int, variable: str) -> str:
        then, otherwise = (operand(depth - 1, variable) for _ in range(2))
        return f"({self.truth(depth - 1, variable)} ? {then} : {otherwise})"

    def _logic(self, depth: int, variable: str) -> str:
        terms = [self.truth(depth - 1, variable) for _ in range(self.random.randint(2, 4))]
        return f"({self.random.choice([' && ', ' || ']).join(terms)})"

    def _method(self, depth: int, variable: str) -> str:
        method = self.random.choice(["startsWith", "endsWith", "contains"])
        return f"{self.text(depth - 1, variable)}.{method}({self.text(depth - 1, variable)})"

    def _instant(self) -> str:
        # The last two have no SQL: then members are candidates.
        return self.random.choice(
            [
                'member.registered_at < timestamp("2026-03-01T00:00:00+08:00")',
                'now - member.registered_at >= duration("2400h")',
                'member.registered_at > now - duration("2400h")',
                'member.tier.matches("^g.*d$")',
            ]
        )

    def _quantifier(self, depth: int) -> str:
        kind = self.random.choice(["all", "exists", "exists_one"])
        elements = self.random.choice(["member.tags", "member.segments"])
        return f"{elements}.{kind}(each, {self.truth(depth - 1, 'each')})"


def random_profile(random: Random, day: date) -> Profile | None:
    """What was said of a member: nothing, part of it, values of other types than the fields have."""
    if random.random() < 0.15:
        return None
    birthday = random.choice([None, "02-29", f"1990-{day:%m-%d}", f"{day:%m}-01", "1987-12-31"])
    begin = None if random.random() < 0.5 else (day - timedelta(days=random.randint(-3, 40))).isoformat()
    fields: dict[str, Any] = {}
    if random.random() < 0.7:
        fields["size"] = random.choice([*EDGES, 2**64, "large", True])
    if random.random() < 0.7:
        fields["tea"] = random.choice([*TEXTS, 5])
    if random.random() < 0.7:
        fields["vip"] = random.choice([True, False, "yes"])
    return Profile(
        random.choice(TEXTS),
        random.choices(TEXTS, k=random.randint(0, 3)),
        random.choices([*TEXTS, *LISTS], k=random.choice([0, 0, 1, 3])),
        random.choice(TEXTS),
        birthday=birthday,
        birthday_window_from=begin,
        birthday_window_days=random.choice([30, 7, 1]),
        fields=fields,
    )


def random_counters(random: Random, day: date) -> Counters | None:
    """What a member's events add up to: nothing, of other months and years, at the edge of 64 bits."""
    if random.random() < 0.15:
        return None
    return Counters(
        random.choice([0, 0, 1, 3, 7, 2**63 - 1]),
        random.choice(EDGES),
        random.choice(["", f"{day:%Y-%m}", "2025-01"]),
        random.choice(EDGES),
        random.choice([0, day.year, day.year - 1]),
        random.choice(EDGES),
        random.choice([None, day, day - timedelta(days=40), day + timedelta(days=2)]),
        random.choice([0, 1, 5, 40]),
        random.choice([None, day, day - timedelta(days=1), day - timedelta(days=2), day + timedelta(days=3)]),
    )
