"""What a check may take: by steps that are the same on every machine, for a question and in all."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import msgspec
import pytest
import z3

from jifen.analytics.proofs import Effort, check_program
from jifen.analytics.proofs.asking import STEPS_OF_EVENT, Asker, Exhausted
from tests.unit.analytics.test_proofs import BASE, SETS, document_of, double

#: A program with something of everything, in which the order of sets might show.
MUCH: dict[str, Any] = {
    "tier_sets": SETS,
    "catalog": {"categories": ["tea", "cup"], "channels": ["app", "web"], "tags": ["vip"], "skus": ["MUG", "POT"]},
    "coefficients": "product",
    "earning": [
        BASE,
        {"id": "a", "wallet": "points"} | double(when='order.channel == "apps" || member.tiers.tea == "gold"'),
        {"id": "b", "wallet": "points"} | double(audience='"vips" in member.tags || member.tier == "gold"'),
        {"id": "c", "wallet": "points", "fixed": 9, "lines": 'line.sku in ["MUG", "POTS"] && line.paid_cents > 300'},
        {"id": "d", "wallet": "points", "formula": "order.total_cents / (order.quantity - 1)"},
        {"id": "e", "wallet": "points", "fixed": 5, "group": "g", "when": 'order.channel.startsWith("a")'},
        {"id": "f", "wallet": "points", "fixed": 6, "group": "g", "when": "member.birthday_month == now.month"},
    ],
}
_PRINTED = """
import msgspec
from jifen.analytics.proofs import check_program
from tests.unit.analytics.proofs.test_asking import MUCH
from tests.unit.analytics.test_proofs import document_of
print(msgspec.json.encode(check_program(document_of(**MUCH))).decode())
"""


def test_the_same_program_gives_the_same_report() -> None:
    """In any process, whatever the order of its sets is."""
    reports = {
        subprocess.run(
            [sys.executable, "-c", _PRINTED], env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True, text=True, check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }  # fmt: skip
    assert len(reports) == 1
    assert len(msgspec.json.decode(reports.pop())["findings"]) > 5


def test_a_question_is_given_up_after_so_many_steps() -> None:
    """Which is told as the reason, whatever the time."""
    document = document_of({"formula": "order.total_cents * order.quantity * order.line_count"})
    report = check_program(document, effort=Effort(steps=200))
    reasons = {each.why_en.rpartition("(")[2] for each in report.not_proven if "no answer" in each.why_en}
    assert reasons and reasons <= {"max. resource limit exceeded)", "canceled)"}
    assert any("超出计算量上限" in each.why_zh for each in report.not_proven)


def test_a_check_as_a_whole_is_bounded() -> None:
    """What was not reached is named, in few lines; what was found before is told."""
    rules = [{"fixed": 5, "when": f"order.total_cents == {number}000", "group": "g"} for number in range(40)]
    report = check_program(document_of(*rules, {"fixed": 1, "when": "order.quantity > 5 && order.quantity < 4"}))
    assert [each.kind for each in report.findings].count("never_true") == 1 and report.not_proven == []
    bounded = check_program(document_of(*rules), effort=Effort(steps_in_all=20_000))
    missed = [each for each in bounded.not_proven if "整个检查的计算量已用完" in each.why_zh]
    assert 0 < len(missed) < 12
    of_rules = next(each for each in missed if each.why.startswith("never_true, can_fail"))
    assert of_rules.rule == of_rules.why_en.rpartition("checked: ")[2].partition(",")[0] and " more" in of_rules.why_en
    assert "条规则" in of_rules.why_zh


def test_questions_count_though_they_are_easy() -> None:
    """And one that came to nothing in time counts as if it had taken all its steps."""
    asker = Asker(Effort(steps=5_000, steps_in_all=10_000))
    solver = asker.solver(z3.Context())
    for _ in range(10):
        assert asker.is_possible(solver)
    with pytest.raises(Exhausted):
        asker.check(solver)
    late = Asker(Effort(steps=50, steps_in_all=100))
    solver = late.solver(z3.Context())
    one, other, third = (z3.Int(name, solver.ctx) for name in "abc")
    solver.add(one * one * one + other * other * other + third * third * third == 114, one > 1000)
    assert [late.check(solver), late.check(solver)] == [z3.unknown, z3.unknown]
    with pytest.raises(Exhausted):
        late.check(solver)


def test_no_part_takes_what_the_others_need() -> None:
    """A part may take half of what is left: pairs without end leave something for what comes after them."""
    rules = [{"fixed": 5, "when": f"order.total_cents >= {number + 1}000", "group": "g"} for number in range(20)]
    idle = {"fixed": 1, "caps": [{"limit": "points", "most": 1_000, "per": "member", "period": "event"}]}
    bounded = check_program(document_of(*rules, idle), effort=Effort(steps_in_all=6_000_000))
    assert any("ambiguous" in each.why and "计算量已用完" in each.why for each in bounded.not_proven)
    assert "idle_cap" in [each.kind for each in bounded.findings]


def test_what_is_done_between_questions_counts() -> None:
    """By the number of rules, which the solver does not see."""
    asker = Asker(Effort(steps_in_all=10_000))
    asker.charge(9_999)
    asker.charge(STEPS_OF_EVENT)
    with pytest.raises(Exhausted):
        asker.charge(1)
    asker = Asker(Effort(steps_in_all=10_000))
    with asker.part():
        asker.charge(5_000)
        with pytest.raises(Exhausted):
            asker.charge(1)
    asker.charge(1)


def test_a_solver_without_time_proves_nothing() -> None:
    """And says so, where it cannot answer at once."""
    rules = [
        double(when=f"order.total_cents % {number + 7} == 3 && order.quantity % {number + 5} == 2")
        for number in range(6)
    ]
    report = check_program(
        document_of(*rules, coefficients="product", most_reward_percent=50), effort=Effort(timeout_ms=1)
    )
    assert report.not_proven
