"""From the checked tree of a condition to a formula.

Texts are whole numbers: each constant has one, and any other number stands for some other text. A list of texts is a
truth value for each constant that is asked for. What a formula cannot say exactly is not said at all: `Beyond`.
"""

from __future__ import annotations

from typing import Any

import z3

from jifen.core.conditions.syntax import Call, Constant, ListLiteral, Name, Node
from jifen.core.limits import MAXIMUM_AMOUNT, MAXIMUM_LINES, MAXIMUM_QUANTITY

LINE_PREFIX = "line."


class Beyond(Exception):
    """A condition, or a part of it, that is not provable; the message says which part."""


class Encoder:
    """The facts of one symbolic event, and conditions about them as formulas."""

    def __init__(self) -> None:
        self.context = z3.Context()
        self.codes: dict[str, int] = {"": 0}
        self.variables: dict[str, Any] = {}
        self.held: dict[tuple[str, str], Any] = {}

    def code(self, text: str) -> int:
        """The number of a text."""
        return self.codes.setdefault(text, len(self.codes))

    def text_of(self, code: int) -> str:
        """The text of a number; some other text where it stands for none."""
        return next((text for text, each in self.codes.items() if each == code), f"other-{abs(code)}")

    def variable(self, name: str, kind: str) -> Any:
        """The variable of a fact."""
        if name not in self.variables:
            make = z3.Bool if kind == "bool" else z3.Int
            self.variables[name] = make(name, self.context)
        return self.variables[name]

    def number(self, name: str) -> Any:
        """The variable of a fact that is a whole number."""
        return self.variable(name, "int")

    def formula(self, node: Node, line: str = LINE_PREFIX) -> Any:
        """The formula of a node. `line`: what stands for `line.` in the names of a line's fields. Raises Beyond."""
        match node:
            case Constant(type="bool", value=value):
                return z3.BoolVal(bool(value), self.context)
            case Constant(type="int", value=value):
                return z3.IntVal(int(value), self.context)
            case Constant(type="string", value=value):
                return z3.IntVal(self.code(str(value)), self.context)
            case Name(type="bool" | "int" | "string" as kind, name=name):
                return self.variable(name.replace(LINE_PREFIX, line, 1) if name.startswith(LINE_PREFIX) else name, kind)
            case Call(function="@in", arguments=(Constant(value=value), Name(type="strings", name=name))):
                key = (name, str(value))
                if key not in self.held:
                    self.held[key] = z3.Bool(f"{name} holds {value}", self.context)
                return self.held[key]
            case Call(function="@in", arguments=(element, ListLiteral(elements=elements))):
                one = self.formula(element, line)
                return z3.Or(*(one == self.formula(each, line) for each in elements), z3.BoolVal(False, self.context))
            case Call():
                return self._call(node, line)
        raise Beyond(f"{type(node).__name__.lower()} of type {node.type}")

    def _call(self, node: Call, line: str) -> Any:
        texts = any(each.type == "string" for each in node.arguments)
        if texts and node.function not in ("_==_", "_!=_", "_?_:_"):
            raise Beyond(node.function)
        if any(each.type not in ("bool", "int", "string") for each in node.arguments):
            raise Beyond(node.function)
        by_constant = [isinstance(each, Constant) for each in node.arguments]
        if (node.function in ("_/_", "_%_") and not by_constant[1]) or (
            node.function == "_*_" and not any(by_constant)
        ):
            raise Beyond(f"{node.function} of two facts")
        values = [self.formula(each, line) for each in node.arguments]
        match node.function, values:
            case "_&&_", _:
                return z3.And(*values)
            case "_||_", _:
                return z3.Or(*values)
            case "!_", [one]:
                return z3.Not(one)
            case "_==_", [one, other]:
                return one == other
            case "_!=_", [one, other]:
                return one != other
            case "_<_", [one, other]:
                return one < other
            case "_<=_", [one, other]:
                return one <= other
            case "_>_", [one, other]:
                return one > other
            case "_>=_", [one, other]:
                return one >= other
            case "_+_", [one, other]:
                return one + other
            case "_-_", [one, other]:
                return one - other
            case "_*_", [one, other]:
                return one * other
            case "_/_", [one, other]:
                # Truncates towards zero, where the solver rounds so that the remainder is never negative.
                return z3.If(one >= 0, one / other, -((-one) / other)) if _positive(node) else _beyond("_/_")
            case "_%_", [one, other]:
                return z3.If(one >= 0, one % other, -((-one) % other)) if _positive(node) else _beyond("_%_")
            case "-_", [one]:
                return -one
            case "_?_:_", [which, one, other]:
                return z3.If(which, one, other)
        raise Beyond(node.function)

    def natural_bounds(self) -> list[Any]:
        """What always holds of the facts about members and moments that were named so far."""
        number, context = self.number, self.context
        orders, since = number("member.orders"), number("member.days_since_last_order")
        month, year, total = (number(f"member.spent_cents_{each}") for each in ("month", "year", "total"))
        birth_month, birth_day = number("member.birthday_month"), number("member.birthday_day")
        bounds = [
            orders >= 0,
            since >= -1,
            (since == -1) == (orders == 0),
            z3.And(month >= 0, month <= year, year <= total, total <= MAXIMUM_AMOUNT),
            z3.Implies(orders == 0, total == 0),
            z3.Bool("member.is_first_order", context) == (orders == 0),
            number("member.checkin_streak") >= 0,
            number("member.days_since_registration") >= 0,
            z3.Or(
                z3.And(birth_month == 0, birth_day == 0), z3.And(birth_month >= 1, birth_month <= 12, birth_day >= 1)
            ),
            birth_day <= 31,
            z3.Bool("member.is_birthday_month", context) == (birth_month == number("now.month")),
            z3.Bool("member.is_birthday", context)
            == z3.And(birth_month == number("now.month"), birth_day == number("now.day")),
        ]
        ranges = {
            "weekday": (1, 7),
            "hour": (0, 23),
            "minute": (0, 59),
            "day": (1, 31),
            "month": (1, 12),
            "year": (1970, 9998),
        }
        for name, (least, most) in ranges.items():
            bounds += [number(f"now.{name}") >= least, number(f"now.{name}") <= most]
        return bounds

    def order_bounds(self, lines: list[str]) -> list[Any]:
        """An order of these lines, and of others of which nothing is known."""
        number = self.number
        paid = [number(f"{line}paid_cents") for line in lines]
        quantity = [number(f"{line}quantity") for line in lines]
        rest_paid, rest_quantity, rest = number("rest.paid_cents"), number("rest.quantity"), number("rest.lines")
        bounds = [z3.And(each >= 0, each <= MAXIMUM_AMOUNT) for each in paid]
        bounds += [z3.And(each >= 1, each <= MAXIMUM_QUANTITY) for each in quantity]
        return [
            *bounds,
            rest >= (0 if lines else 1),
            rest <= MAXIMUM_LINES - len(lines),
            rest_paid >= 0,
            rest_quantity >= rest,
            z3.Implies(rest == 0, z3.And(rest_paid == 0, rest_quantity == 0)),
            number("order.total_cents") == z3.Sum([*paid, rest_paid]),
            number("order.total_cents") <= MAXIMUM_AMOUNT,
            number("order.quantity") == z3.Sum([*quantity, rest_quantity]),
            number("order.line_count") == len(lines) + rest,
        ]


def _positive(node: Call) -> bool:
    divisor = node.arguments[1]
    return isinstance(divisor, Constant) and isinstance(divisor.value, int) and divisor.value > 0


def _beyond(what: str) -> Any:
    raise Beyond(f"{what} by zero or less")
