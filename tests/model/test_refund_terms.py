"""Corrections and refunds leave points on the terms that the order's rules give as it stands, not only their sum."""

from __future__ import annotations

from typing import Literal

from hypothesis import given
from hypothesis import strategies as st

from jifen.core.ledger.values import LotTerms
from jifen.core.trace import TakenBack, decode_trace
from tests.model.programs import make_document_of_many_terms
from tests.unit.core.shop import ALICE, Shop

#: What happens to the order: it is told anew, so much for its one line of three pieces; or pieces come back.
PAID = st.sampled_from([0, 3_000, 9_900, 10_000, 20_000, 29_900, 30_000])
STEPS = st.lists(st.tuples(st.sampled_from(["correct", "correct", "refund"]), PAID), min_size=1, max_size=6)


def happen(shop: Shop, steps: list[tuple[str, int]]) -> tuple[int, int]:
    """Take these steps; what the line comes to in the end, and how many of its three pieces came back."""
    paid, returned = 30_000, 0
    for what, cents in steps:
        if what == "correct":
            shop.done(shop.correct("o1", (3, cents)))
            paid = cents
        elif returned < 3:
            shop.done(shop.refund("o1", (1, 1)))
            returned += 1
    return paid, returned


def points_by_terms(shop: Shop) -> dict[tuple[int, LotTerms], int]:
    """What is in lots, pending ones too, by wallet and terms."""
    points: dict[tuple[int, LotTerms], int] = {}
    for account in shop.shell.states[ALICE].accounts:
        for lot in (*account.lots, *account.pending_lots):
            key = (account.wallet, lot.terms)
            points[key] = points.get(key, 0) + lot.remaining
    return points


def taken_back(shop: Shop) -> list[TakenBack]:
    return [each for done in shop.shell.transactions[ALICE] for each in decode_trace(done.trace).taken_back]


@given(STEPS, st.sampled_from([0, 10, 45, 400]), st.sampled_from([0, 10, 45, 400]))
def test_an_order_ends_as_if_it_had_been_told_so_at_first(
    steps: list[tuple[str, int]], before: int, after: int
) -> None:
    """By wallet and by terms, whatever has become available or has expired by then."""
    shop = Shop(make_document_of_many_terms())
    shop.earn("o1", (3, 30_000))
    shop.later(days=before)
    paid, returned = happen(shop, steps)
    plain = Shop(make_document_of_many_terms())
    plain.earn("o1", (3, paid))
    if returned:
        plain.done(plain.refund("o1", (1, returned)))
    for each in (shop, plain):
        each.now = shop.now
        each.later(days=after)
        each.settle()
    assert points_by_terms(shop) == points_by_terms(plain)
    for taken in taken_back(shop):
        assert (taken.other_lots, taken.debt, taken.forgiven) == (0, 0, 0)


@given(STEPS, st.sampled_from(["debt", "forgive"]), st.integers(0, 340), st.booleans(), st.booleans())
def test_points_that_were_spent_are_counted_once(
    steps: list[tuple[str, int]],
    policy: Literal["debt", "forgive"],
    spent: int,
    has_other: bool,
    is_given_back: bool,
) -> None:
    """What the order keeps, less what was spent, is there or owed; whoever earns no less than before owes nothing new;
    and a spend that is cancelled after all leaves nothing but what is kept."""
    shop = Shop(make_document_of_many_terms(policy))
    shop.earn("o1", (3, 30_000))
    spend = shop.done(shop.spend(spent)) if spent else None
    if has_other:
        shop.earn("other", (1, 25_000))
    paid, returned = happen(shop, steps)
    plain = Shop(make_document_of_many_terms(policy))
    plain.earn("o1", (3, paid))
    if has_other:
        plain.earn("other", (1, 25_000))
    if returned:
        plain.done(plain.refund("o1", (1, returned)))
    worth = [sum(each.buckets()[:2]) - each.buckets()[3] for each in (shop, plain)]
    taken = [each for each in taken_back(shop) if each.wallet == 1]
    assert worth[0] == worth[1] - spent + sum(each.forgiven for each in taken)
    for each in taken:
        parts = each.from_lot + each.expired + each.other_lots + each.debt + each.forgiven
        assert each.points == parts - each.given
        if each.points <= 0:
            assert (each.other_lots, each.debt, each.forgiven) == (0, 0, 0)
    if is_given_back and spend is not None:
        shop.done(shop.reverse(spend.sequence))
        assert sum(shop.buckets()[:2]) - shop.buckets()[3] == worth[1]
