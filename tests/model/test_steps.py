"""The random steps really reach what they are for: each kind of command is done often enough, and refused as well.

Otherwise a model that goes on passing could stop looking, and nobody would see it.
"""

from __future__ import annotations

from collections import Counter

import pytest

from tests.model.planner import Planner
from tests.model.steps import EVERYTHING, MERGING, REDEEMING, TAKING_ALONG, Weights, random_programs, random_steps

#: So often each kind is done at least in the lives of test_pure, and so often about the past of a merged member.
DONE = {
    "AdjustPoints": 196,
    "ApproveRedemption": 48,
    "CancelRedemption": 69,
    "CancelWriteOff": 12,
    "CaptureHold": 21,
    "ChangeLife": 30,
    "ConvertPoints": 60,
    "FoundHousehold": 42,
    "FulfilRedemption": 51,
    "JoinHousehold": 12,
    "LeaveHousehold": 51,
    "MergeMembers": 81,
    "PayRedemption": 27,
    "PlaceHold": 156,
    "RecordOrder": 304,
    "RecordOrder paid with points": 45,
    "RedeemReward": 384,
    "RedeemReward with an order": 150,
    "RefundOrder": 141,
    "RefundOrder paid with points": 31,
    "RejectRedemption": 13,
    "ReleaseHold": 15,
    "ReturnRedemption": 89,
    "ReverseTransaction of a common spend": 25,
    "ReverseTransaction of adjust_down": 4,
    "ReverseTransaction of adjust_up": 57,
    "ReverseTransaction of capture": 10,
    "ReverseTransaction of convert": 25,
    "ReverseTransaction of earn": 45,
    "ReverseTransaction of spend": 16,
    "SavePoints": 48,
    "SettleMember": 30,
    "SettleRedemption": 35,
    "SpendFromHousehold": 72,
    "SpendPoints": 35,
    "TransferPoints": 15,
    "UndoMerge": 54,
    "UnsavePoints": 30,
    "WriteOffCoupon": 54,
}
DONE_FOR_MERGED = {
    "CancelRedemption": 1,
    "CancelWriteOff": 2,
    "FulfilRedemption": 1,
    "RefundOrder": 17,
    "RefundOrder paid with points": 4,
    "ReturnRedemption": 4,
    "ReverseTransaction of a common spend": 3,
    "ReverseTransaction of adjust_up": 6,
    "ReverseTransaction of convert": 3,
    "ReverseTransaction of earn": 7,
    "ReverseTransaction of spend": 1,
    "WriteOffCoupon": 8,
}
#: Every refusal that is looked for, at least once.
REFUSED = """
    above_most already_refunded already_reversed approval_by_requester below_least cooling_down coupon_exceeded
    coupon_expired coupon_used coupon_void expiry_not_applicable fee_exceeds_points hold_closed hold_exceeded
    hold_of_other_member holds_open household_full in_household instant_in_past insufficient_points
    insufficient_savings invalid_points limit_reached member_frozen member_merged merge_undone no_bank no_household
    not_a_whole_step not_expiring_soon not_reversible offset_mismatch offset_not_allowed offset_too_large
    order_given_back order_limit_reached order_needed order_not_found order_not_needed order_too_small
    points_already_spent returned_too_much role_missing same_member sold_out step_not_allowed unknown_conversion
    unknown_hold unknown_line unknown_merge unknown_order unknown_redemption unknown_transaction unknown_wallet
    unknown_write_off
"""


@pytest.fixture(scope="module")
def outcomes() -> Counter[tuple[str, str]]:
    """What the steps of the lives in test_pure come to."""
    found: Counter[tuple[str, str]] = Counter()
    lives: list[tuple[range, Weights]] = [
        (range(25), EVERYTHING),
        (range(100, 108), REDEEMING),
        (range(200, 212), MERGING),
        (range(300, 312), TAKING_ALONG),
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
    assert found == set(REFUSED.split())
