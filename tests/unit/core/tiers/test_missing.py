"""What a member is short of a tier, by trying."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jifen.core.conditions import Vocabulary
from jifen.core.tiers.missing import Shortfall, shortfalls
from jifen.core.tiers.sets import tier_names

WORDS = Vocabulary(tier_names(["points", "growth"], []))


@pytest.mark.parametrize(
    ("condition", "facts", "found"),
    [
        ("period.spent_cents >= 100000", {"period.spent_cents": 68_000}, [("period.spent_cents", 32_000)]),
        ("period.orders > 3", {"period.orders": 0}, [("period.orders", 4)]),
        (
            "period.spent_cents >= 100 || balance.growth >= 7",
            {"period.spent_cents": 20, "balance.growth": 6},
            [("balance.growth", 1), ("period.spent_cents", 80)],
        ),
        (
            "period.spent_cents >= 100 && period.orders >= 2",
            {"period.spent_cents": 200, "period.orders": 1},
            [("period.orders", 1)],
        ),
        ("period.spent_cents >= 100 && period.orders >= 2", {"period.spent_cents": 20, "period.orders": 1}, []),
        ("member.is_birthday", {"member.is_birthday": False}, []),
        ("member.birthday_month == 5", {"member.birthday_month": 0}, []),
    ],
)
def test_each_way_that_leads_there_alone(condition: str, facts: dict[str, Any], found: list[tuple[str, int]]) -> None:
    """Where several are short at once, or nobody can do anything about it, there is none."""
    assert [(each.fact, each.short) for each in shortfalls(WORDS.compile(condition), facts)] == found


@given(st.integers(0, 10**12), st.integers(1, 10**12), st.integers(1, 50))
def test_it_is_the_least(now: int, more: int, times: int) -> None:
    """One less would not do."""
    needed = now + more
    condition = WORDS.compile(f"total.spent_cents * {times} >= {needed * times}")
    assert shortfalls(condition, {"total.spent_cents": now}) == [Shortfall("total.spent_cents", now, needed)]
