"""What is wrong with a program file, and the checks that several of its parts share."""

from __future__ import annotations

import re
from collections.abc import Sequence

from jifen.core.errors import JifenError
from jifen.core.rules.document import LocalizedText
from jifen.core.text import unfit_text

_ID = re.compile(r"[a-z][a-z0-9_-]{0,39}")


class InvalidProgram(JifenError):
    """A program file that cannot become a version; `path` names the field."""

    code = "invalid_program"


def invalid(path: str, message: str) -> InvalidProgram:
    """The error for a field, to be raised."""
    return InvalidProgram(f"{path} {message}.", path=path)


def check_ids(path: str, ids: Sequence[str]) -> None:
    """Ids are short, plain and differ. Raises InvalidProgram."""
    for index, identifier in enumerate(ids):
        if not _ID.fullmatch(identifier):
            raise invalid(f"{path}[{index}].id", f"is {identifier!r}; write a-z, 0-9, _ and -, 1 to 40 characters")
        if identifier in ids[:index]:
            raise invalid(f"{path}[{index}].id", f"is {identifier!r} a second time; ids must differ")


def check_range(path: str, value: int, least: int, most: int) -> None:
    """Raises InvalidProgram where a number lies outside."""
    if not least <= value <= most:
        raise invalid(path, f"is {value}; it must lie between {least} and {most}")


def check_number(path: str, items: Sequence[object], most: int) -> None:
    """Raises InvalidProgram where a list is too long."""
    if len(items) > most:
        raise invalid(path, f"has {len(items)} entries; {most} are allowed")


def check_text(path: str, text: LocalizedText) -> None:
    """Raises InvalidProgram where a text is empty, long or not printable."""
    for language, value in (("zh", text.zh), ("en", text.en)):
        if not value.strip() or len(value) > 200 or unfit_text(value):
            raise invalid(f"{path}.{language}", "must have 1 to 200 characters, without control characters")
