"""Corrections and refunds draw on what is left of caps and budgets, and never pass them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from jifen.core.ledger.values import Transaction
from jifen.core.program import EarningRule, ProgramDocument, Ratio
from jifen.core.rules.document import Cap
from jifen.core.trace import decode_trace
from tests.model.programs import make_document
from tests.unit.core.shop import ALICE, BOB, START, Shop

DAY = "rule:base/points/member/day/2026-03-10"
BUDGET = "rule:base/points/program/lifetime"
A_DAY = Cap("points", 100, period="day")
IN_ALL = Cap("points", 150, per="program", period="lifetime")


def program(*caps: Cap, **rule: Any) -> ProgramDocument:
    """A point a yuan under these caps."""
    return msgspec.structs.replace(
        make_document(), earning=[EarningRule("base", "points", Ratio(1, 100), caps=list(caps), **rule)]
    )


def told(transaction: object) -> tuple[dict[str, int], dict[str, int]]:
    """What a transaction says was used of caps by then, and what it used itself."""
    assert isinstance(transaction, Transaction)
    trace = decode_trace(transaction.trace)
    return trace.used, trace.uses


def test_many_small_orders_corrected_upwards_stay_under_the_cap() -> None:
    """Together they get what one order would have got; the budget of all members likewise."""
    shop = Shop(program(A_DAY, IN_ALL))
    for member in (ALICE, BOB):
        for number in range(5):
            shop.earn(f"{member}-{number}", (1, 100), member=member)
    for member in (ALICE, BOB):
        for number in range(5):
            shop.done(shop.correct(f"{member}-{number}", (1, 100_000)))
    assert (shop.buckets(ALICE), shop.buckets(BOB)) == ((100, 0, 0, 0), (50, 0, 0, 0))
    assert (shop.shell.states[ALICE].used, shop.shell.states[BOB].used) == ({DAY: 100}, {DAY: 50})
    assert shop.shell.shared_used == {BUDGET: 150}


def test_what_an_order_has_used_stays_its_own() -> None:
    """Others may use up the rest meanwhile: less and again as much is not taken from it, and more is not given."""
    shop = Shop(program(A_DAY))
    shop.earn("o1", (1, 6_000))
    shop.earn("o2", (1, 9_000))
    assert shop.buckets() == (100, 0, 0, 0)
    assert told(shop.correct("o1", (1, 8_000))) == ({DAY: 100}, {})
    assert shop.buckets() == (100, 0, 0, 0)
    assert told(shop.correct("o1", (1, 1_000))) == ({DAY: 100}, {})
    assert shop.buckets() == (50, 0, 0, 0)
    # A refund gives no room back to others, and neither does a correction.
    shop.earn("o3", (1, 1_000))
    assert shop.buckets() == (50, 0, 0, 0)
    shop.done(shop.correct("o1", (1, 9_000)))
    assert shop.buckets() == (100, 0, 0, 0)
    assert shop.shell.states[ALICE].used == {DAY: 100}


def test_what_a_correction_gives_more_counts() -> None:
    """In the period of the order, whenever it comes, for whatever comes after."""
    shop = Shop(program(A_DAY))
    shop.earn("o1", (1, 3_000))
    shop.later(days=3)
    assert told(shop.correct("o1", (1, 8_000))) == ({DAY: 30}, {DAY: 50})
    shop.earn("late", (1, 5_000), at=START)
    assert shop.buckets() == (100, 0, 0, 0)
    assert told(shop.correct("o1", (1, 9_000))) == ({DAY: 100}, {})
    shop.done(shop.refund("o1"))
    assert shop.buckets() == (20, 0, 0, 0)
    assert shop.shell.states[ALICE].used == {DAY: 100}


def test_a_refund_that_makes_a_rule_give_more_stays_under_the_cap() -> None:
    """What small orders get is given to what remains of a large one, as far as there is room."""
    document = program(A_DAY, when="order.total_cents < 10000")
    shop = Shop(document)
    shop.earn("large", (1, 9_000), (1, 9_000))
    assert shop.buckets() == (0, 0, 0, 0)
    shop.earn("small", (1, 3_000))
    assert told(shop.refund("large", (1, 1))) == ({DAY: 30}, {DAY: 70})
    assert shop.buckets() == (100, 0, 0, 0)
    shop.done(shop.refund("large"))
    assert shop.buckets() == (30, 0, 0, 0)


def test_a_count_is_used_once() -> None:
    """However often an order is corrected; one that got nothing needs one that is left."""
    shop = Shop(program(Cap("count", 1, period="day")))
    shop.earn("o1", (1, 1_000))
    shop.earn("o2", (1, 1_000))
    for cents, points in ((5_000, 50), (0, 0), (7_000, 70)):
        shop.done(shop.correct("o1", (1, cents)))
        assert shop.buckets() == (points, 0, 0, 0)
    shop.done(shop.correct("o2", (1, 9_000)))
    assert shop.buckets() == (70, 0, 0, 0)


def test_a_higher_limit_of_a_later_version_takes_nothing() -> None:
    """The order keeps what it has under the limit of its own time, and gets no more than that allowed."""
    shop = Shop(program(A_DAY))
    shop.earn("o1", (1, 6_000))
    shop.later(minutes=1)
    shop.publish(program(Cap("points", 500, period="day")))
    shop.earn("o2", (1, 30_000))
    assert shop.buckets() == (360, 0, 0, 0)
    shop.done(shop.correct("o1", (1, 7_000)))
    assert shop.buckets() == (360, 0, 0, 0)


Told = tuple[str, int, int]


@given(
    st.lists(
        st.tuples(st.sampled_from(["order", "correct", "refund"]), st.integers(0, 5), st.integers(0, 12_000)),
        max_size=25,
    )
)
def test_no_cap_is_passed_whatever_comes(steps: list[Told]) -> None:
    """Of two members on two days: what is used never passes a cap, what members have never what is used, and to tell an
    order once more as it was changes nothing."""
    shop = Shop(program(A_DAY, IN_ALL))
    lines: dict[str, int] = {}
    for number, (what, place, cents) in enumerate(steps):
        known = sorted(lines)
        if what == "order" or not known:
            name, at = f"o{number:02}", START - timedelta(days=place % 2)
            shop.done(shop.earn(name, (1, cents), member=(ALICE, BOB)[place % 2], at=at))
            lines[name] = cents
            continue
        name = known[place % len(known)]
        if what == "refund":
            shop.done(shop.refund(name))
            del lines[name]
            continue
        shop.done(shop.correct(name, (1, cents)))
        lines[name] = cents
        had = (shop.buckets(ALICE), shop.buckets(BOB))
        shop.done(shop.correct(name, (1, cents)))
        assert (shop.buckets(ALICE), shop.buckets(BOB)) == had
        _check(shop)
    _check(shop)


def _check(shop: Shop) -> None:
    used = [shop.shell.states[member].used for member in (ALICE, BOB)]
    assert all(0 <= number <= 100 for each in used for number in each.values())
    in_all = shop.shell.shared_used.get(BUDGET, 0)
    assert in_all <= 150
    assert in_all == sum(number for each in used for number in each.values())
    assert sum(shop.buckets(member)[0] for member in (ALICE, BOB)) <= in_all
