"""Limits of what members do themselves."""

from __future__ import annotations

from datetime import date

import msgspec

from jifen.core.decide.context import Context, Decision
from jifen.core.decide.limits import limit_names, use_limits
from jifen.core.ledger.values import MemberState
from jifen.core.refusal import Refusal
from jifen.core.rules.caps import open_caps
from jifen.core.rules.document import Cap
from tests.model.programs import make_program
from tests.unit.core.shop import START

LIMITS = open_caps("gifts", [Cap("points", 100, period="week"), Cap("count", 2, period="lifetime")])


def decision(used: dict[str, int]) -> Decision:
    """A decision on somebody who used so much of the limits."""
    state = msgspec.structs.replace(MemberState(7, 0, ()), used=used)
    return Decision(make_program(), Context(START, START, "test", "k", "t"), state)


def test_names_are_those_of_the_period() -> None:
    """A week begins on Monday; a lifetime never begins anew."""
    assert limit_names(LIMITS, date(2026, 3, 12)) == [
        "gifts/points/member/week/2026-03-09",
        "gifts/count/member/lifetime",
    ]


def test_what_is_used_is_counted_once_and_up_to_the_limit() -> None:
    """I-14: never above it; what is left is said."""
    deciding = decision({"gifts/points/member/week/2026-03-09": 60})
    assert isinstance(use_limits(deciding, LIMITS, 41, "member"), Refusal)
    assert deciding.uses == {}
    uses = use_limits(deciding, LIMITS, 40, "member")
    assert uses == deciding.uses == {"gifts/points/member/week/2026-03-09": 40, "gifts/count/member/lifetime": 1}


def test_a_count_that_is_used_up() -> None:
    """However few points."""
    refusal = use_limits(decision({"gifts/count/member/lifetime": 2}), LIMITS, 1, "member")
    assert isinstance(refusal, Refusal)
    assert refusal.details == {"whose": "member", "limit": "count", "period": "lifetime", "most": 2, "left": 0}
