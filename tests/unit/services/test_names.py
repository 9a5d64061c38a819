"""Ids, cursors and instants as they come from outside."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jifen.core.refusal import Refusal
from jifen.services.history import decode_cursor, encode_cursor
from jifen.services.instants import to_utc
from jifen.services.members import LARGEST_MEMBER_ID, LARGEST_SEQUENCE, parse_member_id, parse_transaction_id


@given(st.integers(1, LARGEST_SEQUENCE))
def test_cursors_come_back(sequence: int) -> None:
    """What a page gives, the next one takes."""
    assert decode_cursor(encode_cursor(sequence)) == sequence


@given(st.text(max_size=40))
def test_other_cursors_are_refused(text: str) -> None:
    """Never an error of ours."""
    result = decode_cursor(text)
    assert isinstance(result, Refusal) or 0 < result <= LARGEST_SEQUENCE


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1", 1),
        (str(LARGEST_MEMBER_ID), LARGEST_MEMBER_ID),
        (str(LARGEST_MEMBER_ID + 1), None),
        ("0", None),
        ("01", None),
        ("-1", None),
        ("1 ", None),
        ("１", None),
        ("", None),
    ],
)
def test_member_ids(text: str, expected: int | None) -> None:
    """One spelling for each number, and none beyond what a member can have."""
    assert parse_member_id(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5-7", (5, 7)),
        (f"5-{LARGEST_SEQUENCE}", (5, LARGEST_SEQUENCE)),
        (f"5-{LARGEST_SEQUENCE + 1}", None),
        (f"{LARGEST_MEMBER_ID + 1}-1", None),
        ("5-0", None),
        ("5", None),
        ("5-7-9", None),
        ("5-7\n", None),
    ],
)
def test_transaction_ids(text: str, expected: tuple[int, int] | None) -> None:
    """`MEMBER-SEQUENCE`, and nothing else."""
    assert parse_transaction_id(text) == expected


@pytest.mark.parametrize(
    ("instant", "is_fine"),
    [
        (datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=8))), True),
        (datetime(9998, 12, 31, 23, tzinfo=timezone(timedelta(hours=-2))), False),
        (datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-14))), False),
        (datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14))), False),
    ],
)
def test_instants_at_the_ends_of_the_calendar(instant: datetime, is_fine: bool) -> None:
    """Refused instead of overflowing."""
    result = to_utc(instant, "/time")
    assert isinstance(result, datetime) == is_fine
    if isinstance(result, Refusal):
        assert (result.code, result.pointer) == ("instant_too_far", "/time")
