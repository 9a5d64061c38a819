"""The random steps really reach what they are for: each kind of command is done often enough, and refused as well.

Otherwise a model that goes on passing could stop looking, and nobody would see it.
"""

from __future__ import annotations

from collections import Counter

import pytest

from tests.model.planner import Planner
from tests.model.steps import EVERYTHING, MERGING, REDEEMING, Weights, random_programs, random_steps

#: So often each kind is done at least in the lives of test_pure, and so often about the past of a merged member.
DONE = {
    "AdjustPoints": 150,
    "ApproveRedemption": 60,
    "CancelRedemption": 80,
    "CancelWriteOff": 12,
    "CaptureHold": 25,
    "ChangeLife": 25,
    "ConvertPoints": 60,
    "FoundHousehold": 40,
    "FulfilRedemption": 60,
    "JoinHousehold": 8,
    "LeaveHousehold": 40,
    "MergeMembers": 80,
    "PayRedemption": 30,
    "PlaceHold": 150,
    "RecordOrder": 300,
    "RecordOrder paid with points": 50,
    "RedeemReward": 300,
    "RefundOrder": 120,
    "RefundOrder paid with points": 40,
    "RejectRedemption": 15,
    "ReleaseHold": 15,
    "ReturnRedemption": 60,
    "ReverseTransaction of a common spend": 20,
    "ReverseTransaction of adjust_down": 6,
    "ReverseTransaction of adjust_up": 80,
    "ReverseTransaction of capture": 12,
    "ReverseTransaction of convert": 40,
    "ReverseTransaction of earn": 50,
    "ReverseTransaction of spend": 25,
    "SavePoints": 50,
    "SettleMember": 20,
    "SettleRedemption": 30,
    "SpendFromHousehold": 80,
    "SpendPoints": 35,
    "TransferPoints": 20,
    "UndoMerge": 60,
    "UnsavePoints": 35,
    "WriteOffCoupon": 60,
}
DONE_FOR_MERGED = {
    "CancelRedemption": 3,
    "CancelWriteOff": 2,
    "FulfilRedemption": 4,
    "RefundOrder": 40,
    "RefundOrder paid with points": 10,
    "ReturnRedemption": 6,
    "ReverseTransaction of a common spend": 5,
    "ReverseTransaction of adjust_up": 15,
    "ReverseTransaction of convert": 6,
    "ReverseTransaction of earn": 15,
    "ReverseTransaction of spend": 4,
    "WriteOffCoupon": 5,
}
#: Every refusal that is looked for, at least once.
REFUSED = set(
    "above_most already_refunded already_reversed approval_by_requester below_least cooling_down coupon_exceeded "
    "coupon_expired coupon_used coupon_void expiry_not_applicable fee_exceeds_points hold_closed hold_exceeded "
    "hold_of_other_member holds_open household_full in_household instant_in_past insufficient_points "
    "insufficient_savings invalid_points limit_reached member_frozen member_merged merge_undone no_bank no_household "
    "not_a_whole_step not_expiring_soon not_reversible offset_mismatch offset_not_allowed offset_too_large "
    "points_already_spent returned_too_much role_missing same_member sold_out step_not_allowed unknown_conversion "
    "unknown_hold unknown_line unknown_merge unknown_order unknown_redemption unknown_transaction unknown_wallet "
    "unknown_write_off".split()
)


@pytest.fixture(scope="module")
def outcomes() -> Counter[tuple[str, str]]:
    """What the steps of the lives in test_pure come to."""
    found: Counter[tuple[str, str]] = Counter()
    lives: list[tuple[range, Weights]] = [
        (range(25), EVERYTHING),
        (range(100, 108), REDEEMING),
        (range(200, 212), MERGING),
    ]
    for seeds, weights in lives:
        for seed in seeds:
            planner = Planner(random_programs(seed), [101, 102, 103, 104])
            for step in random_steps(seed, 150, weights):
                planner.plan(step)
            found += planner.outcomes
    return found


def test_every_kind_of_command_is_done(outcomes: Counter[tuple[str, str]]) -> None:
    """Also about the past of members who were merged."""
    done = {kind: number for (kind, outcome), number in outcomes.items() if outcome == "done"}
    merged = {kind: number for (kind, outcome), number in outcomes.items() if outcome == "done for a merged member"}
    assert {kind: done.get(kind, 0) for kind, least in DONE.items() if done.get(kind, 0) < least} == {}
    assert {kind: merged.get(kind, 0) for kind, least in DONE_FOR_MERGED.items() if merged.get(kind, 0) < least} == {}
    assert done.keys() == DONE.keys()


def test_every_refusal_comes(outcomes: Counter[tuple[str, str]]) -> None:
    """And no other than those."""
    found = {outcome for _, outcome in outcomes if not outcome.startswith("done")}
    assert found == REFUSED
