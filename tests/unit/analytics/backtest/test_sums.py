"""Exact sums: parts that add up, steps of the histogram, and merging what several processes counted."""

from __future__ import annotations

from itertools import pairwise

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from jifen.analytics.backtest.building import histogram_of
from jifen.analytics.backtest.sums import (
    EDGES,
    LISTED_MEMBERS,
    FailedSums,
    Pair,
    RefusedTransaction,
    RuleSums,
    Sums,
    WalletSums,
)
from jifen.analytics.backtest.tally import apportion


@given(st.integers(-(10**15), 10**15), st.lists(st.integers(0, 10**15), min_size=1, max_size=20))
def test_parts_add_up(points: int, weights: list[int]) -> None:
    """Whatever is divided by whatever, and no part is off by a whole point."""
    parts = apportion(points, weights)
    assert sum(parts) == points
    if total := sum(weights):
        assert all(abs(part * total - points * weight) < total for part, weight in zip(parts, weights, strict=True))


def test_largest_remainders_get_what_is_left() -> None:
    """Of equal ones the first."""
    assert apportion(10, [1, 1, 1]) == [4, 3, 3]
    assert apportion(10, [1, 2, 3]) == [2, 3, 5]
    assert apportion(5, [0, 0]) == [5, 0]
    assert apportion(2, [5, 5, 5, 5]) == [1, 1, 0, 0]


def test_a_rule_is_counted_by_cause() -> None:
    """Only in the draft, only as recorded, changed, the same."""
    sums = RuleSums()
    for recorded, draft in ((None, 5), (7, None), (3, 4), (2, 2), (0, None)):
        sums.count(recorded, draft)
    assert (sums.points.recorded, sums.points.draft) == (12, 11)
    assert (sums.events.recorded, sums.events.draft) == (4, 3)
    assert (sums.only_draft_events, sums.only_draft_points) == (1, 5)
    assert (sums.only_recorded_events, sums.only_recorded_points) == (2, 7)
    assert (sums.changed_events, sums.changed_points) == (1, 1)


def test_members_fall_into_steps() -> None:
    """Each difference lies within its step; empty steps between them are there."""
    sums = WalletSums()
    for member, difference in enumerate((-12, -1, 0, 0, 1, 4, 5, 9, 10, 10**13)):
        sums.count_member(member, Pair(100, 100 + difference))
    steps = histogram_of(sums.histogram)
    filled = {(step.least, step.most): step.members for step in steps if step.members}
    assert filled == {
        (-19, -10): 1,
        (-1, -1): 1,
        (0, 0): 2,
        (1, 1): 1,
        (2, 4): 1,
        (5, 9): 2,
        (10, 19): 1,
        (EDGES[-1], 10 * EDGES[-1] - 1): 1,
    }
    assert all(after.least == before.most + 1 for before, after in pairwise(steps))


def test_only_the_first_members_are_kept() -> None:
    """The twenty with the largest gain and the twenty with the largest loss, whoever counted them."""
    parts = [WalletSums(), WalletSums()]
    for member in range(5_000):
        parts[member % 2].count_member(member, Pair(0, member - 2_500))
    merged = WalletSums()
    for part in parts:
        merged.add(part)
    assert [each.difference for each in merged.winners] == list(range(2_499, 2_499 - LISTED_MEMBERS, -1))
    assert [each.difference for each in merged.losers] == list(range(-2_500, -2_500 + LISTED_MEMBERS))
    assert sum(merged.histogram.values()) == 5_000


def test_sums_are_merged_and_travel_as_json() -> None:
    """Two halves are a whole."""
    half = Sums(rows=3, replayed=2, orders=1, members=1, kinds={"earn": 2}, shared_uses={"a": 5})
    half.wallet(1).months["2026-01"] = Pair(3, 4)
    half.wallet(1).rules["base"] = RuleSums(Pair(3, 4), Pair(1, 1))
    half.failed["base"] = FailedSums(2, "why")
    half.refuse(RefusedTransaction(7, 1, "spend", "insufficient_points", 1, 50))
    travelled = msgspec.json.decode(msgspec.json.encode(half), type=Sums)
    assert travelled == half
    whole = Sums()
    whole.add(half)
    whole.add(travelled)
    assert (whole.rows, whole.kinds, whole.shared_uses, whole.refused) == (
        6,
        {"earn": 4},
        {"a": 10},
        {"insufficient_points": 2},
    )
    assert whole.wallet(1).months["2026-01"] == Pair(6, 8)
    assert whole.wallet(1).rules["base"].points == Pair(6, 8)
    assert whole.wallet(1).refused_points == 100
    assert whole.failed["base"] == FailedSums(4, "why")
    assert len(whole.refusals) == 2
