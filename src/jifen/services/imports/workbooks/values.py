"""What a cell says as text: numbers exactly as far as Excel knows them, days and times by their format."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Final
from xml.etree import ElementTree

from openpyxl.styles.numbers import BUILTIN_FORMATS, is_date_format, is_timedelta_format
from openpyxl.utils.datetime import MAC_EPOCH, WINDOWS_EPOCH, from_excel

#: From here on a number has lost its last digits: Excel keeps fifteen.
SPOILT_FROM: Final = 10**15
_DIGITS: Final = 15
#: Days come again and again.
_REMEMBERED: Final = 1 << 14
#: Formats that Excel in Chinese, Japanese and Korean has built in and does not write down: all are days or times.
_BUILT_IN_ELSEWHERE: Final = frozenset((*range(27, 37), *range(50, 59)))


class Formats:
    """Which of the styles of a workbook make a number a day or a span of time."""

    def __init__(self, styles: ElementTree.Element | None, *, since_1904: bool) -> None:
        self._moment = lru_cache(_REMEMBERED)(self._read_moment)
        self._epoch = MAC_EPOCH if since_1904 else WINDOWS_EPOCH
        self._days: frozenset[int] = frozenset()
        self._spans: frozenset[int] = frozenset()
        if styles is None:
            return
        written = {
            int(each.get("numFmtId", "0")): each.get("formatCode", "")
            for each in styles.iter()
            if _name(each) == "numFmt"
        }
        lists = [each for each in styles if _name(each) == "cellXfs"]
        numbers = [int(style.get("numFmtId", "0")) for style in (lists[0] if lists else ())]
        codes = [written.get(number, BUILTIN_FORMATS.get(number, "General")) for number in numbers]
        self._spans = frozenset(at for at, code in enumerate(codes) if is_timedelta_format(code))
        self._days = frozenset(
            at
            for at, code in enumerate(codes)
            if is_date_format(code) or (numbers[at] in _BUILT_IN_ELSEWHERE and numbers[at] not in written)
        )

    def number(self, text: str, style: int) -> str:
        """A number as it stands in the file, as a person reads it. Raises ValueError where it is no number or no day
        that there is."""
        if style in self._spans or style in self._days:
            return self._moment(text, style in self._spans)
        if text.isascii() and text.isdigit() and len(text) <= _DIGITS:
            return text
        value = float(text)
        if abs(value) >= SPOILT_FROM:
            return f"{value:.14E}"
        return str(int(value)) if value.is_integer() else f"{value:.{_DIGITS}g}"

    def _read_moment(self, text: str, is_span: bool) -> str:
        try:
            moment = from_excel(float(text), self._epoch, timedelta=is_span)
        except OverflowError:
            raise ValueError("no day") from None
        return moment_text(moment)


def moment_text(moment: datetime | date | time | timedelta) -> str:
    """A day without a midnight, an instant, or a time."""
    if isinstance(moment, datetime):
        is_day = moment.time() == time()
        return moment.date().isoformat() if is_day else moment.isoformat(sep=" ")
    return str(moment)


def _name(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]
