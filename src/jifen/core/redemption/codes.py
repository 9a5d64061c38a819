"""Coupon codes: how random bits become a code that people can read out, and how what they type is read back.

A code is 19 characters of Crockford's base32 (no I, L, O, U), 95 bits that nobody can guess, and one that checks them:
the sum of all characters, each times a power of its own, in the field of 32 elements is 0. Any single wrong character
and any two that change places are noticed.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Final

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
RANDOM_BITS: Final = 95
RANDOM_BYTES: Final = 12
CODE_LENGTH: Final = 20
GROUP_LENGTH: Final = 4
#: The longest code of a merchant's own pool.
LONGEST_CODE: Final = 64
DIGEST_BYTES: Final = 16

#: By how much bits are shifted for each of the random characters.
_SHIFTS: Final = range(RANDOM_BITS - 5, -1, -5)
_VALUES: Final = {letter: value for value, letter in enumerate(ALPHABET)}
#: How characters that are taken for others are meant, and what merely separates.
_READ_AS: Final = str.maketrans("OIL", "011", " -")


def code_of(random: bytes) -> str:
    """The code of RANDOM_BYTES random bytes (95 of their bits), in groups of four."""
    bits = int.from_bytes(random[:RANDOM_BYTES], "big") >> (8 * RANDOM_BYTES - RANDOM_BITS)
    values = [bits >> shift & 31 for shift in _SHIFTS]
    return _grouped("".join([ALPHABET[value] for value in values]) + ALPHABET[_check_value(values)])


def canonical_code(text: str) -> str:
    """The one spelling under which a code is kept: ours in groups of four; one of a merchant's pool as it stands."""
    letters = _letters(text)
    if letters is None:
        return text.strip()
    return _grouped(letters)


def is_mistyped(text: str) -> bool:
    """Whether this looks like a code of ours with a typing error in it."""
    letters = _letters(text)
    if letters is None:
        return False
    values = [_VALUES[letter] for letter in letters]
    return _check_value(values[:-1]) != values[-1]


def digest_code(code: str) -> bytes:
    """The digest under which a canonical code is found."""
    return sha256(f"coupon\0{code}".encode()).digest()[:DIGEST_BYTES]


def _grouped(letters: str) -> str:
    return "-".join([letters[start : start + GROUP_LENGTH] for start in range(0, CODE_LENGTH, GROUP_LENGTH)])


def _letters(text: str) -> str | None:
    letters = text.upper().translate(_READ_AS)
    return letters if len(letters) == CODE_LENGTH and all(letter in _VALUES for letter in letters) else None


def _check_value(values: list[int]) -> int:
    """What makes the weighted sum of all values 0, where it has itself the weight 1 (Horner's rule, generator 2)."""
    total = 0
    for value in values:
        total = _TIMES_TWO[total] ^ value
    return _TIMES_TWO[total]


#: Each element of the field times its generator (modulo x^5 + x^2 + 1).
_TIMES_TWO: Final = tuple(value << 1 ^ (0b100101 if value & 16 else 0) for value in range(32))
