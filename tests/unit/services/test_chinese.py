"""Refusals and errors in Chinese: all of them, with the values that the reader needs."""

from __future__ import annotations

import re
from typing import get_args

import pytest

from jifen.api.problems import PROBLEMS
from jifen.core.redemption.machine import State, Step
from jifen.services.chinese import ERRORS, REFUSALS, STATES, STEPS, in_chinese
from jifen.services.explanations.zh import TEXTS
from tests.house.tree import ROOT

_CHINESE = re.compile("[\u4e00-\u9fff]")


def test_every_code_has_a_text() -> None:
    """Those that HTTP tells, and those of the command line alone."""
    assert PROBLEMS.keys() == REFUSALS.keys()
    page = (ROOT / "docs/zh/reference/errors.md").read_text("utf-8")
    documented = set(re.findall(r"^\| `([a-z_]+)` \|", page, re.MULTILINE))
    # `refused` is told by the code of its refusal.
    assert documented - {"refused"} == REFUSALS.keys() | ERRORS.keys()


def test_every_state_of_a_redemption_has_one_word() -> None:
    """For refusals, the command line, explanations and the documents alike."""
    assert STATES.keys() == set(get_args(State))
    told = {state: TEXTS[f"redemption_{state}"].partition("，")[0] for state in STATES}
    assert told == STATES
    page = (ROOT / "docs/zh/reference/cli.md").read_text("utf-8")
    assert all(STATES[state] in page for state in ("waiting_for_payment", "waiting_for_approval"))
    rejected = STATES["rejected"].removeprefix("已")
    assert f"、{rejected}或取消" in in_chinese("holds_open", "", {"redemption_id": "1-1"})


def test_every_step_of_a_redemption_has_a_name() -> None:
    """Those of the machine, and asking for it."""
    assert STEPS.keys() == {*get_args(Step), "redeem"}
    assert len(set(STEPS.values())) == len(STEPS)


@pytest.mark.parametrize("code", [*REFUSALS, *ERRORS])
def test_every_text_is_chinese_and_the_last_one_always_fits(code: str) -> None:
    """Also where a refusal comes without its values."""
    texts = (REFUSALS | ERRORS)[code]
    assert all(_CHINESE.search(text) for text in texts)
    told = in_chinese(code, "A message.", {})
    assert "{" not in told and _CHINESE.search(told)
    assert re.findall(r"{(\w+)}", texts[-1]) in ([], ["message"])


@pytest.mark.parametrize(
    ("code", "details", "told"),
    [
        (
            "insufficient_points",
            {"requested": 500, "available": 180, "missing": 320},
            "积分不足：需要 500，可用 180，还差 320 积分。",
        ),
        ("insufficient_points", {}, "积分不足。"),
        (
            "insufficient_points",
            {"requested": 12000, "available": 1800, "missing": 10200},
            "积分不足：需要 12,000，可用 1,800，还差 10,200 积分。",
        ),
        ("unknown_program_version", {"version": 1234}, in_chinese("unknown_program_version", "", {"version": "1234"})),
        ("port_in_use", {"port": 8000}, in_chinese("port_in_use", "", {"port": "8000"})),
        (
            "limit_reached",
            {"period": "day", "most": 5, "used": 4, "requested": 2},
            "已达上限：按日计最多 5 件，已有 4 件，这次要 2 件。",
        ),
        (
            "step_not_allowed",
            {"state": "approved", "step": "pay", "allowed": ["fulfil", "cancel"]},
            "兑换单的状态为已通过，不能进行「付款」；可以进行：履约、取消。",
        ),
        (
            "step_not_allowed",
            {"state": "returned", "step": "cancel", "allowed": []},
            "兑换单的状态为已退回，不能进行「取消」。",
        ),
        ("same_member", {"member_id": "100002"}, "会员 100002 写了两次；每人（含户主）只写一次。"),
        ("same_member", {}, "双方是同一位会员。"),
        (
            "limit_reached",
            {"whose": "receiver", "limit": "points", "period": "day", "most": 1500, "left": 500},
            "已达上限：收方按日计最多 1,500（积分），还剩 500。",
        ),
        (
            "limit_reached",
            {"whose": "member", "of": "others", "limit": "points", "period": "day", "most": 300, "left": 100},
            "已达上限：会员按日计最多使用家庭其他成员的 300 积分，还剩 100。",
        ),
        (
            "limit_reached",
            {"share_percent": 50, "limit": "points", "period": "year", "most": 150, "left": 50},
            "已达上限：一年所得积分的 50% 可以储蓄，今年共 150，还剩 50。",
        ),
        (
            "limit_reached",
            {"limit": "count", "most": 40, "used": 40, "left": 0, "period": "day"},
            "已达上限：按日计最多 40（次数），还剩 0。",
        ),
        ("holds_open", {"member_id": "1", "redemption_id": "1-4"}, "兑换单 1-4 还未结束；请先完成、驳回或取消它。"),
        ("member_frozen", {"member_id": "7"}, "会员 7 已冻结；解冻之前不能这样做。"),
        ("in_household", {"member_id": "7", "household_id": "2"}, "会员 7 已在家庭 2 中；请先退出。"),
        ("method_not_allowed", {"allowed": ["GET", "POST"]}, "该路径只接受 GET、POST。"),
        ("coupon_void", {"state": "returned"}, "优惠券已作废（兑换单已退回）。"),
        (
            "quote_expired",
            {"until": "2026-03-04T00:00:00+00:00", "until_locally": "2026-03-04 08:00 (Asia/Shanghai)"},
            "报价有效至 2026-03-04 08:00 (Asia/Shanghai)；请重新报价。",
        ),
        ("invalid_field", {}, "字段无效：Expected `int`."),
        (
            "not_eligible",
            {"condition": "…", "needs": {"zh": "等级是金卡或黑卡", "en": "the tier is Gold or Black"}},
            "不适用于这位会员，需要满足：等级是金卡或黑卡。",
        ),
        ("not_eligible", {"condition": "member.orders > 1"}, "不适用于这位会员。"),
        ("unknown_member", {"member": "{message}"}, "没有会员 {message}。"),
        ("not_a_code", {}, "Expected `int`."),
    ],
)
def test_values_stand_in_the_text(code: str, details: dict[str, object], told: str) -> None:
    """Numbers, lists, instants and words of the program; what values hold is not read as a text again."""
    assert in_chinese(code, "Expected `int`.", details) == told
