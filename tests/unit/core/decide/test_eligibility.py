"""What is told to those who may not have something."""

from __future__ import annotations

from jifen.core.decide.eligibility import not_eligible
from tests.unit.core.wording.club import CLUB, compiled


def test_what_is_needed_is_said_in_both_languages() -> None:
    """In words for people; for machines the code, and the tiers that it asks for."""
    condition = compiled('member.tier in ["gold", "black"] && member.orders >= 3')
    refusal = not_eligible(CLUB, "Spa", "/reward", [condition])
    assert refusal.message == "Spa needs: the tier is Gold or Black, and at least 3 orders."
    assert refusal.details == {
        "condition": condition.source,
        "needs": {"zh": "等级是金卡或黑卡，且至少 3 笔订单", "en": "the tier is Gold or Black, and at least 3 orders"},
        "tiers": {"zh": ["金卡", "黑卡"], "en": ["Gold", "Black"]},
    }


def test_of_several_conditions_one_must_hold() -> None:
    """Each is said once."""
    conditions = [compiled("member.orders > 1"), compiled("member.orders > 1 "), compiled("member.is_birthday")]
    refusal = not_eligible(CLUB, "This price", "/price", conditions)
    assert refusal.details == {
        "needs": {"zh": "超过 1 笔订单；或当天是生日", "en": "more than 1 order; or it is the birthday"}
    }
