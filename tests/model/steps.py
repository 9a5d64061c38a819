"""From a few small numbers to a command that makes sense where a member stands, and sometimes does not."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple

from hypothesis import strategies as st

from jifen.core.calendar import Expiry, NeverExpires, RollingExpiry, YearlyExpiry
from jifen.core.commands import (
    AdjustPoints,
    CaptureHold,
    Command,
    PlaceHold,
    RecordOrder,
    RefundOrder,
    ReleaseHold,
    ReverseTransaction,
    SettleMember,
    SpendPoints,
    TransferPoints,
)
from jifen.core.orders import Order, OrderLine, OrderRefund, ReturnedLine
from jifen.core.program import ProgramDocument
from tests.model.oracle_commands import Oracle
from tests.model.programs import make_document

START = datetime(2026, 1, 30, 3, 0, tzinfo=UTC)


class Step(NamedTuple):
    """What to do, and three numbers to choose the details with."""

    action: str
    first: int
    second: int
    third: int


class Planned(NamedTuple):
    """A command, whom it is about, when it happened, and what the oracle says to it."""

    command: Command
    member: int
    occurred_at: datetime | None
    expected: int | str | None


class Planner:
    """Makes commands of steps, and does them with the oracle. Time moves here and nowhere else."""

    def __init__(self, documents: list[ProgramDocument], members: list[int]) -> None:
        self.documents = documents
        self.version = 1
        self.members = members
        self.oracle = Oracle(documents[0])
        for member in members:
            self.oracle.add_member(member)
        self.now = START
        self.orders: list[tuple[str, int]] = []
        self._refunds = 0

    def plan(self, step: Step) -> Planned | None:
        """The command of a step; None where only time passes or the program changes."""
        makers: dict[str, Callable[[int, int, int, int], Planned | None]] = {
            "earn": self._earn,
            "refund": self._refund,
            "spend": self._spend,
            "hold": self._hold,
            "capture": self._capture,
            "release": self._release,
            "adjust": self._adjust,
            "transfer": self._transfer,
            "reverse": self._reverse,
            "settle": self._settle,
            "wait": self._wait,
            "publish": self._publish,
        }
        member = self.members[step.first % len(self.members)]
        return makers[step.action](member, step.first // 8, step.second, step.third)

    def _wait(self, member: int, first: int, second: int, third: int) -> None:
        unit = [timedelta(minutes=7), timedelta(hours=5), timedelta(days=1), timedelta(days=9)][second % 4]
        self.now += unit * (1 + third % 5)

    def _publish(self, member: int, first: int, second: int, third: int) -> None:
        self.version += 1
        self.oracle.document = self.documents[(self.version - 1) % len(self.documents)]

    def _settle(self, member: int, first: int, second: int, third: int) -> Planned:
        self.oracle.settle(member, self.now)
        return Planned(SettleMember(member), member, None, None)

    def _earn(self, member: int, first: int, second: int, third: int) -> Planned:
        order_id = f"order-{len(self.orders)}"
        lines = [(1 + (second + line) % 4, (third * (line + 7)) % 20_011) for line in range(1 + second % 3)]
        late = timedelta(days=third % 60) if first % 4 == 0 else timedelta(0)
        occurred_at = self.now - late
        expected = self.oracle.earn(member, order_id, lines, occurred_at, self.now)
        self.orders.append((order_id, len(lines)))
        order = Order(order_id, "CNY", [OrderLine(str(number), *line) for number, line in enumerate(lines)])
        return Planned(RecordOrder(member, order), member, occurred_at, expected)

    def _refund(self, member: int, first: int, second: int, third: int) -> Planned | None:
        if not self.orders:
            return None
        order_id, lines = self.orders[second % len(self.orders)]
        asked = (
            None if first % 3 == 0 else [((third + each) % (lines + 1), 1 + third % 2) for each in range(1 + third % 2)]
        )
        expected = self.oracle.refund(order_id, asked, self.now)
        self._refunds += 1
        returned = None if asked is None else [ReturnedLine(str(line), quantity) for line, quantity in asked]
        refund = OrderRefund(order_id, f"refund-{self._refunds}", returned)
        owner = self.oracle.world["orders"][order_id]["member"]
        return Planned(RefundOrder(None, refund), owner, None, expected)

    def _some_points(self, member: int, number: int, wallet: str = "points") -> int:
        """Something between nothing and a little more than there is."""
        available: int = self.oracle.view(member, self.now)[wallet]["available"]
        return number % (available + 2)

    def _spend(self, member: int, first: int, second: int, third: int) -> Planned:
        wallet = [None, "points", "growth"][second % 3]
        points = self._some_points(member, third, wallet or "points")
        expected = self.oracle.spend(member, wallet, points, self.now)
        return Planned(SpendPoints(member, wallet, points), member, None, expected)

    def _hold(self, member: int, first: int, second: int, third: int) -> Planned:
        points = self._some_points(member, third)
        ends = None if second % 2 else self.now + timedelta(hours=second % 200)
        expected = self.oracle.hold(member, points, ends, self.now)
        return Planned(PlaceHold(member, None, points, ends), member, None, expected)

    def _some_sequence(self, member: int, number: int, kinds: tuple[str, ...]) -> int:
        """A transaction of one of these kinds, or now and then any number."""
        book = self.oracle.member(member)["book"]
        fitting = [sequence for sequence, entry in book.items() if entry["kind"] in kinds]
        if not fitting or number % 9 == 0:
            return 1 + number % (len(book) + 2)
        return int(fitting[number % len(fitting)])

    def _capture(self, member: int, first: int, second: int, third: int) -> Planned:
        sequence = self._some_sequence(member, second, ("hold",))
        points, rest = (None if third % 3 == 0 else third % 150), first % 2 == 0
        expected = self.oracle.capture(member, sequence, points, rest, self.now)
        return Planned(CaptureHold(member, sequence, points, rest), member, None, expected)

    def _release(self, member: int, first: int, second: int, third: int) -> Planned:
        sequence = self._some_sequence(member, second, ("hold",))
        expected = self.oracle.release(member, sequence, self.now)
        return Planned(ReleaseHold(member, sequence), member, None, expected)

    def _adjust(self, member: int, first: int, second: int, third: int) -> Planned:
        wallet = [None, "growth", "points", "coins"][second % 4 if second % 16 == 3 else second % 3]
        points = third % 300 if first % 2 else -(third % 120)
        expires = self.now + timedelta(hours=third % 400) if second % 5 == 0 else None
        expected = self.oracle.adjust(member, wallet, points, expires, self.now)
        return Planned(AdjustPoints(member, wallet, points, expires), member, None, expected)

    def _transfer(self, member: int, first: int, second: int, third: int) -> Planned:
        to = self.members[second % len(self.members)]
        points = self._some_points(member, third)
        expected = self.oracle.transfer(member, to, points, self.now)
        return Planned(TransferPoints(member, to, None, points), member, None, expected)

    def _reverse(self, member: int, first: int, second: int, third: int) -> Planned:
        kinds = ("spend", "capture", "adjust_up", "adjust_down", "earn")
        sequence = self._some_sequence(member, second, kinds)
        expected = self.oracle.reverse(member, sequence, self.now)
        return Planned(ReverseTransaction(member, sequence), member, None, expected)


#: How often each action comes up.
WEIGHTS = {
    "earn": 3,
    "refund": 3,
    "spend": 3,
    "hold": 3,
    "capture": 2,
    "release": 1,
    "adjust": 2,
    "transfer": 1,
    "reverse": 3,
    "settle": 1,
    "wait": 4,
    "publish": 1,
}
ACTIONS = [action for action, weight in WEIGHTS.items() for _ in range(weight)]
NUMBERS = st.integers(0, 30_000)
STEPS = st.builds(Step, st.sampled_from(ACTIONS), NUMBERS, NUMBERS, NUMBERS)

EXPIRIES = st.one_of(
    st.just(NeverExpires()),
    st.builds(RollingExpiry, st.integers(1, 3), st.sampled_from(["day", "month_end"])),
    st.builds(YearlyExpiry, st.integers(1, 4), st.integers(1, 29), st.integers(0, 1)),
)


@st.composite
def documents(draw: st.DrawFn, time_zone: str | None = None) -> ProgramDocument:
    """A program of any policies."""
    expired_lots: Literal["expire", "grace", "new_lot"] = draw(st.sampled_from(["expire", "grace", "new_lot"]))
    return make_document(
        points=draw(st.integers(1, 5)),
        per_cents=draw(st.sampled_from([1, 7, 100, 300])),
        basis=draw(st.sampled_from(["order", "line"])),
        rounding=draw(st.sampled_from(["floor", "half_up", "half_even", "ceil"])),
        pending_days=draw(st.sampled_from([0, 0, 3, 25])),
        expiry=draw(EXPIRIES),
        spent_points=draw(st.sampled_from(["debt", "forgive", "refuse"])),
        expired_lots=expired_lots,
        grace_days=draw(st.integers(1, 12)) if expired_lots == "grace" else 0,
        hold_minutes=draw(st.sampled_from([30, 6000])),
        time_zone=time_zone or draw(st.sampled_from(["Asia/Shanghai", "America/Sao_Paulo", "Europe/London"])),
    )


@st.composite
def programs(draw: st.DrawFn) -> list[ProgramDocument]:
    """Versions of one program: everything may change but its time zone."""
    first = draw(documents())
    return [first, *draw(st.lists(documents(first.time_zone), max_size=2))]


def random_steps(seed: int, length: int) -> list[Step]:
    """Steps without hypothesis' liking for small numbers: they reach further into a member's life."""
    chance = random.Random(seed)
    return [Step(chance.choice(ACTIONS), *(chance.randrange(30_000) for _ in range(3))) for _ in range(length)]


def random_programs(seed: int) -> list[ProgramDocument]:
    """Versions of one program, every policy as likely as any other."""
    chance = random.Random(seed)
    time_zone = chance.choice(["Asia/Shanghai", "America/Sao_Paulo", "Europe/London"])
    return [_random_document(chance, time_zone) for _ in range(3)]


def _random_document(chance: random.Random, time_zone: str) -> ProgramDocument:
    expired_lots: Literal["expire", "grace", "new_lot"] = chance.choice(["expire", "grace", "new_lot"])
    expiries: list[Expiry] = [NeverExpires(), RollingExpiry(chance.randint(1, 3), chance.choice(["day", "month_end"]))]
    return make_document(
        points=chance.randint(1, 5),
        per_cents=chance.choice([7, 100, 300]),
        basis=chance.choice(["order", "line"]),
        rounding=chance.choice(["floor", "half_up", "half_even", "ceil"]),
        pending_days=chance.choice([0, 0, 3, 25]),
        expiry=chance.choice([*expiries, YearlyExpiry(chance.randint(1, 4), chance.randint(1, 29))]),
        spent_points=chance.choice(["debt", "forgive", "refuse"]),
        expired_lots=expired_lots,
        grace_days=chance.randint(1, 12) if expired_lots == "grace" else 0,
        hold_minutes=chance.choice([30, 6000]),
        time_zone=time_zone,
    )
