"""A completed order earns points."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec

from jifen.core.calendar import RollingExpiry
from jifen.core.ledger.values import Account, Bucket, Kind, MemberState
from jifen.core.limits import MAXIMUM_AMOUNT, MAXIMUM_BALANCE
from jifen.core.orders import Order
from jifen.core.trace import decode_trace
from tests.model.programs import make_document
from tests.unit.core.shop import ALICE, BOB, START, Shop, refused


def test_an_order_opens_a_lot() -> None:
    """Movement, lot, balances, trace and the facts that a refund needs later."""
    shop = Shop()
    earned = shop.done(shop.earn("o1", (1, 1250), (2, 800)))
    assert earned.kind is Kind.EARN
    trace = decode_trace(earned.trace)
    assert [(award.rule, award.points, award.rated_cents) for award in trace.awards] == [("base", 20, 2050)]
    assert trace.balances[0].available == 20
    assert earned.facts is not None
    assert msgspec.json.decode(earned.facts, type=Order).order_id == "o1"
    assert shop.buckets() == (20, 0, 0, 0)


def test_an_order_without_points_is_recorded() -> None:
    """So that the order is known, counts its sequence, and can be refunded (known failure 68)."""
    shop = Shop()
    earned = shop.done(shop.earn("o1", (1, 99)))
    assert earned.movements == ()
    assert shop.account().last_sequence == 1
    assert shop.done(shop.refund("o1")).movements == ()


def test_only_what_was_paid_is_rated() -> None:
    """A line that a voucher or points paid for earns nothing, and takes nothing from others (known failures 66, 67)."""
    shop = Shop()
    earned = shop.done(shop.earn("o1", (1, 10_000), (3, 0)))
    assert decode_trace(earned.trace).awards[0].rated_cents == 10_000
    assert shop.buckets() == (100, 0, 0, 0)


def test_an_amount_below_a_point_opens_no_empty_lot() -> None:
    """No lot of zero points stands in the way of later spends (known failure 62)."""
    shop = Shop(make_document(per_cents=10_000))
    shop.earn("o1", (1, 9_999))
    shop.earn("o2", (1, 10_000))
    assert [points for points, _ in shop.lots()] == [1]
    assert shop.buckets() == (1, 0, 0, 0)


def test_a_voided_line_keeps_no_points() -> None:
    """Points of a line that was taken back whole go back whole (known failure 19)."""
    shop = Shop(make_document(basis="line"))
    shop.earn("o1", (2, 10_150), (1, 5_050))
    shop.done(shop.refund("o1", (1, 2)))
    assert shop.buckets() == (50, 0, 0, 0)


def test_points_wait_for_the_return_period() -> None:
    """Pending points cannot be spent; they become available on time (known failure 82)."""
    shop = Shop(make_document(pending_days=14))
    shop.earn("o1", (1, 10_000))
    assert shop.buckets() == (0, 100, 0, 0)
    assert refused(shop.spend(1)) == "insufficient_points"
    shop.later(days=14, minutes=-1)
    assert shop.buckets() == (0, 100, 0, 0)
    shop.later(minutes=1)
    assert shop.buckets() == (100, 0, 0, 0)


def test_a_late_order_gives_what_it_would_have_given() -> None:
    """Pending period and expiry count from when it happened."""
    shop = Shop(make_document(pending_days=14, expiry=RollingExpiry(1)))
    shop.earn("late", (1, 10_000), at=START - timedelta(days=20))
    assert shop.buckets() == (100, 0, 0, 0)
    assert shop.lots() == [(100, datetime(2026, 3, 18, 16, 0, tzinfo=UTC))]


def test_an_order_so_late_that_its_points_have_expired() -> None:
    """They are issued and expire in the same breath, when they would have (known failures 42, 46)."""
    shop = Shop(make_document(expiry=RollingExpiry(1)))
    shop.earn("very late", (1, 10_000), at=START - timedelta(days=90))
    assert shop.buckets() == (0, 0, 0, 0)
    earn, expire = shop.shell.transactions[ALICE]
    assert (earn.kind, expire.kind) == (Kind.EARN, Kind.EXPIRE)
    assert expire.occurred_at < START
    assert shop.moved(Bucket.AVAILABLE, Bucket.EXPIRED) == 100


def test_another_currency_is_refused() -> None:
    """Points for a foreign amount would be wrong by the rate."""
    shop = Shop()
    assert refused(shop.earn("o1", (1, 100), currency="USD")) == "currency_mismatch"
    assert shop.shell.transactions[ALICE] == []


def test_more_points_than_an_account_holds_are_refused() -> None:
    """A clear refusal, nothing overflows, and nothing changes."""
    shop = Shop(make_document(points=10**9, per_cents=1))
    assert refused(shop.earn("o1", (1, 10**7))) == "amount_too_large"
    shop.done(shop.earn("o2", (1, 10**6)))
    assert shop.buckets() == (MAXIMUM_AMOUNT, 0, 0, 0)
    nearly_full = Account(1, available=MAXIMUM_BALANCE - MAXIMUM_AMOUNT + 1)
    shop.shell.states[BOB] = MemberState(BOB, 0, (nearly_full,))
    assert refused(shop.earn("o3", (1, 10**6), member=BOB)) == "balance_too_large"


def test_debt_is_paid_by_the_next_order() -> None:
    """And the lot keeps only the rest."""
    shop = Shop()
    shop.earn("o1", (1, 10_000))
    shop.spend(100)
    shop.refund("o1")
    assert shop.buckets() == (0, 0, 0, 100)
    shop.earn("o2", (1, 15_000))
    assert shop.buckets() == (50, 0, 0, 0)
    assert [remaining for remaining, _ in shop.lots()] == [50]
