"""What leaving does to points that wait: as they are in the tables, not as they are first loaded."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from jifen.core.commands import AdjustPoints, RecordOrder, ReverseTransaction, SettleMember, SpendPoints
from jifen.core.ledger.values import MemberStatus
from jifen.core.members.commands import ChangeLife
from jifen.core.orders import Order, OrderLine
from jifen.core.program import MemberPolicy
from jifen.db.connection import connect
from jifen.engine.engine import Engine
from tests.databases import add_program
from tests.model.ledger import answered, check_ledger, new_member, publish, read_members, submission
from tests.model.programs import make_document

START = datetime(2026, 1, 30, 3, 0, tzinfo=UTC)


@pytest.mark.parametrize("free_lots", [0, 1, 40])
def test_points_that_wait_are_forfeited_with_the_others(bare_database_url: str, free_lots: int) -> None:
    """Nothing is left to mature afterwards, and what is spent before and cancelled after comes to nothing."""
    add_program(bare_database_url, make_document(pending_days=7))

    async def run() -> None:
        now = START
        engine = Engine(bare_database_url, lanes=1, clock=lambda: now)
        await engine.start()
        connection = await connect(bare_database_url)
        try:
            member = await new_member(engine, f"leaver-{free_lots}")
            for number in range(free_lots):
                answered(await engine.submit(submission(AdjustPoints(member, None, 5), f"gift-{number}")))
            order = Order("A1", "CNY", [OrderLine("1", 1, 10_000)])
            answered(await engine.submit(submission(RecordOrder(member, order), "A1", now)))
            spent = None
            if free_lots:
                spent = answered(await engine.submit(submission(SpendPoints(member, None, 3), "spend")))
            answered(await engine.submit(submission(ChangeLife(member, "close"), "close")))
            for later in (timedelta(0), timedelta(days=8)):
                now = START + later
                if spent is not None and later:
                    answered(await engine.submit(submission(ReverseTransaction(member, spent.sequence), "cancel")))
                state = (await read_members(connection, [member]))[member]
                assert state.status is MemberStatus.CLOSED
                assert [(each.available, each.pending) for each in state.accounts if each.wallet == 1] == [(0, 0)]
        finally:
            await connection.close()
            await engine.stop()

    asyncio.run(run())
    asyncio.run(check_ledger(bare_database_url))


def test_what_waited_when_it_was_forfeited_waits_again_when_that_is_undone(bare_database_url: str) -> None:
    """The program lets members keep their points by now, and somebody takes the forfeiture back: in the tables, too,
    they wait until their day."""
    forfeiting = make_document(pending_days=7)
    add_program(bare_database_url, forfeiting)
    keeping = msgspec.structs.replace(forfeiting, members=MemberPolicy(closed_points="keep"))

    async def run() -> None:
        now = START
        engine = Engine(bare_database_url, lanes=1, clock=lambda: now)
        await engine.start()
        connection = await connect(bare_database_url)
        try:
            member = await new_member(engine, "returning")
            order = Order("A1", "CNY", [OrderLine("1", 1, 10_000)])
            earned = answered(await engine.submit(submission(RecordOrder(member, order), "A1", now)))
            answered(await engine.submit(submission(ChangeLife(member, "close"), "close")))
            await publish(bare_database_url, keeping, START)
            undo = ReverseTransaction(member, earned.sequence + 1)
            answered(await engine.submit(submission(undo, "undo")))
            found = []
            for now in (START, START + timedelta(days=8)):
                answered(await engine.submit(submission(SettleMember(member), f"settle-{now}")))
                state = (await read_members(connection, [member]))[member]
                found.append([(each.available, each.pending) for each in state.accounts if each.wallet == 1])
            assert found == [[(0, 100)], [(100, 0)]]
        finally:
            await connection.close()
            await engine.stop()

    asyncio.run(run())
    asyncio.run(check_ledger(bare_database_url))
