"""Corrections draw on what is left of caps and budgets: exactly, with others at the same time, and after merges."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest

from jifen.core.commands import CorrectOrder, RecordOrder, RefundOrder
from jifen.core.members.commands import MergeMembers, UndoMerge
from jifen.core.orders import Order, OrderCorrection, OrderLine, OrderRefund, ReturnedLine
from jifen.core.program import EarningRule, ProgramDocument, Ratio
from jifen.core.rules.document import Cap
from jifen.engine.engine import Engine
from tests.databases import DEFAULT_PROGRAM, running_engine
from tests.model.ledger import answered, available_now, check_ledger, count, new_member, publish, submission


@pytest.fixture
async def other(database_url: str) -> AsyncIterator[Engine]:
    """A second engine on the same database."""
    async with running_engine(database_url) as engine:
        yield engine


def program(*caps: Cap) -> ProgramDocument:
    """A point a yuan under these caps."""
    rule = EarningRule("base", "points", Ratio(1, 100), caps=list(caps))
    return msgspec.structs.replace(DEFAULT_PROGRAM, earning=[rule])


def order(name: str, cents: int) -> Order:
    """Of two pieces."""
    return Order(name, "CNY", [OrderLine("1", 2, cents)])


def corrected(name: str, cents: int, correction: str = "c") -> CorrectOrder:
    """The order with another price."""
    return CorrectOrder(None, OrderCorrection(name, correction, "CNY", [OrderLine("1", 2, cents)]))


async def test_a_budget_holds_under_corrections_by_many(engine: Engine, other: Engine, database_url: str) -> None:
    """Forty members' orders of one yuan become orders of a hundred through two engines, beside forty new ones: not one
    point more than there is."""
    await publish(database_url, program(Cap("points", 777, per="program", period="lifetime")))
    members = [await new_member(engine, f"m{number}") for number in range(40)]
    for number, member in enumerate(members):
        answered(await engine.submit(submission(RecordOrder(member, order(f"o{number}", 100)), f"o{number}")))
    sends = []
    for number, member in enumerate(members):
        one, two = (engine, other)[:: 1 if number % 2 else -1]
        sends.append(one.submit(submission(corrected(f"o{number}", 10_000), f"c{number}")))
        sends.append(two.submit(submission(RecordOrder(member, order(f"n{number}", 1_000)), f"n{number}")))
    for outcome in await asyncio.gather(*sends):
        answered(outcome)
    assert await count(database_url, "SELECT sum(available)::bigint FROM accounts") == 777
    assert await count(database_url, "SELECT used FROM shared_usages") == 777
    await check_ledger(database_url)


async def test_a_member_s_cap_holds_under_corrections(engine: Engine, other: Engine, database_url: str) -> None:
    """All orders of a member are corrected at once, some of them refunded in part beside."""
    await publish(database_url, program(Cap("points", 250, period="month")))
    ann = await new_member(engine, "ann")
    for number in range(12):
        answered(await engine.submit(submission(RecordOrder(ann, order(f"o{number}", 100)), f"o{number}")))
    sends = []
    for number in range(12):
        one, two = (engine, other)[:: 1 if number % 2 else -1]
        sends.append(one.submit(submission(corrected(f"o{number}", 10_000), f"c{number}")))
        if number % 3 == 0:
            refund = RefundOrder(None, OrderRefund(f"o{number}", "r", [ReturnedLine("1", 1)]))
            sends.append(two.submit(submission(refund, f"r{number}")))
    for outcome in await asyncio.gather(*sends):
        answered(outcome)
    used = "SELECT sum(each.value::bigint) FROM accounts, json_each_text(uses) AS each"
    assert await count(database_url, used) == 250
    assert await available_now(database_url, ann) <= 250
    await check_ledger(database_url)


async def test_orders_of_a_merged_member_are_corrected_under_the_survivor_s_cap(
    engine: Engine, database_url: str
) -> None:
    """What both have used counts, and what the correction gives more is the survivor's; also of the next survivor, and
    when a merge is undone."""
    await publish(database_url, program(Cap("points", 100, period="lifetime")))
    ann, bob, eve = [await new_member(engine, name) for name in ("ann", "bob", "eve")]
    for name, member, cents in (("a", ann, 3_000), ("b", bob, 2_000), ("e", eve, 500)):
        answered(await engine.submit(submission(RecordOrder(member, order(name, cents)), name)))
    answered(await engine.submit(submission(MergeMembers(ann, bob), "merge")))
    answered(await engine.submit(submission(corrected("b", 5_000), "c1")))
    assert await available_now(database_url, ann) == 80
    answered(await engine.submit(submission(corrected("b", 100_000, "d"), "c2")))
    assert await available_now(database_url, ann) == 100
    merge = answered(await engine.submit(submission(MergeMembers(eve, ann), "again")))
    answered(await engine.submit(submission(corrected("b", 6_000, "e"), "c3")))
    answered(await engine.submit(submission(corrected("a", 100_000), "c4")))
    assert await available_now(database_url, eve) == 5 + 60 + 30
    answered(await engine.submit(submission(corrected("b", 100_000, "f"), "c5")))
    # Both together used 105 before they were one: nothing is taken from them, and nothing is given.
    assert await available_now(database_url, eve) == 5 + 70 + 30
    await check_ledger(database_url)
    answered(await engine.submit(submission(UndoMerge(eve, merge.sequence), "undo")))
    answered(await engine.submit(submission(corrected("b", 7_000, "g"), "c6")))
    await check_ledger(database_url)
