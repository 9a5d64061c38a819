"""Makes the demo shop: many members' scripts side by side, one event of each member at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from time import monotonic
from typing import Final, Protocol

import msgspec

from jifen.core.commands import RegisterMember
from jifen.core.errors import JifenError
from jifen.core.ledger.values import Kind
from jifen.core.members.commands import FoundHousehold
from jifen.core.redemption.commands import WriteOffCoupon
from jifen.core.refusal import Refusal
from jifen.core.trace import Trace
from jifen.db.connection import connect
from jifen.engine.submission import Answer, Outcome, Submission
from jifen.services.chinese import chinese_of
from jifen.services.demo.diary import Script
from jifen.services.demo.script import MemberScript, Ties
from jifen.services.demo.season import Season
from jifen.services.demo.shop import Shop, furnish, shop_of
from jifen.services.programs import current_program

MAXIMUM_MEMBERS: Final = 1_000_000
MAXIMUM_DAYS: Final = 3_660
#: So many groups are on their way at once; each is one event of this many members.
STREAMS: Final = 4
MEMBERS_AT_ONCE: Final = 128
#: Refusals that every command would meet alike: going on makes no sense.
_HOPELESS: Final = frozenset({"no_program", "currency_mismatch", "database_unavailable", "unknown_wallet"})

Progress = Callable[[int, int], None]


class DemoRefused(JifenError):
    """The demo shop cannot be made here."""

    code = "demo_refused"


class DemoSummary(msgspec.Struct, kw_only=True):
    """What the demo shop is made of. All figures but `duplicates`, `refused` and `seconds` are the same each time.

    `redemptions` are of rewards (or plain spends, where the program has none); of them `delivered` were shipped, booked
    or sent, and `returned` came back after that. `coupons_used` counts write-offs, `draws` drawn lottery tickets,
    `transfers` gifts."""

    members: int = 0
    orders: int = 0
    returns: int = 0
    redemptions: int = 0
    delivered: int = 0
    returned: int = 0
    coupons_used: int = 0
    draws: int = 0
    adjustments: int = 0
    transfers: int = 0
    households: int = 0
    paid_cents: int = 0
    points_issued: int = 0
    points_reversed: int = 0
    points_spent: int = 0
    duplicates: int = 0
    refused: int = 0
    seconds: float = 0.0


class Recorder(Protocol):
    """Who takes submissions: the engine."""

    async def submit_group(self, submissions: Sequence[Submission]) -> list[Outcome]:
        """The outcomes, in order."""


def _no_progress(done: int, total: int) -> None:
    """Nobody watches."""


async def make_demo(
    engine: Recorder,
    url: str,
    *,
    members: int,
    seed: int,
    until: datetime,
    days: int = 365,
    progress: Progress = _no_progress,
) -> DemoSummary:
    """Make a shop's `days` up to the beginning of the local day of `until`, with this many members.

    The same seed, day, length and program make the same events: a second time changes nothing, and more members only
    add. Left to chance are the codes of coupons and what is drawn in lotteries, which gives no points.

    Raises:
        DemoRefused: the figures are out of range, there is no program in CNY, or a demo of this seed with other days
            is here already.
    """
    season = open_season(members, seed, until, days)
    started = monotonic()
    shop = await _open_shop(url, seed, members)
    making = _Making(engine, seed, members, season, shop, progress)
    tasks = [asyncio.create_task(making.run_stream(stream)) for stream in range(STREAMS)]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    making.summary.seconds = round(monotonic() - started, 3)
    return making.summary


def open_season(members: int, seed: int, until: datetime, days: int) -> Season:
    """The days of a demo shop with these figures. Raises DemoRefused: they are out of range."""
    if not (1 <= members <= MAXIMUM_MEMBERS and 1 <= days <= MAXIMUM_DAYS and 0 <= seed < 10_000):
        raise DemoRefused(
            f"A demo shop has 1 to {MAXIMUM_MEMBERS} members, 1 to {MAXIMUM_DAYS} days and a seed from 0 to 9999.",
            message_zh=f"会员 1 至 {MAXIMUM_MEMBERS} 位，1 至 {MAXIMUM_DAYS} 天，种子 0 至 9999。",
        )
    return Season(until, days)


async def _open_shop(url: str, seed: int, members: int) -> Shop:
    connection = await connect(url)
    try:
        program = await current_program(connection)
        if program is None:
            raise DemoRefused(
                "The demo shop cannot be made here: there is no program yet.",
                message_zh="还没有积分计划。",
                reason="no_program",
            )
        shop = shop_of(program)
        await furnish(connection, program, shop, seed, members)
    finally:
        await connection.close(timeout=5)
    return shop


class _Making:
    def __init__(
        self, engine: Recorder, seed: int, members: int, season: Season, shop: Shop, progress: Progress
    ) -> None:
        self._engine = engine
        self._seed = seed
        self._members = members
        self._season = season
        self._shop = shop
        self._progress = progress
        self._done = 0
        #: The ids of the members that are registered, by number.
        self._ids: dict[int, int] = {}
        self.summary = DemoSummary()

    async def run_stream(self, stream: int) -> None:
        """Run the scripts of every fourth member: a window of them side by side, each one event further at a time."""
        scripts = self._scripts(stream)
        active: list[tuple[int, Script, Submission]] = []
        while True:
            while len(active) < MEMBERS_AT_ONCE and (begun := next(scripts, None)) is not None:
                number, script = begun
                active.append((number, script, next(script)))
            if not active:
                return
            outcomes = await self._engine.submit_group([submission for _, _, submission in active])
            still = []
            for (number, script, submission), outcome in zip(active, outcomes, strict=True):
                self._count(submission, outcome)
                if isinstance(outcome, Answer):
                    self._ids.setdefault(number, outcome.member_id)
                try:
                    still.append((number, script, script.send(outcome)))
                except StopIteration:
                    self._done += 1
                    self._progress(self._done, self._members)
            active = still

    def _scripts(self, stream: int) -> Iterator[tuple[int, Script]]:
        for number in range(stream, self._members, STREAMS):
            # Whoever is of the same stream and has a lower number was registered before.
            friend = number - STREAMS * (1 + number % 7)
            # Every other one has the one before as a partner, so that nobody is in two households.
            partner = number - STREAMS if number // STREAMS % 2 else None
            ties = Ties(friend if friend >= 0 else None, partner)
            yield number, MemberScript(self._seed, number, self._season, self._shop, ties, self._ids).run()

    def _count(self, submission: Submission, outcome: Outcome) -> None:
        if isinstance(outcome, Refusal):
            self._refused(submission, outcome)
            return
        summary = self.summary
        summary.duplicates += outcome.duplicate
        summary.members += isinstance(submission.command, RegisterMember)
        summary.households += isinstance(submission.command, FoundHousehold)
        summary.coupons_used += isinstance(submission.command, WriteOffCoupon)
        _count_answer(summary, outcome)

    def _refused(self, submission: Submission, refusal: Refusal) -> None:
        if refusal.code in _HOPELESS:
            raise DemoRefused(
                f"The demo shop (orders in CNY) cannot be made here: {refusal.message}",
                message_zh=f"演示商店的订单为人民币。{chinese_of(refusal)}",
                reason=refusal.code,
            )
        if isinstance(submission.command, RegisterMember):
            raise DemoRefused(
                f"A demo shop of seed {self._seed} for other days is here already; choose another seed.",
                message_zh=f"种子 {self._seed} 的演示商店已在这里，天数不同；请换一个种子。",
                reason=refusal.code,
            )
        self.summary.refused += 1


def _count_answer(summary: DemoSummary, answer: Answer) -> None:
    trace = answer.trace
    if trace is None:
        return
    if answer.kind is Kind.EARN:
        summary.orders += 1
        summary.paid_cents += trace.awards[0].rated_cents
        summary.points_issued += sum(award.points for award in trace.awards)
    elif answer.kind is Kind.REVERSE and trace.returned:
        summary.returns += 1
        summary.points_reversed += sum(taken.points for taken in trace.taken_back)
    elif answer.kind in (Kind.SPEND, Kind.CAPTURE):
        summary.redemptions += 1
        summary.points_spent += trace.points or 0
    elif answer.kind in (Kind.REDEEM, Kind.STEP):
        _count_redemption(summary, answer, trace)
    elif answer.kind is Kind.DRAW:
        summary.draws += 1
    elif answer.kind is Kind.ADJUST:
        summary.adjustments += 1
    elif answer.kind is Kind.TRANSFER:
        summary.transfers += 1


def _count_redemption(summary: DemoSummary, answer: Answer, trace: Trace) -> None:
    redemption = trace.redemption
    assert redemption is not None
    summary.redemptions += answer.kind is Kind.REDEEM
    summary.delivered += trace.step == "fulfil"
    summary.returned += trace.step == "return"
    if redemption.spent_by == answer.sequence:
        summary.points_spent += redemption.points
