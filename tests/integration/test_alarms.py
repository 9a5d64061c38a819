"""Alarms against a real ledger: what was issued on which day, what is kept of it, and budgets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta

import asyncpg
import msgspec
import pytest

from jifen.core.alarms import Alarms, IssuanceAlarm
from jifen.core.commands import AdjustPoints, RecordOrder
from jifen.core.orders import Order, OrderLine
from jifen.core.program import ProgramDocument
from jifen.core.rules.document import Cap
from jifen.db.connection import Connection
from jifen.engine.engine import Engine
from jifen.services.alarms import AlarmReport, look_at_alarms, ringing_names
from jifen.services.programs import current_program
from tests.databases import DEFAULT_PROGRAM, running_engine
from tests.model.ledger import answered, new_member, publish, submission

#: Shanghai's day begins at 16:00 UTC.
NOON = datetime(2026, 11, 25, 4, tzinfo=UTC)
DAILY = IssuanceAlarm("daily", "points", most_percent=200, usual_periods=2)


class Clock:
    """An engine's clock that stands where a test puts it."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
async def clock() -> Clock:
    """Noon of 25 November 2026 in Shanghai."""
    return Clock()


@pytest.fixture
async def shop(database_url: str, clock: Clock) -> AsyncIterator[Engine]:
    """An engine that goes by the clock."""
    async with running_engine(database_url, clock=clock) as engine:
        yield engine


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[Connection]:
    """A connection that reads."""
    opened = await asyncpg.connect(database_url)
    yield opened
    await opened.close()


def program(alarms: Alarms, **more: object) -> ProgramDocument:
    """The program of the tests with alarms."""
    return msgspec.structs.replace(DEFAULT_PROGRAM, alarms=alarms, **more)


async def report(connection: Connection, now: datetime) -> AlarmReport:
    """What the alarms of the program say."""
    current = await current_program(connection)
    assert current is not None
    return await look_at_alarms(connection, current, now)


async def buy(engine: Engine, member: int, key: str, points: int) -> None:
    """An order that earns so many points."""
    order = Order(key, "CNY", [OrderLine("1", 1, points * 100)])
    answered(await engine.submit(submission(RecordOrder(member, order), key)))


async def test_a_day_above_the_usual_rings(
    shop: Engine, clock: Clock, connection: Connection, database_url: str
) -> None:
    """Local days count; what is adjusted by hand was not issued by the program; days that are over are kept."""
    await publish(database_url, program(Alarms([DAILY])), since=NOON - timedelta(days=10))
    clock.now = NOON - timedelta(days=2)
    member = await new_member(shop, "m")
    await buy(shop, member, "a", 100)
    # A quarter of an hour before midnight in Shanghai, and after it.
    clock.now = datetime(2026, 11, 24, 15, 45, tzinfo=UTC)
    await buy(shop, member, "b", 140)
    clock.now = datetime(2026, 11, 24, 16, 15, tzinfo=UTC)
    await buy(shop, member, "c", 240)
    answered(await shop.submit(submission(AdjustPoints(member, None, 999), "by hand")))
    quiet = await report(connection, NOON)
    (state,) = quiet.issuance
    assert (state.judgement.issued, state.judgement.usual, state.judgement.limit) == (240, 120, 240)
    assert (quiet.ringing, ringing_names(quiet)) == (0, {"daily/most_percent": False})
    clock.now = NOON
    await buy(shop, member, "d", 1)
    assert (await report(connection, NOON)).ringing == 1
    kept = await connection.fetch("SELECT day, points FROM issued_days WHERE points > 0 ORDER BY day")
    assert [tuple(row) for row in kept] == [(date(2026, 11, 23), 100), (date(2026, 11, 24), 140)]
    assert await connection.fetchval("SELECT max(day) FROM issued_days") == date(2026, 11, 24)


async def test_a_day_is_kept_only_when_it_is_surely_over(
    shop: Engine, clock: Clock, connection: Connection, database_url: str
) -> None:
    """A batch recorded just before midnight may be committed after it."""
    await publish(database_url, program(Alarms([DAILY])), since=NOON - timedelta(days=10))
    midnight = datetime(2026, 11, 24, 16, tzinfo=UTC)
    await report(connection, midnight + timedelta(minutes=59))
    assert await connection.fetchval("SELECT max(day) FROM issued_days") == date(2026, 11, 23)
    clock.now = midnight - timedelta(seconds=1)
    await buy(shop, await new_member(shop, "m"), "late", 500)
    (state,) = (await report(connection, midnight + timedelta(minutes=60))).issuance
    assert state.judgement.usual == 500
    assert await connection.fetchval("SELECT points FROM issued_days WHERE day = '2026-11-24'") == 500


async def test_budgets_ring_before_they_are_used_up(shop: Engine, connection: Connection, database_url: str) -> None:
    """At eighty percent, not a point earlier."""
    budget = Cap("points", 100, per="program", period="month")
    await publish(database_url, program(Alarms(budget_percent=80), budgets=[budget]), since=NOON - timedelta(days=10))
    member = await new_member(shop, "m")
    await buy(shop, member, "a", 79)
    (state,) = (await report(connection, NOON)).budgets
    assert (state.budget, state.used, state.most, state.is_ringing) == (
        "program/points/program/month/2026-11-01",
        79,
        100,
        False,
    )
    await buy(shop, member, "b", 1)
    assert (await report(connection, NOON)).ringing == 1
    december = await report(connection, NOON + timedelta(days=10))
    assert (december.ringing, december.budgets[0].used) == (0, 0)
