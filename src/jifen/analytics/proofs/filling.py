"""What the schema of an event requires besides what rules read, made up: so that an example can really be sent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from math import ceil, floor
from typing import Any, Final

import msgspec
import z3

from jifen.analytics.proofs.patterns import NotPlain, language_of
from jifen.engine.schemas import fault_of_schema, first_misfit

#: One value of each format that JSON Schema 2020-12 names.
_FORMATS: Final = {
    "date": "2026-01-01",
    "date-time": "2026-01-01T00:00:00Z",
    "time": "00:00:00Z",
    "duration": "P1D",
    "email": "a@example.com",
    "idn-email": "a@example.com",
    "hostname": "example.com",
    "idn-hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/",
    "uri-reference": "/",
    "iri": "https://example.com/",
    "iri-reference": "/",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "json-pointer": "/a",
    "relative-json-pointer": "0",
    "uri-template": "/",
    "regex": "a",
}
_TYPES: Final = ("object", "array", "string", "integer", "number", "boolean", "null")
#: A schema may refer to itself: nothing deeper is made up.
_DEEPEST: Final = 12
#: So many parts of a schema are looked at in all: choices within choices are soon more than there is time.
_MOST_PARTS: Final = 2_000
#: So many values are tried where one after another does not fit.
_MOST_TRIES: Final = 64
#: What making up one text for a pattern may take: steps of the solver, and time, for those that it does not count.
_PATTERN_STEPS: Final = 1_000_000
_PATTERN_MILLISECONDS: Final = 5_000


def filled(schema: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, Any] | None:
    """The data with what the schema requires beside, made up; None: nothing was found that fits."""
    if first_misfit(schema, dict(data)) is None:
        return dict(data)
    for made_up in _made_up(msgspec.json.encode(schema, order="sorted"), frozenset(data)):
        whole = {**made_up, **data}
        if first_misfit(schema, whole) is None:
            return whole
    return None


@lru_cache(maxsize=256)
def _made_up(schema: bytes, known: frozenset[str]) -> list[dict[str, Any]]:
    """Data of an event that may fit a schema, without the properties that are known."""
    root = msgspec.json.decode(schema)
    asked = {**root, "required": [each for each in root.get("required", ()) if each not in known]}
    found = islice(_Maker(root).values(asked), _MOST_TRIES)
    return [each for each in found if isinstance(each, dict)]


class _Maker:
    """Makes values up for the parts of one schema, the simplest first; most fit, but whoever asks must look."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._parts = 0

    def values(self, schema: Any, depth: int = 0) -> Iterator[Any]:
        """Values that may fit a part of the schema."""
        if depth > _DEEPEST or schema is False:
            return
        if not isinstance(schema, Mapping):
            yield ""
            return
        # One of each choice in turn: the first may have more values than are tried, none of which fits.
        yield from _in_turn(self._of_choice(each, depth) for each in self._plain(schema, depth))

    def _of_choice(self, schema: Mapping[str, Any], depth: int) -> Iterator[Any]:
        if "const" in schema:
            yield schema["const"]
        elif "enum" in schema:
            yield from schema["enum"]
        else:
            yield from [schema["default"]] if "default" in schema else []
            yield from schema.get("examples", ())
            yield from _in_turn(self._of_type(kind, schema, depth) for kind in _types_of(schema))

    def _plain(self, schema: Mapping[str, Any], depth: int) -> Iterator[Mapping[str, Any]]:
        """The schema without references and choices: once for each choice."""
        self._parts += 1
        if depth > _DEEPEST or self._parts > _MOST_PARTS:
            return
        rest = {name: value for name, value in schema.items() if name not in ("$ref", "allOf", "anyOf", "oneOf")}
        parts = [*schema.get("allOf", ())]
        if "$ref" in schema:
            parts.append(self._referred(schema["$ref"]))
        choices = [*schema.get("anyOf", ()), *schema.get("oneOf", ())]
        for chosen in [[each] for each in choices] or [[]]:
            yield from self._together(rest, [*parts, *chosen], depth)

    def _together(self, schema: Mapping[str, Any], parts: Sequence[Any], depth: int) -> Iterator[Mapping[str, Any]]:
        """A plain schema with all of these parts, each of which may have choices of its own."""
        if not parts:
            yield schema
        if not parts or parts[0] is False:
            return
        for part in self._plain(parts[0], depth + 1) if isinstance(parts[0], Mapping) else [{}]:
            yield from self._together(_merged(schema, part), parts[1:], depth)

    def _referred(self, reference: str) -> Any:
        found: Any = self._root
        for step in reference.removeprefix("#").split("/")[1:]:
            name = step.replace("~1", "/").replace("~0", "~")
            found = found[int(name)] if isinstance(found, list) else found.get(name, {})
        return found if reference.startswith("#") else {}

    def _of_type(self, kind: str, schema: Mapping[str, Any], depth: int) -> Iterator[Any]:
        match kind:
            case "object":
                yield from self._objects(schema, depth)
            case "array":
                yield from self._arrays(schema, depth)
            case "string":
                yield from _texts(schema)
            case "integer" | "number":
                yield from _numbers(schema)
            case "boolean":
                yield from (False, True)
            case "null":
                yield None

    def _objects(self, schema: Mapping[str, Any], depth: int) -> Iterator[dict[str, Any]]:
        names = list(dict.fromkeys([*schema.get("required", ()), *schema.get("properties", {})]))
        wanted = names[: max(len(schema.get("required", ())), schema.get("minProperties", 0))]
        parts = {
            name: schema.get("properties", {}).get(name, schema.get("additionalProperties", {})) for name in wanted
        }
        found = {}
        for name, part in parts.items():
            value = self._first(part, depth + 1)
            if value is None:
                return
            found[name] = value[0]
        yield found
        # Where all of a list must differ.
        for name, part in parts.items():
            yield from ({**found, name: value} for value in islice(self.values(part, depth + 1), _MOST_TRIES))

    def _arrays(self, schema: Mapping[str, Any], depth: int) -> Iterator[list[Any]]:
        first = schema.get("prefixItems", [])
        number, found = schema.get("minItems", 1 if "contains" in schema else 0), list[Any]()
        for position in range(number):
            part = first[position] if position < len(first) else schema.get("contains", schema.get("items", {}))
            others = found if schema.get("uniqueItems") else []
            value = self._first(part, depth + 1, others)
            if value is None:
                return
            found.append(value[0])
        yield found

    def _first(self, schema: Any, depth: int, others: Sequence[Any] = ()) -> tuple[Any] | None:
        """The first value that fits a part, and is none of these others."""
        whole = {**schema, "$defs": self._root.get("$defs", {})} if isinstance(schema, Mapping) else {}
        # What refers to another place than `$defs` cannot be asked alone; the whole is.
        is_whole = fault_of_schema(whole) is None
        for value in islice(self.values(schema, depth), _MOST_TRIES):
            if value not in others and not (is_whole and first_misfit(whole, value)):
                return (value,)
        return None


def _in_turn(several: Iterable[Iterator[Any]]) -> Iterator[Any]:
    """One value of each, then the next of each."""
    left = list(several)
    while left:
        going = []
        for each in left:
            for value in islice(each, 1):
                yield value
                going.append(each)
        left = going


def _types_of(schema: Mapping[str, Any]) -> Sequence[str]:
    if "type" in schema:
        return [schema["type"]] if isinstance(schema["type"], str) else list(schema["type"])
    told = {
        "object": ("properties", "required", "minProperties"),
        "array": ("items", "prefixItems", "minItems", "contains"),
        "string": ("pattern", "format", "minLength"),
        "integer": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    }
    return [kind for kind, words in told.items() if schema.keys() & set(words)] or ["string", *_TYPES]


def _merged(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """A schema that asks for what both ask for, as far as making up a value goes."""
    both = {**one, **other}
    for name in ("properties", "$defs"):
        if name in one and name in other:
            both[name] = {**one[name], **other[name]}
    if "required" in one and "required" in other:
        both["required"] = list(dict.fromkeys([*one["required"], *other["required"]]))
    for name, pick in (("minimum", max), ("minLength", max), ("minItems", max), ("maximum", min), ("maxLength", min)):
        if name in one and name in other:
            both[name] = pick(one[name], other[name])
    return both


def _texts(schema: Mapping[str, Any]) -> Iterator[str]:
    if schema.get("format") in _FORMATS:
        yield _FORMATS[schema["format"]]
    least = schema.get("minLength", 0)
    if "pattern" in schema:
        yield from _matching(schema["pattern"], least, schema.get("maxLength"))
    yield "x" * least
    for number in range(_MOST_TRIES):
        # Where all of a list must differ.
        yield str(number).rjust(max(least, 1), "x")


def _matching(pattern: str, least: int, most: int | None) -> Iterator[str]:
    """Texts in which a pattern is found, one after another."""
    context = z3.Context()
    try:
        language = language_of(pattern, context)
    except NotPlain:
        return
    text = z3.Const("text", z3.StringSort(context))
    solver = z3.Solver(ctx=context)
    solver.set("timeout", _PATTERN_MILLISECONDS)
    solver.set("rlimit", _PATTERN_STEPS)
    solver.add(z3.InRe(text, language), z3.Length(text) >= least)
    if most is not None:
        solver.add(z3.Length(text) <= most)
    for _ in range(_MOST_TRIES):
        if solver.check() != z3.sat:
            return
        found = solver.model().eval(text, model_completion=True)
        yield found.py_value()
        solver.add(text != found)


def _numbers(schema: Mapping[str, Any]) -> Iterator[int | float]:
    step = schema.get("multipleOf", 1)
    least = max((schema[name] for name in ("minimum", "exclusiveMinimum") if name in schema), default=None)
    most = min((schema[name] for name in ("maximum", "exclusiveMaximum") if name in schema), default=None)
    if least is not None:
        first, way = ceil(least / step), 1
    elif most is not None:
        first, way = min(floor(most / step), 0), -1
    else:
        first, way = 0, 1
    if least is not None and most is not None and first * step > most:
        # No whole number lies between them.
        yield (least + most) / 2
    for number in range(_MOST_TRIES):
        yield (first + way * number) * step
