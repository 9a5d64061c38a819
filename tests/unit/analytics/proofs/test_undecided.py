"""Why questions stay open is said in both languages, each in its own sentence."""

from __future__ import annotations

import re

import pytest
import z3

from jifen.analytics.proofs import Effort, NotProven, check_program
from jifen.analytics.proofs.undecided import given_up_by
from tests.unit.analytics.proofs.test_gaps import TEA_AND_CUP
from tests.unit.analytics.test_proofs import TIER, document_of

#: Remainders of sums by large numbers: the solver would search for long.
HARD = (
    "({0} * 7919 + {1} * 104729) % 1299709 == 3 && ({1} * 3571 + {2} * 9973) % 15485863 == 17"
    " && ({2} * 1237 + {0} * 7727) % 1000003 == 5 && ({0} * 31 + {1} * 37 + {2} * 41) % 999983 == 8"
)
_REASON = re.compile(r"（([^（）]*)）$")


def _reason(found: NotProven) -> str:
    """What the Chinese sentence has between its last brackets."""
    reason = _REASON.search(found.why_zh)
    assert reason is not None, found
    return reason[1]


def _open_questions(owner: str) -> list[NotProven]:
    of_order = HARD.format("order.total_cents", "order.quantity", "order.line_count")
    of_tier = HARD.format("total.orders", "total.spent_cents", "period.spent_cents")
    of_member = HARD.format("member.spent_cents_year", "member.spent_cents_month", "member.spent_cents_total")
    document = document_of(
        {"fixed": 5, "when": of_order},
        tier_sets=[
            {"id": "level", "name": TIER["name"], "tiers": [TIER | {"id": "plain"}, TIER | {"qualify": of_tier}]}
        ],
        rewards=[
            {"id": "mug", "kind": "goods", "name": TIER["name"], "for": of_member, "prices": [{"points": 100}]},
        ],
    )
    return [each for each in check_program(document, effort=Effort(timeout_ms=20)).not_proven if each.rule == owner]


@pytest.mark.parametrize("owner", ["r0", "tier:level:gold", "reward:mug"])
def test_out_of_time(owner: str) -> None:
    """For rules, tiers and rewards alike: the solver's own word stands in the English sentence alone."""
    found = [each for each in _open_questions(owner) if "求解器" in each.why_zh]
    assert found
    for each in found:
        assert _reason(each) in ("超时", "已中止")
        assert each.why_en.endswith(("(timeout)", "(canceled)"))


def test_a_search_of_our_own() -> None:
    """Where our own search ends without an answer, that is said in both languages, too."""
    window = 'now < timestamp("2250-01-01T00:00:00Z") && now.weekday != 7'
    rules = [{"id": "base", "wallet": "points", "fixed": 5, "when": window}]
    (named,) = [
        each
        for each in check_program(document_of(earning=rules, catalog=TEA_AND_CUP)).not_proven
        if each.why.startswith("gap")
    ]
    assert _reason(named) == "规则的条件不能全部求解"
    assert named.why_en == "gap: no answer (what rules ask is not wholly known)"


def test_what_is_not_known_to_us_stays() -> None:
    """A reason without a translation is better than none."""

    class Solver:
        """Gave up for a reason of which nobody heard."""

        def reason_unknown(self) -> str:
            """The reason."""
            return "(a new reason)"

    assert given_up_by(Solver()).zh == "(a new reason)"
    limited = z3.Solver()
    limited.set("rlimit", 10)
    one, other, third = z3.Ints("one other third")
    limited.add(one * one * one + other * other * other + third * third * third == 114, one > 1000)
    assert limited.check() == z3.unknown
    assert given_up_by(limited).zh == "超出计算量上限"
