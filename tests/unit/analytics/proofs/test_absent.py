"""Rules that read what an event may be without are found, with such an event."""

from __future__ import annotations

from typing import Any

import pytest

from jifen.analytics.proofs import check_program
from tests.unit.analytics.proofs.trying import only, tried
from tests.unit.analytics.test_proofs import document_of, kinds

PROPERTIES = {
    "minutes": {"type": "integer", "minimum": 1, "maximum": 480},
    "kind": {"type": "string", "enum": ["run", "walk"]},
    "steps": {"type": "integer"},
}
READING: dict[str, dict[str, Any]] = {
    "a condition": {"fixed": 5, "when": "event.data.minutes > 30"},
    "one part of two": {"fixed": 5, "when": 'event.data.kind == "run" || event.data.minutes > 30'},
    "one branch of two": {"fixed": 5, "when": 'event.data.kind == "run" ? event.data.minutes > 30 : true'},
    "a formula": {"formula": "event.data.minutes / 10", "when": 'event.data.kind == "run"'},
}


def _document(rule: dict[str, Any], *required: str) -> Any:
    schema = {"properties": PROPERTIES, "required": list(required)}
    return document_of(rule | {"event": "run.finished"}, events=[{"type": "run.finished", "schema": schema}])


@pytest.mark.parametrize("name", READING)
def test_what_is_optional_and_read(name: str) -> None:
    """The event that lacks it makes the rule fail; where the schema requires it, nothing is found."""
    document = _document(READING[name], "kind", "steps")
    found = only(check_program(document), "unknown_reference")
    assert found.rules == ["r0"]
    assert "event.data.minutes" in found.message_en and "event.data.minutes" in found.message_zh
    assert found.counterexample is not None
    assert "minutes" not in found.counterexample.event["data"]
    assert [each.outcome for each in tried(document, found.counterexample).trace] == ["failed"]
    report = check_program(_document(READING[name], "kind", "steps", "minutes"))
    assert (kinds(report), report.not_proven) == ([], [])


def test_what_is_optional_and_never_asked_for() -> None:
    """A property that does not matter wherever the others are there is no finding."""
    document = _document({"fixed": 5, "when": 'event.data.kind == "swim" && event.data.minutes > 30'}, "kind")
    assert [kind for kind, _ in kinds(check_program(document))] == ["never_true"]
