"""Several engines on one database, as several worker processes are: exact counts of effects, whatever meets.

Known failures 23 to 40: every one of them is two requests at the same time.
"""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from jifen.core.commands import (
    AdjustPoints,
    CaptureHold,
    Command,
    PlaceHold,
    RecordOrder,
    RefundOrder,
    RegisterMember,
    ReverseTransaction,
    SpendPoints,
    TransferPoints,
)
from jifen.core.identity import Identity
from jifen.core.orders import Order, OrderLine, OrderRefund
from jifen.core.refusal import Refusal
from jifen.engine.engine import Engine
from jifen.engine.submission import Answer, Outcome, Submission
from tests.model.ledger import answered, available_now, check_ledger, count, first_time, new_member, submission

ENGINES = 3


@asynccontextmanager
async def several_engines(url: str, *, batch_limit: int = 16) -> AsyncIterator[list[Engine]]:
    """Engines on one database, two lanes each and small batches, so that they meet often."""
    engines = [Engine(url, lanes=2, batch_limit=batch_limit) for _ in range(ENGINES)]
    for engine in engines:
        await engine.start()
    try:
        yield engines
    finally:
        for engine in engines:
            await engine.stop()


async def send_everywhere(engines: Sequence[Engine], submissions: Sequence[Submission]) -> list[list[Outcome]]:
    """Each command through every engine at the same time, shuffled; all outcomes of each."""
    sends = [(index, engine) for index in range(len(submissions)) for engine in engines]
    random.Random(len(sends)).shuffle(sends)
    outcomes = await asyncio.gather(*(engine.submit(submissions[index]) for index, engine in sends))
    found: list[list[Outcome]] = [[] for _ in submissions]
    for (index, _), outcome in zip(sends, outcomes, strict=True):
        found[index].append(outcome)
    return found


def check_once(found: Sequence[list[Outcome]]) -> list[Answer]:
    """Every command was done once, and everybody was told the same."""
    answers = []
    for outcomes in found:
        assert [answered(each).duplicate for each in outcomes].count(False) == 1, outcomes
        (answer,) = {first_time(each).sequence: first_time(each) for each in outcomes}.values()
        assert all(first_time(each) == answer for each in outcomes)
        answers.append(answer)
    return answers


def done(outcomes: Sequence[Outcome]) -> int:
    """How many commands were done."""
    return sum(isinstance(each, Answer) for each in outcomes)


def codes(outcomes: Sequence[Outcome]) -> set[str]:
    """The codes of those that were refused."""
    return {each.code for each in outcomes if isinstance(each, Refusal)}


async def test_twenty_gifts_from_a_hundred_points(database_url: str) -> None:
    """20 gifts of 100 from a sender who has 100: one arrives (known failure 23)."""
    async with several_engines(database_url) as engines:
        sender = await new_member(engines[0], "sender", 100)
        takers = [await new_member(engines[0], f"taker {number}") for number in range(20)]
        gifts = [
            submission(TransferPoints(sender, taker, None, 100), f"gift {number}")
            for number, taker in enumerate(takers)
        ]
        outcomes = await asyncio.gather(*(engines[n % ENGINES].submit(gift) for n, gift in enumerate(gifts)))
    assert done(outcomes) == 1
    assert codes(outcomes) == {"insufficient_points"}
    assert await available_now(database_url, sender) == 0
    assert sum([await available_now(database_url, taker) for taker in takers]) == 100
    await check_ledger(database_url)


async def test_every_write_sent_through_every_engine_at_once(database_url: str) -> None:
    """Two hot members, orders and adjustments: one effect, one answer each (known failures 26, 33, 38)."""
    async with several_engines(database_url) as engines:
        hot = [await new_member(engines[0], name) for name in ("ann", "bob")]
        writes = []
        for number in range(60):
            member = hot[number % 2]
            order = Order(f"o{number}", "CNY", [OrderLine("1", 1, 100 * (number + 1))])
            writes.append(submission(RecordOrder(member, order), f"order {number}"))
            writes.append(submission(AdjustPoints(member, None, 1), f"adjust {number}"))
        check_once(await send_everywhere(engines, writes))
    points = [await available_now(database_url, member) for member in hot]
    assert sum(points) == sum(range(1, 61)) + 60
    assert await count(database_url, "SELECT count(*) FROM transactions") == 120
    await check_ledger(database_url)


async def test_a_repeated_spend_of_everything_is_never_told_that_it_is_too_late(database_url: str) -> None:
    """The second of two equal spends would find nothing left: it gets the first one's answer, not a refusal."""
    async with several_engines(database_url, batch_limit=2) as engines:
        members = [await new_member(engines[0], f"m{number}", 10) for number in range(30)]
        spends = [submission(SpendPoints(each, None, 10), f"spend {each}") for each in members]
        check_once(await send_everywhere(engines, spends))
    assert await count(database_url, "SELECT sum(available)::bigint FROM accounts") == 0
    await check_ledger(database_url)


async def test_repeated_captures_refunds_and_cancellations_are_never_told_that_it_is_too_late(
    database_url: str,
) -> None:
    """What can be done once is done once, and whoever repeats it is told how it ended (known failures 11, 40)."""
    async with several_engines(database_url, batch_limit=2) as engines:
        writes = []
        for number in range(12):
            member = await new_member(engines[0], f"m{number}", 50)
            order = Order(f"o{number}", "CNY", [OrderLine("1", 1, 5_000)])
            before: list[Command] = [
                RecordOrder(member, order),
                SpendPoints(member, None, 10),
                PlaceHold(member, None, 20),
            ]
            for position, command in enumerate(before):
                answered(await engines[0].submit(submission(command, f"{member} {position}")))
            writes += [
                submission(RefundOrder(None, OrderRefund(f"o{number}", "r")), f"refund {member}"),
                submission(ReverseTransaction(member, 3), f"cancel {member}"),
                submission(CaptureHold(member, 4), f"capture {member}"),
            ]
        check_once(await send_everywhere(engines, writes))
    assert await count(database_url, "SELECT count(*) FROM accounts WHERE available = 30 AND held = 0") == 12
    await check_ledger(database_url)


async def test_spends_that_race_for_the_same_points(database_url: str) -> None:
    """As many as there are points for, whoever wins (known failures 24, 25, 29, 31, 36)."""
    async with several_engines(database_url) as engines:
        member = await new_member(engines[0], "ann", 100)
        sends = []
        for number in range(60):
            command = (SpendPoints if number % 2 else PlaceHold)(member, None, 7)
            sends.append(engines[number % ENGINES].submit(submission(command, f"take {number}")))
        outcomes = await asyncio.gather(*sends)
    assert done(outcomes) == 14
    assert codes(outcomes) == {"insufficient_points"}
    assert await available_now(database_url, member) == 2
    await check_ledger(database_url)


async def test_one_identity_is_registered_once(database_url: str) -> None:
    """By registrations and by first orders through all engines at once: one member, and every order is on it."""
    phone, card = Identity("phone", "+8613800138000"), Identity("card", "8001")
    async with several_engines(database_url) as engines:
        sends = []
        for number in range(30):
            order = Order(f"o{number}", "CNY", [OrderLine("1", 1, 100)])
            sends.append(submission(RecordOrder(phone, order), f"order {number}"))
            sends.append(submission(RegisterMember((phone, card), known_is_fine=True), f"register {number}"))
        outcomes = await asyncio.gather(*(engines[n % ENGINES].submit(each) for n, each in enumerate(sends)))
    owners = {answered(each).member_id for each in outcomes if isinstance(each, Answer)}
    # Whether the order or the registration came first decides whether the card belongs to the member.
    assert codes(outcomes) <= {"identity_taken"}
    assert len(owners) == 1
    assert await count(database_url, "SELECT count(*) FROM members") == 1
    assert await available_now(database_url, owners.pop()) == 30
    await check_ledger(database_url)


async def test_one_key_for_different_members_at_once(database_url: str) -> None:
    """One of them has it, all others are told; no lock of theirs could have kept them apart."""
    async with several_engines(database_url) as engines:
        members = [await new_member(engines[0], f"m{number}") for number in range(12)]
        writes = [submission(AdjustPoints(member, None, 5), "the key") for member in members]
        outcomes = await asyncio.gather(*(engines[n % ENGINES].submit(each) for n, each in enumerate(writes)))
    assert done(outcomes) == 1
    assert codes(outcomes) == {"key_conflict"}
    assert await count(database_url, "SELECT sum(available)::bigint FROM accounts") == 5
    await check_ledger(database_url)


async def test_one_order_told_by_different_events_at_once(database_url: str) -> None:
    """Known failures 33, 69: one order, whoever tells it."""
    async with several_engines(database_url) as engines:
        member = await new_member(engines[0], "ann")
        order = Order("o1", "CNY", [OrderLine("1", 1, 500)])
        writes = [submission(RecordOrder(member, order), f"event {number}") for number in range(24)]
        outcomes = await asyncio.gather(*(engines[n % ENGINES].submit(each) for n, each in enumerate(writes)))
    assert [answered(each).duplicate for each in outcomes].count(False) == 1
    assert await available_now(database_url, member) == 5


async def test_transfers_in_circles_neither_block_nor_lose(database_url: str) -> None:
    """Everybody gives to everybody at once: no deadlock reaches a caller, and the sum stays (I-12)."""
    async with several_engines(database_url) as engines:
        members = [await new_member(engines[0], f"m{number}", 100) for number in range(5)]
        chance = random.Random(5)
        writes = []
        for number in range(150):
            giver, taker = chance.sample(members, 2)
            writes.append(submission(TransferPoints(giver, taker, None, chance.randint(1, 60)), f"gift {number}"))
        outcomes = await asyncio.gather(*(engines[n % ENGINES].submit(each) for n, each in enumerate(writes)))
    assert codes(outcomes) <= {"insufficient_points"}
    assert done(outcomes) > 0
    assert await count(database_url, "SELECT sum(available)::bigint FROM accounts") == 500
    await check_ledger(database_url)


WORKER = """
import asyncio, sys
from jifen.core.commands import SpendPoints, AdjustPoints
from jifen.engine.engine import Engine
from tests.model.ledger import submission

async def main():
    url, member = sys.argv[1], int(sys.argv[2])
    engine = Engine(url, lanes=2, batch_limit=8)
    await engine.start()
    commands = [SpendPoints(member, None, 3) if n % 2 else AdjustPoints(member, None, 2) for n in range(100)]
    outcomes = await asyncio.gather(*(engine.submit(submission(each, f"write {n}")) for n, each in enumerate(commands)))
    await engine.stop()
    print(sum(getattr(each, "duplicate", None) is False for each in outcomes))
    print(sum(hasattr(each, "code") for each in outcomes))

asyncio.run(main())
"""


async def test_worker_processes_share_a_hot_member(database_url: str) -> None:
    """Three processes send the same hundred writes for one member: each has one effect, in whichever process."""
    engine = Engine(database_url, lanes=1)
    await engine.start()
    member = await new_member(engine, "ann", 1000)
    await engine.stop()
    command = [sys.executable, "-c", WORKER, database_url, str(member)]
    workers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]  # noqa: ASYNC220
    texts = [await asyncio.to_thread(worker.communicate) for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0, 0]
    lines = [[int(line) for line in text[0].split() if line.isdigit()][-2:] for text in texts]
    assert sum(first for first, _ in lines) == 100
    assert [refusals for _, refusals in lines] == [0, 0, 0]
    assert await available_now(database_url, member) == 1000 + 50 * 2 - 50 * 3
    await check_ledger(database_url)
