"""Races that were lost once: what one worker learns while it waits for the lock of another."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from jifen.core.commands import AdjustPoints, Command, RecordOrder, RefundOrder, RegisterMember, SpendPoints
from jifen.core.identity import Identity
from jifen.core.orders import Order, OrderLine, OrderRefund
from jifen.engine.engine import Engine
from tests.databases import running_engine
from tests.model.ledger import answered, check_ledger, new_member, refused, submission

LOOKS = 500
LOOK_SECONDS = 0.01


def order(order_id: str, cents: int = 10_000) -> Order:
    """An order of one piece."""
    return Order(order_id, "CNY", [OrderLine("1", 1, cents)])


@pytest.fixture
async def other(database_url: str) -> AsyncIterator[Engine]:
    """A second engine on the same database, with one lane."""
    async with running_engine(database_url, lanes=1) as engine:
        yield engine


@asynccontextmanager
async def locked(url: str, member: int) -> AsyncIterator[asyncpg.Connection]:
    """Somebody holds the lock of a member; the connection looks on."""
    holder, onlooker = await asyncpg.connect(url), await asyncpg.connect(url)
    try:
        async with holder.transaction():
            await holder.execute("SELECT FROM accounts WHERE member_id = $1 FOR UPDATE", member)
            yield onlooker
    finally:
        await holder.close()
        await onlooker.close()


async def wait_for_waiters(onlooker: asyncpg.Connection, number: int) -> None:
    """Until so many batches wait for a lock."""
    for _ in range(LOOKS):
        waiting = await onlooker.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        if waiting >= number:
            return
        await asyncio.sleep(LOOK_SECONDS)
    raise AssertionError("nobody waits")


async def test_an_order_and_its_refund_sent_twice_at_once(engine: Engine, other: Engine, database_url: str) -> None:
    """The second worker looked for the order before the first had recorded it, and must not call it unknown."""
    ann = await new_member(engine, "ann")
    group = [
        submission(RecordOrder(ann, order("o1")), "e1"),
        submission(RefundOrder(None, OrderRefund("o1", "r1")), "e2"),
    ]
    async with locked(database_url, ann) as onlooker:
        here = asyncio.create_task(engine.submit_group(group))
        await wait_for_waiters(onlooker, 1)
        there = asyncio.create_task(other.submit_group(group))
        await wait_for_waiters(onlooker, 2)
    answers = [[answered(outcome) for outcome in outcomes] for outcomes in (await here, await there)]
    assert [[each.sequence for each in half] for half in answers] == [[1, 2], [1, 2]]
    assert sorted(each.duplicate for half in answers for each in half) == [False, False, True, True]
    await check_ledger(database_url)


async def test_an_order_told_twice_while_its_member_registers(engine: Engine, other: Engine, database_url: str) -> None:
    """The order is found and its member is not yet: that is no order of somebody else (known failure 76)."""
    zed, new = await new_member(engine, "zed", 10), Identity("phone", "13800000000")
    async with locked(database_url, zed) as onlooker:
        group = [
            submission(SpendPoints(zed, None, 1), "s"),
            submission(RecordOrder(new, order("o9")), "till 2"),
            submission(RecordOrder(new, order("o10")), "till 2, next"),
        ]
        there = asyncio.create_task(other.submit_group(group))
        await wait_for_waiters(onlooker, 1)
        here = answered(await engine.submit(submission(RecordOrder(new, order("o9")), "till 1")))
    _, repeated, following = (answered(outcome) for outcome in await there)
    assert (repeated.duplicate, repeated.member_id) == (True, here.member_id)
    assert (following.duplicate, following.member_id) == (False, here.member_id)
    await check_ledger(database_url)


@pytest.mark.parametrize("told", ["order", "member"])
async def test_a_key_that_only_repeated_something_is_used_up(engine: Engine, database_url: str, told: str) -> None:
    """An event that found its order or its member known already cannot come back as something else (I-07)."""
    name = Identity("external", "ann")
    ann = await new_member(engine, "ann")
    known: Command = RegisterMember((name,), known_is_fine=True)
    if told == "order":
        known = RecordOrder(ann, order("o1"))
        answered(await engine.submit(submission(known, "e1")))
    first = answered(await engine.submit(submission(known, "e2")))
    again = answered(await engine.submit(submission(known, "e2")))
    assert (first.duplicate, again.duplicate) == (True, True)
    assert refused(await engine.submit(submission(RecordOrder(ann, order("o2")), "e2"))) == "key_conflict"
    await check_ledger(database_url)


async def test_many_refunds_of_one_member_in_one_group(engine: Engine, database_url: str) -> None:
    """Each waits for the one before; all are done, in order."""
    ann = await new_member(engine, "ann")
    names = [f"o{number}" for number in range(120)]
    await engine.submit_group([submission(RecordOrder(ann, order(name)), name) for name in names])
    refunds = [submission(RefundOrder(None, OrderRefund(name, "r")), f"{name} r") for name in names]
    sequences = [answered(outcome).sequence for outcome in await engine.submit_group(refunds)]
    assert sequences == list(range(121, 241))
    await check_ledger(database_url)


async def test_a_repetition_stays_one_when_the_connection_breaks(engine: Engine, database_url: str) -> None:
    """Only what an uncertain commit may have done first is answered as done first."""
    ann = await new_member(engine, "ann")
    gift = submission(AdjustPoints(ann, None, 5), "gift")
    answered(await engine.submit(gift))
    async with locked(database_url, ann) as onlooker:
        repeated = asyncio.create_task(engine.submit(gift))
        await wait_for_waiters(onlooker, 1)
        await onlooker.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
    assert answered(await repeated).duplicate
    await check_ledger(database_url)
