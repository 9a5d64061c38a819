"""Integers of events and of members: conditions count in 64 bits, so no field holds more."""

from __future__ import annotations

from typing import Final

from jifen.core.conditions.fields import GREATEST_INTEGER, LEAST_INTEGER
from jifen.core.rules.document import LocalizedText

#: What a field of integers takes, as the end of a sentence that begins with its name.
INTEGER_WORDS: Final = LocalizedText(
    zh="须为 -2^63 至 2^63-1 的整数；绝对值超过 2^53 时，请不带小数点和指数",
    en="must be an integer from -2^63 to 2^63-1; beyond 2^53 write it without a point or an exponent",
)


def is_integer(value: object) -> bool:
    """Whether a value is an integer that conditions can count with."""
    return type(value) is int and LEAST_INTEGER <= value <= GREATEST_INTEGER
