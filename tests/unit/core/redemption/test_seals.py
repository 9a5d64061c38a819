"""Sealed texts are read back as they were written, for their purpose, and by nobody changed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from jifen.core.redemption.seals import seal, unseal

SECRET = b"s" * 32


@given(st.binary(max_size=300), st.sampled_from([b"quote", b"ticket", b""]))
def test_what_was_sealed_comes_back(content: bytes, purpose: bytes) -> None:
    """With the secret and for the purpose alone."""
    text = seal(content, SECRET, purpose)
    assert unseal(text, SECRET, purpose) == content
    assert unseal(text, SECRET, purpose + b"x") is None
    assert unseal(text, b"x" * 32, purpose) is None
    assert unseal(text, b"", purpose) is None


@given(st.text(max_size=1_200))
def test_anything_else_is_no_seal(text: str) -> None:
    """And breaks nothing."""
    assert unseal(text, SECRET, b"quote") is None
