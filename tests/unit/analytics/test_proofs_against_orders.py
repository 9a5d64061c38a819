"""What was proven of a program, against orders rated for real: nothing may contradict it.

Small programs are put together at random, checked, and met with random orders. No order may give more than the highest
rate that was told, match a rule that never matches, or let a shadowed rule win; and what an order does show must have
been found, or named as not proven.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from jifen.analytics.proofs import CheckReport, check_program
from jifen.analytics.proofs.examples import Case, replay
from jifen.core.orders import Order, OrderLine
from jifen.core.program import InvalidProgram, Program, ProgramDocument, check_document
from jifen.core.rules.facts import MemberFacts, RatedEvent
from jifen.core.rules.rate import Rating
from tests.unit.analytics.test_proofs import PLAIN

ZONE = ZoneInfo("Asia/Shanghai")
PROGRAMS, ORDERS = 60, 150
UNMATCHED = ("outside_window", "audience", "condition", "no_line", "failed")
WINNING = ("awarded", "capped", "multiplied", "nothing_to_multiply")

CONDITIONS = [
    "order.total_cents >= 100",
    "order.total_cents >= 20000",
    "order.total_cents < 100",
    "order.total_cents < 20000",
    'order.channel == "web"',
    "order.quantity >= 2",
    "order.line_count > 1",
    "now.weekday >= 6",
    "now.hour < 12 && now.month != 2",
    "order.total_cents / 100 >= 50 && order.total_cents % 7 != 3",
    "order.total_cents > 5000 && order.total_cents < 5001",
    "order.total_cents > 5000 && order.total_cents < 9000",
    'order.channel.startsWith("w") && order.total_cents >= 1000',
    '!order.channel.contains("e") || order.channel.matches("^w.b$")',
]
AUDIENCES = [
    'member.tier == "gold"',
    'member.tier != "gold"',
    "member.is_first_order",
    "member.spent_cents_year >= 10000",
    '"vip" in member.tags',
    "member.is_birthday",
    "member.is_birthday_month && member.orders > 0",
    "member.is_first_order && member.spent_cents_month > 0",
]
LINES = [
    'line.category == "tea"',
    'line.category == "cup"',
    'line.category in ["tea", "cup"]',
    'line.category != "tea"',
    'line.category.endsWith("p") || line.category.startsWith("t")',
    'line.category.matches("^[a-p]+$") && size(line.category) == 3',
    "line.paid_cents < 100",
    "line.paid_cents >= 1000",
    "line.quantity >= 2",
    "line.paid_cents >= 40 * line.quantity",
]
WINDOWS: list[dict[str, Any]] = [
    {"weekdays": ["sat", "sun"]},
    {"hours": ["09:00-10:00"]},
    {"hours": ["22:00-02:00"]},
    {"yearly": ["11-11", "02-29"]},
    {"yearly": ["11-11"], "weekdays": ["mon"]},
    {"days_of_month": [-1, 8]},
    {"from": "2026-11-01", "to": "2026-11-11"},
    {"from": "2026-11-11T20:00"},
    {"to": "2026-06-30"},
]


#: What either wallet buys, so that points that breed points are worth something.
_REWARD: dict[str, Any] = {
    "id": "cup",
    "kind": "goods",
    "name": {"zh": "杯", "en": "Cup"},
    "prices": [{"points": 100, "wallet": wallet} for wallet in ("points", "gold")],
}


class Author:
    """Writes small programs that hardly anyone would publish."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._base: list[tuple[str, str]] = []

    def document(self) -> ProgramDocument:
        """A program of one to four rules."""
        pick = self._random.choice
        rules = [self._rule(f"r{number}") for number in range(pick([1, 2, 3, 4]))]
        if not self._base:
            rules.append({"id": "base", "wallet": "points", "ratio": {"points": 1, "per_cents": 100}})
        content = {
            "earning": rules,
            "coefficients": pick(["product", "best", "sum_of_extras"]),
            "wallets": [_wallet("points", 100), _wallet("gold", 50)],
            "most_reward_percent": pick([1, 2, 5, 20]),
            "rewards": [_REWARD],
        }
        return msgspec.convert(PLAIN | content, ProgramDocument)

    def _rule(self, name: str) -> dict[str, Any]:
        random, pick = self._random, self._random.choice
        rule: dict[str, Any] = {"id": name, "wallet": pick(["points", "points", "points", "gold"])}
        award = pick(["ratio", "fixed", "steps", "progressive", "coefficient", "formula"])
        for field, choices, share in (("when", CONDITIONS, 0.8), ("audience", AUDIENCES, 0.7), ("lines", LINES, 0.8)):
            if random.random() < share and not (award == "formula" and field == "lines"):
                rule[field] = pick(choices)
        if random.random() < 0.7:
            rule["window"] = pick(WINDOWS)
        if random.random() < 0.35:
            rule |= {"group": pick("gbg"), "priority": pick([0, 0, 1, 2])}
        if award == "coefficient":
            return rule | {"coefficient": self._coefficient(rule["wallet"])}
        self._base.append((name, rule["wallet"]))
        rule["rounding"] = pick(["floor", "half_up", "ceil", "half_even"])
        if award in ("ratio", "steps", "progressive") and random.random() < 0.3:
            rule["basis"] = "line"
        if random.random() < 0.2:
            rule["caps"] = [{"limit": "points", "most": pick([3, 30]), "period": pick(["event", "day"])}]
        return rule | {award: self._award(award)}

    def _award(self, award: str) -> Any:
        pick = self._random.choice
        match award:
            case "ratio":
                return self._rate()
            case "fixed":
                return {"points": pick([0, 1, 5, 50]), "per": pick(["event", "event", "line", "unit"])}
            case "steps":
                return {"rates": self._steps(), "kind": pick(["whole", "marginal"])}
            case "progressive":
                return {"rates": self._steps(), "period": pick(["month", "year", "lifetime"])}
        return pick(["order.total_cents / 200", "order.quantity * 2", "order.total_cents > 1000 ? 10 : 0"])

    def _coefficient(self, wallet: str) -> dict[str, Any]:
        of = [name for name, other in self._base if other == wallet]
        times = self._random.choice(["2", "1.5", "0.5", "3", "0"])
        return {"times": times} | ({"of": [self._random.choice(of)]} if of and self._random.random() < 0.3 else {})

    def _rate(self) -> dict[str, int]:
        return {"points": self._random.choice([1, 2, 3, 7]), "per_cents": self._random.choice([100, 150, 1000])}

    def _steps(self) -> list[dict[str, int]]:
        begins = sorted(self._random.sample([0, 100, 5000, 20000], self._random.choice([1, 2, 3])))
        return [{"from_cents": cents, **self._rate()} for cents in begins]


def _wallet(name: str, cents: int) -> dict[str, Any]:
    return {"id": name, "name": {"zh": "积分", "en": "Points"}, "value": {"points": 100, "cents": cents}}


def order(random: Random) -> Case:
    """An order, its member and moment: near the bounds that the rules have."""
    pick = random.choice
    amounts = pick([[0, 1, 33, 50, 99, 100, 149, 150, 999, 1000], [50, 67, 75, 1, 2, 3], [0, 4999, 5000, 5001, 20000]])
    lines = [
        OrderLine(str(number), pick([1, 1, 2, 5]), pick(amounts), category=pick(["tea", "cup", "pot"]))
        for number in range(pick([1, 1, 2, 3, 4, 8]))
    ]
    day, hour = pick([(11, 20), (11, 9), (11, 23), (12, 0), (14, 12), (30, 9)])
    at = datetime(pick([2026, 2030]), 11, day, hour, pick([0, 30]), tzinfo=ZONE)
    if random.random() < 0.5:
        at += timedelta(minutes=30 * random.randrange(48 * 400))
    orders = pick([0, 1])
    month = pick([0, 4990, 10000, 20000]) * orders
    member = MemberFacts(
        tier=pick(["", "gold", "silver"]),
        tags=pick([[], ["vip"]]),
        birthday=pick([None, "11-11", "02-29", f"{at.month:02d}-{min(at.day, 28):02d}"]),
        orders=orders,
        spent_cents_month=month,
        spent_cents_year=month + pick([0, 15000]) * orders,
        spent_cents_total=month + 30000 * orders,
        days_since_last_order=3 if orders else -1,
    )
    bought = Order("c", "CNY", lines, pick([None, "web"]), None)
    return Case(RatedEvent("order.completed", at.astimezone(UTC), "pos", bought, lines), member)


@pytest.mark.parametrize("seed", range(PROGRAMS))
def test_no_order_contradicts_what_was_proven(seed: int) -> None:
    """Whatever the orders, the report holds."""
    document = Author(seed).document()
    try:
        check_document(document)
    except InvalidProgram:
        pytest.skip("this one cannot be published at all")
    report = check_program(document)
    program = Program(0, document, {"points": 1, "gold": 2})
    random = Random(f"orders {seed}")
    for _ in range(ORDERS):
        case = order(random)
        rating = replay(program, case)
        _compare_verdicts(program, report, rating)
        _compare_worth(document, report, case, rating)


def _compare_verdicts(program: Program, report: CheckReport, rating: Rating) -> None:
    found = {
        kind: {each.rules[0] for each in report.findings if each.kind == kind} for kind in ("never_true", "shadowed")
    }
    ambiguous = {frozenset(each.rules) for each in report.findings if each.kind == "ambiguous"}
    for verdict in rating.verdicts:
        rule = program.rules[verdict.rule]
        idle = (*UNMATCHED, "nothing_to_multiply", "group") if rule.coefficient is not None else UNMATCHED
        assert verdict.rule not in found["never_true"] or verdict.outcome in idle, verdict
        assert verdict.rule not in found["shadowed"] or verdict.outcome not in WINNING, verdict
        if verdict.outcome == "group" and rule.group == "g" and program.rules[verdict.detail].priority == rule.priority:
            assert frozenset({verdict.rule, verdict.detail}) in ambiguous or _is_open(report, "ambiguous"), verdict


def _compare_worth(document: ProgramDocument, report: CheckReport, case: Case, rating: Rating) -> None:
    paid = sum(line.paid_cents for line in case.event.lines)
    worth = sum((Fraction(each.points, each.wallet) for each in rating.awards), Fraction(0))
    if not worth:
        return
    if report.highest_reward_percent is not None:
        assert worth * 100 <= Fraction(report.highest_reward_percent) * paid, (worth, paid)
    if report.highest_reward_found is not None:
        assert report.highest_reward_percent is not None
        assert Fraction(report.highest_reward_found.percent) <= Fraction(report.highest_reward_percent)
    kinds = {each.kind for each in report.findings}
    assert document.most_reward_percent is not None
    if worth * 100 > Fraction(document.most_reward_percent) * paid:
        assert "rate_exceeded" in kinds or _is_open(report, "rate_exceeded"), (worth, paid)
    if worth >= paid:
        assert "gaining_loop" in kinds or _is_open(report, "gaining_loop"), (worth, paid)


def _is_open(report: CheckReport, kind: str) -> bool:
    """Whether the report says that this question stayed open."""
    return any(each.why_en.startswith(kind) for each in report.not_proven)
