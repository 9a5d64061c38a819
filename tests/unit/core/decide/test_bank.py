"""The points bank."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from jifen.core.calendar import RollingExpiry
from jifen.core.decide.bank import share_of
from jifen.core.ledger.values import Bucket, Kind, Transaction
from jifen.core.program import ProgramDocument, check_document
from jifen.core.refusal import Refusal
from jifen.core.trace import decode_trace
from jifen.core.wallets.commands import SavePoints, UnsavePoints
from jifen.core.wallets.document import Bank
from tests.model.programs import make_document
from tests.unit.core.shop import ALICE, Shop, refused

BANK = Bank("points", RollingExpiry(24), Decimal(50), 90)


def document(bank: Bank | None = BANK, **more: Any) -> ProgramDocument:
    """Points that expire after a month, and may be saved for two years."""
    made = msgspec.structs.replace(make_document(expiry=RollingExpiry(1), **more), bank=bank)
    check_document(made)
    return made


def saver(points: int = 200, **more: Any) -> Shop:
    """Alice has earned so many points."""
    shop = Shop(document(**more))
    shop.earn("start", (1, points * 100))
    return shop


def save(shop: Shop, points: int) -> Transaction | Refusal | None:
    """Alice saves."""
    return shop.do(SavePoints(ALICE, points))


def unsave(shop: Shop, points: int) -> Transaction | Refusal | None:
    """Alice takes out of savings."""
    return shop.do(UnsavePoints(ALICE, points))


def saved(shop: Shop) -> tuple[int, int]:
    """What is available and what is saved."""
    shop.settle()
    return (shop.account().available, shop.account().saved)


def test_saved_points_outlive_their_lot_and_come_back_with_the_expiry_of_savings() -> None:
    """The lot keeps its terms; what comes back is a new one that was earned when the old one was (known failure 54)."""
    shop = saver()
    earned_at = shop.now
    done = shop.done(save(shop, 60))
    until = decode_trace(done.trace).until
    assert (done.kind, saved(shop)) == (Kind.SAVE, (140, 60))
    shop.later(days=100)
    assert saved(shop) == (0, 60)
    shop.done(unsave(shop, 25))
    assert saved(shop) == (25, 35)
    (lot,) = shop.account().lots
    assert (lot.terms.earned_at, lot.terms.effective_at, lot.terms.expires_at) == (earned_at, shop.now, until)
    shop.later(days=800)
    assert saved(shop) == (0, 0)
    expired = [each for each in shop.shell.transactions[ALICE] if each.kind is Kind.EXPIRE]
    assert [each.refers_to for each in expired[-2:]].count(done.sequence) == 1
    assert shop.moved(Bucket.SAVED, Bucket.EXPIRED) == 35


def test_points_that_do_not_expire_soon_cannot_be_saved() -> None:
    """The refusal says how many do."""
    shop = Shop(document(msgspec.structs.replace(BANK, window_days=10)))
    shop.adjust(30, expires_at=shop.now + timedelta(days=10))
    shop.adjust(30, expires_at=shop.now + timedelta(days=11))
    shop.earn("start", (1, 100_000))
    refusal = save(shop, 31)
    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.details["expiring"]) == ("not_expiring_soon", 30)
    shop.done(save(shop, 30))


@pytest.mark.parametrize(("percent", "earned", "share"), [("50", 201, 100), ("33.3333", 100, 33), ("100", 7, 7)])
def test_the_share_is_exact(percent: str, earned: int, share: int) -> None:
    """Rounded down, by whole numbers alone."""
    assert share_of(msgspec.structs.replace(BANK, share_percent=Decimal(percent)), earned) == share


def test_no_more_than_the_share_of_a_year_is_saved() -> None:
    """What was taken back counts no longer as earned, and taking out makes no room; a new year does."""
    shop = saver(201)
    refusal = save(shop, 101)
    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.details["left"]) == ("limit_reached", 100)
    shop.done(save(shop, 100))
    shop.done(unsave(shop, 100))
    assert refused(save(shop, 1)) == "limit_reached"
    shop.earn("more", (1, 2_000))
    assert refused(save(shop, 11)) == "limit_reached"
    shop.done(save(shop, 10))
    shop.later(days=300)
    shop.earn("next year", (1, 1_000))
    assert refused(save(shop, 6)) == "limit_reached"
    shop.done(save(shop, 5))


def test_what_a_refund_takes_back_is_not_earned() -> None:
    """Else an order bought and returned would make room."""
    shop = saver(100)
    shop.earn("returned", (1, 50_000))
    shop.refund("returned")
    assert refused(save(shop, 51)) == "limit_reached"
    shop.done(save(shop, 50))


@pytest.mark.parametrize("policy", ["debt", "forgive"])
def test_a_refund_takes_saved_points_of_its_order(policy: Any) -> None:
    """Savings are no hiding place: what is saved of the lot of origin goes first, then other points, then debt."""
    shop = saver(200, spent_points=policy)
    shop.done(save(shop, 100))
    shop.done(shop.refund("start"))
    assert (saved(shop), shop.account().debt) == ((0, 0), 0)


@pytest.mark.parametrize("policy", ["debt", "forgive"])
def test_saved_points_of_another_order_pay_when_they_come_back(policy: Any) -> None:
    """They are not spent, so nothing is forgiven for them."""
    shop = saver(100, spent_points=policy)
    shop.done(save(shop, 50))
    shop.done(shop.spend(50))
    shop.earn("second", (1, 4_000))
    shop.done(shop.spend(40))
    shop.done(shop.refund("second"))
    assert (shop.account().saved, shop.account().debt) == (50, 40)
    shop.done(unsave(shop, 50))
    assert (saved(shop), shop.account().debt) == ((10, 0), 0)


def test_savings_cannot_be_overdrawn_or_spent() -> None:
    """What is saved is not available."""
    shop = saver()
    shop.done(save(shop, 100))
    refusal = unsave(shop, 101)
    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.details["missing"]) == ("insufficient_savings", 1)
    assert refused(shop.spend(101)) == "insufficient_points"


def test_without_a_bank_nothing_is_saved() -> None:
    """Both ways."""
    shop = Shop(make_document())
    shop.earn("start", (1, 10_000))
    assert refused(save(shop, 1)) == "no_bank"
    assert refused(unsave(shop, 1)) == "no_bank"


@pytest.mark.parametrize(
    "bank",
    [
        msgspec.structs.replace(BANK, wallet="coins"),
        msgspec.structs.replace(BANK, share_percent=Decimal(101)),
        msgspec.structs.replace(BANK, share_percent=Decimal(0)),
        msgspec.structs.replace(BANK, window_days=0),
        msgspec.structs.replace(BANK, expiry=RollingExpiry(2)),
    ],
)
def test_a_bank_that_makes_no_sense_is_refused(bank: Bank) -> None:
    """Savings must last longer than what may be put aside."""
    with pytest.raises(Exception, match=r"\$\.bank"):
        document(bank)
