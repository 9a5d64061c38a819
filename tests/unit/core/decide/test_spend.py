"""Points go out, are corrected by hand, or change hands."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from jifen.core.calendar import RollingExpiry
from jifen.core.commands import TransferPoints
from jifen.core.ledger.values import Account, Bucket, Kind, MemberState
from jifen.core.limits import MAXIMUM_AMOUNT, MAXIMUM_BALANCE
from jifen.core.refusal import Refusal
from jifen.core.trace import decode_trace
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


def test_adjusting_up_opens_a_lot_that_expires_as_earned_points_do() -> None:
    """Or when it is told to."""
    shop = Shop(make_document(expiry=RollingExpiry(1)))
    shop.adjust(30)
    shop.adjust(20, expires_at=START + timedelta(hours=1))
    assert shop.lots() == [(20, START + timedelta(hours=1)), (30, datetime(2026, 4, 10, 16, 0, tzinfo=UTC))]


def test_adjusting_down_takes_available_points_only() -> None:
    """It neither makes debt nor touches what is held (known failure 39)."""
    shop = shop_with(100)
    shop.hold(60)
    assert refused(shop.adjust(-41)) == "insufficient_points"
    adjusted = shop.done(shop.adjust(-40))
    assert decode_trace(adjusted.trace).points == -40
    assert shop.buckets() == (0, 0, 60, 0)


@pytest.mark.parametrize("points", [0, MAXIMUM_AMOUNT + 1, -MAXIMUM_AMOUNT - 1])
def test_an_adjustment_that_means_nothing_is_refused(points: int) -> None:
    """Zero and beyond the limit."""
    assert refused(shop_with(100).adjust(points)) == "invalid_points"


def test_an_adjustment_down_has_no_expiry() -> None:
    """A clear refusal, not a crash (known failure 53)."""
    assert refused(shop_with(100).adjust(-1, expires_at=START + timedelta(days=1))) == "expiry_not_applicable"


@pytest.mark.parametrize("late", [timedelta(0), timedelta(days=1)])
def test_an_adjustment_cannot_have_expired_already(late: timedelta) -> None:
    """Known failure 42: an already past date is refused."""
    assert refused(shop_with(0).adjust(1, expires_at=START - late)) == "instant_in_past"


def test_no_account_passes_its_largest_balance() -> None:
    """Adjusted up or received."""
    shop = shop_with(100)
    full = MemberState(BOB, 0, (Account(1, available=MAXIMUM_BALANCE),))
    shop.shell.states[BOB] = full
    assert refused(shop.give(1)) == "balance_too_large"
    shop.shell.states[ALICE] = MemberState(ALICE, 1, (Account(1, held=MAXIMUM_BALANCE, is_complete=False),))
    assert refused(shop.adjust(1)) == "balance_too_large"


def test_transferred_points_keep_their_terms() -> None:
    """Passing points on prolongs nothing, also not back and forth (known failures 23, 42)."""
    shop = Shop(make_document(expiry=RollingExpiry(12)))
    shop.adjust(30, expires_at=START + timedelta(days=5))
    shop.earn("o1", (1, 10_000))
    terms = [(lot.remaining, lot.terms) for lot in shop.account().lots]
    shop.later(days=1)
    given = shop.done(shop.give(130))
    assert given.counterpart == (BOB, 1)
    assert [(lot.remaining, lot.terms) for lot in shop.account(BOB).lots] == terms
    shop.do(TransferPoints(BOB, ALICE, None, 130), BOB)
    assert [(lot.remaining, lot.terms) for lot in shop.account().lots] == terms
    shop.later(days=4)
    assert shop.buckets() == (100, 0, 0, 0)


def test_a_transfer_is_one_transaction_on_each_side() -> None:
    """Each names the other; the sum of both is zero."""
    shop = shop_with(100)
    shop.give(40)
    here, there = shop.shell.transactions[ALICE][-1], shop.shell.transactions[BOB][-1]
    assert (here.kind, there.kind) == (Kind.TRANSFER, Kind.TRANSFER)
    assert (here.counterpart, there.counterpart) == ((BOB, there.sequence), (ALICE, here.sequence))
    assert decode_trace(here.trace).points == -40
    assert decode_trace(there.trace).points == 40
    assert shop.moved(Bucket.AVAILABLE, Bucket.TRANSIT) == shop.moved(Bucket.TRANSIT, Bucket.AVAILABLE, BOB) == 40


def test_received_points_pay_debt() -> None:
    """As all points that come in do."""
    shop = Shop()
    shop.earn("o1", (1, 10_000), member=BOB)
    shop.spend(100, member=BOB)
    shop.refund("o1")
    shop.adjust(150)
    shop.give(150)
    assert shop.buckets(BOB) == (50, 0, 0, 0)


def test_expired_points_of_either_side_are_booked_before_a_transfer() -> None:
    """What has expired is not given away, and the receiver's is gone as well."""
    shop = shop_with(10)
    shop.adjust(90, expires_at=START + timedelta(days=1))
    shop.later(days=1)
    assert refused(shop.give(11)) == "insufficient_points"
    shop.done(shop.give(10))
    assert (shop.buckets(), shop.buckets(BOB)) == ((0, 0, 0, 0), (10, 0, 0, 0))
