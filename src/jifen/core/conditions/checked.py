"""Reads the tree that CEL's checker made: a protobuf message of cel.expr.CheckedExpr (cel-spec: syntax.proto,
checked.proto), taken apart by hand because nothing else here needs protobuf.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, Literal

import msgspec

from jifen.core.conditions.fields import LINE_MESSAGE

_MESSAGE: Final = b"type.googleapis.com/cel.expr.CheckedExpr"
_PRIMITIVES: Final = {1: "bool", 2: "int", 3: "uint", 4: "double", 5: "string", 6: "bytes"}
_WELL_KNOWN: Final = {1: "any", 2: "timestamp", 3: "duration"}
_OTHER_TYPES: Final = {
    1: "dyn",
    2: "null",
    4: "wrapper",
    7: "map",
    8: "function",
    10: "parameter",
    11: "type",
    14: "opaque",
}

Kind = Literal["constant", "name", "select", "call", "list", "struct", "comprehension"]


class CheckedNode(msgspec.Struct, frozen=True):
    """A node as CEL has it: macros expanded, types of any kind.

    `name` is that of the variable, field, function, message or iteration variable. `children` are the operand; target
    and arguments; elements; or the range, start, loop condition, step and result of a comprehension. `special` marks
    what only extensions of the language have (optional elements, tests of presence, two iteration variables).
    """

    kind: Kind
    position: int
    type: str
    name: str = ""
    value: bool | int | str | None = None
    overload: str = ""
    children: tuple[CheckedNode, ...] = ()
    special: bool = False


def decode(serialized: bytes) -> CheckedNode:
    """The tree of a serialized, checked expression.

    Raises:
        ValueError: these bytes are something else.
    """
    envelope = _last(serialized)
    if envelope.get(1) != _MESSAGE:
        raise ValueError(f"Expected a checked expression, got {envelope.get(1)!r}.")
    return _Decoder(envelope[2]).root


class _Decoder:
    def __init__(self, data: bytes) -> None:
        self.types: dict[int, str] = {}
        self.overloads: dict[int, tuple[str, ...]] = {}
        self.positions: dict[int, int] = {}
        expression = b""
        for number, value in _fields(data):
            if number == 2:
                entry = _last(value)
                references = [each for each in _fields(entry.get(2, b"")) if each[0] == 3]
                self.overloads[entry.get(1, 0)] = tuple(each.decode() for _, each in references)
            elif number == 3:
                entry = _last(value)
                self.types[entry.get(1, 0)] = _type_name(entry.get(2, b""))
            elif number == 4:
                expression = value
            elif number == 5:
                entries = [_last(each) for key, each in _fields(value) if key == 4]
                self.positions = {entry.get(1, 0): entry.get(2, 0) for entry in entries}
        self.root = self.node(expression)

    def node(self, data: bytes) -> CheckedNode:
        identifier, number, body = 0, 0, b""
        for key, value in _fields(data):
            if key == 2:
                identifier = value
            else:
                number, body = key, value
        position, type_name = self.positions.get(identifier, 0), self.types.get(identifier, "dyn")
        fields = _last(body)
        match number:
            case 3:
                return CheckedNode("constant", position, type_name, value=_constant(fields))
            case 4:
                return CheckedNode("name", position, type_name, fields.get(1, b"").decode())
            case 5:
                operand = (self.node(fields[1]),)
                name = fields[2].decode()
                return CheckedNode("select", position, type_name, name, children=operand, special=bool(fields.get(3)))
            case 6:
                return self._call(position, type_name, body, self.overloads.get(identifier, ()))
            case 7:
                elements = tuple(self.node(value) for key, value in _fields(body) if key == 1)
                return CheckedNode("list", position, type_name, children=elements, special=2 in fields)
            case 8:
                return CheckedNode("struct", position, type_name, fields.get(1, b"").decode())
            case 9:
                parts = tuple(self.node(fields[key]) for key in (2, 4, 5, 6, 7))
                name = fields.get(1, b"").decode()
                return CheckedNode("comprehension", position, type_name, name, children=parts, special=8 in fields)
        raise ValueError(f"Unknown kind of expression: {number}.")

    def _call(self, position: int, type_name: str, body: bytes, overloads: tuple[str, ...]) -> CheckedNode:
        function = _last(body)[2].decode()
        # The target (1) of a method is written before the arguments (3), or not at all.
        target = tuple(self.node(value) for key, value in _fields(body) if key == 1)
        arguments = tuple(self.node(value) for key, value in _fields(body) if key == 3)
        # More than one overload means that only evaluation can tell which: something is of no known type.
        overload = overloads[0] if len(overloads) == 1 else ""
        return CheckedNode("call", position, type_name, function, overload=overload, children=target + arguments)


def _constant(fields: dict[int, Any]) -> bool | int | str | None:
    if 2 in fields:
        return bool(fields[2])
    if 3 in fields:
        number: int = fields[3]
        return number - (1 << 64) if number >= 1 << 63 else number
    if 6 in fields:
        return str(fields[6], "utf-8")
    # null, unsigned, fraction or bytes: the type says so, and it is refused.
    return None


def _type_name(data: bytes) -> str:
    """A list is the plural of its elements' type; a list of lists has a name that nothing accepts."""
    number: int
    value: Any
    number, value = next(iter(_fields(data)), (1, b""))
    match number:
        case 3:
            return _PRIMITIVES[value]
        case 5:
            return _WELL_KNOWN[value]
        case 6:
            return _type_name(_last(value).get(1, b"")) + "s"
        case 9:
            name: str = value.decode()
            return "line" if name == LINE_MESSAGE else name
        case _:
            return _OTHER_TYPES.get(number, "unknown")


def _last(data: bytes) -> dict[int, Any]:
    """The fields of a message by number; of a repeated field the last."""
    return dict(_fields(data))


def _fields(data: bytes) -> Iterator[tuple[int, Any]]:
    """Number and value of each field of a message: an int, or the bytes of text or an inner message."""
    at, end = 0, len(data)
    while at < end:
        key, at = _varint(data, at)
        wire = key & 7
        if wire == 0:
            value, at = _varint(data, at)
            yield key >> 3, value
            continue
        if wire not in (1, 2, 5):
            raise ValueError(f"Unknown wire type {wire}.")
        size = {1: 8, 5: 4}.get(wire, 0)
        if wire == 2:
            size, at = _varint(data, at)
        yield key >> 3, data[at : at + size]
        at += size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
