"""Random lives of redemptions: the pure core against an oracle of a few lines, after every step.

What comes between (points spent and given, time) changes what is asked next; refusals change nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jifen.core.ledger.values import Bucket, Transaction
from jifen.core.redemption.commands import (
    ApproveRedemption,
    CancelRedemption,
    CancelWriteOff,
    FulfilRedemption,
    PayRedemption,
    RedeemReward,
    RedemptionCommand,
    RejectRedemption,
    ReturnRedemption,
    SettleRedemption,
    WriteOffCoupon,
)
from jifen.core.redemption.machine import HELD, UNDONE, State
from jifen.core.refusal import Refusal
from tests.unit.core.redemption.counter import Counter
from tests.unit.core.shop import ALICE

SHANGHAI = timedelta(hours=8)
PRICES = {"five-yuan": 100, "gift-card": 200, "cup": 100, "vase": 100, "movie": 50, "e-book": 10}
FACES = {"five-yuan": 500, "gift-card": 1_000, "movie": 0}
LIMITS: dict[str, tuple[int, Literal["day", "month", "lifetime"]]] = {
    "five-yuan": (5, "day"),
    "cup": (1, "lifetime"),
    "vase": (2, "month"),
}
STOCK = {"cup": 5, "vase": 2, "movie": 3}
FIRST_POINTS = 1_000


@dataclass
class Known:
    """A redemption as the oracle has it."""

    reward: str
    quantity: int
    points: int
    state: State
    period: str
    until: datetime | None = None
    left: list[int] = field(default_factory=list)
    used: list[list[int]] = field(default_factory=list)

    @property
    def counts(self) -> bool:
        """Whether it counts for the limits."""
        return self.state not in UNDONE

    @property
    def takes(self) -> bool:
        """Whether it has stock; a code that was shown never comes back."""
        return self.state not in (*UNDONE, "returned") or bool(self.left and self.reward == "movie")

    def is_used_up(self, index: int) -> bool:
        """Whether nothing of a coupon is left."""
        return bool(self.used[index]) and self.left[index] == 0


class Oracle:
    """What redemptions should come to, as plainly as it can be said."""

    def __init__(self) -> None:
        self.known: dict[int, Known] = {}
        self.available = FIRST_POINTS
        self.spent_elsewhere = 0

    @property
    def held(self) -> int:
        """Points of what still waits."""
        return sum(each.points for each in self.known.values() if each.state in HELD)

    @property
    def spent(self) -> int:
        """Points of what passed and was not given back."""
        passed = ("approved", "fulfilled", "written_off")
        return self.spent_elsewhere + sum(each.points for each in self.known.values() if each.state in passed)

    def taken(self, reward: str) -> int:
        """Pieces of stock."""
        return sum(each.quantity for each in self.known.values() if each.reward == reward and each.takes)

    def undo(self, each: Known, state: State) -> str:
        """Points come back."""
        each.state, each.until = state, None
        self.available += each.points
        return "applied"

    def grant(self, each: Known) -> str:
        """It passes, and coupons are issued; where there is nothing to deliver either, it is done."""
        each.state, each.until = ("fulfilled" if each.reward == "e-book" else "approved"), None
        if each.reward in FACES:
            each.left, each.used = [FACES[each.reward]] * each.quantity, [[] for _ in range(each.quantity)]
        return "applied"

    def pass_time(self, now: datetime) -> None:
        """Nobody paid or decided in time."""
        for each in self.known.values():
            if each.until is not None and each.until <= now:
                self.undo(each, "expired")

    def redeem(self, number: int, reward: str, quantity: int, *, with_cash: bool, now: datetime) -> str:
        """Limits, then stock, then points."""
        points = quantity * (20 if with_cash else PRICES[reward])
        most, kind = LIMITS.get(reward, (10**9, "lifetime"))
        local = now + SHANGHAI
        period = {"day": f"{local:%Y-%m-%d}", "month": f"{local:%Y-%m}", "lifetime": ""}[kind]
        mine = [each for each in self.known.values() if (each.reward, each.period) == (reward, period) and each.counts]
        if sum(each.quantity for each in mine) + quantity > most:
            return "limit_reached"
        if quantity > STOCK.get(reward, 10**9) - self.taken(reward):
            return "sold_out"
        if points > self.available:
            return "insufficient_points"
        each = self.known[number] = Known(reward, quantity, points, "held", period)
        self.available -= points
        if with_cash:
            each.state, each.until = "waiting_for_payment", now + timedelta(minutes=30)
        elif reward == "vase":
            each.state, each.until = "waiting_for_approval", now + timedelta(hours=24)
        else:
            self.grant(each)
        return "applied"

    def step(self, each: Known, step: str, actor: str) -> str:
        """What a step does, or why it is refused."""
        allowed = {
            "pay": ("waiting_for_payment",),
            "approve": ("waiting_for_approval",),
            "reject": ("waiting_for_approval",),
            "cancel": ("waiting_for_payment", "waiting_for_approval", "approved"),
            "fulfil": () if each.reward in FACES else ("approved",),
            "return": ("fulfilled",),
        }[step]
        if each.state not in allowed:
            return "step_not_allowed"
        if step in ("approve", "reject") and actor != "boss":
            return {"anna": "approval_by_requester", "guest": "role_missing"}[actor]
        match step:
            case "pay" | "approve":
                return self.grant(each)
            case "fulfil":
                each.state = "fulfilled"
                return "applied"
            case "cancel" if any(each.used):
                return "coupon_used"
        after: dict[str, State] = {"reject": "rejected", "cancel": "cancelled", "return": "returned"}
        return self.undo(each, after[step])

    def write_off(self, each: Known, index: int, cents: int | None) -> str:
        """Once, in parts where it may be."""
        if each.is_used_up(index):
            return "coupon_used"
        if each.state != "approved":
            return "coupon_void"
        if each.reward != "movie" and cents is not None and cents > each.left[index]:
            return "coupon_exceeded"
        part = (cents or 0) if each.reward == "movie" else each.left[index] if cents is None else cents
        each.used[index].append(part)
        each.left[index] = each.left[index] - part if each.reward == "gift-card" else 0
        if all(each.is_used_up(number) for number in range(each.quantity)):
            each.state = "written_off"
        return "applied"

    def cancel_write_off(self, each: Known, index: int) -> str:
        """The last one."""
        if each.state not in ("approved", "written_off"):
            return "step_not_allowed"
        if not each.used[index]:
            return "unknown_write_off"
        part = each.used[index].pop()
        each.left[index] = each.left[index] + part if each.reward == "gift-card" else FACES[each.reward]
        each.state = "approved"
        return "applied"


Asked = tuple[str, int, int, str]
ASKED = st.tuples(
    st.sampled_from(
        ["redeem"] * 4
        + ["pay", "approve", "approve", "reject", "cancel", "fulfil", "fulfil", "return", "time", "spend", "give"]
        + ["write_off"] * 3
        + ["cancel_write_off"]
    ),
    st.integers(0, 5),
    st.integers(0, 11),
    st.sampled_from(["boss", "boss", "anna", "guest"]),
)
ROLES = {"boss": ["manager"], "anna": ["manager"], "guest": ["reader"]}


class Life:
    """The counter and the oracle side by side."""

    def __init__(self) -> None:
        self.counter = Counter(FIRST_POINTS)
        self.oracle = Oracle()

    def ask(self, command: RedemptionCommand, expected: str, actor: str = "anna") -> None:
        """The same answer on both sides."""
        outcome = self.counter.ask(command, actor, ROLES[actor])
        found = outcome.code if isinstance(outcome, Refusal) else "applied"
        assert found == expected, (command, outcome)

    def do(self, asked: Asked) -> None:
        """One thing that happens, after what time has done."""
        shop, oracle = self.counter.shop, self.oracle
        if oracle.known:
            self.counter.ask(SettleRedemption(ALICE, min(oracle.known)))
            oracle.pass_time(shop.now)
        action, one, two, actor = asked
        if action == "time":
            shop.later(minutes=[5, 25, 31, 240, 720, 1_441][one])
        elif action == "spend":
            outcome = shop.spend(10 * (1 + two))
            if isinstance(outcome, Transaction):
                oracle.available -= 10 * (1 + two)
                oracle.spent_elsewhere += 10 * (1 + two)
        elif action == "give":
            shop.done(shop.adjust(10 * (1 + two)))
            oracle.available += 10 * (1 + two)
        elif action == "redeem":
            self.redeem(list(PRICES)[one], 1 + two % 3, with_cash=two > 5)
        elif oracle.known:
            self.step(action, sorted(oracle.known)[two % len(oracle.known)], one, actor)

    def redeem(self, reward: str, quantity: int, *, with_cash: bool) -> None:
        """Some pieces of a reward, with money on top where that is one of its prices."""
        with_cash = with_cash and reward == "cup"
        number = self.counter.shop.shell.states[ALICE].sequence + 1
        now = self.counter.shop.now
        expected = self.oracle.redeem(number, reward, quantity, with_cash=with_cash, now=now)
        self.ask(RedeemReward(ALICE, reward, quantity, 1 if with_cash else None), expected)

    def step(self, action: str, number: int, one: int, actor: str) -> None:
        """A later step of a redemption, or the use of one of its coupons."""
        each = self.oracle.known[number]
        if action in ("write_off", "cancel_write_off"):
            coupons = self.counter.redemption(number).coupons
            if not coupons:
                return
            index = one % len(coupons)
            cents = None if one < 2 else 100 * one
            if action == "write_off":
                self.ask(WriteOffCoupon(coupons[index].code, cents), self.oracle.write_off(each, index, cents))
            else:
                self.ask(CancelWriteOff(coupons[index].code), self.oracle.cancel_write_off(each, index))
            return
        commands: dict[str, RedemptionCommand] = {
            "pay": PayRedemption(ALICE, number, "wx-1"),
            "approve": ApproveRedemption(ALICE, number),
            "reject": RejectRedemption(ALICE, number),
            "cancel": CancelRedemption(ALICE, number),
            "fulfil": FulfilRedemption(ALICE, number, {"carrier": "SF", "number": "1"}),
            "return": ReturnRedemption(ALICE, number),
        }
        self.ask(commands[action], self.oracle.step(each, action, actor), actor)

    def compare(self) -> None:
        """States, coupons, stock, limits and points; and what the movements say."""
        counter, oracle = self.counter, self.oracle
        state = counter.shop.shell.states[ALICE]
        for number, each in oracle.known.items():
            redemption = counter.redemption(number)
            assert (redemption.state, redemption.until) == (each.state, each.until), number
            assert [coupon.remaining_cents for coupon in redemption.coupons] == each.left
            assert [[use.cents for use in coupon.uses] for coupon in redemption.coupons] == each.used
        assert {name: stock.taken for name, stock in counter.stocks.items()} == {
            name: oracle.taken(name) for name in STOCK
        }
        for reward in LIMITS:
            mine = [each for each in oracle.known.values() if each.reward == reward and each.counts]
            used = [number for name, number in state.used.items() if name.startswith(f"reward/{reward}/")]
            assert sum(used) == sum(each.quantity for each in mine)
        account = counter.account
        assert (account.available, account.held, account.debt) == (oracle.available, oracle.held, 0)
        shop = counter.shop
        into = shop.moved(Bucket.AVAILABLE, Bucket.SPENT) + shop.moved(Bucket.HELD, Bucket.SPENT)
        assert into - shop.moved(Bucket.SPENT, Bucket.AVAILABLE) == oracle.spent


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.lists(ASKED, min_size=5, max_size=50))
def test_redemptions_agree_with_the_oracle(steps: list[Asked]) -> None:
    """I-20, I-21: every answer, and all that follows from it (known failures 11, 13, 16, 18, 25, 31, 71)."""
    life = Life()
    for step in steps:
        life.do(step)
        if life.oracle.known:
            life.counter.ask(SettleRedemption(ALICE, min(life.oracle.known)))
            life.oracle.pass_time(life.counter.shop.now)
        life.compare()
