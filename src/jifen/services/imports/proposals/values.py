"""What the values of a column mean for a field of the program, told from its first values."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from jifen.core.rules.document import MemberField
from jifen.services.persons import read_field

#: Words for yes and no beyond those that every file may have.
_YES: Final = ("y", "t", "on", "有", "真", "对", "√", "✓", "✔")
_NO: Final = ("n", "f", "off", "无", "没有", "假", "错", "×", "✗", "✘")
_WORDS: Final = {**dict.fromkeys(_YES, "true"), **dict.fromkeys(_NO, "false")}


def values_of_field(field: MemberField, texts: Iterable[str]) -> dict[str, str]:
    """How texts of a column are to be translated for a field: names of its choices in the language in which the column
    has some, and further words for yes and no. What is taken as it stands is left out, as is what nobody can tell."""
    seen = set(texts)
    if field.choices:
        found: dict[str, str] = {}
        for language in ("zh", "en"):
            named = ((getattr(each.name, language, ""), each.value) for each in field.choices)
            names = {name: _written(value) for name, value in named if name}
            if not seen.isdisjoint(names):
                found |= names
        values = {_written(each.value) for each in field.choices}
        return {name: value for name, value in found.items() if name not in values}
    if field.type != "bool":
        return {}
    return {
        text: _WORDS[text.lower()]
        for text in sorted(seen)
        if text.lower() in _WORDS and read_field(text, field.type) is None
    }


def _written(value: bool | int | str) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
