"""Exact amounts before rounding, against fractions."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jifen.core.rounding import Rounding
from jifen.core.rules.amounts import Amount, by_margins, by_ratio, by_whole_step, rounded
from jifen.core.rules.document import Step
from tests.model.closed_form import ROUND

RATES = [Step(0, 1, 100), Step(50_000, 3, 200), Step(100_000, 2, 100)]


def exact(amount: Amount) -> Fraction:
    """The whole amount as a fraction."""
    return sum((Fraction(each, amount.denominator) for each in amount.numerators), Fraction(0))


def test_a_ratio_is_shared_by_the_lines() -> None:
    """1 point for 3 cents of 10 and 20 cents."""
    amount = by_ratio([10, 20], [0, 2], 1, 3)
    assert (exact(amount), amount.lines, amount.rated_cents) == (Fraction(10), [0, 2], 30)


@pytest.mark.parametrize(
    ("cents", "points"),
    [(0, 0), (49_999, Fraction(49_999, 100)), (50_000, 750), (99_999, Fraction(299_997, 200)), (100_000, 2_000)],
)
def test_whole_steps(cents: int, points: int | Fraction) -> None:
    """The rate that is reached holds for all of it."""
    assert exact(by_whole_step([cents], [0], RATES)) == points


def test_below_the_first_step_there_is_nothing() -> None:
    """A first step that begins later than at nothing."""
    assert exact(by_whole_step([999], [0], [Step(1_000, 1, 1)])) == 0
    assert exact(by_margins([999], [0], [Step(1_000, 1, 1)])) == 0


def slow_margins(rates: Sequence[Step], before: int, total: int) -> Fraction:
    """Cent by cent."""
    points = Fraction(0)
    for cent in range(before, before + total):
        reached = [step for step in rates if step.from_cents <= cent]
        if reached:
            points += Fraction(reached[-1].points, reached[-1].per_cents)
    return points


@given(st.lists(st.integers(0, 60), max_size=4), st.integers(0, 150))
def test_margins_are_those_of_each_cent(paid: list[int], before: int) -> None:
    """Each rate for its own part, also when the member had spent before; the lines get their shares of it."""
    rates = [Step(10, 1, 10), Step(40, 3, 20), Step(100, 1, 7)]
    amount = by_margins(paid, range(len(paid)), rates, before)
    assert exact(amount) == slow_margins(rates, before, sum(paid))
    if sum(paid):
        shares = [Fraction(each, amount.denominator) for each in amount.numerators]
        assert shares == [exact(amount) * cents / sum(paid) for cents in paid]


@given(
    st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 30), st.integers(1, 12)), max_size=5),
    st.integers(1, 500),
    st.sampled_from(["floor", "half_up", "half_even", "ceil"]),
    st.booleans(),
)
def test_rounding_happens_once(
    parts: list[tuple[int, int, int]], denominator: int, rounding: Rounding, by_line: bool
) -> None:
    """For the whole, or for each line; after all factors."""
    amount = Amount([numerator for numerator, _, _ in parts], denominator)
    factors = [(up, down) for _, up, down in parts]
    values = [Fraction(numerator * up, denominator * down) for numerator, up, down in parts]
    expected = sum(map(ROUND[rounding], values)) if by_line else ROUND[rounding](sum(values, Fraction(0)))
    assert rounded(amount, factors, rounding, by_line=by_line) == expected


def test_a_factor_of_one_changes_nothing() -> None:
    """Rounded as it is."""
    assert rounded(Amount([7, 8], 2), [(1, 1), (1, 1)], "floor", by_line=False) == 7
    assert rounded(Amount([7, 8], 2), None, "floor", by_line=False) == 7
    assert rounded(Amount([7, 8], 2), None, "ceil", by_line=True) == 8
