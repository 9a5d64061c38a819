"""Days and instants as files write them: by a format of the mapping, or in one of the shapes that leave no doubt."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from datetime import datetime, time, timedelta
from functools import lru_cache
from typing import Final, NamedTuple

#: Formats that are words: every shape that leaves no doubt; ISO 8601; the number that a spreadsheet keeps of a day.
AUTO: Final = "auto"
ISO: Final = "iso"
_EPOCHS: Final = {"excel": datetime(1899, 12, 30), "excel-1904": datetime(1904, 1, 1)}  # noqa: DTZ001 - no zone yet
WORDS: Final = (AUTO, ISO, *_EPOCHS)
Formats = tuple[str, ...]
#: What is wrong with a mapping: the path, and what to write instead in Chinese and English, without a full stop.
Fault = tuple[str, str, str]

_TIME: Final = (
    r"(?:(?:\s*T?\s*)(?P<hour>[0-9]{1,2})(?::|时|点)(?P<minute>[0-9]{1,2})分?"
    r"(?::?(?P<second>[0-9]{1,2})(?:\.[0-9]{1,9})?秒?)?)?"
)
_SHAPES: Final = tuple(
    re.compile(day + _TIME)
    for day in (
        r"(?P<year>[0-9]{4})(?P<sign>[-/.])(?P<month>[0-9]{1,2})(?P=sign)(?P<day>[0-9]{1,2})",
        r"(?P<year>[0-9]{4})年\s*(?P<month>[0-9]{1,2})月\s*(?P<day>[0-9]{1,2})[日号]",
        r"(?P<year>[0-9]{4})(?P<month>[0-9]{2})(?P<day>[0-9]{2})",
        r"(?P<day>[0-9]{1,2})\.(?P<month>[0-9]{1,2})\.(?P<year>[0-9]{4})",
    )
)
_YEARLESS: Final = re.compile(r"(?P<month>[0-9]{2})-(?P<day>[0-9]{2})|(?P<m>[0-9]{1,2})月(?P<d>[0-9]{1,2})[日号]")
_NUMBER: Final = re.compile(r"[0-9]{1,7}(?:\.[0-9]{1,12})?")
_TIME_DIRECTIVE: Final = re.compile(r"%[HIMSfcXpT]")
_YEAR_DIRECTIVE: Final = re.compile(r"%[YycxG]")
_SECONDS_OF_DAY: Final = 86_400
#: Of a leap year, so that 29 February is a day.
_LEAP_YEAR: Final = "2024"
_ISO_DAY: Final = 10
#: Days repeat themselves: so many are kept as read.
_REMEMBERED: Final = 65_536


class Moment(NamedTuple):
    """What was read: an instant with its zone or (naive) by the clock on the wall; `is_day`: no time was written."""

    at: datetime
    is_day: bool


@lru_cache(_REMEMBERED)
def read_moment(text: str, formats: Formats) -> Moment | None:
    """A text by the first of these formats that it fits; None: it fits none."""
    text = _plain(text)
    return next((moment for each in formats if (moment := _read(text, each)) is not None), None)


@lru_cache(_REMEMBERED)
def read_birthday(text: str, formats: Formats) -> str | None:
    """A day as YYYY-MM-DD, or as MM-DD where there is no year; what stands behind an ISO day does not matter."""
    text = _plain(text)
    return next((day for each in formats if (day := _birthday(text, each)) is not None), None)


def format_fault(wanted: str, *, needs_year: bool = True) -> tuple[str, str] | None:
    """What is wrong with a format of a mapping, in Chinese and English."""
    if wanted in WORDS:
        return None
    if "%" not in wanted:
        return _misfit(wanted)
    try:
        datetime.strptime("", wanted)  # noqa: DTZ007 - only to have the format looked at
    except ValueError as error:
        if "directive" in str(error) or "stray" in str(error):
            return _misfit(wanted, "，其中有无效的指令", ", in which something is no directive")
    if needs_year and not _YEAR_DIRECTIVE.search(wanted):
        return _misfit(wanted, "，其中没有年份（%Y）", ", in which there is no year (%Y)")
    return None


def _misfit(wanted: str, why_zh: str = "", why: str = "") -> tuple[str, str]:
    words, example = WORDS[:-1], "%Y/%m/%d %H:%M"
    return (
        f"是 {wanted!r}{why_zh}；请写 {'、'.join(words)}，或如 {example} 的格式",
        f"is {wanted!r}{why}; write {', '.join(words)}, or a format such as {example}",
    )


def time_faults(path: str, formats: Formats, *, needs_year: bool = True) -> Iterator[Fault]:
    """What is wrong with formats, by their path."""
    for each in formats:
        if (fault := format_fault(each, needs_year=needs_year)) is not None:
            yield path, *fault


def _plain(text: str) -> str:
    return text if text.isascii() else unicodedata.normalize("NFKC", text).strip()


def _read(text: str, wanted: str) -> Moment | None:
    try:
        if wanted == AUTO:
            return _by_iso(text) or _by_shape(text)
        if wanted == ISO:
            return _by_iso(text)
        if wanted in _EPOCHS:
            return _by_number(text, _EPOCHS[wanted])
        return Moment(datetime.strptime(text, wanted), not _TIME_DIRECTIVE.search(wanted))  # noqa: DTZ007
    except (ValueError, OverflowError):
        return None


def _by_iso(text: str) -> Moment | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    # Between day and time may stand anything, and a time needs no colon; with one it is longer than any day.
    return Moment(at, len(text) <= _ISO_DAY)


def _by_shape(text: str) -> Moment | None:
    for shape in _SHAPES:
        if (found := shape.fullmatch(text)) is not None:
            named = found.groupdict(default="0")
            day = datetime(int(named["year"]), int(named["month"]), int(named["day"]))  # noqa: DTZ001 - no zone yet
            clock = time(int(named["hour"]), int(named["minute"]), int(named["second"]))
            return Moment(datetime.combine(day, clock), found["hour"] is None)
    return None


def _by_number(text: str, epoch: datetime) -> Moment | None:
    """Days since an epoch, to the second: a spreadsheet keeps times only nearly."""
    if not _NUMBER.fullmatch(text):
        return None
    days, _, fraction = text.partition(".")
    seconds = round(int(fraction or 0) * _SECONDS_OF_DAY / 10 ** len(fraction))
    return Moment(epoch + timedelta(days=int(days), seconds=seconds), not seconds)


def _birthday(text: str, wanted: str) -> str | None:
    if wanted in (AUTO, ISO):
        yearless = _YEARLESS.fullmatch(text)
        if yearless is not None and (wanted == AUTO or yearless["month"] is not None):
            month, day = yearless["month"] or yearless["m"], yearless["day"] or yearless["d"]
            moment = _read(f"{_LEAP_YEAR}-{month:0>2}-{day:0>2}", ISO)
            return None if moment is None else moment.at.date().isoformat()[5:]
        head = text[:_ISO_DAY]
        moment = (_by_iso(head) if head[4:5] == "-" else None) or _read(text, wanted)
    elif wanted in _EPOCHS or _YEAR_DIRECTIVE.search(wanted):
        moment = _read(text, wanted)
    else:
        moment = _read(f"{_LEAP_YEAR} {text}", f"%Y {wanted}")
        return None if moment is None else moment.at.date().isoformat()[5:]
    return None if moment is None else moment.at.date().isoformat()
