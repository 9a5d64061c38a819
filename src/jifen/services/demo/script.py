"""One member's year in the demo shop: what happens, in order of time, drawn from the member's own random numbers.

A script is a generator: it gives a submission and is sent the outcome, because what comes next depends on it (a
capture names its hold; nobody spends points that the orders did not bring). What it gives depends on the seed, the
member's number and these outcomes alone, so that the same shop made twice is the same shop.
"""

from __future__ import annotations

from collections.abc import Generator
from datetime import datetime, timedelta
from heapq import heappop, heappush
from random import Random
from typing import NamedTuple

import msgspec

from jifen.core.commands import (
    AdjustPoints,
    CaptureHold,
    Command,
    PlaceHold,
    RecordOrder,
    RefundOrder,
    RegisterMember,
    ReleaseHold,
    ReverseTransaction,
    SpendPoints,
    TransferPoints,
)
from jifen.core.identity import Identity
from jifen.core.orders import Order, OrderLine, OrderRefund, ReturnedLine
from jifen.engine.submission import Answer, Outcome, Submission
from jifen.services.demo.catalogue import (
    ADJUSTMENTS,
    CATALOGUE,
    CHANNEL_WEIGHTS,
    CHANNELS,
    PRODUCT_WEIGHTS,
    REWARDS,
    STORE_WEIGHTS,
    STORES,
)
from jifen.services.demo.season import Season

ACTOR = "jifen:demo"
CURRENCY = "CNY"
#: Points count as spendable once the return period of any sensible program is over, and while they surely still live.
_RIPE = timedelta(days=15)
_FRESH = timedelta(days=330)

Script = Generator[Submission, Outcome, None]


class Segment(NamedTuple):
    """A kind of member: share of all in percent, orders (least, most), percent of orders followed by a redemption."""

    share: int
    least_orders: int
    most_orders: int
    redeems_percent: int


#: Most come once or twice; a few bring most of the turnover.
SEGMENTS = (Segment(45, 0, 2, 2), Segment(35, 3, 9, 8), Segment(15, 8, 24, 14), Segment(5, 20, 60, 18))
_LONG_TAIL_ORDERS = 240


class MemberScript:
    """Draws and keeps what one member does."""

    def __init__(self, seed: int, number: int, season: Season, friend: int | None) -> None:
        """`friend`: the number of a member that exists already and to whom points may be passed on."""
        self._number = number
        self._random = Random(f"{seed}/{number}")  # noqa: S311 - a made-up shop, not a secret
        self._season = season
        self._source = f"demo:{seed}"
        self._name = f"D{seed}-{number}"
        self._phone = demo_phone(seed, number)
        self._friend = None if friend is None else demo_phone(seed, friend)
        self._segment = self._random.choices(SEGMENTS, [segment.share for segment in SEGMENTS])[0]
        self._agenda: list[tuple[datetime, int, Script]] = []
        self._scheduled = 0
        self._member = 0
        self._earned: list[tuple[datetime, int]] = []
        self._used = 0

    def run(self) -> Script:
        """Everything this member does, from the registration on."""
        random, season = self._random, self._season
        first_day = season.joining(random)
        joined_at = season.instant_on(random, first_day)
        identities = [self._phone]
        if random.random() < 0.6:
            identities.append(Identity("card", self._name))
        outcome = yield self._submission("register", RegisterMember(tuple(identities)), joined_at)
        if not isinstance(outcome, Answer):
            return
        self._member = outcome.member_id
        for count in range(self._count_orders()):
            instant = max(season.instant(random, first_day), joined_at)
            self._schedule(instant, self._order(count + 1, instant))
        if random.random() < 0.012:
            instant = max(season.instant(random, first_day), joined_at)
            self._schedule(instant, self._adjustment(instant))
        while self._agenda:
            _, _, script = heappop(self._agenda)
            yield from script

    def _count_orders(self) -> int:
        segment, random = self._segment, self._random
        count = random.randint(segment.least_orders, segment.most_orders)
        if segment is SEGMENTS[-1]:
            # The heaviest buyers: a Pareto tail, cut where it stops being a person.
            count = min(_LONG_TAIL_ORDERS, int(count * random.paretovariate(2)))
        return count * len(self._season.days) // 365 or min(count, 1)

    def _schedule(self, instant: datetime, script: Script) -> None:
        if instant < self._season.ends_at:
            self._scheduled += 1
            heappush(self._agenda, (instant, self._scheduled, script))

    # --- what may happen ---

    def _order(self, count: int, instant: datetime) -> Script:
        random = self._random
        order = self._draw_order(count, instant)
        outcome = yield self._submission(order.order_id, RecordOrder(self._member, order), instant, order)
        if not isinstance(outcome, Answer) or outcome.trace is None:
            return
        self._earned.append((instant, sum(award.points for award in outcome.trace.awards)))
        if random.random() < 0.03:
            returned_at = instant + timedelta(days=random.randint(2, 14), minutes=random.randrange(600))
            self._schedule(returned_at, self._return(order, returned_at, len(self._earned) - 1))
        if random.randrange(100) < self._segment.redeems_percent:
            redeemed_at = instant + timedelta(minutes=random.randint(1, 4_000))
            self._schedule(redeemed_at, self._redemption(count, redeemed_at))
        if self._friend is not None and random.random() < 0.002:
            given_at = instant + timedelta(minutes=random.randint(5, 3_000))
            self._schedule(given_at, self._transfer(count, given_at, self._friend))

    def _draw_order(self, count: int, instant: datetime) -> Order:
        random = self._random
        channel = random.choices(CHANNELS, CHANNEL_WEIGHTS)[0]
        store = random.choices(STORES, STORE_WEIGHTS)[0] if channel == "store" else None
        products = random.choices(CATALOGUE, PRODUCT_WEIGHTS, k=random.choices((1, 2, 3, 4, 6), (40, 28, 17, 10, 5))[0])
        discount = self._season.sale_percent(instant)
        lines = []
        for position, product in enumerate(dict.fromkeys(products), 1):
            quantity = random.choices((1, 2, 3, 5), (78, 15, 5, 2))[0]
            paid_cents = product.price_cents * quantity * (100 - discount) // 100
            lines.append(
                OrderLine(
                    str(position), quantity, paid_cents, product.sku, product.name, product.category, product.brand
                )
            )
        return Order(f"{self._name}-{count}", CURRENCY, lines, channel, store)

    def _return(self, order: Order, instant: datetime, earned: int) -> Script:
        whole = len(order.lines) == 1 or self._random.random() < 0.4
        line = self._random.choice(order.lines)
        lines = None if whole else [ReturnedLine(line.line_id, line.quantity)]
        refund = OrderRefund(order.order_id, f"{order.order_id}-R", lines)
        outcome = yield self._submission(refund.refund_id, RefundOrder(self._member, refund), instant, refund)
        if isinstance(outcome, Answer) and outcome.trace is not None:
            earned_at, points = self._earned[earned]
            self._earned[earned] = (earned_at, points - sum(each.points for each in outcome.trace.taken_back))

    def _spendable(self, instant: datetime) -> int:
        ends_at = self._season.ends_at
        ripe = min(instant, ends_at) - _RIPE
        return sum(points for at, points in self._earned if ends_at - _FRESH < at < ripe) - self._used

    def _redemption(self, count: int, instant: datetime) -> Script:
        random = self._random
        affordable = [reward for reward in REWARDS if reward[1] <= self._spendable(instant)]
        if not affordable:
            return
        reward, points = random.choice(affordable[-3:])
        key = f"{self._name}-{count}-S"
        if random.random() < 0.4:
            yield from self._hold(key, reward, points, instant)
            return
        self._used += points
        command = SpendPoints(self._member, None, points, reward)
        outcome = yield self._submission(key, command, instant, [points, reward])
        if isinstance(outcome, Answer) and random.random() < 0.04:
            cancel = ReverseTransaction(self._member, outcome.sequence)
            outcome = yield self._submission(f"{key}-C", cancel, instant + timedelta(minutes=30))
            if isinstance(outcome, Answer):
                self._used -= points

    def _hold(self, key: str, reward: str, points: int, instant: datetime) -> Script:
        placed = yield self._submission(
            f"{key}-H", PlaceHold(self._member, None, points, None, reward), instant, [points, reward]
        )
        if not isinstance(placed, Answer):
            return
        self._used += points
        done_at = instant + timedelta(minutes=self._random.randint(1, 20))
        command: Command
        if self._random.random() < 0.1:
            self._used -= points
            command = ReleaseHold(self._member, placed.sequence)
        else:
            command = CaptureHold(self._member, placed.sequence)
        yield self._submission(f"{key}-K", command, done_at)

    def _transfer(self, count: int, instant: datetime, friend: Identity) -> Script:
        points = self._spendable(instant) // 2
        if points < 100:
            return
        self._used += points
        command = TransferPoints(self._member, friend, None, points)
        reason = "赠送给家人 A gift within the family"
        yield self._submission(f"{self._name}-{count}-T", command, instant, [points, str(friend)], reason)

    def _adjustment(self, instant: datetime) -> Script:
        reason, points = self._random.choice(ADJUSTMENTS)
        command = AdjustPoints(self._member, None, points)
        yield self._submission(f"{self._name}-A", command, instant, [points], reason)

    def _submission(
        self, key: str, command: Command, instant: datetime, data: object = None, reason: str | None = None
    ) -> Submission:
        if isinstance(command, RegisterMember):
            key = f"{self._name}-{key}"
        payload = msgspec.json.encode([type(command).__name__, str(self._phone), instant, data])
        return Submission(command, self._source, key, payload, ACTOR, instant, reason)


def demo_phone(seed: int, number: int) -> Identity:
    """A telephone number that nobody has: no Chinese mobile number begins with 5."""
    return Identity("phone", f"+865{seed % 10_000:04}{number:06}")
