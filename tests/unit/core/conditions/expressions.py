"""Random expressions and facts. Drawn by a seeded generator: hypothesis' own liking for small examples rarely gets to
arithmetic inside quantifiers."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any, Final

from tests.unit.core.conditions.shop import line

EDGES: Final = [0, 1, -1, 2, -2, 3, -3, 7, -7, 100, 2**62, 2**63 - 1, -(2**63) + 1, -(2**63)]
SMALL: Final = EDGES[:10]
TEXTS: Final = ["", "a", "A", "ab", "b", "茶", "茶😀", "gold", "\uffff", "😀"]
_COMPARISONS: Final = ["==", "!=", "<", "<=", ">", ">="]


class Expressions:
    """Writes expressions of a wanted type; `variables` are those of the quantifiers around, and their kinds."""

    def __init__(self, random: Random) -> None:
        self.random = random

    def number(self, depth: int, variables: dict[str, str]) -> str:
        """Names, fields, constants, arithmetic, sizes, a choice."""
        if depth == 0 or self.random.random() < 0.2:
            fields = [f"{name}.{field}" for name in _of(variables, "line") for field in ("quantity", "paid_cents")]
            names = ["order.total_cents", "order.discount_cents", "now.hour", *fields, *fields]
            return self.random.choice([self.random.choice(names), str(self.random.choice(EDGES))])
        return self._one_of(
            *[lambda: self._infix(self.number, ["+", "-", "*", "/", "%"], depth, variables)] * 3,
            lambda: f"(-({self.number(depth - 1, variables)}))",
            lambda: f"size({self.text(depth - 1, variables)})",
            lambda: self.random.choice(["size(order.lines)", "member.tags.size()"]),
            lambda: (
                f"({self.truth(depth - 1, variables)} ? {self.number(depth - 1, variables)}"
                f" : {self.number(depth - 1, variables)})"
            ),
        )

    def text(self, depth: int, variables: dict[str, str]) -> str:
        """Names, fields, constants, a choice."""
        if depth > 0 and self.random.random() < 0.1:
            left, right = (self.text(depth - 1, variables) for _ in range(2))
            return f"({self.truth(depth - 1, variables)} ? {left} : {right})"
        fields = [*_of(variables, "text"), *(f"{name}.sku" for name in _of(variables, "line"))]
        names = ["order.channel", "member.tier", *fields, *fields]
        return self.random.choice([self.random.choice(names), f"'{self.random.choice(TEXTS)}'"])

    def truth(self, depth: int, variables: dict[str, str]) -> str:
        """Comparisons, logic, membership, methods of texts, quantifiers."""
        if depth == 0 or self.random.random() < 0.05:
            return self.random.choice(["member.vip", "true", "false"])
        choices = [
            *[lambda: self._infix(self.number, _COMPARISONS, depth, variables)] * 2,
            lambda: self._infix(self.text, _COMPARISONS, depth, variables),
            lambda: self._infix(self.truth, _COMPARISONS, depth, variables),
            *[lambda: self._logic(depth, variables)] * 3,
            lambda: f"(!{self.truth(depth - 1, variables)})",
            lambda: self._membership(depth, variables),
            lambda: (
                f"{self.text(depth - 1, variables)}.{self.random.choice(['startsWith', 'endsWith', 'contains'])}"
                f"({self.text(depth - 1, variables)})"
            ),
        ]
        if len(variables) < 2:
            choices += [lambda: self._quantifier(depth, variables)] * 3
        return self._one_of(*choices)

    def _one_of(self, *writers: Callable[[], str]) -> str:
        return self.random.choice(writers)()

    def _infix(
        self, operand: Callable[[int, dict[str, str]], str], signs: list[str], depth: int, variables: dict[str, str]
    ) -> str:
        left, right = (operand(depth - 1, variables) for _ in range(2))
        return f"({left} {self.random.choice(signs)} {right})"

    def _logic(self, depth: int, variables: dict[str, str]) -> str:
        terms = [self.truth(depth - 1, variables) for _ in range(self.random.randint(2, 4))]
        return f"({self.random.choice([' && ', ' || ']).join(terms)})"

    def _membership(self, depth: int, variables: dict[str, str]) -> str:
        if self.random.random() < 0.3:
            return f"({self.text(depth - 1, variables)} in member.tags)"
        operand = self.random.choice([self.number, self.text])
        elements = [operand(self.random.choice([0, depth - 1]), variables) for _ in range(self.random.randint(1, 3))]
        return f"({operand(depth - 1, variables)} in [{', '.join(elements)}])"

    def _quantifier(self, depth: int, variables: dict[str, str]) -> str:
        variable = f"v{len(variables)}"
        kind, ranges = self.random.choice(
            [("line", ["order.lines"]), ("text", ["member.tags", "['a', member.tier]", "['', 'b', '茶']"])]
        )
        condition = self.truth(depth - 1, {**variables, variable: kind})
        quantifier = self.random.choice(["all", "exists", "exists_one"])
        return f"{self.random.choice(ranges)}.{quantifier}({variable}, {condition})"


def _of(variables: dict[str, str], kind: str) -> list[str]:
    return [name for name, each in variables.items() if each == kind]


def random_facts(random: Random) -> dict[str, Any]:
    """Facts for every name; now and then one is missing."""
    numbers = random.choice([SMALL, EDGES])
    lines = [
        line(random.choice(TEXTS), quantity=random.choice(numbers), paid_cents=random.choice(numbers))
        for _ in range(random.randint(0, 3))
    ]
    found: dict[str, Any] = {
        "order.total_cents": random.choice(numbers),
        "order.discount_cents": random.choice(numbers),
        "now.hour": random.choice(numbers),
        "order.channel": random.choice(TEXTS),
        "member.tier": random.choice(TEXTS),
        "member.vip": random.random() < 0.5,
        "member.tags": random.choices(TEXTS, k=random.randint(0, 3)),
        "order.lines": lines,
    }
    if random.random() < 0.2:
        del found[random.choice(list(found))]
    return found
