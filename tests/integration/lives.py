"""Members who do everything that can be done, by chance: histories that the backtest is tried on."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec

from jifen.core.calendar import RollingExpiry
from jifen.core.commands import (
    AdjustPoints,
    CaptureHold,
    Command,
    CorrectOrder,
    PlaceHold,
    RecordEvent,
    RecordOrder,
    RefundOrder,
    RegisterMember,
    ReleaseHold,
    ReverseTransaction,
    SetProfile,
    SpendPoints,
    TransferPoints,
)
from jifen.core.identity import Identity
from jifen.core.orders import Order, OrderCorrection, OrderLine, OrderRefund, ReturnedLine
from jifen.core.program import EarningRule, Ratio, RefundPolicy, ReturnPolicy, Wallet, WalletValue
from jifen.core.rules.document import Cap, Coefficient, LocalizedText, Steps
from jifen.core.rules.document import Step as Rate
from jifen.core.rules.standing import Profile
from jifen.engine.engine import Engine
from jifen.engine.submission import Answer, Submission
from tests.databases import DEFAULT_PROGRAM, running_engine

NOW = datetime.now(UTC)
MONTHS = RollingExpiry(months=12, until="month_end")

#: Rules of every kind, caps of members and of all, refunds that forgive, points that return with days of grace.
RICH = msgspec.structs.replace(
    DEFAULT_PROGRAM,
    wallets=[
        Wallet("points", LocalizedText(zh="积分", en="Points"), WalletValue(100, 100)),
        Wallet("growth", LocalizedText(zh="成长值", en="Growth")),
    ],
    earning=[
        EarningRule(
            "base",
            "points",
            Ratio(1, 100),
            expiry=RollingExpiry(months=2),
            pending_days=3,
            caps=[Cap("points", 900, period="month")],
        ),
        EarningRule("growth", "growth", steps=Steps([Rate(0, 1, 100), Rate(20_000, 3, 200)], "marginal")),
        EarningRule("beauty", "points", coefficient=Coefficient(Decimal("1.5")), lines='line.category == "beauty"'),
        EarningRule("gold", "points", coefficient=Coefficient(Decimal(2)), audience='member.tier == "gold"'),
        EarningRule("first", "points", fixed=50, when="member.is_first_order", expiry=MONTHS),
        EarningRule("regular", "points", fixed=7, when="member.spent_cents_total >= 50000", expiry=MONTHS),
        EarningRule(
            "budgeted",
            "points",
            fixed=10,
            when="order.total_cents > 20000",
            expiry=MONTHS,
            caps=[Cap("points", 4_000, per="program", period="year")],
        ),
        EarningRule("check-in", "points", fixed=2, event="member.checked_in", caps=[Cap("count", 1, period="day")]),
    ],
    refunds=RefundPolicy("forgive"),
    returns=ReturnPolicy("grace", 10),
)


class Life:
    """Members who do everything that can be done, each thing by chance, at instants of the last months."""

    def __init__(self, engine: Engine, seed: int) -> None:
        self._engine = engine
        self._random = random.Random(seed)
        self._number = 0

    async def live(self, name: str, others: list[int]) -> int:
        """One member's life; the member."""
        chance = self._random
        registered = await self._do(RegisterMember((Identity("external", name),)), NOW - timedelta(days=170))
        assert isinstance(registered, Answer)
        member = registered.member_id
        if chance.random() < 0.4:
            await self._do(SetProfile(member, Profile(tier="gold")))
        orders: list[Order] = []
        taken: list[int] = []
        holds: list[int] = []
        for step in range(26):
            happened_at = NOW - timedelta(days=160 - 6 * step, minutes=chance.randrange(600))
            command = self._command(member, orders, taken, holds, others)
            outcome = await self._do(command, happened_at)
            if isinstance(outcome, Answer):
                if isinstance(command, RecordOrder):
                    orders.append(command.order)
                elif isinstance(command, SpendPoints):
                    taken.append(outcome.sequence)
                elif isinstance(command, PlaceHold):
                    holds.append(outcome.sequence)
        # Three days of waiting end in a moment.
        await self._do(RecordOrder(member, self._order()), datetime.now(UTC) - timedelta(days=3, seconds=-0.5))
        return member

    async def go_on(self, members: list[int]) -> None:
        """Something that happens to all a moment later."""
        await asyncio.sleep(0.6)
        for member in members:
            await self._do(RecordEvent(member, "member.checked_in"))

    def _command(
        self, member: int, orders: list[Order], taken: list[int], holds: list[int], others: list[int]
    ) -> Command:
        chance, kind = self._random, self._random.random()
        if kind < 0.35 or not orders:
            return RecordOrder(member, self._order())
        if kind < 0.45:
            return RecordEvent(member, "member.checked_in")
        if kind < 0.55:
            order = chance.choice(orders)
            lines = [ReturnedLine(order.lines[0].line_id, 1)] if chance.random() < 0.7 else None
            return RefundOrder(member, OrderRefund(order.order_id, f"r{self._number}", lines))
        if kind < 0.60:
            order = chance.choice(orders)
            dearer = [msgspec.structs.replace(each, paid_cents=each.paid_cents + 3_000) for each in order.lines]
            return CorrectOrder(member, OrderCorrection(order.order_id, f"c{self._number}", "CNY", dearer))
        if kind < 0.72:
            return SpendPoints(member, "points", chance.randrange(1, 250))
        if kind < 0.78 and taken:
            return ReverseTransaction(member, chance.choice(taken))
        if kind < 0.86:
            until = None if chance.random() < 0.5 else datetime.now(UTC) + timedelta(seconds=0.05)
            return PlaceHold(member, "points", chance.randrange(1, 90), until)
        if kind < 0.92 and holds:
            hold = chance.choice(holds)
            return (
                ReleaseHold(member, hold) if chance.random() < 0.4 else CaptureHold(member, hold, 5, release_rest=True)
            )
        if kind < 0.96 and others:
            return TransferPoints(member, chance.choice(others), "points", chance.randrange(1, 60))
        expires_at = NOW + timedelta(days=30) if chance.random() < 0.5 else None
        return AdjustPoints(member, "points", chance.randrange(1, 400), expires_at)

    def _order(self) -> Order:
        chance = self._random
        lines = [
            OrderLine(str(line), 2, chance.randrange(500, 20_000), category=chance.choice(["beauty", "food", None]))
            for line in range(chance.randrange(1, 4))
        ]
        return Order(f"o{self._number}", "CNY", lines)

    async def _do(self, command: Command, happened_at: datetime | None = None) -> object:
        self._number += 1
        is_told_later = isinstance(command, RegisterMember | RecordOrder | RecordEvent | RefundOrder | CorrectOrder)
        occurred_at = happened_at if is_told_later else None
        key = f"k{self._number}"
        return await self._engine.submit(Submission(command, "life", key, key.encode(), "tester", occurred_at))


def live_on(url: str, members: int, seed: int = 1) -> None:
    """Let members live in a database."""

    async def run() -> None:
        async with running_engine(url) as engine:
            life, known = Life(engine, seed), list[int]()
            for number in range(members):
                known.append(await life.live(f"m{number}", known))
            await life.go_on(known)

    asyncio.run(run())
