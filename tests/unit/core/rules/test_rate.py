"""From an order to points."""

from __future__ import annotations

from datetime import UTC, datetime
from fractions import Fraction
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jifen.core.calendar import RollingExpiry
from jifen.core.orders import OrderLine
from jifen.core.program import terms_of_award
from jifen.core.rounding import Rounding
from jifen.core.rules.rate import Award
from tests.model.closed_form import ROUND
from tests.model.programs import make_document, make_program, rate_lines


def lines_of(*paid_cents: int) -> list[OrderLine]:
    """Lines of one piece each."""
    return [OrderLine(str(number), 1, paid) for number, paid in enumerate(paid_cents)]


@given(
    st.lists(st.integers(0, 10**10), max_size=8),
    st.integers(0, 1000),
    st.integers(1, 10**6),
    st.sampled_from(["floor", "half_up", "half_even", "ceil"]),
    st.sampled_from(["order", "line"]),
)
def test_points_are_the_rounded_share_of_what_was_paid(
    paid: list[int], points: int, per_cents: int, rounding: Rounding, basis: Literal["order", "line"]
) -> None:
    """Exact rationals, rounded once where the rule says (known failures 58, 60)."""
    program = make_program(make_document(points=points, per_cents=per_cents, rounding=rounding, basis=basis))
    rated = [sum(paid)] if basis == "order" else paid
    expected = sum(ROUND[rounding](Fraction(each * points, per_cents)) for each in rated)
    assert rate_lines(program, lines_of(*paid)) == [Award("base", 1, expected, sum(paid))]


@pytest.mark.parametrize(
    ("basis", "rounding", "expected"),
    [
        ("order", "floor", 1),
        ("line", "floor", 0),
        ("order", "ceil", 2),
        ("line", "ceil", 3),
        ("order", "half_up", 2),
        ("line", "half_up", 3),
        ("order", "half_even", 2),
        ("line", "half_even", 0),
    ],
)
def test_the_basis_says_what_is_rounded(basis: Literal["order", "line"], rounding: Rounding, expected: int) -> None:
    """Three lines of half a unit."""
    program = make_program(make_document(basis=basis, rounding=rounding))
    assert rate_lines(program, lines_of(50, 50, 50))[0].points == expected


def test_a_ratio_multiplies_and_does_not_divide() -> None:
    """20 points for every 1.00: 77.00 is 1,540, and 1 point for every 20.00 makes 3 (known failure 64)."""
    assert rate_lines(make_program(make_document(points=20)), lines_of(7700))[0].points == 1540
    assert rate_lines(make_program(make_document(per_cents=2000)), lines_of(7700))[0].points == 3


def test_pending_and_expiry_count_from_the_event() -> None:
    """However late it arrives (known failure 82: points wait until the return window has ended)."""
    program = make_program(make_document(pending_days=14, expiry=RollingExpiry(1)))
    happened = datetime(2026, 1, 31, 1, 30, tzinfo=UTC)
    terms = terms_of_award(program, program.document.earning[0], happened)
    assert terms.earned_at == happened
    assert terms.effective_at == datetime(2026, 2, 14, 1, 30, tzinfo=UTC)
    assert terms.expires_at == datetime(2026, 2, 28, 16, 0, tzinfo=UTC)
