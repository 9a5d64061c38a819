"""Points change hands."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from jifen.core.calendar import RollingExpiry
from jifen.core.commands import TransferPoints
from jifen.core.ledger.values import Bucket, Kind
from jifen.core.program import ProgramDocument
from jifen.core.refusal import Refusal
from jifen.core.rules.standing import Profile
from jifen.core.trace import decode_trace
from jifen.core.wallets.document import Gifts
from tests.model.programs import make_document
from tests.unit.core.decide.test_spend import shop_with
from tests.unit.core.shop import ALICE, BOB, START, Shop, refused


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


def generous(**said: object) -> ProgramDocument:
    """A program with limits for gifts."""
    return msgspec.structs.replace(make_document(), gifts=msgspec.convert(said, Gifts))


def rich(document: ProgramDocument, points: int = 1_000) -> Shop:
    """Alice has points to give."""
    shop = Shop(document)
    shop.adjust(points)
    return shop


def test_without_limits_anything_can_be_given() -> None:
    """A program that says nothing of gifts behaves as it always did."""
    shop = rich(make_document())
    for points in (1, 999):
        shop.done(shop.give(points))
    assert shop.buckets(BOB) == (1_000, 0, 0, 0)


@pytest.mark.parametrize(("points", "code"), [(9, "below_least"), (101, "above_most"), (10, None), (100, None)])
def test_a_gift_has_a_least_and_a_most(points: int, code: str | None) -> None:
    """Both are allowed themselves."""
    outcome = rich(generous(least=10, most=100)).give(points)
    assert (outcome.code if isinstance(outcome, Refusal) else None) == code


def test_only_wallets_that_are_named_can_be_given_from() -> None:
    """Where some are named."""
    shop = rich(generous(wallets=["points"]))
    shop.adjust(50, wallet="growth")
    assert refused(shop.do(TransferPoints(ALICE, BOB, "growth", 5))) == "gifts_not_allowed"
    shop.done(shop.give(5))


def test_limits_of_a_day_say_what_is_left_and_end_with_it() -> None:
    """Points and number of gifts; the day is the program's (04:00 UTC is noon in Shanghai)."""
    limits = [{"limit": "points", "most": 100, "period": "day"}, {"limit": "count", "most": 3, "period": "month"}]
    shop = rich(generous(limits=limits))
    shop.done(shop.give(60))
    over = shop.give(41)
    assert isinstance(over, Refusal)
    assert (over.code, over.details["left"], over.details["period"]) == ("limit_reached", 40, "day")
    assert (
        over.details["whose"] == "giver"
        and over.message == "The giver may move 100 points in this day, and has 40 left."
    )
    shop.done(shop.give(40))
    shop.later(hours=11)
    assert refused(shop.give(1)) == "limit_reached"
    shop.later(hours=1)
    shop.done(shop.give(1))
    over = shop.give(1)
    assert isinstance(over, Refusal)
    assert (over.details["limit"], over.details["left"]) == ("count", 0)
    assert decode_trace(shop.shell.transactions[ALICE][-1].trace).uses == {
        "gifts/points/member/day/2026-03-11": 1,
        "gifts/count/member/month/2026-03-01": 1,
    }


def test_receivers_have_limits_of_their_own() -> None:
    """Else one account gathers what many give (known failure 88)."""
    shop = rich(generous(receiver_limits=[{"limit": "points", "most": 50, "period": "lifetime"}]))
    shop.done(shop.give(50))
    assert refused(shop.give(1)) == "limit_reached"
    assert shop.buckets(BOB) == (50, 0, 0, 0)


@pytest.mark.parametrize("whose", ["giver", "receiver"])
def test_new_members_wait(whose: str) -> None:
    """So long as the program says, either side (known failure 88)."""
    name = "cooling_days" if whose == "giver" else "receiver_cooling_days"
    shop = rich(generous(**{name: 7}))
    member = ALICE if whose == "giver" else BOB
    state = shop.shell.states[member]
    shop.shell.states[member] = msgspec.structs.replace(state, profile=Profile(registered_at=START))
    shop.later(days=6, hours=23)
    refusal = shop.give(1)
    assert refused(refusal) == "cooling_down"
    assert isinstance(refusal, Refusal) and str(refusal.details["allowed_locally"]) in refusal.message
    shop.later(hours=1)
    shop.done(shop.give(1))


def test_points_that_count_for_tiers_are_not_given() -> None:
    """Whatever the program says of gifts."""
    wallets = [msgspec.structs.replace(each, kind="qualifying") for each in make_document().wallets[1:]]
    document = msgspec.structs.replace(make_document(), wallets=[make_document().wallets[0], *wallets])
    shop = Shop(document)
    shop.adjust(50, wallet="growth")
    assert refused(shop.do(TransferPoints(ALICE, BOB, "growth", 5))) == "wallet_not_spendable"
