"""A birthday is a day on which somebody who is alive can have been born."""

from __future__ import annotations

from datetime import date

import pytest

from jifen.core.members.birthday import check_birthday

TODAY = date(2026, 5, 17)


@pytest.mark.parametrize("text", ["1900-01-01", "2026-05-17", "2024-02-29", "02-29", "12-31"])
def test_days_on_which_people_are_born(text: str) -> None:
    """From 1900 to today; without a year any day, also one that is still to come."""
    assert check_birthday(text, TODAY) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1899-12-31", "between 1900-01-01 and today"),
        ("2026-05-18", "2026-05-18 does not"),
        ("2999-01-01", "2999-01-01 does not"),
        ("0001-01-01", "0001-01-01 does not"),
        ("2023-02-29", "There is no day 2023-02-29"),
        ("02-30", "There is no day 02-30"),
        ("1990-5-17", "YYYY-MM-DD, or MM-DD"),
        ("１９９０-05-17", "YYYY-MM-DD, or MM-DD"),
    ],
)
def test_days_on_which_nobody_was(text: str, said: str) -> None:
    """The refusal says what is possible."""
    refusal = check_birthday(text, TODAY)
    assert refusal is not None
    assert (refusal.code, refusal.pointer) == ("invalid_field", "/birthday")
    assert said in refusal.message
