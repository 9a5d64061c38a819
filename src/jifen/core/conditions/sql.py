"""Conditions as SQL: a checked tree becomes the text of a boolean expression of PostgreSQL and its arguments.

An evaluation that fails is null there. That is enough to be equal to CEL: in both, false wins over a failure on the
other side of `&&`, true wins over one on the other side of `||`, and every other failure fails what is around it.
Facts must not be null themselves, and sums must not break off the statement: the functions `checked_...` of the
schema give null where a number of 64 bits overflows or a divisor is zero.

Constants never become part of the text: they are arguments, each marked by `$?` until the marks are numbered.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from jifen.core.conditions.syntax import Call, Constant, ListLiteral, Name, Node, Quantifier, conjuncts

_MARK: Final = "$?"
_INSTANT: Final = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,6})?([Zz]|[+-]\d{2}:\d{2})")
_DURATION: Final = re.compile(r"(-?)((?:\d{1,9}(?:h|ms|m|s))+)")
_DURATION_PART: Final = re.compile(r"(\d+)(h|ms|m|s)")
_MICROSECONDS: Final = {"h": 3_600_000_000, "m": 60_000_000, "s": 1_000_000, "ms": 1_000}
#: The longest duration that CEL knows, about ten thousand years.
_LONGEST_SECONDS: Final = 315_576_000_000


class Fragment(msgspec.Struct, frozen=True, gc=False):
    """A piece of SQL: its text, in which `$?` stands for each of its arguments in turn."""

    text: str
    arguments: tuple[Any, ...] = ()

    def numbered(self, first: int = 1) -> str:
        """The text with the marks as `$1`, `$2` ...; `first` is the number of the first."""
        parts = self.text.split(_MARK)
        pairs = enumerate(parts[1:], first)
        return parts[0] + "".join(f"${number}{part}" for number, part in pairs)


def joined(template: str, *pieces: Fragment) -> Fragment:
    """A template with one `{}` for each piece."""
    arguments = tuple(argument for piece in pieces for argument in piece.arguments)
    return Fragment(template.format(*(piece.text for piece in pieces)), arguments)


def all_of(pieces: list[Fragment]) -> Fragment:
    """True where every piece is; of none: everywhere."""
    if not pieces:
        return Fragment("true")
    return joined(" AND ".join(["({})"] * len(pieces)), *pieces)


class NotInSql(Exception):
    """A node that SQL would not evaluate exactly as CEL does: whoever asks evaluates the condition itself."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


class SqlCondition(msgspec.Struct, frozen=True):
    """What of a condition became SQL. `test` is true of every member of whom the condition is, and where `is_whole`
    of no other; `left_out` names what only CEL can evaluate."""

    test: Fragment
    left_out: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether the test says it all."""
        return not self.left_out


class SqlFacts(msgspec.Struct, frozen=True):
    """How facts are written in SQL, by name.

    `values`: bool, bigint, text (in any collation) or timestamptz, never null; `lists`: a json array of texts, or null
    for an empty one; `holds`: with `{}` for a text, whether such a list holds it, never null. `holds_also`: texts that
    a list holds beside where a test is true, never null; such a list can only be asked for a text of the condition.
    """

    values: Mapping[str, Fragment]
    lists: Mapping[str, Fragment]
    holds: Mapping[str, str]
    holds_also: Mapping[str, Mapping[str, Fragment]] = {}


def compile_sql(root: Node, facts: SqlFacts) -> SqlCondition:
    """The test that a condition is, over the facts of its names.

    A term of a conjunction that has no SQL is left out, so that the test finds candidates.
    """
    kept: list[Fragment] = []
    left_out: list[str] = []
    for term in conjuncts(root):
        try:
            kept.append(_Writer(facts).sql(term))
        except NotInSql as missing:
            left_out.append(missing.what)
    return SqlCondition(all_of(kept), tuple(dict.fromkeys(left_out)))


class _Writer:
    """`variable` is the element that the quantifier around is at."""

    def __init__(self, facts: SqlFacts, variable: str | None = None) -> None:
        self._facts = facts
        self._variable = variable

    def sql(self, node: Node) -> Fragment:
        match node:
            case Constant():
                return _constant(node)
            case Name(name=name):
                if name == self._variable:
                    return Fragment("element.value")
                if name not in self._facts.values:
                    raise NotInSql(name)
                return self._facts.values[name]
            case Quantifier():
                return self._quantifier(node)
            case Call():
                return self._call(node)
            case _:
                raise NotInSql("a list" if isinstance(node, ListLiteral) else "lines of an order")

    def _call(self, node: Call) -> Fragment:
        if node.function == "@in":
            return self._contained(node)
        if node.overload in ("size_list", "list_size"):
            return joined("coalesce(json_array_length({}), 0)::bigint", self._list(node.arguments[0]))
        if node.overload in ("string_to_timestamp", "string_to_duration"):
            return _moment(node)
        if node.function in _COMPARISONS:
            return self._comparison(node)
        template = _TEMPLATES.get(node.overload)
        if template is None:
            raise NotInSql(f"{node.function.strip('_')}()")
        arguments = [self.sql(each) for each in node.arguments]
        return joined(template, *arguments)

    def _comparison(self, node: Call) -> Fragment:
        left, right = node.arguments
        if left.type not in _COMPARED:
            raise NotInSql("a comparison of lists")
        operator = _COMPARISONS[node.function]
        template = f'({{}} COLLATE "C" {operator} {{}})' if left.type == "string" else f"({{}} {operator} {{}})"
        return joined(template, self.sql(left), self.sql(right))

    def _contained(self, node: Call) -> Fragment:
        element, container = node.arguments
        value = self.sql(element)
        if isinstance(container, Name) and container.name in self._facts.holds:
            also = self._facts.holds_also.get(container.name, {})
            if also and not isinstance(element, Constant):
                raise NotInSql(f"a text that is worked out, in {container.name}")
            template = self._facts.holds[container.name]
            test = joined(template, *[value] * template.count("{}"))
            if isinstance(element, Constant):
                more = also.get(str(element.value))
                return test if more is None else joined("({} OR {})", test, more)
            # Where the element fails, so does the test.
            return joined("(CASE WHEN {} IS NOT NULL THEN {} END)", value, test)
        if not isinstance(container, ListLiteral):
            raise NotInSql("a list that is worked out")
        if not container.elements or not all(isinstance(each, Constant) for each in container.elements):
            raise NotInSql("a list that is worked out")
        elements = [each.value for each in container.elements if isinstance(each, Constant)]
        array = Fragment(f"{_MARK}::{_TYPES[container.elements[0].type]}[]", (elements,))
        return joined("({} = ANY ({}))", value, array)

    def _list(self, node: Node) -> Fragment:
        if isinstance(node, Name) and node.name in self._facts.lists:
            if self._facts.holds_also.get(node.name):
                raise NotInSql(f"{node.name} as a whole")
            return self._facts.lists[node.name]
        raise NotInSql("a list that is worked out")

    def _quantifier(self, node: Quantifier) -> Fragment:
        if self._variable is not None:
            raise NotInSql("a quantifier within another")
        condition = _Writer(self._facts, node.variable).sql(node.condition)
        return joined(_QUANTIFIERS[node.kind], condition, self._list(node.range))


def _constant(node: Constant) -> Fragment:
    return Fragment(f"{_MARK}::{_TYPES[node.type]}", (node.value,))


def _moment(node: Call) -> Fragment:
    """An instant or a duration that stands in the condition; durations are microseconds."""
    (argument,) = node.arguments
    if not isinstance(argument, Constant):
        raise NotInSql(f"{node.function}()")
    text = str(argument.value)
    if node.overload == "string_to_timestamp":
        return Fragment(f"{_MARK}::timestamptz", (_instant(text),))
    found = _DURATION.fullmatch(text)
    if found is None:
        raise NotInSql(f"duration({text!r})")
    parts = _DURATION_PART.findall(found.group(2))
    microseconds = sum(int(number) * _MICROSECONDS[unit] for number, unit in parts)
    if microseconds > _LONGEST_SECONDS * 1_000_000:
        raise NotInSql(f"duration({text!r})")
    return Fragment(f"{_MARK}::numeric", (-microseconds if found.group(1) else microseconds,))


def _instant(text: str) -> datetime:
    try:
        if _INSTANT.fullmatch(text):
            return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise NotInSql(f"timestamp({text!r})")


_TYPES: Final = {"bool": "boolean", "int": "bigint", "string": "text"}
_COMPARISONS: Final = {"_==_": "=", "_!=_": "<>", "_<_": "<", "_<=_": "<=", "_>_": ">", "_>=_": ">="}
_COMPARED: Final = ("bool", "int", "string", "timestamp", "duration")
#: By CEL's name of the overload.
_TEMPLATES: Final = {
    "logical_and": "({} AND {})",
    "logical_or": "({} OR {})",
    "logical_not": "(NOT {})",
    "conditional": "(CASE {} WHEN true THEN {} WHEN false THEN {} END)",
    "add_int64": "checked_sum({}, {})",
    "subtract_int64": "checked_difference({}, {})",
    "multiply_int64": "checked_product({}, {})",
    "divide_int64": "checked_quotient({}, {})",
    "modulo_int64": "checked_remainder({}, {})",
    "negate_int64": "checked_difference(0, {})",
    "size_string": "char_length({})::bigint",
    "string_size": "char_length({})::bigint",
    "starts_with_string": "starts_with({}, {})",
    "ends_with_string": "starts_with(reverse({}), reverse({}))",
    "contains_string": "(strpos({}, {}) > 0)",
    "int64_to_string": "({})::text",
    "subtract_timestamp_timestamp": "((extract(epoch FROM {}) - extract(epoch FROM {})) * 1000000)",
}
#: Of a list's elements: {} is the condition, {} the list. An element that fails fails the whole, unless another one
#: settles it (`exists`, `all`).
_QUANTIFIERS: Final = {
    "exists": "(SELECT CASE WHEN bool_or(tested.holds) THEN true WHEN bool_or(tested.holds IS NULL) THEN NULL"
    " ELSE false END FROM (SELECT {} AS holds FROM json_array_elements_text({}) AS element (value)) AS tested)",
    "all": "(SELECT CASE WHEN NOT bool_and(tested.holds) THEN false WHEN bool_or(tested.holds IS NULL) THEN NULL"
    " ELSE true END FROM (SELECT {} AS holds FROM json_array_elements_text({}) AS element (value)) AS tested)",
    "exists_one": "(SELECT CASE WHEN bool_or(tested.holds IS NULL) THEN NULL"
    " ELSE count(*) FILTER (WHERE tested.holds) = 1 END"
    " FROM (SELECT {} AS holds FROM json_array_elements_text({}) AS element (value)) AS tested)",
}
