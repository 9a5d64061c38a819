"""What was taken with an order ends with it: before the order is taken back, and as far as it can."""

from __future__ import annotations

import pytest

from jifen.core.calendar import RollingExpiry
from jifen.core.ledger.values import Bucket
from jifen.core.redemption.commands import (
    ApproveRedemption,
    FulfilRedemption,
    RedeemReward,
    ReturnRedemption,
    WriteOffCoupon,
)
from jifen.core.trace import EndedAddOn, Trace, decode_trace
from tests.add_ons import with_add_ons
from tests.model.programs import make_document
from tests.unit.core.redemption.counter import Counter
from tests.unit.core.shop import ALICE


def counter(points: int = 1, **changes: object) -> Counter:
    """Alice, with few points of her own, where there are add-ons."""
    return Counter(points, document=with_add_ons(make_document(**changes)))  # type: ignore[arg-type]


def take(at: Counter, reward: str, order_id: str = "o", price: int | None = None) -> int:
    """The number of an add-on that must not be refused."""
    return at.done(RedeemReward(ALICE, reward, price=price, order_id=order_id)).sequence


def refunded(at: Counter, *lines: tuple[int, int]) -> Trace:
    """A refund of the order."""
    return decode_trace(at.shop.done(at.shop.refund("o", *lines)).trace)


def told(trace: Trace) -> list[EndedAddOn]:
    """What it says of add-ons."""
    return [] if trace.dealings is None else trace.dealings.add_ons


@pytest.mark.parametrize("policy", ["debt", "forgive", "refuse"])
def test_its_points_come_back_before_those_of_the_order_are_taken(policy: str) -> None:
    """Nothing is owed, forgiven or refused, and nothing is won."""
    at = counter(spent_points=policy)
    at.shop.earn("o", (1, 4_000))
    number = take(at, "lamp")
    at.done(ApproveRedemption(ALICE, number), "boss", ["manager"])
    trace = refunded(at)
    (taken,) = trace.taken_back
    assert (taken.from_lot, taken.debt, taken.forgiven) == (40, 0, 0)
    assert told(trace) == [EndedAddOn(ALICE, number, "lamp", 1, 40)]
    assert at.shop.buckets() == (1, 0, 0, 0)


def test_points_that_expire_as_they_come_back_are_gone_already() -> None:
    """The order's points, spent on its add-on, whose lot has expired since: the refund finds them expired, so that the
    member owes nothing for them."""
    at = counter(expiry=RollingExpiry(months=1))
    at.shop.earn("o", (1, 4_000))
    number = take(at, "lamp")
    at.done(ApproveRedemption(ALICE, number), "boss", ["manager"])
    at.shop.later(days=60)
    trace = refunded(at)
    (taken,) = trace.taken_back
    assert (taken.from_lot, taken.expired, taken.other_lots, taken.debt) == (0, 40, 0, 0)
    assert at.shop.shell.states[ALICE].accounts[0].debt == 0


def test_time_decides_first() -> None:
    """What nobody decided on in time has expired, and is no longer told."""
    at = counter(100)
    at.shop.earn("o", (1, 4_000))
    number = take(at, "lamp")
    at.shop.later(hours=25)
    assert told(refunded(at)) == []
    assert at.redemption(number).state == "expired"
    assert at.shop.buckets() == (100, 0, 0, 0)


def test_what_was_delivered_or_used_stays() -> None:
    """It is told, and can be returned by itself."""
    at = counter(500)
    at.shop.earn("o", (1, 10_000))
    lamp, tote, sweet = take(at, "lamp"), take(at, "tote"), take(at, "sweet")
    at.done(ApproveRedemption(ALICE, lamp), "boss", ["manager"])
    at.done(FulfilRedemption(ALICE, lamp, {"carrier": "SF", "number": "1"}))
    at.done(WriteOffCoupon(at.redemption(tote).coupons[0].code))
    trace = refunded(at)
    assert [(each.sequence, each.is_kept) for each in told(trace)] == [(lamp, True), (tote, True), (sweet, True)]
    assert [at.redemption(each).state for each in (lamp, tote, sweet)] == ["fulfilled", "written_off", "fulfilled"]
    at.done(ReturnRedemption(ALICE, lamp))
    assert at.shop.buckets() == (500 - 50 - 5, 0, 0, 0)


def test_the_step_says_with_which_order_it_ended() -> None:
    """It has no key of its own, and the actor of what gave the order back."""
    at = counter(100)
    at.shop.earn("o", (1, 4_000))
    number = take(at, "lamp")
    at.shop.done(at.shop.refund("o"))
    step = next(each for each in at.shop.shell.transactions[ALICE] if each.refers_to == number)
    trace = decode_trace(step.trace)
    assert trace.dealings is not None
    assert (trace.step, trace.dealings.ended_with, step.key, step.actor) == ("cancel", "o", "", "tester")
    assert [each.target for each in step.movements] == [Bucket.AVAILABLE] * len(step.movements)
