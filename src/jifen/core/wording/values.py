"""Money, instants and lists as each language writes them."""

from __future__ import annotations

import re
import string
from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal

Locale = Literal["zh", "en"]
LOCALES: Final[tuple[Locale, ...]] = ("zh", "en")
#: In Chinese and in English.
Said = tuple[str, str]

#: Digits of the minor unit, where it is not a hundredth (ISO 4217).
_MINOR_DIGITS: Final = {"JPY": 0, "KRW": 0, "VND": 0, "CLP": 0, "BHD": 3, "JOD": 3, "KWD": 3, "OMR": 3, "TND": 3}
_CURRENCIES_ZH: Final = {
    "CNY": "元",
    "HKD": "港元",
    "MOP": "澳门元",
    "TWD": "新台币",
    "USD": "美元",
    "EUR": "欧元",
    "GBP": "英镑",
    "JPY": "日元",
    "SGD": "新加坡元",
}
_HAN: Final = "[\u3400-\u9fff]"
#: Where a Chinese text takes a space: between a Chinese character and a letter or number.
_MEETING: Final = re.compile(f"{_HAN}[A-Za-z0-9`+-]|[A-Za-z0-9`%]{_HAN}")
_FORMATTER: Final = string.Formatter()


def chosen(said: Said, locale: Locale) -> str:
    """The one of the two that is in this language."""
    return said[LOCALES.index(locale)]


def money_in_words(cents: int, currency: str, locale: Locale) -> str:
    """An amount, from minor units by whole numbers alone."""
    digits = _MINOR_DIGITS.get(currency, 2)
    whole, rest = divmod(abs(cents), 10**digits)
    amount = f"{'-' if cents < 0 else ''}{whole:,}" + (f".{rest:0{digits}}" if digits else "")
    return f"{amount} {_CURRENCIES_ZH.get(currency, currency)}" if locale == "zh" else f"{currency} {amount}"


def instant_in_words(local: datetime, locale: Locale) -> str:
    """Date and time of a clock, to the minute."""
    if locale == "zh":
        return f"{local.year}年{local.month}月{local.day}日 {local.hour:02}:{local.minute:02}"
    return f"{local.year}-{local.month:02}-{local.day:02} {local.hour:02}:{local.minute:02}"


def quoted(name: str, locale: Locale) -> str:
    """A name in the quotation marks of the language."""
    return f"「{name}」" if locale == "zh" else f"“{name}”"


def any_of_words(parts: Sequence[str], locale: Locale) -> str:
    """`A, B or C`."""
    *first, last = parts
    if not first:
        return last
    between, before_last = ("、", "或") if locale == "zh" else (", ", " or ")
    return glued(between.join(first), before_last, last)


def filled(text: str, **values: str) -> str:
    """A text with its values in their slots, with a space where Chinese and other letters meet."""
    parts: list[str] = []
    for literal, slot, _, _ in _FORMATTER.parse(text):
        parts += [literal] if slot is None else [literal, values[slot]]
    return glued(*parts)


def glued(*parts: str) -> str:
    """Parts of a text behind each other. In English the texts bring their spaces."""
    whole = ""
    for part in parts:
        needs_space = _MEETING.fullmatch(whole[-1:] + part[:1])
        whole += f" {part}" if needs_space else part
    return whole
