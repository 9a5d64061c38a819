"""Steps in life: freezing keeps everything, leaving takes the points where the program says so."""

from __future__ import annotations

import msgspec
import pytest

from jifen.core.ledger.values import Bucket, Kind, MemberStatus
from jifen.core.members.commands import ChangeLife, LifeStep
from jifen.core.program import MemberPolicy
from jifen.core.refusal import Refusal
from tests.model.programs import make_document, make_program
from tests.unit.core.shop import ALICE, BOB, Shop, refused


def take(shop: Shop, step: LifeStep) -> Refusal | None:
    """A step of Alice."""
    outcome = shop.do(ChangeLife(ALICE, step))
    return outcome if isinstance(outcome, Refusal) else None


def test_freezing_and_unfreezing_move_nothing() -> None:
    """Twice is the same as once; in between nothing can be spent (known failure 21)."""
    shop = Shop()
    shop.earn("A1", (1, 10_000))
    for _ in range(2):
        assert take(shop, "freeze") is None
    assert shop.shell.states[ALICE].status is MemberStatus.FROZEN
    assert refused(shop.spend(1)) == "member_frozen"
    shop.earn("A2", (1, 10_000))
    assert take(shop, "unfreeze") is None
    assert shop.buckets()[0] == 200
    shop.done(shop.spend(200))


@pytest.mark.parametrize("step", ["close", "anonymise"])
def test_whoever_leaves_loses_the_points(step: LifeStep) -> None:
    """The member's own points, and nobody else's (known failure 22)."""
    shop = Shop()
    shop.earn("A1", (1, 10_000))
    shop.earn("B1", (1, 5_000), member=BOB)
    assert take(shop, step) is None
    assert (shop.buckets()[0], shop.buckets(BOB)[0]) == (0, 50)
    forfeited = shop.shell.transactions[ALICE][-1]
    assert (forfeited.kind, shop.moved(Bucket.AVAILABLE, Bucket.ADJUSTED)) == (Kind.ADJUST, 100)
    assert refused(shop.earn("A2", (1, 100))) == f"member_{'closed' if step == 'close' else 'anonymised'}"
    # Goods may still come back: what is owed is booked, and no points appear.
    shop.done(shop.refund("A1"))
    assert shop.buckets() == (0, 0, 0, 100)


def test_a_program_may_let_them_keep_the_points() -> None:
    """They expire as they would have; time and refunds still work."""
    document = msgspec.structs.replace(make_program(None).document, members=MemberPolicy(closed_points="keep"))
    shop = Shop(document)
    shop.earn("A1", (1, 10_000))
    assert take(shop, "close") is None
    assert shop.buckets()[0] == 100
    shop.done(shop.refund("A1"))
    assert shop.buckets() == (0, 0, 0, 0)


def test_what_waited_waits_again_where_its_forfeiture_is_taken_back() -> None:
    """Points that were not valid yet come back as such, and are taken back from there when the goods come back."""
    document = make_document(pending_days=7)
    shop = Shop(document)
    shop.earn("A1", (1, 10_000))
    assert take(shop, "close") is None
    forfeited = shop.shell.transactions[ALICE][-1]
    shop.publish(msgspec.structs.replace(document, members=MemberPolicy(closed_points="keep")))
    shop.done(shop.reverse(forfeited.sequence))
    assert shop.buckets() == (0, 100, 0, 0)
    shop.later(days=8)
    shop.settle()
    assert shop.buckets() == (100, 0, 0, 0)


def test_nobody_leaves_with_open_holds() -> None:
    """They are captured or released first."""
    shop = Shop()
    shop.earn("A1", (1, 10_000))
    held = shop.done(shop.hold(60))
    refusal = take(shop, "close")
    assert refusal is not None
    assert (refusal.code, refusal.details["held"]) == ("holds_open", 60)
    shop.done(shop.release(held.sequence))
    assert take(shop, "close") is None
