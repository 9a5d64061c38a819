"""From an order to points."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jifen.core.calendar import RollingExpiry, YearlyExpiry
from jifen.core.orders import Order, OrderLine
from jifen.core.program import EarningRule, Ratio, terms_of_award
from jifen.core.rounding import Rounding
from jifen.core.rules.caps import Cut
from jifen.core.rules.document import ORDER_COMPLETED, Cap, Coefficient, Group, Window
from jifen.core.rules.facts import MemberFacts, RatedEvent
from jifen.core.rules.rate import Award, Rating, Verdict, rate
from tests.model.closed_form import ROUND
from tests.model.programs import make_document, make_program, rate_lines

NOON = datetime(2026, 3, 10, 4, tzinfo=UTC)


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


@pytest.mark.parametrize(
    ("happened_on", "pending_days", "extra_years", "valid_through"),
    [
        ("2026-12-24", 7, 0, "2026-12-31"),
        ("2026-12-25", 7, 0, "2027-12-31"),
        ("2026-12-31", 0, 0, "2026-12-31"),
        ("2026-12-31", 1, 0, "2027-12-31"),
        ("2026-12-31", 1, 1, "2027-12-31"),
        ("2026-06-01", 400, 0, "2027-12-31"),
    ],
)
def test_points_of_a_yearly_date_do_not_end_before_they_begin(
    happened_on: str, pending_days: int, extra_years: int, valid_through: str
) -> None:
    """Those that wait for the end of the return period over the date are valid to the next one: they were lost."""
    expiry = YearlyExpiry(12, 31, extra_years)
    program = make_program(make_document(pending_days=pending_days, expiry=expiry))
    happened = datetime.fromisoformat(f"{happened_on}T12:00:00+08:00")
    terms = terms_of_award(program, program.document.earning[0], happened.astimezone(UTC))
    assert terms.effective_at < terms.expires_at
    last_moment = (terms.expires_at - timedelta(seconds=1)).astimezone(program.zone)
    assert last_moment.isoformat() == f"{valid_through}T23:59:59+08:00"


def verdicts_of(*rules: EarningRule, used: dict[str, int] | None = None, **more: Any) -> list[Verdict]:
    """What becomes of rules for an order of 100.00 in two lines, of tea and of cups."""
    program = make_program(msgspec.structs.replace(make_document(), earning=list(rules), **more))
    lines = [OrderLine("1", 2, 6_000, category="tea"), OrderLine("2", 1, 4_000, category="cup")]
    event = RatedEvent(ORDER_COMPLETED, NOON, "test", Order("o", "CNY", lines), lines)
    book = program.books[ORDER_COMPLETED]
    policy = program.document.coefficients
    return rate(book, event, MemberFacts(), used or {}, policy, with_all_verdicts=True).verdicts


def test_verdicts_say_why() -> None:
    """One for each rule, by id: who won the group, what failed, which caps took it."""
    ratio = Ratio(1, 100)
    groups = [Group("g", "best")]
    cap = Cap("points", 30, period="day")
    found = verdicts_of(
        EarningRule("a-loser", "points", fixed=5, group="g"),
        EarningRule("b-winner", "points", fixed=6, group="g"),
        EarningRule("c-capped", "points", ratio, caps=[cap]),
        EarningRule("d-cut", "points", ratio, caps=[Cap("points", 40, period="event")]),
        EarningRule("e-failed", "points", formula="1 / member.orders"),
        EarningRule("f-zero", "points", Ratio(0, 1)),
        EarningRule("g-tea", "points", coefficient=Coefficient(Decimal(2), ["d-cut"]), lines='line.category == "tea"'),
        EarningRule("h-nothing", "growth", coefficient=Coefficient(Decimal(2))),
        EarningRule("i-window", "points", ratio, window=Window("2027-01-01")),
        EarningRule("j-audience", "points", ratio, audience='member.tier == "gold"'),
        EarningRule("k-condition", "points", ratio, when="order.quantity > 3"),
        EarningRule("l-lines", "points", ratio, lines='line.category == "pot"'),
        groups=groups,
        used={"rule:c-capped/points/member/day/2026-03-10": 30},
    )
    failed = found.pop(4)
    assert (failed.rule, failed.outcome, failed.points) == ("e-failed", "failed", 0)
    assert "1 / member.orders" in failed.detail
    assert found == [
        Verdict("a-loser", "group", 0, "b-winner"),
        Verdict("b-winner", "awarded", 6),
        Verdict("c-capped", "capped", 0, "rule:c-capped/points/member/day"),
        Verdict("d-cut", "awarded", 40, "rule:d-cut/points/member/event"),
        Verdict("f-zero", "zero"),
        Verdict("g-tea", "multiplied"),
        Verdict("h-nothing", "nothing_to_multiply"),
        Verdict("i-window", "outside_window"),
        Verdict("j-audience", "audience"),
        Verdict("k-condition", "condition"),
        Verdict("l-lines", "no_line"),
    ]


def test_where_the_best_coefficient_counts_the_others_are_outbid() -> None:
    """Each by the one that multiplied in its place, on some line at least; one that multiplied a line was not."""
    ratio = Ratio(1, 100)
    found = verdicts_of(
        EarningRule("base", "points", ratio),
        EarningRule("gift", "points", fixed=5),
        EarningRule("double", "points", coefficient=Coefficient(Decimal(2)), lines='line.category == "tea"'),
        EarningRule("half-more", "points", coefficient=Coefficient(Decimal("1.5"))),
        EarningRule("small", "points", coefficient=Coefficient(Decimal("1.2"))),
        EarningRule("elsewhere", "growth", coefficient=Coefficient(Decimal(9))),
        EarningRule("gift-double", "points", coefficient=Coefficient(Decimal(2), ["gift"])),
        EarningRule("gift-more", "points", coefficient=Coefficient(Decimal(3), ["gift"])),
        coefficients="best",
    )
    assert {each.rule: (each.outcome, each.detail) for each in found} == {
        "base": ("awarded", ""),
        "gift": ("awarded", ""),
        "double": ("multiplied", ""),
        "half-more": ("multiplied", ""),
        "small": ("outbid", "half-more"),
        "elsewhere": ("nothing_to_multiply", ""),
        "gift-double": ("outbid", "gift-more"),
        "gift-more": ("multiplied", ""),
    }


def test_an_award_tells_what_it_rated_what_multiplied_it_and_what_was_cut() -> None:
    """60.00 of tea twice is 120, and a cap leaves 100: 20 were cut by it."""
    rules = [
        EarningRule("tea", "points", Ratio(1, 100), lines='line.category == "tea"', caps=[Cap("points", 100)]),
        EarningRule("double", "points", coefficient=Coefficient(Decimal(2))),
        EarningRule("elsewhere", "points", coefficient=Coefficient(Decimal(3)), lines='line.category == "pot"'),
    ]
    program = make_program(msgspec.structs.replace(make_document(), earning=rules))
    lines = [OrderLine("1", 2, 6_000, category="tea"), OrderLine("2", 1, 4_000, category="cup")]
    cut = Cut("rule:tea/points/member/lifetime", 20)
    assert rate_lines(program, lines) == [Award("tea", 1, 100, 6_000, ["double"], [cut])]


def test_without_a_book_there_is_nothing() -> None:
    """No rule waits for such events."""
    event = RatedEvent("app.installed", NOON)
    assert rate(None, event, MemberFacts(), {}) == Rating([], {}, [])


def test_a_refund_of_everything_leaves_nothing_to_rate() -> None:
    """No line, no points: a rule by line gives nothing, and nothing breaks."""
    lines: list[OrderLine] = []
    program = make_program(make_document(rounding="ceil"))
    assert rate_lines(program, lines) == [Award("base", 1, 0, 0)]
