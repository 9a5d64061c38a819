"""What is taken and given by lot terms, in single cases; any order of them is in tests/model/test_refund_terms.py."""

from __future__ import annotations

from datetime import timedelta

from jifen.core.ledger.values import Kind
from jifen.core.trace import TakenBack, decode_trace
from tests.model.programs import make_document_of_many_terms
from tests.unit.core.shop import ALICE, START, Shop


def taken_back_of(shop: Shop) -> list[TakenBack]:
    """All that was ever taken back and given."""
    return [each for done in shop.shell.transactions[ALICE] for each in decode_trace(done.trace).taken_back]


def test_the_gift_of_a_correction_waits_as_the_rule_says() -> None:
    shop = Shop(make_document_of_many_terms())
    shop.earn("o1", (1, 5_000))
    assert shop.buckets() == (120, 0, 0, 0)
    shop.later(days=2)
    corrected = shop.done(shop.correct("o1", (1, 20_000)))
    assert corrected.kind is Kind.CORRECT
    assert shop.buckets() == (240, 500, 0, 0)
    [points, growth] = taken_back_of(shop)[-2:]
    assert (points.points, points.from_lot, points.given) == (-620, 70, 690)
    assert (growth.points, growth.given) == (-9, 9)
    gift = next(lot for lot in shop.account().pending_lots)
    assert gift.terms.earned_at == START
    assert gift.terms.effective_at == START + timedelta(days=300)
    shop.done(shop.correct("o1", (1, 9_900)))
    shop.done(shop.correct("o1", (1, 20_000)))
    assert shop.buckets() == (240, 500, 0, 0)


def test_points_that_are_held_count_as_the_new_ones_and_go_with_the_order() -> None:
    """A correction finds points in a hold: nothing is owed for them; once they are free, a refund takes them."""
    shop = Shop(make_document_of_many_terms("refuse"))
    shop.earn("o1", (1, 5_000))
    hold = shop.done(shop.hold(120))
    shop.done(shop.correct("o1", (1, 10_000)))
    assert shop.buckets() == (0, 480, 120, 0)
    shop.done(shop.release(hold.sequence))
    shop.earn("other", (1, 5_000))
    shop.done(shop.refund("o1"))
    assert shop.buckets() == (120, 0, 0, 0)
    assert not any(each.other_lots for each in taken_back_of(shop))
