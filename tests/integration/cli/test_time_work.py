"""Settling what is due (`services/time_work.py`), on a real database with the clock in hand.

Known failures 42 and 46: expiry must take what expired and nothing else; a switch that is never read (44) shows here.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from jifen.core.commands import PlaceHold, RecordOrder
from jifen.core.identity import Identity
from jifen.core.orders import Order, OrderLine
from jifen.engine.engine import Engine
from jifen.engine.submission import Submission
from jifen.services import time_work
from jifen.services.time_work import SettleReport, settle_due
from jifen.services.verification import verify
from tests.databases import fetch_sql

BEGIN = datetime(2015, 1, 10, 4, tzinfo=UTC)
#: The points of January 2015 expire with the end of January ten years later, in Shanghai.
EXPIRED = datetime(2025, 1, 31, 16, tzinfo=UTC)


class Clock:
    """A clock that stands where it is put."""

    def __init__(self) -> None:
        self.now = BEGIN

    def __call__(self) -> datetime:
        return self.now


def order(member: int, number: int) -> Submission:
    """An order over 100 yuan: 100 points."""
    name = f"{member}-{number}"
    lines = [OrderLine("1", 1, 10_000)]
    command = RecordOrder(Identity("external", str(member)), Order(name, "CNY", lines))
    return Submission(command, "test", name, name.encode(), "test")


async def fill(engine: Engine, members: int, orders: int) -> None:
    """So many members with so many lots each."""
    outcomes = await engine.submit_group([order(member, each) for member in range(members) for each in range(orders)])
    assert all(hasattr(outcome, "sequence") for outcome in outcomes)


async def start(url: str, clock: Clock) -> Engine:
    engine = Engine(url, lanes=2, clock=clock)
    await engine.start()
    return engine


async def test_everything_due_is_booked_once(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over several pages and groups, exact to the lot and the point; a second run finds nothing; verify is clean."""
    monkeypatch.setattr(time_work, "PAGE", 7)
    monkeypatch.setattr(time_work, "GROUP", 3)
    clock = Clock()
    engine = await start(database_url, clock)
    try:
        await fill(engine, members=20, orders=3)
        clock.now = EXPIRED - timedelta(seconds=1)
        assert await settle_due(engine, database_url, clock.now) == SettleReport()
        clock.now = EXPIRED
        told: list[tuple[int, int]] = []
        report = await settle_due(
            engine, database_url, clock.now, lambda done, total: told.append((done, total)), groups_in_flight=2
        )
        assert report == SettleReport(members=20, lots_expired=60, points_expired=6_000)
        assert told[-1] == (20, 20)
        assert await settle_due(engine, database_url, clock.now) == SettleReport()
    finally:
        await engine.stop()
    assert await asyncio.to_thread(fetch_sql, database_url, "SELECT sum(available)::bigint FROM accounts") == [(0,)]
    assert (await verify(database_url)).is_clean


async def test_what_is_done_side_by_side_is_counted_once(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of two runs reports what it booked itself; together that is everything, once."""
    monkeypatch.setattr(time_work, "PAGE", 7)
    monkeypatch.setattr(time_work, "GROUP", 3)
    clock = Clock()
    engine = await start(database_url, clock)
    other = await start(database_url, clock)
    try:
        await fill(engine, members=20, orders=3)
        clock.now = EXPIRED
        here, there = await asyncio.gather(*(settle_due(each, database_url, clock.now) for each in (engine, other)))
        assert here + there == SettleReport(members=20, lots_expired=60, points_expired=6_000)
    finally:
        await engine.stop()
        await other.stop()


async def test_ended_holds_give_their_points_back(database_url: str) -> None:
    """A hold that ends is counted, and its points can be spent again."""
    clock = Clock()
    engine = await start(database_url, clock)
    try:
        await fill(engine, members=1, orders=1)
        hold = PlaceHold(Identity("external", "0"), None, 40)
        await engine.submit(Submission(hold, "test", "hold", b"hold", "test"))
        clock.now += timedelta(days=1)
        assert await settle_due(engine, database_url, clock.now) == SettleReport(members=1, holds_ended=1)
    finally:
        await engine.stop()
    assert await asyncio.to_thread(fetch_sql, database_url, "SELECT available, held FROM accounts") == [(100, 0)]


async def test_members_who_cannot_be_settled_do_not_keep_it_running(database_url: str) -> None:
    """Where the engine's clock says that nothing is due yet, the work ends instead of asking for ever."""
    clock = Clock()
    engine = await start(database_url, clock)
    try:
        await fill(engine, members=3, orders=1)
        report = await settle_due(engine, database_url, EXPIRED)
    finally:
        await engine.stop()
    assert report.lots_expired == 0
    assert report.failed == 3
