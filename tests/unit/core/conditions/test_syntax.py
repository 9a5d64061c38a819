"""The tree that others translate."""

from __future__ import annotations

import pytest

from jifen.core.conditions.syntax import (
    Call,
    Constant,
    ListLiteral,
    Member,
    Name,
    Quantifier,
    conjuncts,
    disjuncts,
    place_of,
    walk,
)
from tests.unit.core.conditions.shop import VOCABULARY


@pytest.mark.parametrize(
    ("source", "position", "place"),
    [
        ("abc", 0, (1, 1)),
        ("abc", 3, (1, 4)),
        ("a\nbc", 1, (1, 2)),
        ("a\nbc", 2, (2, 1)),
        ("a\r\n\tbc", 4, (2, 2)),
        ("中😀b", 2, (1, 3)),
        ("", 0, (1, 1)),
        ("a", -1, (1, 1)),
    ],
)
def test_places_count_lines_and_characters_from_one(source: str, position: int, place: tuple[int, int]) -> None:
    """A tab is one character, so is an emoji; `\\r\\n` ends one line."""
    assert place_of(source, position) == place


def test_operators_and_methods_are_calls() -> None:
    """The target of a method is its first argument; positions count characters."""
    root = VOCABULARY.compile('"茶😀" == order.channel || order.channel.startsWith("a")').root
    assert root == Call(
        "bool",
        "_||_",
        "logical_or",
        (
            Call(
                "bool",
                "_==_",
                "equals",
                (Constant("string", "茶😀", 0), Name("string", "order.channel", 13)),
                5,
            ),
            Call(
                "bool",
                "startsWith",
                "starts_with_string",
                (Name("string", "order.channel", 30), Constant("string", "a", 50)),
                49,
            ),
        ),
        22,
    )


def test_quantifiers_are_recognised() -> None:
    """Also after CEL has expanded them; the variable is a Name inside."""
    for kind in ("all", "exists", "exists_one"):
        root = VOCABULARY.compile(f"order.lines.{kind}(l, l.quantity in [1, 2])").root
        offset = len(kind)
        assert root == Quantifier(
            kind,
            "l",
            Name("lines", "order.lines", 5),
            Call(
                "bool",
                "@in",
                "in_list",
                (
                    Member("int", Name("line", "l", offset + 16), "quantity", offset + 17),
                    ListLiteral(
                        "ints",
                        (Constant("int", 1, offset + 31), Constant("int", 2, offset + 34)),
                        offset + 30,
                    ),
                ),
                offset + 27,
            ),
            offset + 12,
        )


def test_long_chains_come_apart_in_order() -> None:
    """CEL balances them; terms of the other kind stay whole."""
    source = " && ".join(f"now.hour != {hour}" for hour in range(9))
    terms = list(conjuncts(VOCABULARY.compile(source).root))
    values = [each.arguments[1] for each in terms if isinstance(each, Call)]
    assert [each.value for each in values if isinstance(each, Constant)] == list(range(9))
    assert len(list(disjuncts(VOCABULARY.compile("member.vip || (true && false) || false").root))) == 3
    assert len(list(conjuncts(VOCABULARY.compile("member.vip || true").root))) == 1


def test_a_walk_meets_every_node() -> None:
    """From the top, through every kind of node."""
    source = 'order.lines.exists(l, l.sku in ["A"]) && !member.vip'
    kinds = [type(each).__name__ for each in walk(VOCABULARY.compile(source).root)]
    assert kinds == [
        *("Call", "Quantifier", "Name", "Call", "Member", "Name", "ListLiteral", "Constant"),
        *("Call", "Name"),
    ]
