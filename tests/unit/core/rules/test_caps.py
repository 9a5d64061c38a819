"""Caps: periods, what fits, what is cut, what is used."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jifen.core.rules.caps import FOREVER, Cut, Room, cost_cents, open_caps, start_of_period, usage_name
from jifen.core.rules.document import Cap, Period

DAY = date(2027, 1, 2)


@pytest.mark.parametrize(
    ("period", "start"),
    [
        ("day", date(2027, 1, 2)),
        ("week", date(2026, 12, 28)),
        ("month", date(2027, 1, 1)),
        ("year", date(2027, 1, 1)),
        ("lifetime", FOREVER),
        ("campaign", FOREVER),
        ("event", FOREVER),
    ],
)
def test_periods_begin(period: Period, start: date) -> None:
    """A week on its Monday, also over the turn of the year."""
    assert start_of_period(period, DAY) == start


def test_names_tell_owners_and_periods_apart() -> None:
    """The same cap in the next month is used anew; one for ever has no date."""
    monthly, ever = open_caps("rule:base", [Cap("points", 5, period="month"), Cap("points", 9, "program")])
    assert usage_name(monthly, DAY) == "rule:base/points/member/month/2027-01-01"
    assert usage_name(ever, DAY) == "rule:base/points/program/lifetime"
    assert (monthly.is_shared, ever.is_shared) == (False, True)


@pytest.mark.parametrize(
    ("cap", "used", "points", "fits", "use"),
    [
        (Cap("points", 100), 0, 100, 100, 100),
        (Cap("points", 100), 30, 100, 70, 70),
        (Cap("points", 100), 100, 1, 0, None),
        (Cap("points", 100), 130, 1, 0, None),
        (Cap("count", 2), 1, 500, 500, 1),
        (Cap("count", 2), 2, 500, 0, None),
        (Cap("cost_cents", 100), 0, 500, 66, 99),
        (Cap("cost_cents", 100), 99, 500, 0, None),
    ],
)
def test_what_fits(cap: Cap, used: int, points: int, fits: int, use: int | None) -> None:
    """By points, by number, by cost (2 points for 3 cents, rounded up); nothing that is cut away is used."""
    (opened,) = open_caps("rule:r", [cap])
    name = usage_name(opened, DAY)
    room = Room({name: used}, DAY)
    got, cuts = room.fit(points, [opened], (2, 3))
    assert got == fits
    assert room.uses.get(name) == use
    assert cuts == ([Cut(opened.key, points - fits)] if fits < points else [])


def test_several_awards_share_a_cap() -> None:
    """Within one event as well, and a cap for each event begins anew with the next."""
    caps = open_caps("campaign:c", [Cap("points", 100, period="event"), Cap("points", 150, period="day")])
    room = Room({}, DAY)
    assert [room.fit(80, caps, None)[0], room.fit(80, caps, None)[0]] == [80, 20]
    assert room.uses == {usage_name(caps[1], DAY): 100}
    assert Room(room.uses, DAY).fit(80, caps, None)[0] == 50


@given(
    st.lists(st.integers(0, 300), max_size=20), st.integers(0, 500), st.sampled_from(["points", "count", "cost_cents"])
)
def test_no_cap_is_ever_passed(awards: list[int], most: int, limit: str) -> None:
    """Whatever comes in whatever order (I-14)."""
    caps = open_caps("rule:r", [Cap(limit, most, period="month")])  # type: ignore[arg-type]
    used: dict[str, int] = {}
    for points in awards:
        room = Room(used, DAY)
        room.fit(points, caps, (7, 3))
        for name, number in room.uses.items():
            used[name] = used.get(name, 0) + number
    assert used.get(usage_name(caps[0], DAY), 0) <= most


def test_cost_is_rounded_up() -> None:
    """One point of 100 for 5 cents costs a whole cent."""
    assert [cost_cents(points, (100, 5)) for points in (0, 1, 20, 21)] == [0, 1, 1, 2]


def test_without_a_value_cost_limits_nothing() -> None:
    """The check of a program says so; rating goes on."""
    caps = open_caps("rule:r", [Cap("cost_cents", 1)])
    assert Room({}, DAY).fit(10**6, caps, None) == (10**6, [])
