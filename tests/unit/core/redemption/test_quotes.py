"""Quotes are read back as they were written, and by nobody changed."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from jifen.core.redemption.quotes import INVALID_QUOTE, Quote, read_quote, write_quote
from jifen.core.redemption.seals import seal

SECRET = b"s" * 32
QUOTE = Quote(7, "cup", 1, "points", 100, 0, 3, datetime(2026, 3, 10, tzinfo=UTC), "nonce")


def test_a_quote_comes_back_whole() -> None:
    """With its own secret alone."""
    text = write_quote(QUOTE, SECRET)
    assert read_quote(text, SECRET) == QUOTE
    assert read_quote(text, b"x" * 32) == INVALID_QUOTE
    assert read_quote(text, b"") == INVALID_QUOTE


@given(st.integers(0, 200), st.sampled_from("ABCxyz019_-"))
def test_whoever_changes_it_is_found_out(place: int, letter: str) -> None:
    """Any character but those that carry no bit."""
    text = write_quote(QUOTE, SECRET)
    place %= len(text) - 1
    changed = text[:place] + letter + text[place + 1 :]
    assert (read_quote(changed, SECRET) == QUOTE) == (changed == text)


def test_one_of_an_earlier_version_is_none() -> None:
    """It did not say which one it is, so that it could be redeemed again and again."""
    before = seal(msgspec.json.encode(msgspec.to_builtins(QUOTE)[:8]), SECRET, b"quote")
    assert read_quote(before, SECRET) == INVALID_QUOTE


@given(st.text(max_size=1_200))
def test_anything_else_is_no_quote(text: str) -> None:
    """And breaks nothing."""
    assert read_quote(text, SECRET) == INVALID_QUOTE
