"""Any order and split of refunds ends at the same number, for every rounding, basis, ratio and policy (I-08)."""

from __future__ import annotations

from typing import Literal

from hypothesis import given
from hypothesis import strategies as st

from jifen.core.calendar import RollingExpiry
from jifen.core.commands import ReverseTransaction
from jifen.core.rounding import Rounding
from jifen.core.trace import decode_trace
from tests.model.closed_form import points_kept
from tests.model.programs import make_document
from tests.unit.core.shop import ALICE, Shop

ROUNDINGS = st.sampled_from(["floor", "half_up", "half_even", "ceil"])
BASES = st.sampled_from(["order", "line"])
LINES = st.lists(st.tuples(st.integers(1, 7), st.integers(0, 100_000)), min_size=1, max_size=5)
RATIOS = st.tuples(st.integers(1, 300), st.integers(1, 5_000))


def draw_refunds(data: st.DataObject, lines: list[tuple[int, int]]) -> list[list[tuple[int, int]]]:
    """All pieces of all lines in any order, cut into refunds anywhere."""
    pieces = [number for number, (quantity, _) in enumerate(lines, 1) for _ in range(quantity)]
    shuffled = data.draw(st.permutations(pieces))
    cuts = sorted(data.draw(st.sets(st.integers(1, len(pieces)), max_size=6)) | {len(pieces)})
    return [[(number, 1) for number in shuffled[start:end]] for start, end in zip([0, *cuts], cuts, strict=False)]


@given(LINES, RATIOS, ROUNDINGS, BASES, st.data())
def test_after_every_refund_the_member_keeps_what_the_rest_earns(
    lines: list[tuple[int, int]],
    ratio: tuple[int, int],
    rounding: Rounding,
    basis: Literal["order", "line"],
    data: st.DataObject,
) -> None:
    """To the last unit, in the middle and at the end (known failures 1, 5, 6, 7, 9)."""
    document = make_document(points=ratio[0], per_cents=ratio[1], rounding=rounding, basis=basis)
    rule, shop = document.earning[0], Shop(document)
    shop.earn("o1", *lines)
    returned = [0] * len(lines)
    assert shop.buckets()[0] == points_kept(rule, lines, returned)
    # Today's rate must not matter.
    shop.publish(make_document(points=7, per_cents=3, rounding="ceil"))
    for refund in draw_refunds(data, lines):
        for number, _ in refund:
            returned[number - 1] += 1
        shop.done(shop.refund("o1", *refund))
        assert shop.buckets() == (points_kept(rule, lines, returned), 0, 0, 0)
    assert shop.buckets() == (0, 0, 0, 0)


@given(
    LINES, RATIOS, ROUNDINGS, BASES, st.sampled_from(["debt", "forgive"]), st.booleans(), st.integers(0, 120), st.data()
)
def test_what_is_taken_back_in_all_does_not_depend_on_spends_and_expiry(
    lines: list[tuple[int, int]],
    ratio: tuple[int, int],
    rounding: Rounding,
    basis: Literal["order", "line"],
    policy: Literal["debt", "forgive"],
    expires_first: bool,
    spent_percent: int,
    data: st.DataObject,
) -> None:
    """Spent before, expired meanwhile: the sum of the refunds is the award, each point taken from one place."""
    document = make_document(
        points=ratio[0],
        per_cents=ratio[1],
        rounding=rounding,
        basis=basis,
        spent_points=policy,
        expiry=RollingExpiry(1),
    )
    shop = Shop(document)
    shop.earn("o1", *lines)
    award = shop.buckets()[0]
    spent = award * min(spent_percent, 100) // 100
    if spent:
        shop.done(shop.spend(spent))
    if expires_first:
        shop.later(days=40)
    for refund in draw_refunds(data, lines):
        shop.done(shop.refund("o1", *refund))
    taken = [
        each for transaction in shop.shell.transactions[ALICE] for each in decode_trace(transaction.trace).taken_back
    ]
    assert sum(each.points for each in taken) == award
    for each in taken:
        assert each.points == each.from_lot + each.expired + each.other_lots + each.debt + each.forgiven
    assert shop.buckets() == (0, 0, 0, spent if policy == "debt" else 0)


@given(
    st.lists(st.integers(0, 90_000), min_size=1, max_size=4),
    st.sampled_from(["debt", "forgive", "refuse"]),
    st.sampled_from([0, 7]),
    st.sampled_from([0, 3, 10, 40, 100]),
    st.sampled_from([0, 3, 10, 40, 100]),
)
def test_what_corrections_gave_goes_with_the_order(
    totals: list[int], policy: Literal["debt", "forgive", "refuse"], pending_days: int, earlier: int, later: int
) -> None:
    """An order that was corrected up and down and is then returned leaves nothing: no points that are kept, no debt, no
    refusal, and the points of other orders are not touched, whatever is pending, available or expired by then."""
    document = make_document(spent_points=policy, pending_days=pending_days, expiry=RollingExpiry(1))
    shop = Shop(document)
    shop.earn("o1", (1, 10_000))
    shop.later(days=earlier)
    shop.earn("other", (1, 50_000))
    for paid in totals:
        shop.done(shop.correct("o1", (1, paid)))
    shop.later(days=later)
    # What is there without the order, once time has done its work.
    alone = Shop(document)
    alone.later(days=earlier)
    alone.earn("other", (1, 50_000))
    alone.later(days=later)
    shop.done(shop.refund("o1"))
    for each in (shop, alone):
        each.settle()
    assert shop.buckets() == alone.buckets()
    taken = decode_trace(shop.shell.transactions[ALICE][-1].trace).taken_back
    assert [(each.other_lots, each.debt, each.forgiven) for each in taken if each.points > 0] in ([], [(0, 0, 0)])


def test_points_of_a_correction_that_were_spent_are_forgiven_once() -> None:
    """And stay gone when the spend is cancelled afterwards, like those that the order itself had earned (I-08)."""
    shop = Shop(make_document(spent_points="forgive"))
    shop.earn("o1", (1, 10_000))
    shop.done(shop.correct("o1", (1, 100_000)))
    spent = shop.done(shop.spend(1_000))
    shop.done(shop.refund("o1"))
    assert shop.buckets() == (0, 0, 0, 0)
    shop.done(shop.do(ReverseTransaction(ALICE, spent.sequence)))
    assert shop.buckets() == (0, 0, 0, 0)
