"""Coupon codes: enough bits, one spelling, and typing errors that are noticed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from jifen.core.redemption.codes import (
    ALPHABET,
    CODE_LENGTH,
    RANDOM_BITS,
    RANDOM_BYTES,
    canonical_code,
    code_of,
    digest_code,
    is_mistyped,
)

CODES = st.binary(min_size=RANDOM_BYTES, max_size=RANDOM_BYTES).map(code_of)


def test_nobody_guesses_a_code() -> None:
    """At least 80 random bits."""
    assert RANDOM_BITS >= 80
    assert RANDOM_BYTES * 8 >= RANDOM_BITS


@given(CODES)
def test_a_code_is_read_as_people_write_it(code: str) -> None:
    """Small letters, no hyphens, O for 0, I and L for 1."""
    assert not is_mistyped(code)
    assert canonical_code(code.lower().replace("-", " ")) == code
    assert canonical_code(code.replace("-", "").replace("0", "o").replace("1", "l")) == code


@given(CODES, st.integers(0, CODE_LENGTH - 1), st.sampled_from(ALPHABET))
def test_one_wrong_character_is_noticed(code: str, place: int, letter: str) -> None:
    """Wherever it is."""
    letters = code.replace("-", "")
    wrong = letters[:place] + letter + letters[place + 1 :]
    assert is_mistyped(wrong) == (letters[place] != letter)


@given(CODES, st.integers(0, CODE_LENGTH - 2))
def test_two_characters_that_changed_places_are_noticed(code: str, place: int) -> None:
    """Neighbours, as fingers do it."""
    letters = code.replace("-", "")
    swapped = letters[:place] + letters[place + 1] + letters[place] + letters[place + 2 :]
    assert is_mistyped(swapped) == (letters[place] != letters[place + 1])


def test_codes_of_a_merchant_stay_as_they_are() -> None:
    """They have no check character, so none is wrong."""
    assert canonical_code("  Movie-7 ") == "Movie-7"
    assert not is_mistyped("Movie-7")
    assert digest_code("Movie-7") != digest_code("movie-7")
