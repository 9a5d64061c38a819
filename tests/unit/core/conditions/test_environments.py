"""The two environments, and that CEL gets what it needs of protobuf without protobuf."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

import pytest

from jifen.core.conditions.environments import check_environment, line_descriptor, run_environment


def test_lines_have_typed_fields_where_conditions_are_checked() -> None:
    """And are dicts where they are evaluated."""
    names = {"order.lines": "lines"}
    check = check_environment(names)  # type: ignore[arg-type] # a plain dict of literals
    run = run_environment(names)  # type: ignore[arg-type] # as above
    for wrong in ("l.skuu == 'A'", "l.sku == 1", "l.quantity == 'A'"):
        with pytest.raises(RuntimeError, match="<input>:1:"):
            check.compile(f"order.lines.exists(l, {wrong})")
    program = run.deserialize(check.compile("order.lines.exists(l, l.sku == 'A')").serialize())
    assert program.eval(data={"order.lines": [{"sku": "A"}]}).value() is True


def test_types_are_known_before_the_first_compilation() -> None:
    """A program from the other environment refuses a text where a number is declared, and takes an instant."""
    names = {"count": "int", "now": "timestamp"}
    check = check_environment(names)  # type: ignore[arg-type] # a plain dict of literals
    for source, data, found in [
        ("count == 5", {"count": "5"}, "Expected INT"),
        ("now == now", {"now": datetime(2026, 1, 1, tzinfo=UTC)}, "true"),
    ]:
        run = run_environment(names)  # type: ignore[arg-type] # as above
        assert found in repr(run.deserialize(check.compile(source).serialize()).eval(data=data))


def test_the_stand_in_for_protobuf_is_gone_afterwards() -> None:
    """Nobody else shall take it for the real one."""
    before = set(sys.modules)
    check_environment({})
    assert {name for name in set(sys.modules) - before if name.startswith("google")} == set()


def test_the_description_of_a_line_is_made_once() -> None:
    """It names the message and its fields."""
    description = line_descriptor()
    assert b"Line" in description
    assert b"paid_cents" in description
    assert line_descriptor() is description
