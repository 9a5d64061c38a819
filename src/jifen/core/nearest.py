"""What may have been meant by a name that does not exist."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches


def nearest(name: str, known: Collection[str]) -> str | None:
    """The known name that is most like this one, whatever the case of its letters; None: none is like it."""
    by_lower = {each.lower(): each for each in known}
    found = get_close_matches(name.lower(), by_lower, 1)
    return by_lower[found[0]] if found else None


def nearest_dotted(name: str, known: Collection[str]) -> str | None:
    """Of dotted names the one that may have been meant: a sibling that is like it, or its like where the part before
    the last dot is misspelt or missing. What stands at another level is something else, however alike its letters."""
    parent, _, last = name.rpartition(".")
    if not parent:
        by_last = {each.rpartition(".")[2]: each for each in known}
        found = nearest(last, by_last)
        return by_last[found] if found else None
    levels: dict[str, dict[str, str]] = {}
    for each in known:
        above, _, own = each.rpartition(".")
        levels.setdefault(above, {})[own] = each
    if parent not in levels:
        found = nearest(parent, [above for above in levels if above.count(".") == parent.count(".")])
        if found is None:
            return None
        parent = found
    near = nearest(last, levels[parent])
    return levels[parent][near] if near else None


def asking(zh: str, en: str, suggestion: str | None) -> tuple[str, str]:
    """A sentence in Chinese and English, each with the question whether this was meant, if there is a suggestion."""
    if suggestion is None:
        return zh, en
    return f"{zh.removesuffix('。')}；是否为 {suggestion}？", f"{en.removesuffix('.')}; did you mean {suggestion}?"
