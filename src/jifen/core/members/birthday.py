"""When somebody can have been born."""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache
from typing import Final

from jifen.core.refusal import Refusal

#: The oldest people alive were born after this year began; earlier days are placeholders of old systems.
EARLIEST: Final = date(1900, 1, 1)
_FORM: Final = re.compile(r"([0-9]{4}-)?[0-9]{2}-[0-9]{2}", re.ASCII)
_LEAP_YEAR: Final = "2024"
#: As many as there are days on which people who are alive were born.
_REMEMBERED: Final = 1 << 15


@lru_cache(_REMEMBERED)
def read_day(text: str) -> date | None:
    """A day as `YYYY-MM-DD` or `MM-DD` (of a leap year, so that 02-29 is one); None: there is none."""
    if not _FORM.fullmatch(text):
        return None
    try:
        return date.fromisoformat(text if len(text) == 10 else f"{_LEAP_YEAR}-{text}")
    except ValueError:
        return None


def can_be_born(text: str, today: date) -> bool:
    """Whether a birthday (as `read_day` reads it) is one of somebody who is alive: from 1900 on and not in the future.
    Without a year it may be any day."""
    day = read_day(text)
    return day is not None and (len(text) != 10 or EARLIEST <= day <= today)


def check_day(text: str) -> Refusal | None:
    """Refuse what is said of a birthday where it is no day at all."""
    if read_day(text) is not None:
        return None
    if _FORM.fullmatch(text):
        return no_such_day(text, "/birthday")
    zh = "生日请写成 YYYY-MM-DD，或 MM-DD。"
    return Refusal("invalid_field", "Write a birthday as YYYY-MM-DD, or MM-DD.", "/birthday", message_zh=zh)


def no_such_day(text: str, pointer: str) -> Refusal:
    """Refuse a day that is written as one, and that no calendar has."""
    return Refusal("invalid_field", f"There is no day {text}.", pointer, message_zh=f"没有 {text} 这一天。")


def check_birthday(text: str, today: date) -> Refusal | None:
    """Refuse what is said of a birthday where nobody can have it."""
    if (refusal := check_day(text)) is not None or can_be_born(text, today):
        return refusal
    message = f"A birthday lies between {EARLIEST} and today ({today}), and {text} does not."
    return Refusal("invalid_field", message, "/birthday", {"earliest": str(EARLIEST), "latest": str(today)})
