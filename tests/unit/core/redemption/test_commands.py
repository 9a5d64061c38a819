"""What can be asked of rewards: only coupons name no member."""

from __future__ import annotations

from typing import get_args

from jifen.core.redemption.commands import CouponCommand, RedemptionCommand, StepCommand


def test_every_command_has_a_place() -> None:
    """Steps name member and redemption; coupons their code, whose member is looked up."""
    steps, coupons = set(get_args(StepCommand)), set(get_args(CouponCommand))
    assert all({"member", "redemption"} <= set(each.__struct_fields__) for each in steps)
    assert all("code" in each.__struct_fields__ for each in coupons)
    assert steps | coupons < set(get_args(RedemptionCommand))
