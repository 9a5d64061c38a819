"""Chance from a seed: the same for everybody who works it out, and as likely as it says."""

from __future__ import annotations

import math
from collections import Counter
from hashlib import sha256
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jifen.core.draws.chance import SPACE, commitment_of, pick
from tests.drawing import SEED

#: For the seed of the bytes 0 to 31: the points of numbers 1 to 5 among a thousand.
KNOWN: Final = [540, 590, 253, 2, 422]


def by_hand(seed: bytes, number: int, points: int) -> tuple[int, int]:
    """As RFC 2104 and the reference page say it, without any library but SHA-256."""
    key = seed.ljust(64, b"\0")
    attempt = 0
    while True:
        message = str(number).encode() + b":" + str(attempt).encode()
        inside = sha256(bytes(each ^ 0x36 for each in key) + message).digest()
        digest = sha256(bytes(each ^ 0x5C for each in key) + inside).hexdigest()
        value = int(digest[:13], 16)
        if value < 2**52 - 2**52 % points:
            return value % points, attempt
        attempt += 1


def test_known_numbers() -> None:
    """These never change: draws of years ago are worked out with them."""
    assert commitment_of(SEED).hex() == sha256(SEED).hexdigest()
    assert [pick(SEED, number, 1000).point for number in range(1, 6)] == KNOWN


@given(st.binary(min_size=32, max_size=32), st.integers(1, 10**9), st.integers(1, SPACE))
def test_anybody_comes_to_the_same(seed: bytes, number: int, points: int) -> None:
    """I-24: whoever has the seed works out each point, also where numbers were thrown away."""
    found = pick(seed, number, points)
    assert (found.point, found.attempt) == by_hand(seed, number, points)
    assert 0 <= found.point < points


def test_what_would_favour_the_first_points_is_thrown_away() -> None:
    """With one point more than half of the space, nearly every second number is tried again."""
    attempts = Counter(pick(SEED, number, SPACE // 2 + 1).attempt for number in range(1, 1_001))
    assert 430 < attempts[0] < 570
    assert attempts[1] and attempts[2]


def test_no_point_at_all() -> None:
    """Nothing can be drawn from nothing."""
    with pytest.raises(AssertionError):
        pick(SEED, 1, 0)


@pytest.mark.parametrize("points", [2, 7, 10, 97])
def test_points_are_equally_likely(points: int) -> None:
    """Chi-square over 20,000 draws of a fixed seed: below what one seed in a thousand would pass (Wilson-Hilferty)."""
    draws = 20_000
    counted = Counter(pick(SEED, number, points).point for number in range(1, draws + 1))
    expected = draws / points
    statistic = sum((counted[point] - expected) ** 2 / expected for point in range(points))
    assert statistic < critical(points - 1)


def critical(freedom: int) -> float:
    """The value that chi-square passes once in a thousand, to about a percent."""
    share = 2 / (9 * freedom)
    return freedom * math.pow(1 - share + 3.0902 * math.sqrt(share), 3)
