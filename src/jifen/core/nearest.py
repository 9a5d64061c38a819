"""What may have been meant by a name that does not exist."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches


def nearest(name: str, known: Collection[str]) -> str | None:
    """The known name that is most like this one, whatever the case of its letters; None: none is like it."""
    by_lower = {each.lower(): each for each in known}
    found = get_close_matches(name.lower(), by_lower, 1)
    return by_lower[found[0]] if found else None


def asking(zh: str, en: str, suggestion: str | None) -> tuple[str, str]:
    """A sentence in Chinese and English, each with the question whether this was meant, if there is a suggestion."""
    if suggestion is None:
        return zh, en
    return f"{zh.removesuffix('。')}；是否为 {suggestion}？", f"{en.removesuffix('.')}; did you mean {suggestion}?"
