"""How many of something, as English counts it."""

from __future__ import annotations

from typing import Final

#: Words on an s that are no plural: bonus, status, bliss, tennis.
_NO_PLURALS: Final = ("ss", "us", "is")


def counted(number: int, plural: str) -> str:
    """A number with what it counts: `1 point`, `2,000 points`."""
    return f"{number:,} {of_number(number, plural)}"


def of_number(number: int, plural: str) -> str:
    """A noun as it stands behind a number: a name such as `Points` or `growth value` becomes one of them behind 1, if
    it is a plural."""
    if number not in (1, -1) or not plural.endswith("s") or plural.endswith(_NO_PLURALS):
        return plural
    if plural.endswith("ies"):
        return f"{plural.removesuffix('ies')}y"
    return plural[:-1]
