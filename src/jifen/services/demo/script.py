"""One member's year in the demo shop: what happens, in order of time, drawn from the member's own random numbers.

A script is a generator: it gives a submission and is sent the outcome, because what comes next depends on it (a
capture names its hold; nobody spends points that the orders did not bring). What it gives depends on the seed, the
member's number, the program and these outcomes alone, so that the same shop made twice is the same shop.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from jifen.core.commands import AdjustPoints, RecordOrder, RefundOrder, RegisterMember, TransferPoints
from jifen.core.identity import Identity
from jifen.core.members.commands import DescribePerson, FoundHousehold
from jifen.core.orders import Order, OrderLine, OrderRefund, ReturnedLine
from jifen.core.wallets.commands import DecideApproval
from jifen.engine.submission import Answer
from jifen.services.demo.catalogue import (
    ADJUSTMENTS,
    CATALOGUE,
    CHANNEL_WEIGHTS,
    CHANNELS,
    PRODUCT_WEIGHTS,
    STORE_WEIGHTS,
    STORES,
)
from jifen.services.demo.diary import Diary, Script, demo_phone
from jifen.services.demo.people import draw_person
from jifen.services.demo.redeeming import Redeeming
from jifen.services.demo.season import Season
from jifen.services.demo.shop import ACTOR, Shop

CURRENCY = "CNY"


class Segment(NamedTuple):
    """A kind of member: share of all in percent, orders (least, most), percent of orders followed by a redemption."""

    share: int
    least_orders: int
    most_orders: int
    redeems_percent: int


#: Most come once or twice; a few bring most of the turnover.
SEGMENTS = (Segment(45, 0, 2, 10), Segment(35, 3, 9, 24), Segment(15, 8, 24, 32), Segment(5, 20, 60, 30))
_LONG_TAIL_ORDERS = 240


class Ties(NamedTuple):
    """Whom a member knows, by their numbers: a `friend` to whom points may be passed on, and a `partner` with whom a
    household may be founded. Both are members already."""

    friend: int | None = None
    partner: int | None = None


class MemberScript:
    """Draws and keeps what one member does."""

    def __init__(
        self, seed: int, number: int, season: Season, shop: Shop, ties: Ties, members: Mapping[int, int]
    ) -> None:
        """`members`: the ids of the members that are registered, by number."""
        self._diary = Diary(seed, number, season)
        self._random = self._diary.random
        self._season = season
        self._shop = shop
        self._redeeming = Redeeming(self._diary, shop)
        self._friend = None if ties.friend is None else demo_phone(seed, ties.friend)
        self._partner = ties.partner
        self._members = members
        self._segment = self._random.choices(SEGMENTS, [segment.share for segment in SEGMENTS])[0]

    def run(self) -> Script:
        """Everything this member does, from the registration on."""
        diary, random, season = self._diary, self._random, self._season
        first_day = season.joining(random)
        joined_at = season.instant_on(random, first_day)
        identities = [diary.phone]
        if random.random() < 0.6:
            identities.append(Identity("card", diary.name))
        outcome = yield diary.submission("register", RegisterMember(tuple(identities)), joined_at)
        if not isinstance(outcome, Answer):
            return
        diary.member = outcome.member_id
        said = draw_person(random)
        yield diary.submission(f"{diary.name}-describe", DescribePerson(diary.member, said), joined_at, said)
        orders = self._count_orders()
        for count in range(orders):
            instant = max(season.instant(random, first_day), joined_at)
            diary.schedule(instant, self._order(count + 1, instant))
        if orders and random.random() < 0.04:
            instant = max(season.instant(random, first_day), joined_at)
            diary.schedule(instant, self._adjustment(instant))
        if self._partner is not None and random.random() < 0.15:
            # On the last day, when both surely are members.
            instant = max(season.instant_on(random, len(season.days) - 1), joined_at)
            diary.schedule(instant, self._household(instant, self._partner))
        yield from diary.run()

    def _count_orders(self) -> int:
        segment, random = self._segment, self._random
        count = random.randint(segment.least_orders, segment.most_orders)
        if segment is SEGMENTS[-1]:
            # The heaviest buyers: a Pareto tail, cut where it stops being a person.
            count = min(_LONG_TAIL_ORDERS, int(count * random.paretovariate(2)))
        return count * len(self._season.days) // 365 or min(count, 1)

    # --- what may happen ---

    def _order(self, count: int, instant: datetime) -> Script:
        diary, random = self._diary, self._random
        order = self._draw_order(count, instant)
        outcome = yield diary.submission(order.order_id, RecordOrder(diary.member, order), instant, order)
        if not isinstance(outcome, Answer) or outcome.trace is None:
            return
        earned = diary.earn(instant, sum(award.points for award in outcome.trace.awards))
        if random.random() < 0.03:
            returned_at = instant + timedelta(days=random.randint(2, 14), minutes=random.randrange(600))
            diary.schedule(returned_at, self._return(order, returned_at, earned))
        if random.randrange(100) < self._segment.redeems_percent:
            redeemed_at = instant + timedelta(minutes=random.randint(1, 4_000))
            diary.schedule(redeemed_at, self._redeeming.redeem(f"{diary.name}-{count}", redeemed_at))
        if self._friend is not None and random.random() < 0.004:
            given_at = instant + timedelta(minutes=random.randint(5, 3_000))
            diary.schedule(given_at, self._gift(count, given_at, self._friend))

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
        return Order(f"{self._diary.name}-{count}", CURRENCY, lines, channel, store)

    def _return(self, order: Order, instant: datetime, earned: int) -> Script:
        diary = self._diary
        whole = len(order.lines) == 1 or self._random.random() < 0.4
        line = self._random.choice(order.lines)
        lines = None if whole else [ReturnedLine(line.line_id, line.quantity)]
        refund = OrderRefund(order.order_id, f"{order.order_id}-R", lines)
        outcome = yield diary.submission(refund.refund_id, RefundOrder(diary.member, refund), instant, refund)
        if isinstance(outcome, Answer) and outcome.trace is not None:
            diary.take_back(earned, sum(each.points for each in outcome.trace.taken_back))

    def _gift(self, count: int, instant: datetime, friend: Identity) -> Script:
        diary = self._diary
        least, most = self._shop.gift_points
        points = min(diary.spendable(instant) // 2, most)
        if points < max(100, least):
            return
        diary.use(points)
        command = TransferPoints(diary.member, friend, None, points)
        reason = "赠送给家人 A gift within the family"
        yield diary.submission(f"{diary.name}-{count}-T", command, instant, [points, str(friend)], reason)

    def _adjustment(self, instant: datetime) -> Script:
        diary = self._diary
        code, reason, points = self._random.choice(ADJUSTMENTS)
        command = AdjustPoints(diary.member, None, points, reason_code=self._shop.reason_code(code))
        outcome = yield diary.submission(f"{diary.name}-A", command, instant, [points], reason)
        if isinstance(outcome, Answer) and outcome.sequence < 0:
            # Above the program's limit: it waits until a second person agrees.
            agreed_at, agree = instant + timedelta(hours=3), DecideApproval(-outcome.sequence, is_approved=True)
            reason, manager = "已看照片 Seen the photo", f"{ACTOR}:manager"
            yield diary.submission(f"{diary.name}-A-Y", agree, agreed_at, [points], reason, manager)

    def _household(self, instant: datetime, partner: int) -> Script:
        diary = self._diary
        command = FoundHousehold(diary.member, "我们的家 Our household", (self._members[partner],))
        yield diary.submission(f"{diary.name}-H", command, instant, [partner])
