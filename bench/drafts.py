"""What the backtest is measured with: a draft of twenty rules, and members who bought often."""

from __future__ import annotations

from datetime import datetime, timedelta

from bench.program import CURRENCY, TEXT, WALLET
from bench.seeding import MEMBER, Step
from jifen.core.commands import RecordOrder
from jifen.core.orders import Order, OrderLine

ORDERS_PER_MEMBER = 10
_CATEGORIES = ("grocery", "fresh", "household", "electronics", "clothing", "beauty")
#: Within six months a member reaches silver with the fifth order or so, and gold for a while.
TIER_SET = """
tier_sets:
  - id: level
    name: {zh: 会员等级, en: Level}
    period: {kind: rolling_months, months: 6}
    downgrade: {policy: to_earned, review: monthly, grace_days: 15}
    tiers:
      - {id: regular, name: {zh: 普通会员, en: Regular}}
      - id: silver
        name: {zh: 银卡, en: Silver}
        qualify: period.spent_cents >= 100000
        benefits: {coefficient: 1.2}
      - id: gold
        name: {zh: 金卡, en: Gold}
        qualify: period.spent_cents >= 160000 && period.orders >= 5
        keep: period.spent_cents >= 150000
        benefits: {coefficient: 1.5}
"""
_EXPIRY = "expiry: {policy: rolling, months: 12, until: month_end}"


def twenty_rules() -> str:
    """The program of the benchmarks with nineteen more rules, as retail programs have them: multipliers of categories,
    channels and days, a first order, thresholds, an extra with a cap; four reward something else than orders."""
    rules = [
        _multiplier(f"category-{category}", f'lines: line.category == "{category}"', 1.1 + number / 10)
        for number, category in enumerate(_CATEGORIES)
    ]
    rules += [
        _multiplier(f"channel-{channel}", f'when: order.channel == "{channel}"', 1.2) for channel in ("app", "web")
    ]
    rules += [
        _multiplier("member-day", "window: {days_of_month: [8]}", 2),
        _multiplier("weekend", "window: {weekdays: [sat, sun]}", 1.5),
        _multiplier("double-eleven", 'window: {yearly: ["11-11"]}', 3),
        _fixed("first-order", "when: member.is_first_order && order.total_cents >= 10000", 200),
        _fixed("large-order", "when: order.total_cents >= 40000", 50),
        _fixed("large-basket", "when: order.quantity >= 6", 20),
        _fixed("web-extra", 'when: order.channel == "web"\n    caps: [{limit: count, most: 1, period: month}]', 5),
        _fixed("registration", "event: member.registered", 100),
        _fixed("check-in", "event: member.checked_in\n    caps: [{limit: count, most: 1, period: day}]", 2),
        _fixed("review", "event: review.posted\n    when: event.data.length >= 15", 20),
        _fixed("referral", 'event: referral.converted\n    when: event.data.role == "inviter"', 500),
    ]
    assert len(rules) == 19
    return TEXT + "".join(rules)


def _multiplier(name: str, condition: str, times: float) -> str:
    return f"""  - id: {name}
    wallet: {WALLET}
    {condition}
    coefficient: {{times: {times:g}, of: [base]}}
"""


def _fixed(name: str, condition: str, points: int) -> str:
    return f"""  - id: {name}
    wallet: {WALLET}
    {condition}
    fixed: {points}
    {_EXPIRY}
"""


def frequent_history(now: datetime) -> list[Step]:
    """Ten orders of one to three lines within the last three hundred days."""
    return [
        Step(RecordOrder(0, _order(number)), now - timedelta(days=300 - 29 * number, hours=number))
        for number in range(ORDERS_PER_MEMBER)
    ]


def _order(number: int) -> Order:
    lines = [
        OrderLine(
            str(line + 1),
            1 + (number + line) % 3,
            3_990 + 1_700 * ((number * 7 + line * 3) % 11),
            sku=f"SKU-{number % 7}-{line}",
            category=_CATEGORIES[(number + line) % len(_CATEGORIES)],
        )
        for line in range(1 + number % 3)
    ]
    return Order(f"{MEMBER}-{number}", CURRENCY, lines, channel=("store", "app", "web")[number % 3])
