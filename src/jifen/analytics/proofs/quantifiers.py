"""Quantifiers as plain conditions, for an event that shows what they say: of an order of one line they ask that line,
and of a list of texts they mostly ask whether it holds one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import reduce

import msgspec

from jifen.analytics.proofs.encoding import LINE_PREFIX
from jifen.core.conditions.syntax import Call, Constant, ListLiteral, Member, Name, Node, Quantifier, children_of, walk


def asks_lines(node: Node) -> bool:
    """Whether a condition has a quantifier over the lines of an order."""
    return any(isinstance(each, Quantifier) and each.range.type == "lines" for each in walk(node))


def of_one_line(node: Node) -> Node:
    """What a condition says of an order of one line. A quantifier of another kind stays as it is."""
    if isinstance(node, Quantifier):
        return _plain(node) or node
    return _with_children(node, of_one_line)


def _plain(node: Quantifier) -> Node | None:
    """A quantifier without itself; None: there is no such condition."""
    condition = of_one_line(node.condition)
    match node.range:
        case Name(type="lines"):
            return _of_line(condition, node.variable)
        case ListLiteral(elements=elements) if elements and node.kind != "exists_one":
            terms = [_put(condition, node.variable, each) for each in elements]
            return _joined("_||_" if node.kind == "exists" else "_&&_", terms)
        case Name(type="strings") as held:
            return _of_texts(node.kind, condition, node.variable, held)
    return None


def _of_line(node: Node, variable: str) -> Node:
    """A condition about a line by its variable as one about `line`."""
    match node:
        case Member(operand=Name(name=name)) if name == variable:
            return Name(node.type, f"{LINE_PREFIX}{node.field}", node.position)
    return _with_children(node, lambda each: _of_line(each, variable))


def _put(node: Node, variable: str, value: Node) -> Node:
    """A condition with a value for a variable."""
    if isinstance(node, Name) and node.name == variable:
        return value
    return _with_children(node, lambda each: _put(each, variable, value))


def _of_texts(kind: str, condition: Node, variable: str, held: Name) -> Node | None:
    """Whether a list of texts holds some one, or none of some."""
    if kind == "exists" and (texts := list(_texts(condition, variable, "_==_"))):
        return _joined("_||_", [_holds(held, each) for each in texts])
    if kind == "all" and (texts := list(_texts(condition, variable, "_!=_"))):
        return _joined(
            "_&&_", [Call("bool", "!_", "logical_not", (_holds(held, each),), held.position) for each in texts]
        )
    return None


def _texts(condition: Node, variable: str, comparison: str) -> Iterator[Constant]:
    """The constants that a condition, which asks for nothing else, says a variable is (`_==_`), or is not (`_!=_`)."""
    match condition:
        case Call(function="!_", arguments=(inner,)):
            yield from _texts(inner, variable, "_!=_" if comparison == "_==_" else "_==_")
        case Call(function="@in", arguments=(Name(name=name), ListLiteral(elements=elements))):
            if name == variable and comparison == "_==_":
                yield from (each for each in elements if isinstance(each, Constant))
        case Call(function=function, arguments=arguments) if function == comparison:
            if any(isinstance(each, Name) and each.name == variable for each in arguments):
                yield from (each for each in arguments if isinstance(each, Constant))


def _holds(held: Name, text: Constant) -> Call:
    return Call("bool", "@in", "in_list", (text, held), text.position)


def _joined(function: str, terms: list[Node]) -> Node:
    overload = "logical_or" if function == "_||_" else "logical_and"
    return reduce(lambda one, other: Call("bool", function, overload, (one, other), one.position), terms)


def _with_children(node: Node, change: Callable[[Node], Node]) -> Node:
    """The node with other nodes below it."""
    below = tuple(change(each) for each in children_of(node))
    match node:
        case Member():
            return msgspec.structs.replace(node, operand=below[0])
        case Call():
            return msgspec.structs.replace(node, arguments=below)
        case ListLiteral():
            return msgspec.structs.replace(node, elements=below)
        case Quantifier():
            return msgspec.structs.replace(node, range=below[0], condition=below[1])
    return node
