"""What a program says of the values that facts can have: its tiers, the choices and schemas of members' fields, and the
schemas of the events that it declares. Whatever else stands in a profile or an event is refused.

Of a JSON Schema only plain keywords are read: one that is not read leaves more values than there are, so what is proven
stays true.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from math import ceil, floor
from typing import Any, Final

import msgspec

from jifen.analytics.proofs.encoding import Encoder
from jifen.analytics.proofs.patterns import is_plain
from jifen.analytics.proofs.texts import TextTest
from jifen.core.program import Program
from jifen.core.rules.facts import EMPTY_VALUES, REGISTERED, TIERS

#: What stands before the id of a field of members, and before the name of a property of an event.
FIELDS: Final = "member.fields."
DATA: Final = "event.data."
_KINDS: Final = {"bool": bool, "int": int, "string": str}


class Known(msgspec.Struct, frozen=True):
    """What always holds of some facts. `tests`: what is asked of texts besides what conditions ask."""

    formulas: list[Any]
    tests: list[TextTest]
    names: list[str]


def what_there_is(program: Program, encoder: Encoder, names: Collection[str]) -> Known:
    """What the program says of facts, whose names are given; of the properties of an event always: what is missing in
    conditions stands in the event that is shown all the same."""
    known = Known([], [], [])
    _tiers(program, encoder, names, known)
    for field in program.document.fields:
        name = f"{FIELDS}{field.id}"
        if name in names and (field.choices or field.schema):
            choices = [each.value for each in field.choices]
            terms = [_one_of(encoder, name, field.type, choices)] if choices else []
            terms += _fits(encoder, name, field.type, field.schema, known)
            # What nobody said stands there as empty.
            is_empty = _is(encoder, name, field.type, EMPTY_VALUES[field.type])
            known.formulas.append(encoder.any_of(is_empty, encoder.all_of(*terms)))
    for name, kind, schema in _properties(program, encoder):
        known.formulas.extend(_fits(encoder, name, kind, schema, known))
    return known


def optional_properties(program: Program, event_type: str) -> list[str]:
    """The names of those properties of a declared type of event that an event may be without."""
    schema = schema_of(program, event_type)
    return [f"{DATA}{each}" for each in schema.get("properties", {}) if each not in schema.get("required", [])]


def _tiers(program: Program, encoder: Encoder, names: Collection[str], known: Known) -> None:
    is_new = encoder.event_type == REGISTERED
    # Whoever registers stands where everybody begins.
    sets = {
        f"{TIERS}{each.id}": [each.base] if is_new else [*each.ranks, *([] if each.base else [""])]
        for each in program.tier_sets
    }
    tiers = dict(sets)
    if sets:
        tiers["member.tier"] = next(iter(sets.values()))
    elif program.document.catalog.tiers:
        tiers["member.tier"] = ["", *(each.id for each in program.document.catalog.tiers if not is_new)]
    known.formulas.extend(_one_of(encoder, name, "string", tiers[name]) for name in tiers if name in names)


def _properties(program: Program, encoder: Encoder) -> Iterable[tuple[str, str, Mapping[str, Any]]]:
    properties = schema_of(program, encoder.event_type).get("properties", {})
    for name, kind in encoder.fields.items():
        if name.startswith(DATA) and name.removeprefix(DATA) in properties:
            yield name, kind, properties[name.removeprefix(DATA)]


def schema_of(program: Program, event_type: str) -> Mapping[str, Any]:
    """The schema that the program gives to the data of a type of event; empty: none."""
    return next((each.schema for each in program.document.events if each.type == event_type), {})


def _fits(encoder: Encoder, name: str, kind: str, schema: Mapping[str, Any], known: Known) -> list[Any]:
    """That a value fits a schema, as far as that is said by plain keywords."""
    lists = [schema["enum"]] if "enum" in schema else []
    lists += [[schema["const"]]] if "const" in schema else []
    terms = [_one_of(encoder, name, kind, values) for values in lists]
    if kind == "int":
        value = encoder.number(name)
        terms += [value >= ceil(schema["minimum"])] if "minimum" in schema else []
        terms += [value <= floor(schema["maximum"])] if "maximum" in schema else []
        terms += [value > floor(schema["exclusiveMinimum"])] if "exclusiveMinimum" in schema else []
        terms += [value < ceil(schema["exclusiveMaximum"])] if "exclusiveMaximum" in schema else []
    if kind == "string" and schema.keys() & {"minLength", "maxLength"}:
        length = encoder.texts.length(name, name)
        terms += [length >= schema.get("minLength", 0)]
        terms += [length <= schema["maxLength"]] if "maxLength" in schema else []
        known.names.append(name)
    pattern = schema.get("pattern", "")
    # What counts as white space differs between the two kinds of patterns.
    if kind == "string" and pattern and "\\s" not in pattern.lower() and is_plain(pattern):
        test = TextTest("matches", pattern)
        terms.append(encoder.texts.holds(name, name, test))
        known.tests.append(test)
        known.names.append(name)
    return terms


def _one_of(encoder: Encoder, name: str, kind: str, values: Iterable[Any]) -> Any:
    return encoder.any_of(*(_is(encoder, name, kind, each) for each in values if type(each) is _KINDS[kind]))


def _is(encoder: Encoder, name: str, kind: str, value: Any) -> Any:
    if kind == "bool":
        return encoder.truth(name) == value
    return encoder.number(name) == (encoder.texts.code(value) if kind == "string" else value)
