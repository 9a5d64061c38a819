"""What a cell says, without what spreadsheets, web pages and old systems put around it."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from jifen.core.identity import IDENTITY_KINDS, Identity, parse_identity
from jifen.core.refusal import Refusal
from jifen.services.imports.faults import RowFault

#: Byte order marks and marks of direction, which come along when a number is copied from a chat or a web page.
_INVISIBLE: Final = "\ufeff\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069"
#: `="138..."` and `'138...`, which keep a spreadsheet from reading a number.
_KEPT_AS_TEXT: Final = re.compile(r"=\"([^\"]*)\"|'(.*)")
#: Kinds of identities that are numbers in spreadsheets.
_NUMBERS: Final = ("phone", "card", "external")
_DECIMAL_ZERO: Final = re.compile(r"([0-9]+)\.0+")
#: `1.38E+10`, which spreadsheets show of long numbers: the digits that are not there nobody knows.
_ROUNDED: Final = re.compile(r"([0-9])(?:\.([0-9]+))?[eE]\+?([0-9]{1,3})")
#: Chinese mobile numbers have so many digits and begin with 1; only they are told from a country code without a sign.
_CHINA: Final = "86"
_CHINESE_MOBILE: Final = re.compile(r"86(1[0-9]{10})")
_GROUPED: Final = re.compile(r"-?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?")


def clean(text: str) -> str:
    """A cell without white space and what cannot be seen at its ends."""
    text = text.strip()
    return text if text.isascii() else text.strip(_INVISIBLE).strip()


def unquoted(text: str) -> str:
    """What is meant by `="138..."` and `'138...`."""
    if text[:1] in ("=", "'") and (kept := _KEPT_AS_TEXT.fullmatch(text)):
        return (kept[1] or kept[2] or "").strip()
    return text


def plain(text: str) -> str:
    """A number, a day or an identity in plain characters: `１３８` is `138`."""
    return text if text.isascii() else clean(unicodedata.normalize("NFKC", text))


def ungrouped(text: str) -> str:
    """A number without the commas of its thousands (`1,234`); other commas stay."""
    return text.replace(",", "") if _GROUPED.fullmatch(text) else text


def read_identity(
    kind: str, text: str, column: str, phone_country: str | None = None, *, drop_decimal_zero: bool = True
) -> Identity:
    """An identity of a row, in the one spelling that is stored. `phone_country`: the country code that is taken off the
    front of phone numbers; `drop_decimal_zero`: `17850.0` is 17850.

    Raises:
        RowFault: it finds nobody, or is a number of which a spreadsheet has lost digits.
    """
    said = unquoted(plain(text.strip()))
    if rounded := _rounded(kind, said):
        said = _whole(rounded, column, said)
    elif drop_decimal_zero and kind in _NUMBERS and (number := _DECIMAL_ZERO.fullmatch(said)):
        said = number[1]
    identity = parse_identity(f"{kind}:{said}")
    if isinstance(identity, Refusal):
        raise RowFault(column, "invalid_identity", text)
    if kind == "phone" and phone_country is not None:
        return Identity(kind, _without_country(identity.value, phone_country))
    return identity


def _rounded(kind: str, text: str) -> re.Match[str] | None:
    """A number as programs write long ones; what members are called elsewhere may look like one (`4E0`) and is none."""
    is_written = kind in _NUMBERS and (kind != "external" or "." in text or "+" in text)
    return _ROUNDED.fullmatch(text) if is_written else None


def read_any_identity(
    text: str, column: str, phone_country: str | None = None, *, drop_decimal_zero: bool = True
) -> Identity:
    """An identity that says its kind: `kind:value`. Raises RowFault."""
    kind, colon, value = plain(text.strip()).partition(":")
    if not colon or kind not in IDENTITY_KINDS:
        raise RowFault(column, "invalid_identity", text)
    return read_identity(kind, value, column, phone_country, drop_decimal_zero=drop_decimal_zero)


def _whole(rounded: re.Match[str], column: str, text: str) -> str:
    """`1.3912345678E10`, as programs write it, has all its digits; `1.39E+10` has lost them."""
    first, rest, exponent = rounded[1], rounded[2] or "", int(rounded[3])
    if len(rest) != exponent:
        raise RowFault(column, "inexact_number", text)
    return first + rest


def _without_country(phone: str, country: str) -> str:
    for prefix in (f"+{country}", f"00{country}"):
        if phone.startswith(prefix) and len(phone) > len(prefix):
            return phone.removeprefix(prefix)
    mobile = _CHINESE_MOBILE.fullmatch(phone) if country == _CHINA else None
    return phone if mobile is None else mobile.group(1)
