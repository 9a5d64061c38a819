"""CEL's own tree, read from its bytes."""

from __future__ import annotations

from typing import Any

import pytest
from cel_expr_python import cel

from jifen.core.conditions.checked import CheckedNode, decode


def decoded(source: str, **variables: Any) -> CheckedNode:
    """The tree of a source in plain CEL."""
    return decode(cel.NewEnv(variables=variables).compile(source).serialize())


@pytest.mark.parametrize(
    ("source", "type_name", "value"),
    [
        ("true", "bool", True),
        ("false", "bool", False),
        ("0", "int", 0),
        ("-1", "int", -1),
        ("9223372036854775807", "int", 2**63 - 1),
        ("-9223372036854775808", "int", -(2**63)),
        ('"茶\\n😀"', "string", "茶\n😀"),
        ('""', "string", ""),
        ("1.5", "double", None),
        ("1u", "uint", None),
        ('b"x"', "bytes", None),
        ("null", "null", None),
    ],
)
def test_constants(source: str, type_name: str, value: object) -> None:
    """Integers keep their sign; what conditions do not have is told by its type."""
    assert decoded(source) == CheckedNode("constant", 0, type_name, value=value)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("source", "type_name"),
    [
        ("[1]", "ints"),
        ("[[1]]", "intss"),
        ("[]", "dyns"),
        ('["a", 1]', "dyns"),
        ("{1: 2}", "map"),
        ("type(1)", "type"),
        ("dyn(1)", "dyn"),
        ('timestamp("2026-01-01T00:00:00Z")', "timestamp"),
        ('duration("1h")', "duration"),
    ],
)
def test_types(source: str, type_name: str) -> None:
    """A list is a plural; what conditions do not have keeps a name that they do not know."""
    assert decoded(source).type == type_name


def test_calls_have_one_overload_or_none() -> None:
    """None where only evaluation can tell which one it is."""
    assert decoded("a.size()", a=cel.Type.STRING).overload == "string_size"
    assert decoded("size(a)", a=cel.Type.DYN).overload == ""


def test_presence_tests_and_comprehensions() -> None:
    """`has` is a special selection; a quantifier has five parts."""
    assert decoded("has(a.b)", a=cel.Type.Map(cel.Type.STRING, cel.Type.INT)).special
    quantifier = decoded("[1].exists(x, x == 1)")
    assert (quantifier.kind, quantifier.name, len(quantifier.children)) == ("comprehension", "x", 5)


def test_other_bytes_are_refused() -> None:
    """An expression that was not checked is another message."""
    with pytest.raises(ValueError, match="ParsedExpr"):
        decode(cel.NewEnv().compile("x", disable_check=True).serialize())
