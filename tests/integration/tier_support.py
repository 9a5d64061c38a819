"""A club with tiers on a real database."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count

from jifen.core.commands import Command, RecordOrder, RefundOrder
from jifen.core.identity import Identity
from jifen.core.orders import Order, OrderLine, OrderRefund
from jifen.core.refusal import Refusal
from jifen.engine.engine import Engine
from jifen.engine.submission import Answer, Submission

BEGIN = datetime(2026, 3, 10, 4, tzinfo=UTC)
_keys = count(1)


class Clock:
    """A clock that stands where it is put."""

    def __init__(self, now: datetime = BEGIN) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def later(self, days: int) -> None:
        """Let days pass."""
        self.now += timedelta(days=days)


def person(number: int) -> Identity:
    """Somebody known by a number."""
    return Identity("external", str(number))


def submission(command: Command, at: datetime | None = None) -> Submission:
    """A command with a key of its own."""
    key = str(next(_keys))
    return Submission(command, "test", key, key.encode(), "tester", at)


def order(number: int, name: str, cents: int, at: datetime | None = None) -> Submission:
    """An order of somebody."""
    return submission(RecordOrder(person(number), Order(name, "CNY", [OrderLine("1", 1, cents)])), at)


def refund(name: str) -> Submission:
    """All of an order."""
    return submission(RefundOrder(None, OrderRefund(name, f"R-{name}")))


async def done(engine: Engine, *submissions: Submission) -> list[Answer]:
    """The answers of commands that must not be refused."""
    answers = []
    for outcome in await engine.submit_group(submissions):
        assert not isinstance(outcome, Refusal), outcome
        answers.append(outcome)
    return answers


async def started(url: str, clock: Callable[[], datetime], lanes: int = 2) -> Engine:
    """An engine with the clock in hand."""
    engine = Engine(url, lanes=lanes, clock=clock)
    await engine.start()
    return engine
