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
        message, zh = "This instant lies outside of the calendar.", "这个时刻超出日历的范围。"
        return Refusal("instant_too_far", message, pointer, message_zh=zh)
    if utc >= NEVER:
        message, zh = f"An instant must lie before the year {NEVER.year}.", f"时刻须在 {NEVER.year} 年之前。"
        return Refusal("instant_too_far", message, pointer, message_zh=zh)
    return utc
