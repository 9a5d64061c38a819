"""How much a rule can give at most for the pieces that its filter lets through."""

from __future__ import annotations

from typing import Any

import pytest

from jifen.analytics.proofs import Effort, check_program
from jifen.analytics.proofs.asking import Asker
from jifen.analytics.proofs.limits import least_cents_each
from jifen.analytics.proofs.space import Space
from jifen.core.program import Program
from tests.unit.analytics.test_proofs import document_of, kinds


def per(what: str, filter_of_lines: str, points: int = 5) -> dict[str, Any]:
    """A fixed award for each piece or line that matches."""
    return {"fixed": {"points": points, "per": what}, "lines": filter_of_lines}


@pytest.mark.parametrize(
    ("what", "lines", "cents"),
    [
        ("unit", "line.paid_cents >= 1500 * line.quantity", 1500),
        ("unit", "line.paid_cents > 1500 * line.quantity", 1500),
        ("unit", "line.paid_cents >= 3000 && line.quantity <= 2", 1500),
        ("unit", "line.paid_cents >= 3000", 0),
        ("line", "line.paid_cents >= 3000", 3000),
        ("line", 'line.category == "tea"', 0),
        ("line", 'line.paid_cents >= 3000 || line.category == "tea" && line.paid_cents > 99', 100),
        ("unit", "line.paid_cents / line.quantity >= 1500", 0),
    ],
)
def test_what_is_paid_for_each(what: str, lines: str, cents: int) -> None:
    """As much as the filter asks, and no more than can be said."""
    program = Program(1, document_of(per(what, lines)), {"points": 1})
    space = Space(program, "order.completed", Asker(Effort()))
    rule = next(each for each in space.program.books["order.completed"].rules if each.id == "r0")
    assert least_cents_each(space, rule, what == "line") == cents


@pytest.mark.parametrize(
    ("rule", "highest"),
    [
        # 1 % and 5 points for each 15 yuan: a third of a percent more.
        (per("unit", "line.paid_cents >= 1500 * line.quantity"), "1.34"),
        (per("line", 'line.category == "tea" && line.paid_cents >= 1000'), "1.50"),
    ],
)
def test_pieces_that_cost_something_hold_the_share_down(rule: dict[str, Any], highest: str) -> None:
    """Proven, and the real orders reach nearly as much."""
    report = check_program(document_of(rule, most_reward_percent=highest))
    assert (kinds(report), report.not_proven, report.highest_reward_percent) == ([], [], highest)
    closer = check_program(document_of(rule, most_reward_percent="1.33" if highest == "1.34" else "1.49"))
    assert kinds(closer) == [("rate_exceeded", ["base", "r0"])]
