"""What is announced to whoever acts on it afterwards (mails, webhooks): each transaction once, with its commit or not
at all; and the numbers by which transactions are told apart."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime

import pytest

from jifen.core.commands import AdjustPoints, RecordOrder, RefundOrder, SpendPoints
from jifen.core.ledger.values import transaction_id
from jifen.core.orders import Order, OrderLine, OrderRefund
from jifen.engine.engine import Engine
from tests.databases import fetch_sql, run_sql
from tests.integration.test_concurrency import several_engines
from tests.integration.test_idempotency import WRITES, make_ann_and_bob
from tests.model.ledger import answered, available_now, check_ledger, new_member, refused, submission

_ANNOUNCED = "SELECT m, s FROM outbox CROSS JOIN LATERAL unnest(member_ids, sequences) AS told (m, s)"
#: Every commit that wrote a transaction fails, as the very last thing.
_BREAK = """
CREATE FUNCTION break_commit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'broken'; END $$;
CREATE CONSTRAINT TRIGGER break_commit AFTER INSERT ON transactions
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION break_commit()
"""


async def check_announced(url: str) -> None:
    """Every transaction was announced once, and nothing else was."""
    announced = Counter(await asyncio.to_thread(fetch_sql, url, _ANNOUNCED))
    there = Counter(await asyncio.to_thread(fetch_sql, url, "SELECT member_id, sequence FROM transactions"))
    assert there and announced == there


@pytest.mark.parametrize("name", WRITES)
async def test_a_command_sent_again_is_announced_once(engine: Engine, database_url: str, name: str) -> None:
    """In one batch, later, and with a second key for the same order: whoever writes mails hears of it once (known
    failure 85)."""
    ann, bob = await make_ann_and_bob(engine)
    command = WRITES[name][0](ann, bob)
    once = submission(command, "once")
    assert [answered(each).duplicate for each in await engine.submit_group([once, once])] == [False, True]
    assert answered(await engine.submit(once)).duplicate
    if isinstance(command, RecordOrder | RefundOrder):
        assert answered(await engine.submit(submission(command, "another event"))).duplicate
    await check_announced(database_url)


async def test_what_every_engine_is_told_at_once_is_announced_once(database_url: str) -> None:
    """Orders, their refunds and spends, each through all engines at the same time; what is refused is no news (known
    failure 85)."""
    async with several_engines(database_url, batch_limit=2) as engines:
        members = [await new_member(engines[0], f"m{number}", 10) for number in range(10)]
        writes = []
        for number, member in enumerate(members):
            order = Order(f"o{number}", "CNY", [OrderLine("1", 1, 1_000)])
            answered(await engines[0].submit(submission(RecordOrder(member, order), f"order {number}")))
            writes.append(submission(RecordOrder(member, order), f"order {number}"))
            writes.append(submission(RefundOrder(None, OrderRefund(f"o{number}", "r")), f"refund {number}"))
            writes += [submission(SpendPoints(member, None, 8), f"spend {number} {time}") for time in range(2)]
        await asyncio.gather(*(engine.submit(each) for each in writes for engine in engines))
    await check_announced(database_url)
    await check_ledger(database_url)


async def test_a_commit_that_fails_leaves_no_announcement(engine: Engine, database_url: str, admin_url: str) -> None:
    """Nothing of it has been told to anybody when it is rolled back, and the same command goes through afterwards, once
    (known failure 92: a remote call within the transaction had changed the points elsewhere)."""
    ann = await new_member(engine, "ann", 100)
    once = submission(SpendPoints(ann, None, 30), "once")
    await asyncio.to_thread(run_sql, admin_url, _BREAK)
    assert refused(await engine.submit(once)) == "internal"
    assert await available_now(database_url, ann) == 100
    await check_announced(database_url)
    await asyncio.to_thread(run_sql, admin_url, "DROP TRIGGER break_commit ON transactions")
    assert not answered(await engine.submit(once)).duplicate
    assert answered(await engine.submit(once)).duplicate
    assert await available_now(database_url, ann) == 70
    await check_announced(database_url)


async def test_what_happens_to_one_member_in_one_instant_has_numbers_of_its_own(database_url: str) -> None:
    """A hundred corrections of one member, all of the same instant, through three engines: a hundred numbers (known
    failure 92: mobile number and second made one number for two)."""
    instant = datetime(2026, 3, 10, 4, tzinfo=UTC)
    async with several_engines(database_url) as engines:
        ann = await new_member(engines[0], "ann", 100)
        writes = [submission(AdjustPoints(ann, None, 1), f"gift {number}", instant) for number in range(100)]
        outcomes = await asyncio.gather(*(engines[n % 3].submit(each) for n, each in enumerate(writes)))
    answers = [answered(each) for each in outcomes]
    assert {each.occurred_at for each in answers} == {instant}
    assert len({transaction_id(each.member_id, each.sequence) for each in answers}) == 100
    assert not any(each.duplicate for each in answers)
    assert await available_now(database_url, ann) == 200
    await check_announced(database_url)
    await check_ledger(database_url)
