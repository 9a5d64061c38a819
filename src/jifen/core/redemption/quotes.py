"""Quotes: a price that is held until an instant, as a text that only jifen can have written."""

from __future__ import annotations

from datetime import datetime

import msgspec

from jifen.core.redemption.seals import seal, unseal
from jifen.core.refusal import Refusal

#: A quote holds its price for so long.
QUOTE_MINUTES = 15
_PURPOSE = b"quote"


class Quote(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The price of a reward for a member: `points` and `cash_cents` for all pieces, by a version of the program, until
    an instant (excluded). It is good for one redemption; `nonce`, which no other has, tells it from one that says the
    same. `from_household`: to be paid with the points of the household."""

    member_id: int
    reward: str
    quantity: int
    wallet: str
    points: int
    cash_cents: int
    version: int
    until: datetime
    nonce: str
    from_household: bool = False


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Quote).decode
INVALID_QUOTE = Refusal("invalid_quote", "This is no quote of ours; ask for one with POST /v1/quotes.", "/quote")


def write_quote(quote: Quote, secret: bytes) -> str:
    """The quote as a sealed text."""
    return seal(_encode(quote), secret, _PURPOSE)


def read_quote(text: str, secret: bytes) -> Quote | Refusal:
    """The quote behind a text, whether or not it still holds."""
    content = unseal(text, secret, _PURPOSE)
    try:
        return INVALID_QUOTE if content is None else _decode(content)
    except msgspec.ValidationError:
        # Of an earlier version: it did not say which one it is.
        return INVALID_QUOTE
