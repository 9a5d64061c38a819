"""Instants from outside."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from msgspec import Meta

from jifen.core.limits import NEVER
from jifen.core.refusal import Refusal

#: An instant with its offset from UTC, as RFC 3339 writes it.
Instant = Annotated[datetime, Meta(tz=True)]


def to_utc(instant: datetime, pointer: str) -> datetime | Refusal:
    """The same instant in UTC; refused where the calendar or what can be stored ends."""
    try:
        utc = instant.astimezone(UTC)
    except OverflowError:
        return Refusal("instant_too_far", "This instant lies outside of the calendar.", pointer)
    if utc >= NEVER:
        return Refusal("instant_too_far", f"An instant must lie before the year {NEVER.year}.", pointer)
    return utc
