"""In which format the days of a column are written, told from its first values."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from jifen.services.imports.moments import AUTO, ISO, Formats, read_moment

_DAYS: Final = ("%Y/%m/%d", "%Y-%m-%d", "%Y.%m.%d", "%Y年%m月%d日", "%Y%m%d", "%d.%m.%Y")
_CLOCKS: Final = ("", " %H:%M", " %H:%M:%S")
_PACKED: Final = ("%Y%m%d%H%M%S", "%Y年%m月%d日%H时%M分", "%Y年%m月%d日%H时%M分%S秒")
#: Which comes first, day or month, is known only where one of them is above twelve.
_MONTH_FIRST: Final = tuple(day + clock for day in ("%m/%d/%Y", "%m-%d-%Y") for clock in _CLOCKS)
_DAY_FIRST: Final = tuple(day + clock for day in ("%d/%m/%Y", "%d-%m-%Y") for clock in _CLOCKS)
_EXCEL: Final = "excel"
_PLAIN: Final = (ISO, *(day + clock for day in _DAYS for clock in _CLOCKS), *_PACKED)
#: Spreadsheets keep days of our time (1927 to 2119) as numbers of five digits.
_EXCEL_RANGE: Final = range(10_000, 80_000)


class ProposedFormats(msgspec.Struct, frozen=True):
    """Formats that all values fit, none where it cannot be told. `is_ambiguous`: the days could be months."""

    formats: Formats = ()
    is_ambiguous: bool = False


def propose_formats(values: Iterable[str]) -> ProposedFormats:
    """The formats of a column with these values."""
    texts = list(dict.fromkeys(value for value in values if value))
    if not texts:
        return ProposedFormats()
    numbers = [text for text in texts if _is_number_of_day(text)]
    left, found = [text for text in texts if text not in numbers], []
    for each in _PLAIN:
        fitting = {text for text in left if read_moment(text, (each,)) is not None}
        if fitting:
            found.append(each)
            left = [text for text in left if text not in fitting]
    # Where several shapes are found further rows may hold others; all of these leave no doubt.
    plain = ((AUTO,) if len(found) > 1 else tuple(found)) + ((_EXCEL,) if numbers else ())
    dated = [text for text in left if read_moment(text, (*_MONTH_FIRST, *_DAY_FIRST)) is not None]
    if not dated:
        return ProposedFormats(plain)
    month_first, day_first = _all_of(dated, _MONTH_FIRST), _all_of(dated, _DAY_FIRST)
    if month_first and day_first:
        return ProposedFormats(is_ambiguous=True)
    return ProposedFormats((*plain, *(month_first or day_first)))


def _all_of(texts: list[str], formats: Formats) -> Formats:
    """Those of the formats that are needed for all of these texts; none where one fits none."""
    if any(read_moment(text, formats) is None for text in texts):
        return ()
    return tuple(each for each in formats if any(read_moment(text, (each,)) for text in texts))


def _is_number_of_day(text: str) -> bool:
    whole, _, fraction = text.partition(".")
    return (whole + fraction).isdecimal() and whole.isascii() and int(whole[:7] or 0) in _EXCEL_RANGE
