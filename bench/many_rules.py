"""Programs of many rules, as a chain of shops would have them, and the cost of rating an order by them."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from time import perf_counter_ns

import msgspec

from bench.program import CURRENCY, WALLET, first_version
from jifen.core.commands import RecordOrder
from jifen.core.decide import Context, decide
from jifen.core.decide.context import Effects
from jifen.core.ledger.values import Account, MemberState
from jifen.core.orders import Order, OrderLine
from jifen.core.program import EarningRule, Program, ProgramDocument, Ratio
from jifen.core.rules.document import Cap, Coefficient, Fixed, Group, Step, Steps, Window
from jifen.core.rules.standing import Counters, Profile

WARM_UP_ORDERS = 300
ORDERS = 3_000
_NOW = datetime(2026, 6, 10, 4, 0, tzinfo=UTC)


def many_rules(number: int) -> ProgramDocument:
    """A program of so many rules, all of them in force: one in ten of each kind below, with its own values."""
    rules = [EarningRule("base", WALLET, Ratio(1, 100))]
    rules += [_rule(index) for index in range(1, number)]
    document = first_version().document
    return msgspec.structs.replace(document, earning=rules, coefficients="best", groups=[Group("tiers", "best")])


def _rule(index: int) -> EarningRule:
    name, kind = f"rule-{index}", index % 10
    factor = Coefficient(Decimal("1.5"))
    match kind:
        case 0:
            return EarningRule(name, WALLET, coefficient=factor, lines=f'line.category == "category-{index}"')
        case 1:
            return EarningRule(name, WALLET, fixed=Fixed(5, "unit"), lines=f'line.sku == "sku-{index}"')
        case 2:
            return EarningRule(name, WALLET, coefficient=factor, lines=f'line.brand in ["brand-{index}", "other"]')
        case 3:
            return EarningRule(
                name, WALLET, fixed=10, when=f'order.channel == "app" && order.total_cents >= {index}000'
            )
        case 4:
            audience = f'member.tier == "tier-{index}"'
            return EarningRule(name, WALLET, coefficient=factor, audience=audience, group="tiers")
        case 5:
            rates = [Step(0, 1, 1_000), Step(50_000, 1, 500)]
            return EarningRule(name, WALLET, steps=Steps(rates), when=f'order.store_id == "store-{index}"')
        case 6:
            caps = [Cap("points", 500, period="month")]
            return EarningRule(name, WALLET, fixed=3, audience=f'"tag-{index}" in member.tags', caps=caps)
        case 7:
            return EarningRule(name, WALLET, fixed=2, window=Window(weekdays=["wed"]), when=f"member.orders == {index}")
        case 8:
            ratio, lines = Ratio(1, 1_000), f'line.category == "category-{index}" && line.paid_cents >= 1000'
            return EarningRule(name, WALLET, ratio, lines=lines)
        case _:
            return EarningRule(name, WALLET, coefficient=factor, audience="member.is_birthday_month", group="tiers")


def median_us(number: int) -> float:
    """The median time, in microseconds, of deciding an order of ten lines by a program of so many rules."""
    program = Program(1, many_rules(number), {WALLET: 1})
    account = Account(1, available=1_000)
    profile = Profile(tier="tier-4", tags=["tag-6", "tag-16"], birthday="06-17", registered_at=_NOW)
    state = MemberState(7, 3, (account,), profile, Counters(17, 500_000))
    context = Context(_NOW, _NOW, "bench", "key", "bench")
    # Some of the ten lines are what rules ask for: a dozen rules match, as in a shop with a few campaigns at once.
    lines = [
        OrderLine(
            str(line),
            2,
            1_990 + line,
            f"sku-{10 * line + 1 if line < 3 else 10 * line}",
            "Tea",
            f"category-{10 * line if line < 3 else 10 * line + 1}",
            f"brand-{10 * line + 2 if line < 2 else 10 * line}",
        )
        for line in range(10)
    ]
    orders = [Order(f"o{each}", CURRENCY, lines, "app", "store-5") for each in range(WARM_UP_ORDERS + ORDERS)]
    spent: list[int] = []
    for order in orders:
        command = RecordOrder(7, order)
        started = perf_counter_ns()
        effects = decide(program, command, context, state)
        spent.append(perf_counter_ns() - started)
        assert isinstance(effects, Effects)
    measured = sorted(spent[WARM_UP_ORDERS:])
    return measured[len(measured) // 2] / 1_000
