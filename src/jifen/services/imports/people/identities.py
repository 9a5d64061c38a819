"""An identity as old systems and spreadsheets write it, in the one spelling that is stored."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from jifen.core.identity import Identity, parse_identity
from jifen.core.refusal import Refusal
from jifen.services.imports.rows import RowFault

#: `1.38E+10`, which spreadsheets show of long numbers: the digits that are not there nobody knows.
_ROUNDED: Final = re.compile(r"[0-9](\.[0-9]+)?[eE]\+?[0-9]+")
_DECIMAL_ZERO: Final = re.compile(r"([0-9]+)\.0+")
#: Chinese mobile numbers have so many digits and begin with 1; only they are told from a country code without a sign.
_CHINA: Final = "86"
_CHINESE_MOBILE: Final = re.compile(r"86(1[0-9]{10})")


def read_identity(kind: str, text: str, column: str, phone_country: str | None) -> Identity:
    """An identity of a row. `phone_country`: the country code that is taken off the front of phone numbers.

    Raises:
        RowFault: it finds nobody, or is a number of which a spreadsheet has lost digits.
    """
    plain = unicodedata.normalize("NFKC", text).strip()
    if _ROUNDED.fullmatch(plain):
        raise RowFault(column, "inexact_number", plain)
    if kind in ("phone", "card") and (number := _DECIMAL_ZERO.fullmatch(plain)):
        plain = number.group(1)
    identity = parse_identity(f"{kind}:{plain}")
    if isinstance(identity, Refusal):
        raise RowFault(column, "invalid_identity", text)
    if kind == "phone" and phone_country is not None:
        return Identity(kind, _without_country(identity.value, phone_country))
    return identity


def _without_country(phone: str, country: str) -> str:
    for prefix in (f"+{country}", f"00{country}"):
        if phone.startswith(prefix) and len(phone) > len(prefix):
            return phone.removeprefix(prefix)
    mobile = _CHINESE_MOBILE.fullmatch(phone) if country == _CHINA else None
    return phone if mobile is None else mobile.group(1)
