"""What is around a value goes, what a spreadsheet has spoilt is told."""

from __future__ import annotations

import pytest

from jifen.services.imports.cells import clean, plain, read_any_identity, read_identity, ungrouped
from jifen.services.imports.faults import RowFault


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("phone", "13912345678.0", "13912345678"),
        ("phone", "1.3912345678E10", "13912345678"),
        ("phone", "1.3912345678E+10", "13912345678"),
        ("phone", "１３９１２３４５６７８", "13912345678"),
        ("phone", "\u202d139 1234-5678\u202c", "13912345678"),
        ("phone", "'13912345678", "13912345678"),
        ("phone", '="13912345678"', "13912345678"),
        ("phone", "\u3000 13912345678\xa0", "13912345678"),
        ("card", "\ufeffC-17", "C-17"),
        ("external", "1001.0", "1001"),
        ("external", "1001.5", "1001.5"),
        ("external", "4E0", "4E0"),
        ("external", "2E1", "2E1"),
        ("openid", "1.5E1", "1.5E1"),
        ("email", " Li@Example.COM ", "li@example.com"),
    ],
)
def test_identities(kind: str, text: str, value: str) -> None:
    """In the one spelling that is stored."""
    assert read_identity(kind, text, "c").value == value
    assert read_any_identity(f"{kind}:{text}", "c").value == value


@pytest.mark.parametrize(
    ("text", "code"),
    [("1.39E+10", "inexact_number"), ("6.22202020011234E+18", "inexact_number"), ("12", "invalid_identity")],
)
def test_lost_digits(text: str, code: str) -> None:
    """Nobody but the old system knows them."""
    with pytest.raises(RowFault, match=code):
        read_identity("phone", text, "c")


def test_country_codes_and_decimal_noughts() -> None:
    """As the mapping says."""
    assert read_identity("phone", "+86 139 1234 5678", "c", "86").value == "13912345678"
    assert read_identity("external", "17850.0", "c", drop_decimal_zero=False).value == "17850.0"
    with pytest.raises(RowFault, match="invalid_identity"):
        read_any_identity("fax:1", "c")


def test_numbers() -> None:
    """Only commas of thousands go: `1,5` is no fifteen."""
    assert [ungrouped(text) for text in ("1,234", "12,345,678", "-1,234.50", "1,5", "1,2345", ",5")] == [
        "1234",
        "12345678",
        "-1234.50",
        "1,5",
        "1,2345",
        ",5",
    ]
    assert (clean("\u200b 李 梅\u3000"), plain("１，２３４")) == ("李 梅", "1,234")
