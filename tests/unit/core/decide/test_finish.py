"""What follows a command: what comes back to whoever has left is forfeited, where the program says so."""

from __future__ import annotations

import msgspec
import pytest

from jifen.core.calendar import RollingExpiry
from jifen.core.ledger.values import Bucket, Kind
from jifen.core.program import MemberPolicy
from jifen.core.trace import decode_trace
from tests.model.programs import make_document, make_program
from tests.unit.core.members.test_closing import take
from tests.unit.core.shop import ALICE, Shop


def test_what_comes_back_to_a_closed_member_is_forfeited_at_once() -> None:
    """By a transaction of its own that names what brought it; the answer tells that nothing is left (known failure
    21)."""
    shop = Shop()
    shop.earn("A1", (1, 10_000))
    spent = shop.done(shop.spend(40))
    assert take(shop, "close") is None
    back = shop.done(shop.reverse(spent.sequence))
    assert [each.available for each in decode_trace(back.trace).left] == [0]
    forfeited = shop.shell.transactions[ALICE][-1]
    trace = decode_trace(forfeited.trace)
    assert (forfeited.kind, forfeited.refers_to, trace.points) == (Kind.ADJUST, back.sequence, -40)
    assert trace.dealings is not None and trace.dealings.forfeited == "came_back"
    assert shop.moved(Bucket.AVAILABLE, Bucket.ADJUSTED) == 100
    shop.later(days=800)
    assert shop.buckets() == (0, 0, 0, 0)


def test_what_comes_back_pays_what_is_owed_first() -> None:
    """Only the rest is forfeited."""
    shop = Shop()
    shop.earn("A1", (1, 10_000))
    spent = shop.done(shop.spend(40))
    shop.earn("A2", (1, 1_000))
    assert take(shop, "close") is None
    shop.done(shop.refund("A2"))
    assert shop.buckets() == (0, 0, 0, 10)
    shop.done(shop.reverse(spent.sequence))
    assert shop.buckets() == (0, 0, 0, 0)
    trace = decode_trace(shop.shell.transactions[ALICE][-1].trace)
    assert trace.points == -30


@pytest.mark.parametrize(("now", "kept"), [("keep", 100), ("forfeit", 60)])
def test_the_program_in_force_decides_on_what_comes_back(now: str, kept: int) -> None:
    """What a member was let keep stays, also where the program forfeits by now; only what comes back is taken, from the
    lot that it came back to."""
    document = make_program(None).document
    members = msgspec.structs.replace(document, members=MemberPolicy(closed_points="keep"))
    shop = Shop(members)
    shop.earn("A1", (1, 10_000))
    spent = shop.done(shop.spend(40))
    assert take(shop, "close") is None
    shop.publish(msgspec.structs.replace(document, members=MemberPolicy(closed_points=now)))  # type: ignore[arg-type]
    shop.done(shop.reverse(spent.sequence))
    assert shop.buckets() == (kept, 0, 0, 0)


def test_what_has_expired_meanwhile_is_not_forfeited_as_well() -> None:
    """It came back to a lot that was over."""
    shop = Shop(make_document(expiry=RollingExpiry(1)))
    shop.earn("A1", (1, 10_000))
    spent = shop.done(shop.spend(40))
    assert take(shop, "close") is None
    shop.later(days=800)
    shop.done(shop.reverse(spent.sequence))
    assert shop.buckets() == (0, 0, 0, 0)
    assert shop.shell.transactions[ALICE][-1].kind is Kind.EXPIRE
