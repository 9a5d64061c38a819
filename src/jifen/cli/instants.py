"""Instants on the command line."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import ClassVar

from jifen.core.errors import JifenError


class InvalidInstant(JifenError):
    """An instant on the command line that cannot be understood or does not fit."""

    code: ClassVar[str] = "invalid_instant"


def read_instant(text: str | None, option: str, *, may_be_future: bool = False) -> datetime | None:
    """The instant that an option names, in UTC; None where it was not given.

    Raises:
        InvalidInstant: it is no instant with an offset from UTC, or lies in the future where it may not.
    """
    if text is None:
        return None
    try:
        instant = datetime.fromisoformat(text)
        if instant.tzinfo is None:
            raise ValueError("no offset")
        instant = instant.astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidInstant(
            f"{option} is {text!r}; write an instant with its offset, such as 2026-01-31T23:59:59+08:00.",
            message_zh=f"{text!r}；请写明时区，如 2026-01-31T23:59:59+08:00。",
            option=option,
        ) from None
    if instant > datetime.now(UTC) and not may_be_future:
        raise InvalidInstant(
            f"{option} is {text!r}, which lies in the future: only what has happened is booked.",
            message_zh=f"{text!r} 在将来；只登记已经发生的。",
            option=option,
        )
    return instant
