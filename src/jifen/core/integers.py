"""Integers of events and of members: conditions count in 64 bits, so no field holds more."""

from __future__ import annotations

from jifen.core.conditions.fields import GREATEST_INTEGER, LEAST_INTEGER
from jifen.core.refusal import Refusal


def is_integer(value: object) -> bool:
    """Whether a value is an integer that conditions can count with."""
    return type(value) is int and LEAST_INTEGER <= value <= GREATEST_INTEGER


def no_integer(name: str, pointer: str) -> Refusal:
    """A field of integers was sent something else."""
    message = f"{name} must be an integer from -2^63 to 2^63-1; beyond 2^53 write it without a point or an exponent."
    zh = f"{name} 须为 -2^63 至 2^63-1 的整数；绝对值超过 2^53 时，请不带小数点和指数。"
    return Refusal("invalid_field", message, pointer, message_zh=zh)
