"""Chance that can be checked afterwards: numbers worked out from a seed whose hash was published before it was used.

Draw number n of a round is HMAC-SHA256(seed, "n:0"), of which the first 13 hexadecimal digits count: 52 bits, a number
that every language holds exactly, JavaScript included. So that all points are equally likely, what lies above the
largest multiple of the number of points is thrown away, and "n:1", "n:2" ... are tried (rejection sampling).
"""

from __future__ import annotations

import hmac
from hashlib import sha256
from itertools import count
from typing import Final

import msgspec

SEED_BYTES: Final = 32
HEX_DIGITS: Final = 13
SPACE: Final = 16**HEX_DIGITS


class Pick(msgspec.Struct, frozen=True, gc=False):
    """A point from 0 on, below the number of points; `attempt`: how many numbers were thrown away before."""

    point: int
    attempt: int


def commitment_of(seed: bytes) -> bytes:
    """What is published of a seed before it is used: nobody finds the seed from it, or another seed that fits."""
    return sha256(seed).digest()


def pick(seed: bytes, number: int, points: int) -> Pick:
    """What a seed says of a draw (numbers begin at 1) among so many points, all equally likely."""
    assert 1 <= points <= SPACE
    end = SPACE - SPACE % points
    for attempt in count():
        value = int(hmac.digest(seed, f"{number}:{attempt}".encode(), sha256).hex()[:HEX_DIGITS], 16)
        if value < end:
            return Pick(value % points, attempt)
    raise AssertionError("the attempts do not end")
