"""What time does by itself, in the order in which it became due, however late it is booked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jifen.core.calendar import RollingExpiry
from jifen.core.ledger.values import Bucket, Kind
from tests.model.programs import make_document
from tests.unit.core.shop import ALICE, START, Shop


def kinds(shop: Shop) -> list[Kind]:
    """The kinds of Alice's transactions."""
    return [each.kind for each in shop.shell.transactions[ALICE]]


def test_only_what_has_expired_expires() -> None:
    """Lot by lot, each at its own instant (known failures 42, 44)."""
    shop = Shop()
    for days in (3, 1, 2):
        shop.adjust(10 * days, expires_at=START + timedelta(days=days))
    shop.adjust(5)
    shop.later(days=2)
    assert shop.buckets() == (35, 0, 0, 0)
    expiries = [each.occurred_at for each in shop.shell.transactions[ALICE] if each.kind is Kind.EXPIRE]
    assert expiries == [START + timedelta(days=1), START + timedelta(days=2)]


def test_lots_that_expire_together_expire_in_one_transaction() -> None:
    """One instant, one line in the history."""
    shop = Shop()
    shop.adjust(10, expires_at=START + timedelta(days=1))
    shop.adjust(20, expires_at=START + timedelta(days=1))
    shop.later(days=1)
    shop.settle()
    assert kinds(shop) == [Kind.ADJUST, Kind.ADJUST, Kind.EXPIRE]
    assert len(shop.shell.transactions[ALICE][-1].movements) == 2


def test_settling_again_changes_nothing() -> None:
    """Not even a sequence."""
    shop = Shop()
    shop.adjust(10, expires_at=START + timedelta(days=1))
    shop.later(days=1)
    shop.settle()
    before = shop.shell.states[ALICE]
    shop.settle()
    assert shop.shell.states[ALICE] is before


def test_points_expire_at_the_end_of_the_day_of_the_program() -> None:
    """Not 24 hours later, and not at midnight UTC."""
    shop = Shop(make_document(expiry=RollingExpiry(1)))
    shop.earn("o1", (1, 10_000))
    shop.now = datetime(2026, 4, 10, 15, 59, 59, 999_999, tzinfo=UTC)
    assert shop.buckets() == (100, 0, 0, 0)
    shop.later(minutes=1)
    assert shop.buckets() == (0, 0, 0, 0)


def test_maturing_comes_before_the_end_of_holds_and_that_before_expiry() -> None:
    """At one and the same instant: what matures or returns then, and expires then, is not lost from the books."""
    shop = Shop(make_document(pending_days=1))
    end = START + timedelta(days=1)
    shop.earn("o1", (1, 10_000))
    shop.adjust(50, expires_at=end)
    shop.hold(30, end)
    shop.later(days=2)
    shop.settle()
    assert kinds(shop)[3:] == [Kind.MATURE, Kind.HOLD_EXPIRE, Kind.EXPIRE]
    assert shop.shell.transactions[ALICE][-1].occurred_at == end
    assert shop.buckets() == (100, 0, 0, 0)
    assert shop.moved(Bucket.AVAILABLE, Bucket.EXPIRED) == 50


def test_a_hold_that_ends_after_its_lot_expired_lets_the_points_expire_then() -> None:
    """When they returned, not when the lot expired."""
    shop = Shop()
    shop.adjust(50, expires_at=START + timedelta(hours=1))
    shop.hold(30, START + timedelta(hours=5))
    shop.later(days=1)
    shop.settle()
    expiries = [(each.kind, each.occurred_at) for each in shop.shell.transactions[ALICE][2:]]
    assert expiries == [
        (Kind.EXPIRE, START + timedelta(hours=1)),
        (Kind.HOLD_EXPIRE, START + timedelta(hours=5)),
        (Kind.EXPIRE, START + timedelta(hours=5)),
    ]


@pytest.mark.parametrize(
    ("policy", "days", "available"),
    [("grace", 2, 30), ("grace", 3, 0), ("new_lot", 3, 30), ("new_lot", 60, 0), ("expire", 1, 0)],
)
def test_grace_counts_from_the_end_of_the_hold_also_when_booked_late(policy: str, days: int, available: int) -> None:
    """Nobody has looked for days: the result is as if somebody had looked all the time."""
    shop = Shop(
        make_document(
            expired_lots=policy,  # type: ignore[arg-type]
            grace_days=2 if policy == "grace" else 0,
            expiry=RollingExpiry(1),
        )
    )
    shop.adjust(50, expires_at=START + timedelta(hours=1))
    shop.hold(30, START + timedelta(hours=5))
    shop.later(days=days)
    assert shop.buckets() == (available, 0, 0, 0)


def test_maturing_points_pay_debt() -> None:
    """The history shows the repayment with the maturing."""
    shop = Shop(make_document(pending_days=3))
    shop.adjust(100)
    adjusted = shop.shell.transactions[ALICE][-1].sequence
    shop.spend(100)
    shop.reverse(adjusted)
    assert shop.buckets() == (0, 0, 0, 100)
    shop.earn("o1", (1, 15_000))
    assert shop.buckets() == (0, 150, 0, 100)
    shop.later(days=3)
    assert shop.buckets() == (50, 0, 0, 0)
    assert shop.moved(Bucket.AVAILABLE, Bucket.DEBT) == 100


@given(st.lists(st.tuples(st.integers(1, 50), st.integers(1, 400)), max_size=8), st.integers(1, 500), st.integers(1, 9))
def test_when_it_is_booked_makes_no_difference(lots: list[tuple[int, int]], hours: int, looks: int) -> None:
    """Settling often and settling once end at the same lots, balances and instants."""
    often, once = Shop(make_document(pending_days=2)), Shop(make_document(pending_days=2))
    for shop in (often, once):
        shop.earn("o1", (1, 7_700))
        for points, expires_after in lots:
            shop.adjust(points, expires_at=START + timedelta(hours=expires_after))
        shop.hold(1 + sum(points for points, _ in lots) // 2, START + timedelta(hours=100))
    for look in range(looks):
        often.now = START + timedelta(hours=hours * look // looks)
        often.settle()
    for shop in (often, once):
        shop.now = START + timedelta(hours=hours)
        shop.settle()
    history = [
        [(each.kind, each.occurred_at, each.movements) for each in shop.shell.transactions[ALICE]]
        for shop in (often, once)
    ]
    assert history[0] == history[1]
    assert often.account() == once.account()
