"""Lanes and the queue: what is accepted is finished, what is too much is said, and a lost connection is replaced."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import asyncpg
import pytest

from jifen.core.commands import AdjustPoints
from jifen.engine import lane
from jifen.engine.engine import Engine, EngineStopped, QueueFull
from tests.model.ledger import answered, available_now, check_ledger, new_member, submission


async def test_what_was_accepted_is_finished_before_the_engine_stops(database_url: str) -> None:
    """Also what still waits in the queue; what comes after is told to come again."""
    engine = Engine(database_url, lanes=1, batch_limit=3)
    await engine.start()
    ann = await new_member(engine, "ann")
    writes = [asyncio.create_task(engine.submit(submission(AdjustPoints(ann, None, 1), f"{n}"))) for n in range(40)]
    await asyncio.sleep(0)
    assert engine.queue_length > 3
    stopping = asyncio.create_task(engine.stop())
    await asyncio.sleep(0)
    with pytest.raises(EngineStopped):
        await engine.submit(submission(AdjustPoints(ann, None, 1), "late"))
    await stopping
    assert all(answered(each).duplicate is False for each in await asyncio.gather(*writes))
    assert engine.queue_length == 0
    assert await available_now(database_url, ann) == 40


async def test_a_full_queue_says_so(database_url: str) -> None:
    """Beyond the limit nothing is accepted; nothing that was accepted is lost; later there is room again."""
    engine = Engine(database_url, lanes=1, batch_limit=5, queue_limit=20)
    await engine.start()
    ann = await new_member(engine, "ann")
    sends = (engine.submit(submission(AdjustPoints(ann, None, 1), f"{n}")) for n in range(100))
    outcomes = await asyncio.gather(*sends, return_exceptions=True)
    full = [each for each in outcomes if isinstance(each, QueueFull)]
    done = [each for each in outcomes if not isinstance(each, BaseException)]
    assert full
    assert len(full) + len(done) == 100
    assert full[0].code == "queue_full"
    answered(await engine.submit(submission(AdjustPoints(ann, None, 1), "later")))
    await engine.stop()
    assert await available_now(database_url, ann) == len(done) + 1


async def test_a_group_larger_than_the_queue_is_taken_by_an_empty_one(database_url: str) -> None:
    """Otherwise it could never be done; batches stay groups, in order."""
    engine = Engine(database_url, lanes=2, batch_limit=4, queue_limit=10)
    await engine.start()
    ann = await new_member(engine, "ann")
    outcomes = await engine.submit_group([submission(AdjustPoints(ann, None, 1), f"{n}") for n in range(30)])
    assert [answered(each).sequence for each in outcomes] == list(range(1, 31))
    assert await engine.submit_group([]) == []
    await engine.stop()


async def test_a_caller_who_leaves_does_not_stop_the_others(database_url: str) -> None:
    """A cancelled request may or may not have been done; its neighbours are done, and the lane goes on."""
    engine = Engine(database_url, lanes=1, batch_limit=8)
    await engine.start()
    ann = await new_member(engine, "ann")
    writes = [asyncio.create_task(engine.submit(submission(AdjustPoints(ann, None, 1), f"{n}"))) for n in range(24)]
    await asyncio.sleep(0)
    for write in writes[::2]:
        write.cancel()
    outcomes = await asyncio.gather(*writes, return_exceptions=True)
    assert all(answered(each).duplicate is False for each in outcomes[1::2])  # type: ignore[arg-type]
    again = [await engine.submit(submission(AdjustPoints(ann, None, 1), f"{n}")) for n in range(24)]
    assert all(answered(each) for each in again)
    await engine.stop()
    assert await available_now(database_url, ann) == 24
    await check_ledger(database_url)


async def test_batches_are_reported(database_url: str) -> None:
    """Size and duration of each, for the metrics."""
    sizes: list[int] = []
    engine = Engine(database_url, lanes=1, batch_limit=10, observe_batch=lambda size, seconds: sizes.append(size))
    await engine.start()
    ann = await new_member(engine, "ann")
    sizes.clear()
    await asyncio.gather(*(engine.submit(submission(AdjustPoints(ann, None, 1), f"{n}")) for n in range(25)))
    await engine.stop()
    assert sum(sizes) == 25
    assert max(sizes) <= 10


async def test_answers_say_when_they_were_recorded(database_url: str) -> None:
    """The engine's clock, one instant for a batch, later than the transaction before it on the same member."""
    engine = Engine(database_url, lanes=2)
    await engine.start()
    ann = await new_member(engine, "ann")
    before = datetime.now(UTC)
    answers = [
        answered(each)
        for each in await asyncio.gather(
            *(engine.submit(submission(AdjustPoints(ann, None, 1), f"{n}")) for n in range(50))
        )
    ]
    await engine.stop()
    instants = [each.recorded_at for each in sorted(answers, key=lambda each: each.sequence)]
    assert all(instant is not None and before <= instant <= datetime.now(UTC) for instant in instants)
    assert instants == sorted(instants, key=lambda each: each or before)


async def cut_connections(admin_url: str) -> None:
    """End every connection of jifen to this database, as a failover does."""
    connection = await asyncpg.connect(admin_url)
    try:
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    finally:
        await connection.close()


async def test_a_lost_connection_is_replaced(database_url: str, admin_url: str) -> None:
    """Cut again and again under load: every command is done once, and nobody has to send it again."""
    engine = Engine(database_url, lanes=2, batch_limit=4)
    await engine.start()
    ann = await new_member(engine, "ann")
    writes = [asyncio.create_task(engine.submit(submission(AdjustPoints(ann, None, 1), f"{n}"))) for n in range(200)]
    for _ in range(5):
        await asyncio.sleep(0.03)
        await cut_connections(admin_url)
    outcomes = [answered(await write) for write in writes]
    await engine.stop()
    assert sorted(each.sequence for each in outcomes) == list(range(1, 201))
    assert await available_now(database_url, ann) == 200
    await check_ledger(database_url)


async def test_plans_made_of_empty_tables_are_not_kept(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Statistics may say that a table is empty long after it has filled up, and a plan for an empty table reads all of
    it. After a while plans are made anew."""
    monkeypatch.setattr(lane, "PLANS_KEPT_BATCHES", 32)
    admin = await asyncpg.connect(database_url)
    await admin.execute("ANALYZE")
    engine = Engine(database_url, lanes=1)
    await engine.start()
    for number in range(400):
        await new_member(engine, f"member-{number}")
    await engine.stop()
    await admin.execute("SELECT pg_stat_clear_snapshot()")
    read = await admin.fetchval("SELECT idx_tup_read FROM pg_stat_user_indexes WHERE indexrelname = 'identities_pkey'")
    await admin.close()
    # Each looked for one identity that was not there yet; the first plan alone would read 400 * 400 / 2 of them.
    assert read < 32 * 32
