"""Fields of members as people and programs write them."""

from __future__ import annotations

import pytest

from jifen.services.persons import read_field, whole_numbers


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2", 2),
        ("2.0", 2),
        ("2.000", 2),
        ("-7.0", -7),
        ("+7", 7),
        ("2.5", None),
        ("2.", None),
        (".0", None),
        ("1_000", None),
        ("", None),
        ("9" * 5_000, None),
    ],
)
def test_whole_numbers_of_files_and_of_the_command_line(text: str, value: int | None) -> None:
    """A point with nothing behind it changes nothing; what Python takes besides is no number to people."""
    assert read_field(text, "int") == value


def test_whole_numbers_of_json() -> None:
    """Only what is exact is taken for an integer."""
    said = {"a": 2.0, "b": 2.5, "c": True, "d": "2.0", "e": 1e300, "f": None, "g": 3}
    kept = whole_numbers(said)
    assert kept == said
    assert [type(value) for value in kept.values()] == [int, float, bool, str, float, type(None), int]
