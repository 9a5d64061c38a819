"""Proofs know what the program says of events and members, and what holds of some triggers alone."""

from __future__ import annotations

from typing import Any

import pytest

from jifen.analytics.proofs import CheckReport, check_program
from tests.unit.analytics.proofs.trying import tried
from tests.unit.analytics.test_proofs import SETS, document_of, kinds

FIXED = {"fixed": 5}


def _ran(schema: dict[str, Any], when: str) -> CheckReport:
    """What is found of a rule for runs, whose data have one property `value`, which fits a schema."""
    events = [{"type": "run.finished", "schema": {"properties": {"value": schema}, "required": ["value"]}}]
    return check_program(document_of(FIXED | {"event": "run.finished", "when": when}, events=events))


#: A schema, what no value meets that fits it, and what one just does.
SCHEMAS: dict[str, tuple[dict[str, Any], str, str]] = {
    "maximum": ({"type": "integer", "maximum": 480}, "$ > 480", "$ >= 480"),
    "minimum": ({"type": "integer", "minimum": 1}, "$ < 1", "$ < 2"),
    "exclusive bounds": (
        {"type": "integer", "exclusiveMinimum": 0, "exclusiveMaximum": 2},
        "$ != 1",
        "$ == 1",
    ),
    "bounds between whole numbers": ({"type": "integer", "minimum": 0.5, "maximum": 1.5}, "$ != 1", "$ == 1"),
    "exclusive bounds between whole numbers": (
        {"type": "integer", "exclusiveMinimum": 0.5, "exclusiveMaximum": 1.5},
        "$ != 1",
        "$ == 1",
    ),
    "enum of numbers": ({"type": "integer", "enum": [1, 5]}, "$ > 1 && $ < 5", "$ > 1"),
    "enum of texts": ({"type": "string", "enum": ["run", "walk"]}, '$ == "swim"', '$ != "run"'),
    "const": ({"type": "string", "const": "run"}, '$ != "run"', '$ == "run"'),
    "const of a truth value": ({"type": "boolean", "const": True}, "!$", "$"),
    "minLength": ({"type": "string", "minLength": 3}, "size($) < 3", "size($) < 4"),
    "no empty text": ({"type": "string", "minLength": 1}, '$ == ""', '$ != "a"'),
    "maxLength": ({"type": "string", "maxLength": 3}, '$ == "four"', '$ == "thr"'),
    "maxLength and a part": ({"type": "string", "maxLength": 3}, '$.startsWith("four")', '$.startsWith("thr")'),
    "pattern": ({"type": "string", "pattern": "^[A-Z]{2}$"}, '$ == "abc"', '$ == "AB"'),
    "pattern and a part": ({"type": "string", "pattern": "^[A-Z]{2}$"}, '$.startsWith("a")', '$.startsWith("A")'),
}


@pytest.mark.parametrize("name", SCHEMAS)
def test_schemas_of_events(name: str) -> None:
    """What no event has by its schema is never true."""
    schema, never, sometimes = SCHEMAS[name]
    assert ("never_true", ["r0"]) in kinds(_ran(schema, never.replace("$", "event.data.value")))
    report = _ran(schema, sometimes.replace("$", "event.data.value"))
    assert (kinds(report), report.not_proven) == ([], [])


@pytest.mark.parametrize("name", SCHEMAS)
def test_schemas_of_fields(name: str) -> None:
    """A field holds what fits its schema, or nothing, where nobody said it."""
    schema, never, sometimes = SCHEMAS[name]
    types = {"integer": "int", "string": "string", "boolean": "bool"}
    empty = {"integer": "$ != 0", "string": '$ != ""', "boolean": "true"}[schema["type"]]
    fields = [{"id": "value", "type": types[schema["type"]], "schema": schema}]
    found = {}
    for asked in (f"({never}) && {empty}", sometimes, f"!({empty})"):
        report = check_program(
            document_of(FIXED | {"audience": asked.replace("$", "member.fields.value")}, fields=fields)
        )
        found[asked] = ("never_true", ["r0"]) in kinds(report)
    # Of a truth value, what nobody said is false.
    is_found, *others = found.values()
    assert (is_found, others[0]) == (name != "const of a truth value", False), found


def test_the_event_that_shows_it_fits_the_schema() -> None:
    """`rules try` refuses an event that does not fit: that of a finding does, also where no rule asks for it."""
    properties = {
        "minutes": {"type": "integer", "minimum": 10, "maximum": 480},
        "kind": {"type": "string", "enum": ["run", "walk"]},
        "track": {"type": "string", "pattern": "^[A-Z]{2}$"},
    }
    events = [{"type": "run.finished", "schema": {"properties": properties, "required": list(properties)}}]
    document = document_of(FIXED | {"event": "run.finished", "when": "event.data.minutes > 600"}, events=events)
    (found,) = check_program(document).findings
    assert (found.kind, found.rules) == ("never_true", ["r0"])
    assert found.counterexample is not None
    assert [each.outcome for each in tried(document, found.counterexample).trace] == ["condition"]


BY_TRIGGER = [
    ("member.checked_in", "member.checkin_streak == 0", "member.checkin_streak == 1"),
    ("member.registered", "member.orders > 0", "member.orders == 0"),
    ("member.registered", "member.checkin_streak > 0", "member.checkin_streak == 0"),
    ("member.registered", "member.days_since_registration > 0", "member.days_since_registration == 0"),
    ("member.registered", 'member.tier == "gold"', 'member.tier == "plain"'),
    ("member.registered", 'member.tiers.tea != "plain"', 'member.tiers.tea != "gold"'),
    ("order.completed", "member.checkin_streak < 0", "member.checkin_streak == 0"),
    ("order.completed", "member.spent_cents_month > 0 && member.days_since_last_order > 30", "member.orders > 9"),
    ("order.completed", "member.spent_cents_year > 0 && member.days_since_last_order > 365", "member.orders > 9"),
]


@pytest.mark.parametrize(("event", "never", "sometimes"), BY_TRIGGER)
def test_what_holds_of_a_trigger(event: str, never: str, sometimes: str) -> None:
    """A check-in counts in its own streak; whoever registers has done nothing before, and has no tier but the first."""
    document = document_of(FIXED | {"event": event, "audience": never}, tier_sets=SETS)
    found = next(each for each in check_program(document).findings if each.kind == "never_true")
    assert found.rules == ["r0"]
    assert found.counterexample is not None
    outcomes = {each.rule: each.outcome for each in tried(document, found.counterexample).trace}
    assert outcomes["r0"] == "audience"
    report = check_program(document_of(FIXED | {"event": event, "audience": sometimes}, tier_sets=SETS))
    assert ("never_true", ["r0"]) not in kinds(report)
