"""Points are spent."""

from __future__ import annotations

from datetime import timedelta

import pytest

from jifen.core.ledger.values import Account, MemberState
from jifen.core.limits import MAXIMUM_AMOUNT, MAXIMUM_BALANCE
from jifen.core.refusal import Refusal
from tests.model.programs import make_document
from tests.unit.core.shop import ALICE, BOB, START, Shop, refused


def shop_with(points: int) -> Shop:
    """Alice has earned so many points."""
    shop = Shop()
    shop.earn("start", (1, points * 100))
    return shop


def test_a_spend_takes_what_expires_soonest() -> None:
    """Not what was earned first (known failure 55)."""
    shop = shop_with(100)
    shop.adjust(50, expires_at=START + timedelta(days=5))
    spent = shop.done(shop.spend(70))
    assert [movement.amount for movement in spent.movements] == [50, 20]
    assert shop.buckets() == (80, 0, 0, 0)


@pytest.mark.parametrize("points", [0, -5, MAXIMUM_AMOUNT + 1])
def test_points_that_mean_nothing_are_refused(points: int) -> None:
    """Zero, negative, beyond the limit, for every command that takes points away."""
    shop = shop_with(100)
    assert refused(shop.spend(points)) == "invalid_points"
    assert refused(shop.hold(points)) == "invalid_points"
    assert refused(shop.give(points)) == "invalid_points"
    assert shop.buckets() == (100, 0, 0, 0)


def test_more_than_is_available_is_refused_with_the_figures() -> None:
    """Known failures 36 and 42: no overdraw, and no partial spend."""
    shop = shop_with(100)
    refusal = shop.spend(101)
    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.pointer) == ("insufficient_points", "/points")
    assert refusal.details == {"requested": 101, "available": 100, "missing": 1}
    shop.done(shop.spend(100))
    assert refused(shop.spend(1)) == "insufficient_points"


def test_held_and_pending_points_cannot_be_spent() -> None:
    """Holds count from the first moment."""
    shop = Shop(make_document(pending_days=1))
    shop.adjust(100)
    shop.earn("o1", (1, 5_000))
    shop.hold(60)
    assert refused(shop.spend(41)) == "insufficient_points"
    shop.done(shop.spend(40))
    assert shop.buckets() == (0, 50, 60, 0)


def test_expired_points_cannot_be_spent() -> None:
    """Also when nothing has booked the expiry yet, to the minute (known failures 45, 51)."""
    shop = shop_with(0)
    shop.adjust(100, expires_at=START + timedelta(days=5))
    shop.later(days=5, minutes=-1)
    shop.done(shop.spend(1))
    shop.later(minutes=1)
    assert refused(shop.spend(1)) == "insufficient_points"
    assert shop.buckets() == (0, 0, 0, 0)


def test_a_refused_command_changes_nothing_at_all() -> None:
    """Not even what time has done is booked with it."""
    shop = shop_with(0)
    shop.adjust(100, expires_at=START + timedelta(days=5))
    before = shop.shell.states[ALICE]
    shop.later(days=6)
    assert refused(shop.spend(1)) == "insufficient_points"
    assert shop.shell.states[ALICE] is before


def test_wallets_are_apart() -> None:
    """Points of one wallet do not pay for another (known failure 76)."""
    shop = shop_with(100)
    shop.adjust(30, wallet="growth")
    assert refused(shop.spend(31, wallet="growth")) == "insufficient_points"
    shop.done(shop.spend(30, wallet="growth"))
    assert shop.buckets() == (100, 0, 0, 0)


def test_no_account_passes_its_largest_balance() -> None:
    """Adjusted up or received."""
    shop = shop_with(100)
    full = MemberState(BOB, 0, (Account(1, available=MAXIMUM_BALANCE),))
    shop.shell.states[BOB] = full
    assert refused(shop.give(1)) == "balance_too_large"
    shop.shell.states[ALICE] = MemberState(ALICE, 1, (Account(1, held=MAXIMUM_BALANCE, is_complete=False),))
    assert refused(shop.adjust(1)) == "balance_too_large"
