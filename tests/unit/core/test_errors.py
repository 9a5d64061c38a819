"""The base error keeps what caused it."""

from __future__ import annotations

from typing import ClassVar

from jifen.core.errors import JifenError


def test_an_error_keeps_code_message_and_details() -> None:
    """Programs read the code and the details, people the message."""

    class ShelfEmpty(JifenError):
        code: ClassVar[str] = "shelf_empty"

    error = ShelfEmpty("Shelf 7 is empty; fill it.", shelf=7)
    assert (error.code, error.message, error.details) == ("shelf_empty", "Shelf 7 is empty; fill it.", {"shelf": 7})
    assert str(error) == error.message
    assert JifenError.code == "internal"
