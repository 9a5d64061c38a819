"""Conditions as SQL text. That it says what CEL says is shown on real rows (tests/integration/segments)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from jifen.core.conditions import Vocabulary
from jifen.core.conditions.sql import Fragment, SqlCondition, SqlFacts, all_of, compile_sql, joined

VOCABULARY = Vocabulary({"a": "int", "b": "int", "s": "string", "t": "strings", "v": "bool", "i": "timestamp"})
FACTS = SqlFacts(
    {name: Fragment(name) for name in ("a", "s", "v", "i")} | {"b": Fragment("b($?)", ("key",))},
    {"t": Fragment("t")},
    {"t": "holds(t, {})"},
)


def sql(source: str) -> SqlCondition:
    """The SQL of a condition."""
    return compile_sql(VOCABULARY.compile(source).root, FACTS)


@pytest.mark.parametrize(
    ("source", "text", "arguments"),
    [
        ("a > 3", "((a > $1::bigint))", (3,)),
        ("a + b == 2", "((checked_sum(a, b($1)) = $2::bigint))", ("key", 2)),
        ('s == "\'; DROP TABLE members; --"', '((s COLLATE "C" = $1::text))', ("'; DROP TABLE members; --",)),
        ("'x' in t", "(holds(t, $1::text))", ("x",)),
        ("s in ['x', 'y']", "((s = ANY ($1::text[])))", (["x", "y"],)),
        ("v && a < 1", "(v) AND ((a < $1::bigint))", (1,)),
        (
            "v ? a == 1 : a == 2",
            "((CASE v WHEN true THEN (a = $1::bigint) WHEN false THEN (a = $2::bigint) END))",
            (1, 2),
        ),
        (
            'i < timestamp("2026-11-11T00:00:00+08:00")',
            "((i < $1::timestamptz))",
            (datetime(2026, 11, 10, 16, tzinfo=UTC),),
        ),
    ],
)
def test_constants_are_arguments(source: str, text: str, arguments: tuple[object, ...]) -> None:
    """No part of a condition's constants becomes text of the statement; arguments stand in the order of their marks."""
    condition = sql(source)
    assert (condition.test.numbered(), condition.test.arguments) == (text, arguments)
    assert condition.is_whole


@pytest.mark.parametrize(
    "source",
    [
        's.matches("^a")',
        "t == ['x']",
        "t[0] == 'x'",
        "s in [s]",
        "i.getFullYear() == 2026",
        'i < timestamp("2026-11-11T00:00:00.123456789Z")',
        'i - i > duration("1.5h")',
        "t.exists(x, t.exists(y, x == y))",
    ],
)
def test_what_sql_would_say_otherwise_is_left_out(source: str) -> None:
    """Alone it leaves a test that everybody passes; beside another term, that term."""
    alone = sql(source)
    assert alone.test == Fragment("true") and len(alone.left_out) == 1
    beside = sql(f"a > 3 && ({source})")
    assert beside.test.text == "((a > $?::bigint))" and not beside.is_whole


def test_numbering_begins_where_it_is_told() -> None:
    """So that a test can stand behind other arguments."""
    test = joined("{} AND {}", Fragment("x = $?", (1,)), Fragment("y = $?", (2,)))
    assert test.numbered(3) == "x = $3 AND y = $4"
    assert all_of([]) == Fragment("true")
