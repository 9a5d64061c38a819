"""Rewards and flows as they are written and read back."""

from __future__ import annotations

import msgspec

from jifen.core.redemption.document import ApprovalFlow, Price, Reward
from tests.redeeming import APPROVALS, REWARDS


def test_what_was_left_out_is_left_out_again() -> None:
    """Versions are kept as they were written, and `for` is the audience."""
    plain = [each for each in REWARDS if "period" not in each]
    assert msgspec.to_builtins(msgspec.convert(plain, list[Reward])) == plain
    assert msgspec.to_builtins(msgspec.convert(APPROVALS, list[ApprovalFlow])) == APPROVALS
    assert msgspec.convert({"points": 1, "for": "true"}, Price).audience == "true"
