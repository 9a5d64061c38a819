"""Writes a checked condition, or a part of one, as the code that it stands for."""

from __future__ import annotations

import json
import re
from typing import Final

from jifen.core.conditions.syntax import (
    Call,
    Constant,
    ListLiteral,
    Member,
    Name,
    Node,
    Quantifier,
    conjuncts,
    disjuncts,
)

_IDENTIFIER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
#: How tightly operators bind: what binds less than what is around it stands in parentheses.
_TIGHTNESS: Final = {
    "_?_:_": 0,
    "_||_": 1,
    "_&&_": 2,
    **dict.fromkeys(("_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_", "@in"), 3),
    **dict.fromkeys(("_+_", "_-_"), 4),
    **dict.fromkeys(("_*_", "_/_", "_%_"), 5),
    **dict.fromkeys(("!_", "-_"), 6),
}
_TIGHTEST: Final = 7
#: Written before their arguments; all other functions are methods of the first.
_FUNCTIONS: Final = ("size", "timestamp", "duration", "int", "string")


def code_of(node: Node) -> str:
    """CEL that is read as this very node, on one line."""
    match node:
        case Constant(value=bool(value)):
            return "true" if value else "false"
        case Constant(value=int(value)):
            return str(value)
        case Constant(value=value):
            return json.dumps(value, ensure_ascii=False)
        case Name(name=name):
            return ".".join(each if _IDENTIFIER.fullmatch(each) else f"`{each}`" for each in name.split("."))
        case Member():
            return f"{_within(node.operand, _TIGHTEST)}.{node.field}"
        case ListLiteral():
            return f"[{_listed(node.elements)}]"
        case Quantifier():
            return f"{_within(node.range, _TIGHTEST)}.{node.kind}({node.variable}, {code_of(node.condition)})"
        case Call():
            return _call(node)


def _call(node: Call) -> str:
    name, arguments = node.function, node.arguments
    if name not in _TIGHTNESS:
        if name == "_[_]":
            return f"{_within(arguments[0], _TIGHTEST)}[{code_of(arguments[1])}]"
        if name in _FUNCTIONS:
            return f"{name}({_listed(arguments)})"
        return f"{_within(arguments[0], _TIGHTEST)}.{name}({_listed(arguments[1:])})"
    tightness = _TIGHTNESS[name]
    if name in ("_&&_", "_||_"):
        terms = conjuncts(node) if name == "_&&_" else disjuncts(node)
        return f" {name.strip('_')} ".join(_within(each, tightness + 1) for each in terms)
    if name == "_?_:_":
        which, one, other = arguments
        return f"{_within(which, 1)} ? {_within(one, 1)} : {_within(other, 0)}"
    if len(arguments) == 1:
        # A sign before a sign would be read as a number, or not at all.
        inner = code_of(arguments[0])
        return f"{name[0]}{inner}" if isinstance(arguments[0], Name | Member) else f"{name[0]}({inner})"
    left, right = arguments
    sign = name.strip("_@")
    return f"{_within(left, tightness)} {sign} {_within(right, tightness + 1)}"


def _within(node: Node, tightness: int) -> str:
    """A part, in parentheses where it binds less than what is around it."""
    own = _TIGHTNESS.get(node.function, _TIGHTEST) if isinstance(node, Call) else _TIGHTEST
    code = code_of(node)
    is_signed = isinstance(node, Constant) and code.startswith("-")
    return f"({code})" if own < tightness or (is_signed and tightness == _TIGHTEST) else code


def _listed(nodes: tuple[Node, ...]) -> str:
    return ", ".join(code_of(each) for each in nodes)
