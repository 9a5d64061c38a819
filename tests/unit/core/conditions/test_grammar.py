"""What of CEL is outside of conditions."""

from __future__ import annotations

import pytest

from jifen.core.conditions import InvalidCondition
from jifen.core.conditions.grammar import shown_function
from tests.unit.core.conditions.shop import VOCABULARY, facts


@pytest.mark.parametrize(
    ("source", "column", "fault"),
    [
        ("[1.5] == [1.5]", 1, "not available"),
        ("1.5 == 1.5", 1, "fraction"),
        ("1u == 1u", 1, "without u"),
        ('b"a" == b"a"', 1, "without b"),
        ("null == null", 1, "null"),
        ('[1, "a"] == [1]', 1, "one type"),
        ("[[1]] == [[1]]", 1, "not available"),
        ('{"a": 1} == {"a": 1}', 1, "maps"),
        ('{"a": 1}["a"] == 1', 1, "maps"),
        ('{"a": 1}.a == 1', 1, "maps"),
        ('{"a": 1}.exists(k, true)', 1, "maps"),
        ('jifen.Line{sku: "A"}.sku == "A"', 1, "maps or structures"),
        ("google.protobuf.Timestamp{seconds: 1} == now", 1, "maps or structures"),
        ("int == int", 1, "Types"),
        ('bool("true")', 5, "bool() is not available"),
        ("order.lines == order.lines", 13, "compare their fields"),
        ("order.lines[0] != order.lines[1]", 16, "compare their fields"),
        ("order.lines[0] in order.lines", 16, "compare their fields"),
        ("[order.lines[0]].exists(l, true)", 1, "lists of order lines"),
        ("member.tags.exists(now, true)", 19, "now already means something"),
        ('order.channel == "a\\u0000b"', 18, "U+0000"),
        ("member.tags.all(a, member.tags.all(b, member.tags.all(c, true)))", 54, "2 levels"),
    ],
)
def test_outside_is_refused_with_its_place(source: str, column: int, fault: str) -> None:
    """CEL would take each of these."""
    with pytest.raises(InvalidCondition) as raised:
        VOCABULARY.compile(source)
    (problem,) = raised.value.problems
    assert fault in problem.message
    assert (problem.line, problem.column) == (1, column)


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("member.tags.exists(member, .member.vip)", {"member.tags", "member.vip"}),
        ('order.lines.exists(order, order.sku == "B")', {"order.lines"}),
        ('order.lines.exists(line, line.sku == "B" && .line.category == "tea")', {"order.lines", "line.category"}),
        ('member.tags.exists(t, member.tags.exists(t, t == "student"))', {"member.tags"}),
        ("member.fields.`fav-tea` == 'oolong'", {"member.fields.fav-tea"}),
        ("now.hour == 18 && now == now", {"now", "now.hour"}),
    ],
)
def test_variables_hide_parts_of_names_and_a_dot_reaches_past_them(source: str, names: set[str]) -> None:
    """Each of these is true, by closures and by CEL."""
    condition = VOCABULARY.compile(source)
    assert condition.names == names
    assert condition.evaluate(facts()) is True
    assert condition.ask_cel(facts()) is True


@pytest.mark.parametrize(
    ("function", "shown"),
    [("_==_", "=="), ("!_", "!"), ("-_", "-"), ("@in", "in"), ("_[_]", "[ ]"), ("_?_:_", "? :"), ("size", "size()")],
)
def test_functions_are_shown_as_they_are_written(function: str, shown: str) -> None:
    """CEL's names have underscores for operands."""
    assert shown_function(function) == shown
