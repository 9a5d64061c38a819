"""Where in a YAML file a character of a text stands, as its author wrote it: folded, quoted, with escapes.

Only white space is changed by folding. So the visible characters of a text stand in the file in the same order, each
once, however they are broken into lines; in quotes, a few are written as two or more.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import yaml
from yaml.scanner import Scanner

_BREAK: Final = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_ESCAPE: Final = re.compile(
    r"\\(?:x(?P<x>[0-9A-Fa-f]{2})|u(?P<u>[0-9A-Fa-f]{4})|U(?P<U>[0-9A-Fa-f]{8})|(?P<one>.))", re.DOTALL
)


def place_in_file(file: str, scalar: yaml.ScalarNode, offset: int) -> tuple[int, int] | None:
    """Line and column (from 1, in characters) of a character of a scalar, or of the next one that is no white space;
    behind the last one that of the end. None: it cannot be told."""
    places = list(_visible(file, scalar))
    if len(places) != _count(scalar.value) or not places:
        return None
    before = _count(scalar.value[:offset])
    index = places[before] if before < len(places) else places[-1] + 1
    breaks = list(_BREAK.finditer(file, 0, index))
    return len(breaks) + 1, index - (breaks[-1].end() if breaks else 0) + 1


def _count(text: str) -> int:
    return sum(not each.isspace() for each in text)


def _visible(file: str, scalar: yaml.ScalarNode) -> Iterator[int]:
    """The positions in the file at which the visible characters of a scalar begin."""
    start, end = scalar.start_mark.index, scalar.end_mark.index
    if scalar.style is None:
        yield from _plain(file, start, end)
        return
    # A tag may stand before it.
    start = file.index(scalar.style, start) + 1
    match scalar.style:
        case "'":
            yield from _single_quoted(file, start, end - 1)
        case '"':
            yield from _double_quoted(file, start, end - 1)
        case _:
            # The rest of the first line says how the block is folded.
            first = _BREAK.search(file, start, end)
            yield from _plain(file, first.end() if first else end, end)


def _plain(file: str, start: int, end: int) -> Iterator[int]:
    return (index for index in range(start, end) if not file[index].isspace())


def _single_quoted(file: str, start: int, end: int) -> Iterator[int]:
    index = start
    while index < end:
        if not file[index].isspace():
            yield index
        # A quote is written as two.
        index += 2 if file[index] == "'" else 1


def _double_quoted(file: str, start: int, end: int) -> Iterator[int]:
    index = start
    while index < end:
        escape = _ESCAPE.match(file, index, end)
        if not (file[index] if escape is None else _meaning(escape)).isspace():
            yield index
        index = index + 1 if escape is None else escape.end()


def _meaning(escape: re.Match[str]) -> str:
    """The character that an escape stands for; that of a line that goes on is white space."""
    code = escape["x"] or escape["u"] or escape["U"]
    if code is not None:
        return chr(int(code, 16))
    return str(Scanner.ESCAPE_REPLACEMENTS.get(escape["one"], escape["one"]))
