"""Two-step spending."""

from __future__ import annotations

from datetime import timedelta

from jifen.core.ledger.values import Bucket, Kind
from jifen.core.limits import MAXIMUM_HOLD
from jifen.core.trace import decode_trace
from tests.model.programs import make_document
from tests.unit.core.shop import ALICE, START, Shop, refused


def shop_with(points: int) -> Shop:
    """Alice has earned so many points."""
    shop = Shop(make_document(hold_minutes=30))
    shop.earn("start", (1, points * 100))
    return shop


def test_a_hold_binds_points_until_its_end() -> None:
    """Default length from the program; the trace says until when."""
    shop = shop_with(100)
    held = shop.done(shop.hold(60))
    assert decode_trace(held.trace).until == START + timedelta(minutes=30)
    assert shop.buckets() == (40, 0, 60, 0)
    shop.later(minutes=29)
    assert shop.buckets() == (40, 0, 60, 0)
    shop.later(minutes=1)
    assert shop.buckets() == (100, 0, 0, 0)
    ended = shop.shell.transactions[ALICE][-1]
    assert (ended.kind, ended.refers_to) == (Kind.HOLD_EXPIRE, held.sequence)


def test_the_end_of_a_hold_lies_in_the_future_but_not_too_far() -> None:
    """An hour, a year, not now, not ten years."""
    shop = shop_with(100)
    assert refused(shop.hold(1, START)) == "instant_in_past"
    assert refused(shop.hold(1, START + MAXIMUM_HOLD + timedelta(seconds=1))) == "instant_too_far"
    shop.done(shop.hold(1, START + MAXIMUM_HOLD))


def test_a_hold_cannot_bind_more_than_there_is() -> None:
    """Two holds compete for the same points (known failures 25, 36)."""
    shop = shop_with(100)
    shop.done(shop.hold(60))
    assert refused(shop.hold(41)) == "insufficient_points"
    shop.done(shop.hold(40))
    assert shop.buckets() == (0, 0, 100, 0)


def test_a_capture_spends_what_is_held() -> None:
    """All of it where nothing is said; then the hold is closed (known failures 36, 71)."""
    shop = shop_with(100)
    hold = shop.done(shop.hold(60)).sequence
    captured = shop.done(shop.capture(hold))
    assert (captured.kind, captured.refers_to) == (Kind.CAPTURE, hold)
    assert decode_trace(captured.trace).points == 60
    assert refused(shop.capture(hold)) == "hold_closed"
    assert refused(shop.release(hold)) == "hold_closed"
    assert shop.buckets() == (40, 0, 0, 0)


def test_captures_in_parts_never_pass_the_hold() -> None:
    """The rest stays bound, can be captured on, and cannot be exceeded."""
    shop = shop_with(100)
    hold = shop.done(shop.hold(60)).sequence
    shop.done(shop.capture(hold, 25))
    assert shop.buckets() == (40, 0, 35, 0)
    assert refused(shop.capture(hold, 36)) == "hold_exceeded"
    assert refused(shop.capture(hold, 0)) == "invalid_points"
    shop.done(shop.capture(hold, 35))
    assert refused(shop.capture(hold, 1)) == "hold_closed"
    assert shop.moved(Bucket.HELD, Bucket.SPENT) == 60


def test_a_capture_can_free_the_rest() -> None:
    """In a transaction of its own, so that each says one thing."""
    shop = shop_with(100)
    hold = shop.done(shop.hold(60)).sequence
    captured = shop.done(shop.capture(hold, 25, release_rest=True))
    assert captured.kind is Kind.CAPTURE
    assert [each.kind for each in shop.shell.transactions[ALICE][-2:]] == [Kind.CAPTURE, Kind.RELEASE]
    assert shop.buckets() == (75, 0, 0, 0)
    assert refused(shop.capture(hold)) == "hold_closed"


def test_release_rest_of_a_whole_capture_releases_nothing() -> None:
    """There is no empty transaction."""
    shop = shop_with(100)
    hold = shop.done(shop.hold(60)).sequence
    shop.done(shop.capture(hold, 60, release_rest=True))
    assert shop.shell.transactions[ALICE][-1].kind is Kind.CAPTURE


def test_a_release_returns_points_to_their_lots() -> None:
    """Each to the lot it came from, once (known failure 11)."""
    shop = shop_with(100)
    shop.adjust(50, expires_at=START + timedelta(days=3))
    before = shop.lots()
    hold = shop.done(shop.hold(80)).sequence
    shop.done(shop.release(hold))
    assert shop.lots() == before
    assert refused(shop.release(hold)) == "hold_closed"


def test_an_ended_hold_can_be_neither_captured_nor_released() -> None:
    """Also when nothing has booked its end yet."""
    shop = shop_with(100)
    hold = shop.done(shop.hold(60)).sequence
    shop.later(minutes=30)
    assert refused(shop.capture(hold)) == "hold_closed"
    assert refused(shop.release(hold)) == "hold_closed"
    assert shop.buckets() == (100, 0, 0, 0)


def test_only_a_hold_is_a_hold() -> None:
    """Another transaction's number does not open anything."""
    shop = shop_with(100)
    spend = shop.done(shop.spend(10)).sequence
    assert refused(shop.capture(spend)) == "unknown_hold"
    assert refused(shop.release(spend)) == "unknown_hold"


def test_points_that_expire_while_held_can_still_be_captured() -> None:
    """The promise was made while they were valid."""
    shop = shop_with(0)
    shop.adjust(100, expires_at=START + timedelta(minutes=10))
    hold = shop.done(shop.hold(100)).sequence
    shop.later(minutes=20)
    assert shop.buckets() == (0, 0, 100, 0)
    shop.done(shop.capture(hold, 70))
    shop.later(minutes=20)
    assert shop.buckets() == (0, 0, 0, 0)
    assert shop.moved(Bucket.AVAILABLE, Bucket.EXPIRED) == 30


def test_released_points_pay_debt() -> None:
    """What a refund could not take because it was held is taken when it comes free."""
    shop = shop_with(100)
    hold = shop.done(shop.hold(60)).sequence
    shop.refund("start")
    assert shop.buckets() == (0, 0, 60, 60)
    shop.done(shop.release(hold))
    assert shop.buckets() == (0, 0, 0, 0)
