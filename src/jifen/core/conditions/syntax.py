"""A checked condition as a tree. Whoever translates conditions (closures, SQL, solver) walks these nodes.

`position` is an offset in the source in characters (code points): of an operator, of the opening parenthesis of a
call, of the last dot of a dotted name or field, else of the first character. `place_of` makes line and column of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import msgspec

ValueType = Literal[
    "bool",
    "int",
    "string",
    "timestamp",
    "duration",
    "line",
    "bools",
    "ints",
    "strings",
    "timestamps",
    "durations",
    "lines",
]
"""The type of a node. The plural is a list of the singular."""


class Constant(msgspec.Struct, frozen=True, tag=True, tag_field="node"):
    """A value that stands in the source: bool, int or string."""

    type: ValueType
    value: bool | int | str
    position: int


class Name(msgspec.Struct, frozen=True, tag=True, tag_field="node"):
    """A name of the vocabulary or the variable of a quantifier around it; the two never share a name."""

    type: ValueType
    name: str
    position: int


class Member(msgspec.Struct, frozen=True, tag=True, tag_field="node"):
    """A field (of LINE_FIELDS) of an order line."""

    type: ValueType
    operand: Node
    field: str
    position: int


class Call(msgspec.Struct, frozen=True, tag=True, tag_field="node"):
    """An operator (`_==_`, `_&&_`, `@in`, `_?_:_`) or a function (`size`); a method's target is its first argument.

    `overload` says which one by CEL's name, such as `greater_equals_int64`.
    """

    type: ValueType
    function: str
    overload: str
    arguments: tuple[Node, ...]
    position: int


class ListLiteral(msgspec.Struct, frozen=True, tag=True, tag_field="node"):
    """A list that stands in the source."""

    type: ValueType
    elements: tuple[Node, ...]
    position: int


class Quantifier(msgspec.Struct, frozen=True, tag=True, tag_field="node"):
    """Whether all, at least one or exactly one element of a list meets a condition over `variable`."""

    kind: Literal["all", "exists", "exists_one"]
    variable: str
    range: Node
    condition: Node
    position: int
    type: ValueType = "bool"


Node = Constant | Name | Member | Call | ListLiteral | Quantifier


def children_of(node: Node) -> tuple[Node, ...]:
    """The nodes right below."""
    match node:
        case Member():
            return (node.operand,)
        case Call():
            return node.arguments
        case ListLiteral():
            return node.elements
        case Quantifier():
            return (node.range, node.condition)
        case _:
            return ()


def with_part(node: Node, part: Node) -> Node:
    """The tree with another node where one of the same position stands, the topmost of them."""
    if node.position == part.position:
        return part
    match node:
        case Member():
            return msgspec.structs.replace(node, operand=with_part(node.operand, part))
        case Call():
            return msgspec.structs.replace(node, arguments=tuple(with_part(each, part) for each in node.arguments))
        case ListLiteral():
            return msgspec.structs.replace(node, elements=tuple(with_part(each, part) for each in node.elements))
        case Quantifier():
            inner = [with_part(each, part) for each in (node.range, node.condition)]
            return msgspec.structs.replace(node, range=inner[0], condition=inner[1])
        case _:
            return node


def walk(node: Node) -> Iterator[Node]:
    """The node and all below it, from the top."""
    yield node
    for child in children_of(node):
        yield from walk(child)


def conjuncts(node: Node) -> Iterator[Node]:
    """The terms of a conjunction, in the order of the source; the node itself where it is none."""
    yield from _terms(node, "_&&_")


def disjuncts(node: Node) -> Iterator[Node]:
    """The terms of a disjunction, in the order of the source; the node itself where it is none."""
    yield from _terms(node, "_||_")


def _terms(node: Node, operator: str) -> Iterator[Node]:
    # CEL balances long chains, so that terms stand at different depths.
    if isinstance(node, Call) and node.function == operator:
        for argument in node.arguments:
            yield from _terms(argument, operator)
    else:
        yield node


def is_arithmetic(node: Node) -> bool:
    """Whether this makes a number of numbers, and so may leave the 64 bits that numbers have."""
    return isinstance(node, Call) and node.type == "int" and node.overload.endswith("_int64")


def place_of(source: str, position: int) -> tuple[int, int]:
    """Line and column of a position, both counted from 1, columns in characters (a tab is one)."""
    before = source[: max(position, 0)]
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
