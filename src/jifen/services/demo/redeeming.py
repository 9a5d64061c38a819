"""What members of the demo shop do with their points: a reward is asked for, paid, agreed to, delivered, used, drawn
with, returned. Each step is scheduled when the one before it is done, as its answer says what it waits for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import msgspec

from jifen.core.commands import CaptureHold, Command, PlaceHold, ReleaseHold, ReverseTransaction, SpendPoints
from jifen.core.draws.commands import DrawPrize
from jifen.core.redemption.agreeing import open_roles
from jifen.core.redemption.commands import (
    ApproveRedemption,
    CancelRedemption,
    FulfilRedemption,
    PayRedemption,
    RedeemReward,
    RejectRedemption,
    ReturnRedemption,
    WriteOffCoupon,
)
from jifen.core.redemption.machine import FINAL
from jifen.core.redemption.values import Redemption
from jifen.engine.submission import Answer
from jifen.services.demo.catalogue import PLAIN_SPENDS, STORE_WEIGHTS, STORES
from jifen.services.demo.diary import Diary, Script
from jifen.services.demo.shop import ACTOR, Offer, Shop

#: Of what members can afford they often take one of the dearest.
_DEAR_CHOICES: Final = 4


class Errand(msgspec.Struct, frozen=True):
    """A redemption that the member follows: its offer, the key that its steps begin with, and the transaction that
    asked for it."""

    offer: Offer
    key: str
    sequence: int


class Redeeming:
    """How one member redeems."""

    def __init__(self, diary: Diary, shop: Shop) -> None:
        self._diary = diary
        self._offers = shop.offers

    def redeem(self, key: str, instant: datetime) -> Script:
        """Take something for points, if anything can be afforded."""
        if not self._offers:
            yield from spend_plainly(self._diary, key, instant)
            return
        diary, random = self._diary, self._diary.random
        spendable = diary.spendable(instant)
        affordable = [each for each in self._offers if each.points <= spendable]
        if not affordable:
            return
        choices = affordable[-_DEAR_CHOICES:] if random.random() < 0.4 else affordable
        offer = random.choices(choices, [each.liking for each in choices])[0]
        quantity = random.randint(1, min(3, spendable // offer.points)) if offer.draw else 1
        price = offer.part_price[0] if offer.part_price and random.random() < 0.3 else None
        command = RedeemReward(diary.member, offer.reward, quantity, price)
        data = [offer.reward, quantity, price]
        outcome = yield diary.submission(f"{key}-redeem", command, instant, data)
        if not isinstance(outcome, Answer) or outcome.trace is None or outcome.trace.redemption is None:
            return
        diary.use(outcome.trace.redemption.points)
        self._go_on(Errand(offer, key, outcome.sequence), outcome.trace.redemption, instant)

    def _go_on(self, errand: Errand, redemption: Redemption, at: datetime) -> None:
        """Schedule what comes next."""
        random, schedule = self._diary.random, self._diary.schedule
        if redemption.state == "waiting_for_payment":
            after = at + timedelta(minutes=random.randint(1, 25))
            schedule(after, self._pay(errand, after))
        elif redemption.state == "waiting_for_approval":
            after = at + timedelta(minutes=random.randint(30, 2_000))
            schedule(after, self._decide(errand, redemption, after))
        elif redemption.state == "fulfilled":
            if redemption.fulfilment == "shipping" and random.random() < 0.05:
                after = at + timedelta(days=random.randint(3, 12), minutes=random.randrange(600))
                schedule(
                    after, self._step(errand, "return", ReturnRedemption(self._diary.member, errand.sequence), after)
                )
        elif redemption.state == "approved":
            self._receive(errand, redemption, at)

    def _receive(self, errand: Errand, redemption: Redemption, at: datetime) -> None:
        """It was granted: a few think better of it; the others get it or use it."""
        random, schedule = self._diary.random, self._diary.schedule
        if redemption.coupons and any(each.uses for each in redemption.coupons):
            # Part of a voucher is left: the rest is kept.
            return
        if random.random() < 0.04:
            after = at + timedelta(minutes=30)
            schedule(after, self._step(errand, "cancel", CancelRedemption(self._diary.member, errand.sequence), after))
        elif redemption.coupons:
            if random.random() < 0.6:
                after = at + timedelta(days=random.randint(0, 25), minutes=random.randint(20, 900))
                schedule(after, self._use(errand, redemption, after))
        elif errand.offer.draw is not None:
            after = at + timedelta(minutes=random.randint(1, 90))
            schedule(after, self._draw(errand, errand.offer.draw, redemption.quantity, after))
        else:
            after = at + timedelta(days=random.randint(0, 3), minutes=random.randint(60, 900))
            schedule(after, self._deliver(errand, redemption, after))

    # --- steps ---

    def _step(
        self,
        errand: Errand,
        name: str,
        command: Command,
        at: datetime,
        *,
        reason: str | None = None,
        actor: str = ACTOR,
        roles: tuple[str, ...] = (),
    ) -> Script:
        """One step, and whatever follows from it."""
        diary = self._diary
        outcome = yield diary.submission(f"{errand.key}-{name}", command, at, errand.offer.reward, reason, actor, roles)
        if not isinstance(outcome, Answer) or outcome.trace is None or outcome.trace.redemption is None:
            return
        redemption = outcome.trace.redemption
        if redemption.state in FINAL:
            diary.use(-redemption.points)
        self._go_on(errand, redemption, at)

    def _pay(self, errand: Errand, at: datetime) -> Script:
        member = self._diary.member
        if self._diary.random.random() < 0.06:
            return self._step(errand, "cancel", CancelRedemption(member, errand.sequence), at)
        return self._step(errand, "pay", PayRedemption(member, errand.sequence, f"wx-{errand.key}"), at)

    def _decide(self, errand: Errand, redemption: Redemption, at: datetime) -> Script:
        """Somebody with a role that is asked for agrees, or now and then does not."""
        approval, member = redemption.approval, self._diary.member
        assert approval is not None
        role = open_roles(approval)[0]
        by = {"actor": f"{ACTOR}:{role}", "roles": (role,)}
        if self._diary.random.random() < 0.1:
            command = RejectRedemption(member, errand.sequence)
            return self._step(errand, "reject", command, at, reason="库存紧张 Stock is short", **by)  # type: ignore[arg-type]
        name = f"approve-{approval.step}-{role}"
        return self._step(errand, name, ApproveRedemption(member, errand.sequence), at, **by)  # type: ignore[arg-type]

    def _deliver(self, errand: Errand, redemption: Redemption, at: datetime) -> Script:
        delivery = _DELIVERIES[redemption.fulfilment](self._diary, at)
        return self._step(errand, "fulfil", FulfilRedemption(self._diary.member, errand.sequence, delivery), at)

    def _use(self, errand: Errand, redemption: Redemption, at: datetime) -> Script:
        random, coupon = self._diary.random, redemption.coupons[0]
        cents = coupon.cents * 6 // 10 if coupon.is_partly_usable and random.random() < 0.2 else None
        store = random.choices(STORES, STORE_WEIGHTS)[0]
        return self._step(errand, "use", WriteOffCoupon(coupon.code, cents, store), at)

    def _draw(self, errand: Errand, draw: str, tickets: int, at: datetime) -> Script:
        """Draw with every ticket. What is won is not used: chance must not change what the member does."""
        for number in range(1, tickets + 1):
            command = DrawPrize(self._diary.member, draw, errand.sequence)
            yield self._diary.submission(f"{errand.key}-draw-{number}", command, at, [draw, number])


def _shipped(diary: Diary, _: datetime) -> dict[str, str]:
    return {"carrier": "SF", "number": f"SF{diary.random.randrange(10**12):012}"}


def _booked(diary: Diary, at: datetime) -> dict[str, str]:
    booked_at = (at + timedelta(days=diary.random.randint(1, 9))).replace(minute=0, second=0)
    return {"at": booked_at.isoformat(), "place": diary.random.choices(STORES, STORE_WEIGHTS)[0]}


def _sent(diary: Diary, _: datetime) -> dict[str, str]:
    return {"content": f"https://shop.example/{diary.name}/{diary.random.randrange(10**6)}"}


#: How each kind of delivery is told.
_DELIVERIES: Final[dict[str, Callable[[Diary, datetime], dict[str, str]]]] = {
    "none": lambda _diary, _at: {},
    "shipping": _shipped,
    "booking": _booked,
    "digital": _sent,
}


def spend_plainly(diary: Diary, key: str, instant: datetime) -> Script:
    """Where a program has no rewards, points are spent at the till: at once, or held while the customer pays."""
    random = diary.random
    affordable = [each for each in PLAIN_SPENDS if each[1] <= diary.spendable(instant)]
    if not affordable:
        return
    what, points = random.choice(affordable[-3:])
    if random.random() < 0.4:
        yield from _hold(diary, key, what, points, instant)
        return
    diary.use(points)
    command = SpendPoints(diary.member, None, points, what)
    outcome = yield diary.submission(f"{key}-S", command, instant, [points, what])
    if isinstance(outcome, Answer) and random.random() < 0.04:
        cancel = ReverseTransaction(diary.member, outcome.sequence)
        outcome = yield diary.submission(f"{key}-S-C", cancel, instant + timedelta(minutes=30))
        if isinstance(outcome, Answer):
            diary.use(-points)


def _hold(diary: Diary, key: str, what: str, points: int, instant: datetime) -> Script:
    command = PlaceHold(diary.member, None, points, None, what)
    placed = yield diary.submission(f"{key}-S-H", command, instant, [points, what])
    if not isinstance(placed, Answer):
        return
    done_at = instant + timedelta(minutes=diary.random.randint(1, 20))
    end: Command = CaptureHold(diary.member, placed.sequence)
    if diary.random.random() < 0.1:
        end = ReleaseHold(diary.member, placed.sequence)
    else:
        diary.use(points)
    yield diary.submission(f"{key}-S-K", end, done_at)
