"""Quotes: a price that is held until an instant, as a text that only jifen can have written."""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime
from hashlib import sha256

import msgspec

from jifen.core.refusal import Refusal

#: A quote holds its price for so long.
QUOTE_MINUTES = 15
_MAC_BYTES = 16
_LONGEST = 1_000


class Quote(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The price of a reward for a member: `points` and `cash_cents` for all pieces, by a version of the program, until
    an instant (excluded)."""

    member_id: int
    reward: str
    quantity: int
    wallet: str
    points: int
    cash_cents: int
    version: int
    until: datetime


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Quote).decode
INVALID_QUOTE = Refusal("invalid_quote", "This is no quote of ours; ask for one with POST /v1/quotes.", "/quote")


def write_quote(quote: Quote, secret: bytes) -> str:
    """The quote as a text that nobody makes or changes without the secret (HMAC-SHA256, RFC 2104, cut to 128 bits)."""
    content = _encode(quote)
    return urlsafe_b64encode(_mac(content, secret) + content).decode().rstrip("=")


def read_quote(text: str, secret: bytes) -> Quote | Refusal:
    """The quote behind a text, whether or not it still holds."""
    if len(text) > _LONGEST or not text.isascii():
        return INVALID_QUOTE
    try:
        raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return INVALID_QUOTE
    mac, content = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
    if not secret or not hmac.compare_digest(mac, _mac(content, secret)):
        return INVALID_QUOTE
    return _decode(content)


def _mac(content: bytes, secret: bytes) -> bytes:
    return hmac.digest(secret, content, sha256)[:_MAC_BYTES]
