"""Taking back: refunds of orders, cancelled spends, adjustments undone."""

from __future__ import annotations

from datetime import timedelta

import pytest

from jifen.core.calendar import RollingExpiry
from jifen.core.ledger.values import Bucket, Kind
from jifen.core.limits import MAXIMUM_AMOUNT, MAXIMUM_BALANCE
from jifen.core.trace import TakenBack, decode_trace
from tests.model.programs import make_document
from tests.unit.core.shop import ALICE, START, Shop, refused


def earned(points: int = 100, **changes: object) -> Shop:
    """Alice has earned so many points with the order `start`: one piece."""
    shop = Shop(make_document(**changes))  # type: ignore[arg-type]
    shop.earn("start", (1, points * 100))
    return shop


def spent_and_refunded(spent_points: str) -> Shop:
    """100 points earned, 70 spent, then the order is refunded."""
    shop = earned(spent_points=spent_points)
    shop.spend(70)
    return shop


# --- refunds ---


def test_a_refund_takes_back_what_the_order_earned() -> None:
    """Buy, refund, repeat gives nothing (known failure 1)."""
    shop = Shop()
    for number in range(3):
        shop.earn(f"o{number}", (3, 10_000))
        shop.done(shop.refund(f"o{number}"))
    assert shop.buckets() == (0, 0, 0, 0)


def test_what_was_refunded_whole_cannot_be_refunded_again() -> None:
    """Known failures 11, 16, 40: a second refund takes nothing more."""
    shop = earned()
    shop.done(shop.refund("start"))
    assert refused(shop.refund("start")) == "already_refunded"
    assert shop.buckets() == (0, 0, 0, 0)


def test_a_part_refund_takes_its_part() -> None:
    """By line and quantity (known failures 5, 6, 7)."""
    shop = Shop()
    shop.earn("o1", (3, 10_000), (1, 5_000))
    refunded = shop.done(shop.refund("o1", (1, 1)))
    trace = decode_trace(refunded.trace)
    assert trace.returned == {"1": 1}
    assert trace.taken_back == [TakenBack(1, 34, from_lot=34)]
    assert shop.buckets() == (116, 0, 0, 0)
    shop.done(shop.refund("o1", (2, 1)))
    assert shop.buckets() == (66, 0, 0, 0)
    shop.done(shop.refund("o1"))
    assert shop.buckets() == (0, 0, 0, 0)


def test_more_than_was_bought_cannot_be_returned() -> None:
    """In one refund, over several, and within one refund that names a line twice."""
    shop = Shop()
    shop.earn("o1", (3, 10_000), (1, 5_000))
    assert refused(shop.refund("o1", (1, 4))) == "returned_too_much"
    assert refused(shop.refund("o1", (1, 2), (1, 2))) == "returned_too_much"
    assert refused(shop.refund("o1", (9, 1))) == "unknown_line"
    shop.done(shop.refund("o1", (1, 1), (1, 1)))
    assert refused(shop.refund("o1", (1, 2))) == "returned_too_much"
    assert shop.buckets() == (83, 0, 0, 0)


def test_points_already_spent_become_debt() -> None:
    """The default: nothing goes below zero, and the next points pay."""
    shop = spent_and_refunded("debt")
    refunded = shop.done(shop.refund("start"))
    assert decode_trace(refunded.trace).taken_back == [TakenBack(1, 100, from_lot=30, debt=70)]
    assert shop.buckets() == (0, 0, 0, 70)


def test_points_already_spent_can_be_forgiven() -> None:
    """And stay forgiven: a later refund does not ask for them again."""
    shop = Shop(make_document(spent_points="forgive"))
    shop.earn("o1", (2, 10_000))
    shop.spend(70)
    shop.done(shop.refund("o1", (1, 1)))
    assert shop.buckets() == (0, 0, 0, 0)
    shop.adjust(100)
    refunded = shop.done(shop.refund("o1"))
    assert decode_trace(refunded.trace).taken_back[0].points == 50
    assert shop.buckets() == (50, 0, 0, 0)


def test_forgiven_points_stay_gone_when_the_spend_is_cancelled() -> None:
    """Goods returned first and the spend cancelled afterwards: the member keeps what he would have kept otherwise."""
    shop = Shop(make_document(spent_points="forgive"))
    shop.earn("o1", (2, 10_000))
    first, second = shop.done(shop.spend(60)), shop.done(shop.spend(40))
    shop.done(shop.refund("o1", (1, 1)))
    shop.done(shop.refund("o1", (1, 1)))
    assert shop.buckets() == (0, 0, 0, 0)
    cancelled = decode_trace(shop.done(shop.reverse(first.sequence)).trace)
    assert (cancelled.points, cancelled.withheld) == (0, 60)
    assert shop.buckets() == (0, 0, 0, 0)
    cancelled = decode_trace(shop.done(shop.reverse(second.sequence)).trace)
    assert (cancelled.points, cancelled.withheld) == (0, 40)
    assert shop.buckets() == (0, 0, 0, 0)


def test_no_more_is_withheld_than_was_forgiven() -> None:
    """What was forgiven is given up first; everything beyond comes back, also by spends of other orders' points."""
    shop = Shop(make_document(spent_points="forgive"))
    shop.earn("o1", (2, 10_000))
    spent = shop.done(shop.spend(100))
    shop.done(shop.refund("o1", (1, 1)))
    shop.earn("o2", (1, 10_000))
    other = shop.done(shop.spend(100))
    assert decode_trace(shop.done(shop.reverse(other.sequence)).trace).withheld is None
    cancelled = decode_trace(shop.done(shop.reverse(spent.sequence)).trace)
    assert (cancelled.points, cancelled.withheld) == (50, 50)
    assert shop.buckets() == (150, 0, 0, 0)


def test_held_points_are_not_forgiven() -> None:
    """A hold placed before a refund and released after it must not keep the points (known failure 1)."""
    shop = Shop(make_document(spent_points="forgive"))
    shop.earn("o1", (1, 10_000))
    shop.spend(30)
    hold = shop.done(shop.hold(70))
    refunded = shop.done(shop.refund("o1"))
    assert decode_trace(refunded.trace).taken_back == [TakenBack(1, 100, debt=70, forgiven=30)]
    assert shop.buckets() == (0, 0, 70, 70)
    shop.done(shop.release(hold.sequence))
    assert shop.buckets() == (0, 0, 0, 0)


def test_what_comes_back_must_fit_into_the_account() -> None:
    """A cancelled spend is refused where it would pass the limit of a balance."""
    shop = Shop(make_document())
    shop.adjust(MAXIMUM_AMOUNT)
    spent = shop.done(shop.spend(MAXIMUM_AMOUNT))
    for _ in range(MAXIMUM_BALANCE // MAXIMUM_AMOUNT):
        shop.done(shop.adjust(MAXIMUM_AMOUNT))
    assert refused(shop.reverse(spent.sequence)) == "balance_too_large"


def test_a_refund_of_spent_points_can_be_refused() -> None:
    """Then nothing at all is taken back, and the refund may be tried again later."""
    shop = spent_and_refunded("refuse")
    assert refused(shop.refund("start")) == "points_already_spent"
    assert shop.buckets() == (30, 0, 0, 0)
    shop.adjust(70)
    shop.done(shop.refund("start"))
    assert shop.buckets() == (0, 0, 0, 0)


@pytest.mark.parametrize("policy", ["debt", "forgive", "refuse"])
def test_other_points_are_taken_before_any_policy_applies(policy: str) -> None:
    """From the lot of origin first, then soonest-expiring first."""
    shop = spent_and_refunded(policy)
    shop.adjust(40, expires_at=START + timedelta(days=9))
    shop.adjust(40, expires_at=START + timedelta(days=8))
    refunded = shop.done(shop.refund("start"))
    assert decode_trace(refunded.trace).taken_back == [TakenBack(1, 100, from_lot=30, other_lots=70)]
    assert shop.lots() == [(10, START + timedelta(days=9))]


def test_a_refund_while_pending_takes_the_pending_points() -> None:
    """Other points are left alone, and what remains matures on time (known failure 82)."""
    shop = Shop(make_document(pending_days=7))
    shop.adjust(500)
    shop.earn("o1", (4, 10_000))
    shop.done(shop.refund("o1", (1, 1)))
    assert shop.buckets() == (500, 75, 0, 0)
    shop.later(days=7)
    assert shop.buckets() == (575, 0, 0, 0)
    shop.done(shop.refund("o1"))
    assert shop.buckets() == (500, 0, 0, 0)


def test_expired_points_count_as_taken_back() -> None:
    """The member has nothing of them and owes nothing for them."""
    shop = earned(expiry=RollingExpiry(1))
    shop.spend(60)
    shop.later(days=60)
    shop.adjust(500)
    refunded = shop.done(shop.refund("start"))
    assert decode_trace(refunded.trace).taken_back == [TakenBack(1, 100, expired=40, other_lots=60)]
    assert shop.buckets() == (440, 0, 0, 0)
    assert shop.moved(Bucket.EXPIRED, Bucket.REVERSED) == 40


def test_expired_points_are_not_counted_twice_over_part_refunds() -> None:
    """What one refund took from the expired ones is no longer there for the next, however late the expiry is booked."""
    shop = Shop(make_document(expiry=RollingExpiry(1)))
    shop.earn("o1", (4, 10_000))
    shop.spend(60)
    shop.later(days=60)
    for expected in (TakenBack(1, 25, expired=25), TakenBack(1, 25, expired=15, debt=10)):
        refunded = shop.done(shop.refund("o1", (1, 1)))
        assert decode_trace(refunded.trace).taken_back == [expected]
    shop.done(shop.refund("o1"))
    assert shop.buckets() == (0, 0, 0, 60)


def test_held_points_stay_held_in_a_refund() -> None:
    """They are promised to somebody; what is missing follows the policy."""
    shop = earned()
    hold = shop.done(shop.hold(60)).sequence
    shop.refund("start")
    assert shop.buckets() == (0, 0, 60, 60)
    shop.done(shop.capture(hold))
    assert shop.buckets() == (0, 0, 0, 60)


def test_a_refund_uses_the_rate_of_the_purchase() -> None:
    """Known failure 9: neither rate nor rounding nor policy of today."""
    shop = Shop(make_document(points=2, rounding="ceil", spent_points="forgive"))
    shop.earn("o1", (3, 10_001))
    assert shop.buckets() == (201, 0, 0, 0)
    shop.publish(make_document(points=10, rounding="floor", spent_points="refuse"))
    shop.earn("o2", (1, 10_000))
    shop.done(shop.refund("o1", (1, 1)))
    assert shop.buckets() == (1000 + 134, 0, 0, 0)
    shop.spend(1134)
    refunded = shop.done(shop.refund("o1"))
    assert refunded.program_version == 1
    assert decode_trace(refunded.trace).taken_back == [TakenBack(1, 134, forgiven=134)]
    shop.earn("o3", (1, 10_000))
    assert shop.buckets() == (1000, 0, 0, 0)


def test_an_order_can_be_reversed_by_its_transaction() -> None:
    """The same as a refund of all that is left, and it counts as one."""
    shop = Shop()
    transaction = shop.done(shop.earn("o1", (2, 10_000)))
    shop.refund("o1", (1, 1))
    shop.done(shop.reverse(transaction.sequence))
    assert shop.buckets() == (0, 0, 0, 0)
    assert refused(shop.refund("o1")) == "already_refunded"
    assert refused(shop.reverse(transaction.sequence)) == "already_refunded"


# --- cancelled spends ---


def test_a_cancelled_spend_returns_to_the_lots_of_origin() -> None:
    """Known failures 11, 13, 18: given back once, with the terms they had."""
    shop = earned()
    shop.adjust(50, expires_at=START + timedelta(days=9))
    before = shop.account().lots
    spend = shop.done(shop.spend(120)).sequence
    shop.later(days=1)
    reversal = shop.done(shop.reverse(spend))
    assert (reversal.kind, reversal.refers_to) == (Kind.REVERSE, spend)
    assert shop.account().lots == before
    assert refused(shop.reverse(spend)) == "already_reversed"


@pytest.mark.parametrize(
    ("policy", "grace_days", "left", "days_left"),
    [("expire", 0, 0, 0), ("grace", 3, 80, 3), ("new_lot", 0, 80, 30)],
)
def test_what_happens_to_points_whose_lot_expired_meanwhile(
    policy: str, grace_days: int, left: int, days_left: int
) -> None:
    """Return and expire at once; grace; a new lot as if earned now."""
    shop = earned(expired_lots=policy, grace_days=grace_days, expiry=RollingExpiry(1))
    spend = shop.done(shop.spend(80)).sequence
    shop.later(days=40)
    returned_at = shop.now
    reversal = shop.done(shop.reverse(spend))
    assert reversal.kind is Kind.REVERSE
    assert shop.buckets() == (left, 0, 0, 0)
    if left:
        shop.later(days=days_left)
        assert shop.buckets() == (left, 0, 0, 0)
        shop.later(days=1)
    assert shop.buckets() == (0, 0, 0, 0)
    expiry = shop.shell.transactions[ALICE][-1]
    assert (expiry.kind, expiry.occurred_at >= returned_at) == (Kind.EXPIRE, True)


def test_graced_points_are_not_lost_for_a_refund() -> None:
    """The order's points were given back under new terms: a refund takes those, and makes no debt."""
    shop = earned(expired_lots="grace", grace_days=5, expiry=RollingExpiry(1))
    spend = shop.done(shop.spend(100)).sequence
    shop.later(days=40)
    shop.reverse(spend)
    refunded = shop.done(shop.refund("start"))
    assert decode_trace(refunded.trace).taken_back == [TakenBack(1, 100, other_lots=100)]
    assert shop.buckets() == (0, 0, 0, 0)


def test_a_cancelled_capture_returns_what_it_took() -> None:
    """Each capture of a hold by itself."""
    shop = earned()
    hold = shop.done(shop.hold(60)).sequence
    first = shop.done(shop.capture(hold, 25)).sequence
    second = shop.done(shop.capture(hold, 35)).sequence
    shop.done(shop.reverse(first))
    assert shop.buckets() == (65, 0, 0, 0)
    shop.done(shop.reverse(second))
    assert shop.buckets() == (100, 0, 0, 0)
    assert refused(shop.reverse(second)) == "already_reversed"


def test_a_cancelled_spend_pays_debt_first() -> None:
    """Refund first, cancel after: the order of the two makes no difference (known failures 2, 3)."""
    ends = []
    for refund_first in (True, False):
        shop = earned()
        spend = shop.done(shop.spend(70)).sequence
        if refund_first:
            shop.refund("start")
            shop.reverse(spend)
        else:
            shop.reverse(spend)
            shop.refund("start")
        ends.append(shop.buckets())
    assert ends == [(0, 0, 0, 0)] * 2


# --- adjustments, and what cannot be undone ---


def test_adjustments_are_taken_back_in_either_direction() -> None:
    """Once."""
    shop = earned()
    up = shop.done(shop.adjust(50)).sequence
    down = shop.done(shop.adjust(-120)).sequence
    shop.done(shop.reverse(down))
    assert shop.buckets() == (150, 0, 0, 0)
    shop.done(shop.reverse(up))
    assert shop.buckets() == (100, 0, 0, 0)
    assert refused(shop.reverse(up)) == "already_reversed"
    assert refused(shop.reverse(down)) == "already_reversed"


def test_an_adjustment_already_spent_becomes_debt() -> None:
    """By the same policy as a refund."""
    shop = Shop()
    up = shop.done(shop.adjust(50)).sequence
    shop.spend(50)
    shop.done(shop.reverse(up))
    assert shop.buckets() == (0, 0, 0, 50)


def test_other_transactions_cannot_be_reversed() -> None:
    """Holds are released, transfers are sent back, reversals and what time did stay."""
    shop = earned()
    sequences = [shop.done(each).sequence for each in (shop.hold(10), shop.give(10))]
    spend = shop.done(shop.spend(10)).sequence
    sequences.append(shop.done(shop.reverse(spend)).sequence)
    shop.later(hours=1)
    shop.settle()
    sequences.append(len(shop.shell.transactions[ALICE]))
    assert shop.shell.transactions[ALICE][-1].kind is Kind.HOLD_EXPIRE
    for sequence in sequences:
        assert refused(shop.reverse(sequence)) == "not_reversible"
