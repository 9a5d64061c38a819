"""Plain regular expressions of RE2 as languages of the solver.

Characters, classes, groups, choices and repetitions, with `^` and `$` at the ends. Whatever else a pattern has (flags,
names, word boundaries, classes of Unicode ...) is not plain: nothing is guessed.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final

import z3

#: The solver's characters end here, long before those of Unicode; all that are in use but a few rare Han are below.
LAST_CHARACTER: Final = 0x2FFFF
#: Larger repetitions take the solver too long.
MOST_REPETITIONS: Final = 64
_COUNTED: Final = re.compile(r"\{(\d+)(?:(,)(\d*))?\}", re.ASCII)
_CLASSES: Final = {"d": [(48, 57)], "w": [(48, 57), (65, 90), (95, 95), (97, 122)], "s": [(9, 10), (12, 13), (32, 32)]}
_CONTROLS: Final = {"t": 9, "n": 10, "r": 13}
_NOT_A_LINE_END: Final = [(0, 9), (11, LAST_CHARACTER)]
Ranges = list[tuple[int, int]]


class NotPlain(Exception):
    """A pattern with something that has no language here."""


def language_of(pattern: str, context: Any) -> Any:
    """The texts in which a pattern, which RE2 takes, is found. Raises NotPlain."""
    return _Reader(pattern, context).whole()


@lru_cache(maxsize=1_000)
def is_plain(pattern: str) -> bool:
    """Whether a pattern has a language."""
    try:
        language_of(pattern, z3.Context())
    except NotPlain:
        return False
    return True


def is_within(text: str) -> bool:
    """Whether the solver has all characters of a text."""
    return all(ord(each) <= LAST_CHARACTER for each in text)


def string_of(text: str, context: Any) -> Any:
    """A text as a value of the solver. Raises NotPlain where it has a character beyond."""
    if not is_within(text):
        raise NotPlain
    return z3.StringVal(text.replace("\\", "\\u{5c}"), context)


class _Reader:
    def __init__(self, pattern: str, context: Any) -> None:
        self._rest = pattern
        self._context = context
        self._anything = z3.Full(z3.ReSort(z3.StringSort(context)))

    def whole(self) -> Any:
        """The pattern as a whole, with its anchors."""
        found = [self._anchored()]
        while self._take("|"):
            found.append(self._anchored())
        if self._rest:
            raise NotPlain
        return _any_of(found)

    def _anchored(self) -> Any:
        parts = [] if self._take("^") else [self._anything]
        parts.append(self._sequence())
        if not self._take("$"):
            parts.append(self._anything)
        elif self._rest and self._rest[0] != "|":
            raise NotPlain
        return _in_turn(parts)

    def _sequence(self) -> Any:
        """What stands up to the end, or to a sign that only what is around it can read."""
        parts = [self._literal("")]
        while self._rest and self._rest[0] not in "|)$":
            parts.append(self._repeated(self._atom()))
        return _in_turn(parts)

    def _atom(self) -> Any:
        if self._take("("):
            if self._rest.startswith("?") and not self._take("?:"):
                raise NotPlain
            found = [self._sequence()]
            while self._take("|"):
                found.append(self._sequence())
            if not self._take(")"):
                raise NotPlain
            return _any_of(found)
        if self._take("."):
            return self._ranges(_NOT_A_LINE_END)
        if self._take("["):
            return self._ranges(self._class())
        if self._rest[0] == "\\":
            return self._ranges(self._escape())
        if self._rest[0] in "^*+?{":
            raise NotPlain
        return self._literal(self._next())

    def _repeated(self, atom: Any) -> Any:
        least, most = 1, 1
        counted = _COUNTED.match(self._rest)
        if counted is not None:
            self._rest = self._rest[counted.end() :]
            least = int(counted[1])
            most = least if counted[2] is None else int(counted[3] or 0)
        elif self._rest and self._rest[0] in "*+?":
            least, most = {"*": (0, 0), "+": (1, 0), "?": (0, 1)}[self._next()]
        else:
            return atom
        # How much it takes first makes no difference to whether it fits.
        self._take("?")
        if max(least, most) > MOST_REPETITIONS:
            raise NotPlain
        if (least, most) == (0, 0) and (counted is None or (counted[2] and not counted[3])):
            return z3.Star(atom)
        if (least, most) == (0, 0):
            return self._literal("")
        # Without an upper bound where the second number is 0.
        return z3.Loop(atom, least, most)

    def _class(self) -> Ranges:
        is_negated = self._take("^")
        ranges: Ranges = []
        while not self._take("]"):
            if not self._rest or self._rest[0] in "[&~":
                raise NotPlain
            one = self._member()
            if self._rest.startswith("-") and not self._rest.startswith("-]"):
                self._take("-")
                one = [(_single(one), _single(self._member()))]
            ranges += one
        if not ranges:
            # A bracket that comes first stands for itself.
            raise NotPlain
        return _others(ranges) if is_negated else ranges

    def _member(self) -> Ranges:
        if self._rest.startswith("\\"):
            return self._escape()
        sign = self._next()
        return [(ord(sign), ord(sign))]

    def _escape(self) -> Ranges:
        self._take("\\")
        sign = self._next()
        if sign.lower() in _CLASSES:
            return _CLASSES[sign] if sign.islower() else _others(_CLASSES[sign.lower()])
        if sign in _CONTROLS:
            return [(_CONTROLS[sign], _CONTROLS[sign])]
        if sign.isalnum() or not sign.isascii():
            raise NotPlain
        return [(ord(sign), ord(sign))]

    def _literal(self, text: str) -> Any:
        return z3.Re(string_of(text, self._context), self._context)

    def _ranges(self, ranges: Ranges) -> Any:
        return _any_of([z3.Range(*(string_of(chr(each), self._context) for each in ends)) for ends in ranges])

    def _take(self, sign: str) -> bool:
        if not self._rest.startswith(sign):
            return False
        self._rest = self._rest[len(sign) :]
        return True

    def _next(self) -> str:
        if not self._rest:
            raise NotPlain
        sign, self._rest = self._rest[0], self._rest[1:]
        return sign


def _single(ranges: Ranges) -> int:
    """The only character of the ranges. Raises NotPlain."""
    ((first, last),) = ranges if len(ranges) == 1 else [(0, 1)]
    if first != last:
        raise NotPlain
    return first


def _others(ranges: Ranges) -> Ranges:
    """All characters that are in none of the ranges."""
    found, start = [], 0
    for first, last in sorted(ranges):
        if first > start:
            found.append((start, first - 1))
        start = max(start, last + 1)
    if start <= LAST_CHARACTER:
        found.append((start, LAST_CHARACTER))
    return found


def _any_of(languages: list[Any]) -> Any:
    return languages[0] if len(languages) == 1 else z3.Union(*languages)


def _in_turn(languages: list[Any]) -> Any:
    return languages[0] if len(languages) == 1 else z3.Concat(*languages)
