"""Programs, members and orders of all sorts, for laws that hold for every one of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import msgspec
from hypothesis import strategies as st

from jifen.core.orders import Order, OrderLine
from jifen.core.program import ProgramDocument
from jifen.core.rules.document import ORDER_COMPLETED, EarningRule
from jifen.core.rules.facts import MemberFacts, RatedEvent
from tests.rules.examples import BASE

NOON: Final = datetime(2026, 11, 11, 4, tzinfo=UTC)
ROUNDINGS: Final = st.sampled_from(["floor", "half_up", "half_even", "ceil"])
TIMES: Final = st.sampled_from(["0", "0.5", "1", "1.1", "1.5", "2", "3.333333"]).map(Decimal)
POLICIES: Final = st.sampled_from(["product", "best", "sum_of_extras"])
CONDITIONS: Final = st.sampled_from(
    [
        None,
        'order.channel == "app"',
        'order.channel in ["app", "web"] && order.total_cents >= 5000',
        "order.total_cents >= 20000",
        "order.total_cents < 20000",
        "order.quantity >= 3",
        'order.lines.exists(each, each.category == "tea" && each.quantity >= 2)',
        "member.is_first_order",
        "100 / member.orders >= 50",
        "now.weekday == 3",
    ]
)
AUDIENCES: Final = st.sampled_from(
    [None, None, 'member.tier == "gold"', '"vip" in member.tags', "member.orders >= 1", "!member.is_birthday"]
)
LINE_FILTERS: Final = st.sampled_from(
    [
        None,
        None,
        'line.category == "tea"',
        'line.sku in ["A", "B"]',
        'line.brand != "B" && line.paid_cents >= 1000',
        'order.channel == "app" && line.quantity > 1',
    ]
)
WINDOWS: Final[st.SearchStrategy[dict[str, Any]]] = st.sampled_from(
    [{}, {}, {"from": "2026-11-11", "to": "2026-11-11"}, {"weekdays": ["thu"]}, {"hours": ["11:00-13:00"]}]
)
RATIOS: Final = st.fixed_dictionaries({"points": st.integers(0, 30), "per_cents": st.integers(1, 1000)})


@st.composite
def rates(draw: st.DrawFn, *, is_rising: bool = False) -> list[dict[str, int]]:
    """Steps in rising order; `is_rising`: their rates rise as well."""
    starts = sorted(draw(st.sets(st.integers(0, 40_000), min_size=1, max_size=4)))
    points = draw(st.lists(st.integers(0, 30), min_size=len(starts), max_size=len(starts)))
    if is_rising:
        points.sort()
    per_cents = draw(st.lists(st.sampled_from([100, 100, 300, 7]), min_size=len(starts), max_size=len(starts)))
    return [
        {"from_cents": start, "points": each, "per_cents": per_cents[0] if is_rising else per}
        for start, each, per in zip(starts, points, per_cents, strict=True)
    ]


@st.composite
def awards(draw: st.DrawFn) -> dict[str, Any]:
    """What one rule gives, of any kind."""
    kind = draw(st.sampled_from(["ratio", "fixed", "steps", "progressive", "coefficient", "coefficient", "formula"]))
    made: dict[str, Any]
    match kind:
        case "ratio":
            made = {"ratio": draw(RATIOS), "basis": draw(st.sampled_from(["order", "line"]))}
        case "fixed":
            made = {
                "fixed": {"points": draw(st.integers(0, 50)), "per": draw(st.sampled_from(["event", "line", "unit"]))}
            }
        case "steps":
            made = {"steps": {"rates": draw(rates()), "kind": draw(st.sampled_from(["whole", "marginal"]))}}
        case "progressive":
            period = draw(st.sampled_from(["month", "year", "lifetime"]))
            made = {"progressive": {"rates": draw(rates()), "period": period}}
        case "coefficient":
            return {"coefficient": {"times": draw(TIMES)}}
        case _:
            return {"formula": draw(st.sampled_from(["order.total_cents / 1000", "10 / member.orders", "7"]))}
    return made | {"rounding": draw(ROUNDINGS)}


@st.composite
def _cap(draw: st.DrawFn, *, is_budget: bool) -> dict[str, Any]:
    limit = draw(st.sampled_from(["points", "count", "cost_cents"]))
    periods = ["day", "week", "month", "year", "lifetime", *([] if is_budget else ["event"])]
    return {
        "limit": limit,
        "most": draw(st.integers(0, 5 if limit == "count" else 400)),
        "per": "program" if is_budget else draw(st.sampled_from(["member", "program"])),
        "period": draw(st.sampled_from(periods)),
    }


def caps(*, is_budget: bool = False) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Up to two limits of a rule or campaign, or of the program."""
    return st.lists(
        _cap(is_budget=is_budget),
        max_size=2,
        unique_by=lambda cap: (str(cap["limit"]), str(cap["per"]), str(cap["period"])),
    )


@st.composite
def contents(draw: st.DrawFn) -> dict[str, Any]:
    """The content of a program file with a handful of rules of all sorts."""
    rules = [draw(_rules(f"r{number}")) for number in range(draw(st.integers(1, 6)))]
    named = [rule for rule in rules if "coefficient" not in rule]
    for rule in rules:
        fitting = [each["id"] for each in named if each["wallet"] == rule["wallet"]]
        is_picky: bool = draw(st.booleans())
        if "coefficient" in rule and fitting and is_picky:
            names: list[str] = draw(st.lists(st.sampled_from(fitting), min_size=1, unique=True))
            rule["coefficient"]["of"] = names
    budgets = draw(caps())
    campaign = {"id": "c", "name": {"zh": "活动", "en": "C"}, "window": draw(WINDOWS), "budgets": budgets}
    other = {"id": "d", "name": {"zh": "活动", "en": "D"}, "audience": draw(AUDIENCES)}
    for rule in rules:
        if draw(st.booleans()):
            rule["campaign"] = "d" if "coefficient" in rule else draw(st.sampled_from(["c", "d"]))
    return BASE | {
        "coefficients": draw(POLICIES),
        "budgets": draw(caps(is_budget=True)),
        "groups": [{"id": "best", "pick": "best"}, {"id": "first", "pick": "first"}, {"id": "sum", "pick": "sum"}],
        "campaigns": [campaign, other],
        "earning": rules,
    }


@st.composite
def _rules(draw: st.DrawFn, name: str) -> dict[str, Any]:
    rule = draw(awards()) | {
        "id": name,
        "wallet": draw(st.sampled_from(["points", "points", "growth"])),
        "priority": draw(st.integers(0, 2)),
        "window": draw(WINDOWS),
        "audience": draw(AUDIENCES),
        "when": draw(CONDITIONS),
        "group": draw(st.sampled_from([None, None, "best", "first", "sum"])),
    }
    if "formula" not in rule:
        rule["lines"] = draw(LINE_FILTERS)
    if "coefficient" not in rule:
        rule["caps"] = draw(caps())
    return rule


def document_of(content: dict[str, Any]) -> ProgramDocument:
    """The content as a document."""
    return msgspec.convert(content, ProgramDocument)


def plain_document(*rules: EarningRule, **more: Any) -> ProgramDocument:
    """A program of just these rules."""
    return msgspec.structs.replace(document_of(BASE | {"earning": []}), earning=list(rules), **more)


_TEXTS: Final = st.sampled_from([None, "A", "B", "tea", "cup"])
MEMBERS: Final = st.builds(
    MemberFacts,
    tier=st.sampled_from(["", "gold"]),
    tags=st.lists(st.sampled_from(["vip", "x"]), unique=True),
    orders=st.integers(0, 3),
    spent_cents_month=st.integers(0, 30_000),
    spent_cents_year=st.integers(0, 60_000),
    spent_cents_total=st.integers(0, 90_000),
    birthday=st.sampled_from([None, "11-11"]),
)


@st.composite
def orders(draw: st.DrawFn, order_id: str = "o") -> Order:
    """An order of up to five lines."""
    lines = [
        OrderLine(
            str(number),
            draw(st.integers(1, 4)),
            draw(st.integers(0, 30_000)),
            draw(_TEXTS),
            None,
            draw(_TEXTS),
            draw(_TEXTS),
        )
        for number in range(draw(st.integers(1, 5)))
    ]
    return Order(order_id, "CNY", lines, draw(st.sampled_from([None, "app", "web"])))


def event_of(order: Order, at: datetime = NOON, lines: list[OrderLine] | None = None) -> RatedEvent:
    """The order as it is rated, or what of its lines is left."""
    return RatedEvent(ORDER_COMPLETED, at, "test", order, order.lines if lines is None else lines)


#: Instants of a few weeks over the turn of a year, so that every kind of period ends in between.
INSTANTS: Final = st.integers(0, 24 * 40).map(lambda hours: datetime(2026, 12, 10, tzinfo=UTC) + timedelta(hours=hours))
