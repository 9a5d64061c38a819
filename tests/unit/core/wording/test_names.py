"""What a program calls things."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from jifen.core.wording.names import Called, Names
from tests.unit.core.wording.club import CLUB


@pytest.mark.parametrize(
    ("kind", "value", "zh", "en"),
    [
        ("tier", "gold", "金卡", "Gold"),
        ("tier", "gone", "「gone」", "“gone”"),
        ("tier:level", "black", "黑卡", "Black"),
        ("reward", "spa", "水疗", "Spa"),
        ("field:fav-tea", "oolong", "乌龙", "Oolong"),
        ("money", -150, "-1.50 元", "CNY -1.50"),
        ("weekday", 7, "周日", "Sunday"),
        ("weekday", 8, "8", "8"),
        ("month", 2, "2 月", "February"),
        ("month", 0, "0 月", "0"),
        ("hour", 9, "9 点", "9:00"),
        ("", 1234, "1,234", "1,234"),
        ("", True, "是", "yes"),
    ],
)
def test_values_are_written_by_their_kind(kind: str, value: bool | int | str, zh: str, en: str) -> None:
    """Names of the program where it has them, else as they are."""
    assert (Names(CLUB, "zh").value(kind, value), Names(CLUB, "en").value(kind, value)) == (zh, en)


def test_what_the_program_declares_is_called_as_there() -> None:
    """Fields by their names, its own data by its own name even where events of ours have such a property."""
    names = Names(CLUB, "en")
    assert names.noun("member.fields.fav-tea") == Called("“Favourite tea”", "field:fav-tea")
    assert names.noun("event.data.length") == Called("“length”", "number")
    assert names.noun("event.data.rating") == Called("the rating", "number")
    assert names.noun("nothing.known") is None and names.noun("balance.nothing") is None


def test_instants_are_those_of_the_zone() -> None:
    """Eight hours ahead of UTC."""
    assert Names(CLUB, "zh").instant(datetime(2026, 11, 10, 16, tzinfo=UTC)) == "2026年11月11日 00:00"
