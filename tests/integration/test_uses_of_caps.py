"""Uses of caps between the account row and the table of what is over: exact on either side, however events come."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import msgspec

from jifen.core.commands import RecordOrder, RefundOrder
from jifen.core.orders import Order, OrderLine, OrderRefund
from jifen.core.program import EarningRule, ProgramDocument, Ratio
from jifen.core.rules.document import Cap
from jifen.engine.engine import Engine
from jifen.engine.uses import MOST_ON_ROW
from tests.databases import DEFAULT_PROGRAM
from tests.model.ledger import answered, available_now, check_ledger, count, new_member, publish, submission

NOON = datetime(2026, 11, 10, 4, tzinfo=UTC)
IN_TABLE = "SELECT count(*) FROM usages"


def program(*rules: EarningRule) -> ProgramDocument:
    """The program of the tests with these rules."""
    return msgspec.structs.replace(DEFAULT_PROGRAM, earning=list(rules))


def capped(rule: str, *caps: Cap) -> EarningRule:
    """A point a yuan."""
    return EarningRule(rule, "points", Ratio(1, 100), caps=list(caps))


def order(name: str, cents: int = 6_000) -> Order:
    """Of one piece."""
    return Order(name, "CNY", [OrderLine("1", 1, cents)])


async def test_a_daily_cap_holds_on_days_that_are_over(engine: Engine, database_url: str) -> None:
    """Three orders of sixty points on each of six days, in any order: a hundred points a day, no more, no less."""
    await publish(database_url, program(capped("base", Cap("points", 100, period="day"))), since=NOON.replace(day=1))
    ann = await new_member(engine, "ann")
    told = [(day, number) for day in range(6) for number in range(3)]
    random.Random(3).shuffle(told)
    for day, number in told:
        at = NOON + timedelta(days=day)
        command = RecordOrder(ann, order(f"o{day}-{number}"))
        answered(await engine.submit(submission(command, f"o{day}-{number}", occurred_at=at)))
    assert await available_now(database_url, ann) == 600
    assert await count(database_url, IN_TABLE) == 5
    await check_ledger(database_url)
    # A refund gives no room back, also not on a day that is over.
    first = next(number for day, number in told if day == 2)
    answered(await engine.submit(submission(RefundOrder(None, OrderRefund(f"o2-{first}", "r", None)), "r")))
    assert await available_now(database_url, ann) == 540
    for number in range(2):
        command = RecordOrder(ann, order(f"again-{number}"))
        at = NOON + timedelta(days=2)
        answered(await engine.submit(submission(command, f"again-{number}", occurred_at=at)))
    assert await available_now(database_url, ann) == 540
    await check_ledger(database_url)


async def test_many_caps_do_not_pile_up_on_the_row(engine: Engine, database_url: str) -> None:
    """Twenty campaigns with a cap each: what does not fit on the account row is found again in the table."""
    rules = [capped(f"campaign-{number}", Cap("points", 70)) for number in range(20)]
    await publish(database_url, program(*rules))
    ann = await new_member(engine, "ann")
    for number in range(3):
        answered(await engine.submit(submission(RecordOrder(ann, order(f"o{number}")), f"o{number}")))
        assert await available_now(database_url, ann) == 20 * (60 if number == 0 else 70)
    assert await count(database_url, "SELECT count(*) FROM accounts, json_each_text(uses)") == MOST_ON_ROW
    assert await count(database_url, IN_TABLE) == 20 - MOST_ON_ROW
    await check_ledger(database_url)
