"""The part of CEL that conditions may use: turns the checker's tree into ours, and refuses what is outside."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, Literal, get_args

from jifen.core.conditions.checked import CheckedNode
from jifen.core.conditions.constants import constant_fault
from jifen.core.conditions.errors import InvalidCondition, Problem
from jifen.core.conditions.fields import LINE_FIELDS
from jifen.core.conditions.syntax import (
    Call,
    Constant,
    ListLiteral,
    Member,
    Name,
    Node,
    Quantifier,
    ValueType,
    place_of,
)
from jifen.core.nearest import nearest_dotted

#: Each level multiplies the work: two over an order of 100 lines are 10,000 steps, where CEL gives up.
MAXIMUM_QUANTIFIER_DEPTH: Final = 2
_RESULT: Final = "@result"
_VALUE_TYPES: Final[dict[str, ValueType]] = {each: each for each in get_args(ValueType)}
_INSTANT_PARTS: Final = (
    *("year", "month", "day_of_month", "day_of_month_1_based", "day_of_week", "day_of_year"),
    *("hours", "minutes", "seconds", "milliseconds"),
)
_ORDERED: Final = ("bool", "int64", "string", "timestamp", "duration")
#: CEL's names of what may be called; each is cheap and gives a value no larger than its arguments.
OVERLOADS: Final = frozenset(
    [
        *("logical_and", "logical_or", "logical_not", "conditional", "equals", "not_equals", "in_list", "index_list"),
        *(f"{name}_{each}" for name in ("less", "less_equals", "greater", "greater_equals") for each in _ORDERED),
        *(f"{name}_int64" for name in ("add", "subtract", "multiply", "divide", "modulo", "negate")),
        *("size_string", "string_size", "size_list", "list_size"),
        *("starts_with_string", "ends_with_string", "contains_string", "matches", "matches_string"),
        *("string_to_int64", "timestamp_to_int64", "int64_to_string", "timestamp_to_string"),
        *("string_to_timestamp", "int64_to_timestamp", "string_to_duration"),
        *("add_timestamp_duration", "add_duration_timestamp", "add_duration_duration"),
        *("subtract_timestamp_timestamp", "subtract_timestamp_duration", "subtract_duration_duration"),
        *(f"timestamp_to_{part}" for part in _INSTANT_PARTS),
        *(f"timestamp_to_{part}_with_tz" for part in _INSTANT_PARTS),
        *(f"duration_to_{part}" for part in ("hours", "minutes", "seconds", "milliseconds")),
    ]
)


def read_tree(source: str, root: CheckedNode, names: Collection[str]) -> Node:
    """Our tree of a checked source over the vocabulary's names.

    Raises:
        InvalidCondition: it uses something that conditions may not, or a constant that can only fail.
    """
    return _Reader(source, names).node(root, ())


class _Reader:
    def __init__(self, source: str, names: Collection[str]) -> None:
        self.source = source
        self.names = names

    def refused(self, position: int, zh: str, en: str, suggestion: str | None = None) -> InvalidCondition:
        """The error for a place, to be raised."""
        return InvalidCondition((Problem(*place_of(self.source, position), zh, en, suggestion),))

    def node(self, node: CheckedNode, scope: tuple[str, ...]) -> Node:
        """`scope` holds the variables of the quantifiers around the node."""
        value_type = _VALUE_TYPES.get(node.type)
        if value_type is None:
            raise self.refused(node.position, *_TYPE_FAULTS.get(node.type, _OTHER_TYPE_FAULT))
        if node.special:
            raise self.refused(
                node.position, "条件中不能使用可选值。", "Optional values are not available in conditions."
            )
        match node.kind:
            case "constant":
                return self._constant(node, value_type)
            case "name":
                return self._name(node, value_type, scope)
            case "select":
                return self._member(node, value_type, scope)
            case "call":
                return self._call(node, value_type, scope)
            case "list":
                return self._list(node, value_type, scope)
            case "comprehension":
                return self._quantifier(node, scope)
            case "struct":
                raise self.refused(node.position, *_NO_MAPS)

    def _constant(self, node: CheckedNode, value_type: ValueType) -> Node:
        if node.value is None:
            raise self.refused(node.position, *_OTHER_TYPE_FAULT)
        if isinstance(node.value, str) and "\0" in node.value:
            zh = "文本不能含有字符 U+0000。"
            raise self.refused(node.position, zh, "A text cannot contain the character U+0000.")
        return Constant(value_type, node.value, node.position)

    def _name(self, node: CheckedNode, value_type: ValueType, scope: tuple[str, ...]) -> Node:
        # A leading dot reaches past the variable of a quantifier.
        name = node.name.removeprefix(".")
        if name not in scope and name not in self.names:
            raise self.refused(
                node.position, f"没有 {name}。", f"There is no {name}.", nearest_dotted(name, self.names)
            )
        return Name(value_type, name, node.position)

    def _member(self, node: CheckedNode, value_type: ValueType, scope: tuple[str, ...]) -> Node:
        operand = self.node(node.children[0], scope)
        if operand.type != "line" or node.name not in LINE_FIELDS:
            raise self.refused(node.position, f"没有字段 {node.name}。", f"There is no field {node.name}.")
        return Member(value_type, operand, node.name, node.position)

    def _list(self, node: CheckedNode, value_type: ValueType, scope: tuple[str, ...]) -> Node:
        if value_type == "lines":
            zh = "条件中不能列出订单行。"
            raise self.refused(node.position, zh, "Conditions cannot make lists of order lines.")
        return ListLiteral(value_type, tuple(self.node(each, scope) for each in node.children), node.position)

    def _call(self, node: CheckedNode, value_type: ValueType, scope: tuple[str, ...]) -> Node:
        arguments = tuple(self.node(each, scope) for each in node.children)
        if node.overload not in OVERLOADS:
            shown = shown_function(node.name)
            raise self.refused(node.position, f"条件中不能使用 {shown}。", f"{shown} is not available in conditions.")
        if node.overload in {"equals", "not_equals", "in_list"} and arguments[0].type in {"line", "lines"}:
            zh = "订单行不能比较；请比较它们的字段。"
            raise self.refused(node.position, zh, "Order lines cannot be compared; compare their fields.")
        call = Call(value_type, node.name, node.overload, arguments, node.position)
        fault = constant_fault(call)
        if fault is not None:
            raise self.refused(fault.position, fault.message_zh, fault.message, fault.suggestion)
        return call

    def _quantifier(self, node: CheckedNode, scope: tuple[str, ...]) -> Node:
        kind, condition = _macro_of(node)
        if kind is None or condition is None:
            zh = "宏只能用 all、exists 和 exists_one。"
            raise self.refused(node.position, zh, "Of the macros, all, exists and exists_one are available.")
        if node.name in self.names:
            zh = f"{node.name} 在这里已有含义；请给变量另取名称。"
            en = f"{node.name} already means something here; name the variable otherwise."
            raise self.refused(node.position, zh, en)
        if len(scope) >= MAXIMUM_QUANTIFIER_DEPTH:
            raise self.refused(
                node.position,
                f"量词最多嵌套 {MAXIMUM_QUANTIFIER_DEPTH} 层。",
                f"Quantifiers may stand inside each other {MAXIMUM_QUANTIFIER_DEPTH} levels deep.",
            )
        elements = self.node(node.children[0], scope)
        return Quantifier(kind, node.name, elements, self.node(condition, (*scope, node.name)), node.position)


def _macro_of(node: CheckedNode) -> tuple[Literal["all", "exists", "exists_one"] | None, CheckedNode | None]:
    """Which macro became this comprehension, and its condition. CEL expands macros while it parses."""
    _, start, _, step, _ = node.children
    if step.kind != "call" or not node.name:
        return None, None
    of_result = [each.kind == "name" and each.name == _RESULT for each in step.children]
    if step.name == "_||_" and start.value is False and of_result[0]:
        return "exists", step.children[1]
    if step.name == "_&&_" and start.value is True and of_result[0]:
        return "all", step.children[1]
    if step.name == "_?_:_" and start.type == "int" and start.value == 0 and of_result[2]:
        return "exists_one", step.children[0]
    return None, None


def shown_function(function: str) -> str:
    """A function or operator as a person writes it: `==` for `_==_`."""
    special = {"_?_:_": "? :", "@in": "in", "_[_]": "[ ]"}
    if function in special:
        return special[function]
    return function.strip("_") if "_" in function[:1] + function[-1:] else f"{function}()"


_OTHER_TYPE_FAULT: Final = ("条件中不能使用这种类型的值。", "A value of this type is not available in conditions.")
_NO_MAPS: Final = ("条件中不能构造映射或结构。", "Conditions cannot make maps or structures.")
_TYPE_FAULTS: Final = {
    "double": (
        "不能使用小数；金额是以分计的整数。",
        "Numbers with a fraction are not available; amounts are whole numbers of cents.",
    ),
    "uint": ("不能使用无符号数；请去掉 u。", "Unsigned numbers are not available; write them without u."),
    "bytes": ("不能使用字节串；请写文本，前面不加 b。", "Bytes are not available; write a text without b in front."),
    "map": _NO_MAPS,
    "null": ("条件中没有 null。", "Nothing is ever null in conditions."),
    "dyns": ("列表的元素须为同一类型。", "The elements of a list must be of one type."),
    "type": ("条件中不能比较类型。", "Types cannot be compared in conditions."),
}
