"""What a program file says wrongly of its wallets."""

from __future__ import annotations

from typing import Any

import pytest

from jifen.core.program import InvalidProgram
from tests.unit.core.rules.test_checks import BASE, check

NAME = {"zh": "积分", "en": "Points"}
WALLETS = [*BASE["wallets"], {"id": "status", "name": NAME, "kind": "qualifying"}]
CONVERSION = {"id": "c", "from": "points", "to": "growth", "give": 20, "get": 1}
LIMIT = {"limit": "points", "most": 5, "period": "day"}
BANK = {"wallet": "points", "expiry": {"policy": "never"}}
OFFSET = {"wallet": "points", "points": 100, "cents": 100}


def test_right_programs() -> None:
    """One of each, with all fields."""
    check(
        wallets=WALLETS,
        conversions=[CONVERSION | {"step": 40, "least": 80, "fee_percent": "2.5", "limits": [LIMIT]}],
        gifts={"wallets": ["points"], "least": 1, "most": 9, "limits": [LIMIT], "cooling_days": 3},
        bank=BANK | {"share_percent": "50", "window_days": 30},
        adjustments={"limit_points": 0, "reasons": [{"code": "goodwill", "name": NAME}], "lapse_days": 1},
        offset=OFFSET | {"step_points": 10, "least_points": 100, "most_percent": "50"},
    )


@pytest.mark.parametrize(
    ("more", "path"),
    [
        ({"conversions": [CONVERSION | {"from": "status"}]}, "$.conversions[0].from"),
        ({"conversions": [CONVERSION | {"to": "coins"}]}, "$.conversions[0].to"),
        ({"conversions": [CONVERSION | {"to": "points"}]}, "$.conversions[0].to"),
        ({"conversions": [CONVERSION, CONVERSION]}, "$.conversions[1].id"),
        ({"conversions": [CONVERSION | {"give": 0}]}, "$.conversions[0].give"),
        ({"conversions": [CONVERSION | {"step": 30}]}, "$.conversions[0].step"),
        ({"conversions": [CONVERSION | {"least": 30}]}, "$.conversions[0].least"),
        ({"conversions": [CONVERSION | {"fee_percent": "101"}]}, "$.conversions[0].fee_percent"),
        ({"conversions": [CONVERSION | {"fee_percent": "1", "fee_points": 1}]}, "$.conversions[0].fee_points"),
        ({"conversions": [CONVERSION | {"limits": [LIMIT | {"period": "event"}]}]}, "$.conversions[0].limits[0]"),
        ({"gifts": {"wallets": ["status"]}}, "$.gifts.wallets[0]"),
        ({"gifts": {"least": 5, "most": 4}}, "$.gifts.most"),
        ({"gifts": {"limits": [LIMIT | {"per": "program"}]}}, "$.gifts.limits[0]"),
        ({"gifts": {"receiver_limits": [LIMIT | {"limit": "cost_cents"}]}}, "$.gifts.receiver_limits[0]"),
        ({"gifts": {"cooling_days": -1}}, "$.gifts.cooling_days"),
        ({"bank": BANK | {"wallet": "status"}}, "$.bank.wallet"),
        ({"bank": BANK | {"share_percent": "0"}}, "$.bank.share_percent"),
        ({"bank": BANK | {"expiry": {"policy": "yearly", "month": 12, "day": 31}}}, "$.bank.expiry.extra_years"),
        ({"adjustments": {"limit_points": -1}}, "$.adjustments.limit_points"),
        ({"adjustments": {"lapse_days": 0}}, "$.adjustments.lapse_days"),
        ({"adjustments": {"reasons": [{"code": "A b", "name": NAME}]}}, "$.adjustments.reasons[0].id"),
        ({"offset": OFFSET | {"wallet": "status"}}, "$.offset.wallet"),
        ({"offset": OFFSET | {"points": 3, "cents": 2, "step_points": 4}}, "$.offset.step_points"),
        ({"offset": OFFSET | {"most_percent": "100.5"}}, "$.offset.most_percent"),
    ],
)
def test_wrong_programs(more: dict[str, Any], path: str) -> None:
    """The error names the field."""
    with pytest.raises(InvalidProgram) as error:
        check(wallets=WALLETS, **more)
    assert error.value.details["path"] == path
