"""Days and instants as old systems and spreadsheets write them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from jifen.services.imports.moments import Moment, format_fault, read_birthday, read_moment

DAY = datetime(2027, 12, 31)  # noqa: DTZ001 - by the clock on the wall
AUTO = ("auto",)


@pytest.mark.parametrize(
    "text",
    [
        "2027/12/31",
        "2027-12-31",
        "20271231",
        "2027年12月31日",
        "2027年12月31号",
        "2027.12.31",
        "31.12.2027",
        "２０２７／１２／３１",
    ],
)
def test_shapes_of_a_day(text: str) -> None:
    """All that leave no doubt are read without a format, with a time behind them as well."""
    assert read_moment(text, AUTO) == Moment(DAY, True)
    for clock, seconds in ((" 10:30", 0), (" 10:30:15", 15), ("10时30分", 0), (" 10:30:15.250", 15)):
        if text == "20271231" and clock[0] != " ":
            continue
        moment = read_moment(text + clock, AUTO)
        assert moment is not None
        assert (moment.at.replace(microsecond=0), moment.is_day) == (
            DAY.replace(hour=10, minute=30, second=seconds),
            False,
        )


def test_short_days_and_offsets() -> None:
    """Without noughts; an offset is kept; midnight that was written is no day."""
    assert read_moment("2027/1/5", AUTO) == Moment(datetime(2027, 1, 5), True)  # noqa: DTZ001
    assert read_moment("5.1.2027 9:05", AUTO) == Moment(datetime(2027, 1, 5, 9, 5), False)  # noqa: DTZ001
    zoned = read_moment("2027-12-31T00:00:00+08:00", AUTO)
    assert zoned is not None and zoned.at.astimezone(UTC) == datetime(2027, 12, 30, 16, tzinfo=UTC)
    for text in ("2027-12-31 00:00:00", "2027-12-31 00", "20271231 0000", "2027-12-31x00"):
        assert read_moment(text, AUTO) == Moment(DAY, False)
    assert read_moment("2027-W52-5", AUTO) == Moment(DAY, True)


@pytest.mark.parametrize(
    "text",
    [
        "12/31/2027",
        "31/12/2027",
        "12-31-2027",
        "2027/12-31",
        "2027/13/01",
        "2027-02-29",
        "46387",
        "31.12.27",
        "明天",
        "0",
    ],
)
def test_what_is_not_guessed(text: str) -> None:
    """Where month and day could be confused, or there is no such day, a format must be named."""
    assert read_moment(text, AUTO) is None


def test_formats_of_a_mapping() -> None:
    """Tried in turn; `iso` is strict; `excel` is the number that a spreadsheet keeps of a day."""
    assert read_moment("12/31/2027", ("%m/%d/%Y",)) == Moment(DAY, True)
    assert read_moment("31/12/2027 00:00", ("iso", "%d/%m/%Y %H:%M")) == Moment(DAY, False)
    assert read_moment("2027/12/31", ("iso",)) is None
    assert read_moment("46752", ("excel",)) == Moment(DAY, True)
    assert read_moment("46752.4375", ("excel",)) == Moment(DAY.replace(hour=10, minute=30), False)
    assert read_moment("45290", ("excel-1904",)) == Moment(DAY, True)
    assert read_moment("4675200000", ("excel",)) is None


@pytest.mark.parametrize(
    ("text", "wanted", "birthday"),
    [
        ("1990-05-17", "auto", "1990-05-17"),
        ("1990/5/7", "auto", "1990-05-07"),
        ("1990-05-17 00:00:00", "auto", "1990-05-17"),
        ("1990-05-17T00:00:00Z, or so", "iso", "1990-05-17"),
        ("05-17", "iso", "05-17"),
        ("02-29", "auto", "02-29"),
        ("5月17日", "auto", "05-17"),
        ("5月17日", "iso", None),
        ("17/05", "%d/%m", "05-17"),
        ("29.2.", "%d.%m.", "02-29"),
        ("33010", "excel", "1990-05-17"),
        ("05-32", "auto", None),
        ("5/7/1990", "auto", None),
    ],
)
def test_birthdays(text: str, wanted: str, birthday: str | None) -> None:
    """With a year or without."""
    assert read_birthday(text, (wanted,)) == birthday


def test_formats_at_fault() -> None:
    """No word that is known, no directive, no year."""
    assert format_fault("auto") is format_fault("%Y/%m/%d %H:%M") is None
    assert format_fault("%d/%m", needs_year=False) is None
    for wrong in ("yyyy/mm/dd", "%Y/%q", "%Y%", "%d/%m"):
        assert wrong in str(format_fault(wrong))
