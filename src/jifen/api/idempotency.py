"""What an Idempotency-Key may be: one rule for headers, for queries that name one, and for the document."""

from __future__ import annotations

import re
from typing import Annotated, Final

from msgspec import Meta

from jifen.core.refusal import Refusal

#: Printable ASCII that neither begins nor ends with a space.
KEY_PATTERN: Final = "^[!-~]([ -~]*[!-~])?$"
LONGEST_KEY: Final = 256
IdempotencyKey = Annotated[str, Meta(min_length=1, max_length=LONGEST_KEY, pattern=KEY_PATTERN)]

_BAD_KEY: Final = Refusal(
    "invalid_idempotency_key", f"An Idempotency-Key has 1 to {LONGEST_KEY} printable ASCII characters."
)
_is_printable: Final = re.compile(KEY_PATTERN).fullmatch


def read_key(value: str) -> str | Refusal:
    """The key that a header says."""
    return value if len(value) <= LONGEST_KEY and _is_printable(value) else _BAD_KEY
