"""Examples have everything that the schema of their event requires, also what no rule reads."""

from __future__ import annotations

from typing import Any

import pytest

from jifen.analytics.proofs import check_program
from jifen.analytics.proofs.filling import filled
from jifen.engine.schemas import first_misfit
from tests.unit.analytics.proofs.trying import only, tried
from tests.unit.analytics.test_proofs import TIER, document_of, kinds

DEVICE = {
    "type": "object",
    "required": ["serial", "kind"],
    "properties": {
        "serial": {"type": "string", "pattern": "^[A-Z]{3}[0-9]{4}$"},
        "kind": {"enum": ["phone", "tablet"]},
    },
}
PARTS = {
    "type": "array",
    "minItems": 2,
    "uniqueItems": True,
    "items": {"type": "object", "required": ["sku"], "properties": {"sku": {"type": "string", "minLength": 3}}},
}
#: By what is asked for: the schemas of properties that are all required, and what they refer to.
SCHEMAS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "nothing in particular": ({"a": {}, "b": True}, {}),
    "objects and lists": ({"device": DEVICE, "parts": PARTS}, {}),
    "each simple type": (
        {name: {"type": name} for name in ("string", "integer", "number", "boolean", "null", "array", "object")},
        {},
    ),
    "one of several types": ({"a": {"type": ["null", "string"]}}, {}),
    "a constant, a default, an example": (
        {"a": {"const": [1]}, "b": {"type": "string", "pattern": "é", "examples": ["é"]}, "c": {"default": 3}},
        {},
    ),
    "numbers within bounds": (
        {
            "between": {"type": "number", "exclusiveMinimum": 0.2, "maximum": 0.4},
            "sevens": {"type": "integer", "minimum": 10, "multipleOf": 7},
            "below": {"maximum": -3, "type": "integer"},
            "above": {"exclusiveMinimum": 5, "type": "integer"},
        },
        {},
    ),
    "texts of a length": ({"a": {"type": "string", "minLength": 5, "maxLength": 6, "pattern": "^[0-9a-f]+$"}}, {}),
    "choices": (
        {"a": {"anyOf": [False, {"type": "integer"}]}, "b": {"oneOf": [{"minLength": 2}, {"minLength": 5}]}},
        {},
    ),
    "all of several": (
        {
            "a": {
                "allOf": [{"type": "object", "required": ["x"]}, {"required": ["y"], "properties": {"y": {"const": 2}}}]
            }
        },
        {},
    ),
    "references, also to itself": (
        {"a": {"$ref": "#/$defs/node"}},
        {
            "node": {
                "type": "object",
                "required": ["value"],
                "properties": {"value": {"minimum": 3, "type": "integer"}, "next": {"$ref": "#/$defs/node"}},
            }
        },
    ),
    "a reference to a property": ({"a": {"type": "integer", "minimum": 4}, "b": {"$ref": "#/properties/a"}}, {}),
    "lists with something in them": (
        {"a": {"type": "array", "prefixItems": [{"const": 1}, {"const": 2}], "minItems": 2, "items": False}},
        {},
    ),
    "a list that holds": ({"a": {"type": "array", "contains": {"const": "gold"}}}, {}),
    "so many properties": ({"a": {"type": "object", "minProperties": 1, "properties": {"x": {"type": "null"}}}}, {}),
}


@pytest.mark.parametrize("name", SCHEMAS)
def test_what_is_made_up_fits(name: str) -> None:
    """Whatever the schema asks; what was known stays as it is."""
    properties, definitions = SCHEMAS[name]
    schema = {
        "type": "object",
        "required": ["hours", *properties],
        "properties": {"hours": {"type": "integer"}, **properties},
        "$defs": definitions,
        "additionalProperties": False,
    }
    found = filled(schema, {"hours": 4})
    assert found is not None
    assert first_misfit(schema, found) is None
    assert (found["hours"], set(found)) == (4, {"hours", *properties})


@pytest.mark.parametrize(
    "asked",
    [
        False,
        {"$ref": "#/$defs/endless"},
        {"type": "string", "pattern": "^(?i)a$", "maxLength": 1},
        {"$ref": "#/$defs/branching"},
    ],
)
def test_what_cannot_be_made_up_is_soon_known(asked: Any) -> None:
    """Values that there are none of, that never end, whose patterns are beyond, that branch without end."""
    endless = {"type": "object", "required": ["next"], "properties": {"next": {"$ref": "#/$defs/endless"}}}
    again = {"$ref": "#/$defs/branching"}
    two = {"type": "object", "required": ["a", "b"], "properties": {"a": again, "b": again}}
    branching = {"anyOf": [two, {"type": "array", "minItems": 2, "items": again}, {"allOf": [again, again]}]}
    schema = {"required": ["a"], "properties": {"a": asked}, "$defs": {"endless": endless, "branching": branching}}
    assert filled(schema, {}) is None


def declared(required: dict[str, Any]) -> dict[str, Any]:
    """A type of event with hours, and what else it requires."""
    properties = {"hours": {"type": "integer", "minimum": 1, "maximum": 9}, **required}
    schema = {"type": "object", "required": list(properties), "properties": properties}
    return {
        "events": [{"type": "repair.done", "name": TIER["name"], "schema": schema}],
        "groups": [{"id": "g", "pick": "first"}],
    }


RIVALS: list[dict[str, Any]] = [
    {"event": "repair.done", "when": f"event.data.hours > {hours}", "fixed": 5, "group": "g", "priority": priority}
    for hours, priority in ((2, 2), (4, 1))
]


def test_an_example_can_be_sent() -> None:
    """Also of an event whose schema requires what no rule reads; and what is required is there, so that it is proven
    who never wins."""
    document = document_of(*RIVALS, **declared({"device": DEVICE, "parts": PARTS}))
    report = check_program(document)
    found = only(report, "shadowed")
    assert (found.rules, report.not_proven) == (["r1", "r0"], [])
    assert found.counterexample is not None
    assert [each.rule for each in tried(document, found.counterexample).awards] == ["r0"]


def test_without_an_example_nothing_is_claimed() -> None:
    """What the schema asks for beside cannot be made up: it is named as not proven."""
    report = check_program(document_of(*RIVALS, **declared({"code": {"type": "string", "pattern": "(?i)^a[^a]$"}})))
    assert ("shadowed", ["r1", "r0"]) not in kinds(report)
    assert any(each.rule == "r1" and "fits the schema" in each.why for each in report.not_proven)


def test_of_a_known_type_nothing_is_missing() -> None:
    """Whoever sends a review without its length sends one of length 0."""
    rivals = [{**each, "event": "review.posted", "when": each["when"].replace("hours", "length")} for each in RIVALS]
    report = check_program(document_of(*rivals, groups=[{"id": "g", "pick": "first"}]))
    assert only(report, "shadowed").rules == ["r1", "r0"]
