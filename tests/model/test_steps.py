"""The random steps really reach what they are for: each kind of command is done often enough, and refused as well.

Otherwise a model that goes on passing could stop looking, and nobody would see it.
"""

from __future__ import annotations

from collections import Counter

import pytest

from tests.model.planner import Planner
from tests.model.steps import (
    EVERYTHING,
    LEAVING,
    MERGING,
    REDEEMING,
    TAKING_ALONG,
    Weights,
    random_programs,
    random_steps,
)

#: So often each kind is done at least in the lives of test_pure, and so often about the past of a member who was
#: merged, or who has left.
DONE = {
    "AdjustPoints": 241,
    "ApproveRedemption": 52,
    "CancelRedemption": 94,
    "CancelWriteOff": 12,
    "CaptureHold": 30,
    "ChangeLife close": 45,
    "ChangeLife freeze": 32,
    "ChangeLife unfreeze": 18,
    "ConvertPoints": 76,
    "FoundHousehold": 62,
    "FulfilRedemption": 53,
    "JoinHousehold": 18,
    "LeaveHousehold": 83,
    "MergeMembers": 103,
    "PayRedemption": 30,
    "PlaceHold": 219,
    "RecordOrder": 377,
    "RecordOrder paid with points": 70,
    "RedeemReward": 468,
    "RedeemReward with an order": 74,
    "RefundOrder": 187,
    "RefundOrder paid with points": 60,
    "RejectRedemption": 13,
    "ReleaseHold": 19,
    "ReturnRedemption": 127,
    "ReverseTransaction of a common spend": 48,
    "ReverseTransaction of adjust_down": 4,
    "ReverseTransaction of adjust_up": 70,
    "ReverseTransaction of capture": 10,
    "ReverseTransaction of convert": 32,
    "ReverseTransaction of earn": 62,
    "ReverseTransaction of forfeit": 15,
    "ReverseTransaction of spend": 26,
    "SavePoints": 79,
    "SettleMember": 46,
    "SettleRedemption": 39,
    "SpendFromHousehold": 104,
    "SpendPoints": 58,
    "TransferPoints": 15,
    "UndoMerge": 72,
    "UnsavePoints": 39,
    "WriteOffCoupon": 54,
}
DONE_FOR_MERGED = {
    "CancelRedemption": 3,
    "CancelWriteOff": 2,
    "FulfilRedemption": 1,
    "RefundOrder": 18,
    "RefundOrder paid with points": 1,
    "ReturnRedemption": 4,
    "ReverseTransaction of a common spend": 4,
    "ReverseTransaction of adjust_up": 6,
    "ReverseTransaction of convert": 3,
    "ReverseTransaction of earn": 7,
    "ReverseTransaction of spend": 3,
    "SettleMember": 2,
    "WriteOffCoupon": 8,
}
DONE_FOR_CLOSED = {
    "CancelRedemption": 1,
    "FulfilRedemption": 1,
    "RefundOrder": 13,
    "RefundOrder paid with points": 1,
    "ReturnRedemption": 3,
    "ReverseTransaction of a common spend": 1,
    "ReverseTransaction of adjust_up": 4,
    "ReverseTransaction of capture": 1,
    "ReverseTransaction of convert": 3,
    "ReverseTransaction of earn": 3,
    "ReverseTransaction of forfeit": 15,
    "ReverseTransaction of spend": 2,
    "SettleMember": 3,
    "UndoMerge": 6,
}
#: So often leaving took points, and so often what came back afterwards went the same way.
FORFEITED = {"closed": 24, "came_back": 24}
#: Every refusal that is looked for, at least once.
REFUSED = """
    above_most already_refunded already_reversed approval_by_requester below_least cooling_down coupon_exceeded
    coupon_expired coupon_not_partly_usable coupon_used coupon_void expiry_not_applicable fee_exceeds_points
    hold_closed hold_exceeded hold_of_other_member holds_open household_full in_household instant_in_past
    insufficient_points insufficient_savings invalid_points limit_reached member_closed member_frozen member_merged
    merge_undone no_bank no_household not_a_whole_step not_expiring_soon not_reversible offset_mismatch
    offset_not_allowed offset_too_large order_given_back order_limit_reached order_needed order_not_found
    order_not_needed order_too_small points_already_spent returned_too_much role_missing same_member sold_out
    step_not_allowed unknown_conversion unknown_hold unknown_line unknown_merge unknown_order unknown_redemption
    unknown_transaction unknown_wallet unknown_write_off write_off_needed
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
        (range(400, 420), LEAVING),
    ]
    for seeds, weights in lives:
        for seed in seeds:
            planner = Planner(random_programs(seed), [101, 102, 103, 104])
            for step in random_steps(seed, 150, weights):
                planner.plan(step)
            found += planner.outcomes
            books = [planner.oracle.member(member)["book"].values() for member in planner.members]
            found.update(("forfeited", entry["why"]) for book in books for entry in book if entry["kind"] == "forfeit")
    return found


def test_every_kind_of_command_is_done(outcomes: Counter[tuple[str, str]]) -> None:
    """Also about the past of members who were merged, and of those who left."""
    done = {kind: number for (kind, outcome), number in outcomes.items() if outcome == "done"}
    merged = {kind: number for (kind, outcome), number in outcomes.items() if outcome == "done for a merged member"}
    closed = {kind: number for (kind, outcome), number in outcomes.items() if outcome == "done for a closed member"}
    assert {kind: done.get(kind, 0) for kind, least in DONE.items() if done.get(kind, 0) < least} == {}
    assert {kind: merged.get(kind, 0) for kind, least in DONE_FOR_MERGED.items() if merged.get(kind, 0) < least} == {}
    assert {kind: closed.get(kind, 0) for kind, least in DONE_FOR_CLOSED.items() if closed.get(kind, 0) < least} == {}
    assert {
        why: outcomes["forfeited", why] for why, least in FORFEITED.items() if outcomes["forfeited", why] < least
    } == {}
    assert done.keys() == DONE.keys()


def test_every_refusal_comes(outcomes: Counter[tuple[str, str]]) -> None:
    """And no other than those."""
    found = {outcome for kind, outcome in outcomes if kind != "forfeited" and not outcome.startswith("done")}
    assert found == set(REFUSED.split())
