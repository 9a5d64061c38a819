"""Caps that never bind: proven over any number of events, told with the event that comes closest."""

from __future__ import annotations

import re
from typing import Any

import pytest

from jifen.analytics.proofs import check_program
from tests.unit.analytics.proofs.trying import only, tried
from tests.unit.analytics.test_proofs import TIER, document_of, kinds

CHECKED_IN = "member.checked_in"


def capped(*caps: tuple[str, int, str], **more: Any) -> dict[str, Any]:
    """Ten points for checking in, under these caps."""
    made = [{"limit": limit, "most": most, "period": period} for limit, most, period in caps]
    return {"fixed": 10, "event": CHECKED_IN, "caps": made} | more


def campaign(most: int, **more: Any) -> dict[str, Any]:
    """A campaign with a budget of points for each member."""
    budget = {"limit": "points", "most": most, "per": "member", "period": "campaign"}
    return {"campaigns": [{"id": "c", "name": TIER["name"], "budgets": [budget]} | more]}


RATIO = {"ratio": {"points": 1, "per_cents": 100}, "event": "order.completed"}
SMALL = RATIO | {"when": "order.total_cents < 10000"}
DOUBLE = {"coefficient": {"times": 2, "of": ["r0"]}, "event": CHECKED_IN}
OF_LINES = [
    {"coefficient": {"times": 2, "of": ["r0"]}, "lines": f'line.category == "{each}"'} for each in ("tea", "cup")
]


def on(weekday: str) -> dict[str, Any]:
    """The window of a weekday."""
    return {"window": {"weekdays": [weekday]}}


MONDAYS = {"window": {"weekdays": ["mon"]}}
ONCE = ("count", 1, "day")
#: Rules; the program around them; the largest cap that binds is one less than this, which does not.
IDLE: dict[str, tuple[list[dict[str, Any]], list[dict[str, Any]], dict[str, Any], dict[str, Any]]] = {
    "once a day, by the week": ([capped(ONCE, ("points", 70, "week"))], [capped(ONCE, ("points", 69, "week"))], {}, {}),
    "once a day, by the month": (
        [capped(ONCE, ("points", 310, "month"))],
        [capped(ONCE, ("points", 309, "month"))],
        {},
        {},
    ),
    "an amount below a bound": (
        [capped(("points", 99, "event"), **SMALL, fixed=None)],
        [capped(("points", 98, "event"), **SMALL, fixed=None)],
        {},
        {},
    ),
    "line by line": (
        [capped(("points", 99, "event"), **SMALL, fixed=None, basis="line", lines="line.quantity > 1")],
        [capped(("points", 98, "event"), **SMALL, fixed=None, basis="line", lines="line.quantity > 1")],
        {},
        {},
    ),
    "Mondays": (
        [capped(ONCE, ("count", 5, "month"), **MONDAYS)],
        [capped(ONCE, ("count", 4, "month"), **MONDAYS)],
        {},
        {},
    ),
    "by points of a week": (
        [capped(("points", 5, "week"), ("points", 30, "month"))],
        [capped(("points", 5, "week"), ("points", 29, "month"))],
        {},
        {},
    ),
    "a longer cap that is smaller": (
        [capped(("points", 50, "day"), ("points", 50, "lifetime"))],
        [capped(("points", 49, "day"), ("points", 50, "lifetime"))],
        {},
        {},
    ),
    "the cost": ([capped(("cost_cents", 10, "event"))], [capped(("cost_cents", 9, "event"))], {}, {}),
    "a formula": (
        [capped(("points", 50, "event"), fixed=None, formula="member.orders > 50 ? 50 : member.orders")],
        [capped(("points", 49, "event"), fixed=None, formula="member.orders > 50 ? 50 : member.orders")],
        {},
        {},
    ),
    "a coefficient": (
        [capped(("points", 20, "event")), DOUBLE],
        [capped(("points", 19, "event")), DOUBLE],
        {},
        {},
    ),
    "doublings that never meet": (
        [capped(("points", 20, "event")), DOUBLE | on("mon"), DOUBLE | on("tue")],
        [capped(("points", 19, "event")), DOUBLE | on("mon"), DOUBLE | on("tue")],
        {},
        {},
    ),
    "two of three doublings meet": (
        [capped(("points", 40, "event")), DOUBLE | on("mon"), DOUBLE | on("tue"), DOUBLE],
        [capped(("points", 39, "event")), DOUBLE | on("mon"), DOUBLE | on("tue"), DOUBLE],
        {},
        {},
    ),
    "doublings for tiers": (
        [capped(("points", 20, "event")), *(DOUBLE | {"audience": f'member.tier == "{each}"'} for each in "abcdefgh")],
        [capped(("points", 19, "event")), *(DOUBLE | {"audience": f'member.tier == "{each}"'} for each in "abcdefgh")],
        {},
        {},
    ),
    "doublings for lines, of money": (
        [capped(("points", 199, "event"), **SMALL, fixed=None), *OF_LINES],
        [capped(("points", 198, "event"), **SMALL, fixed=None), *OF_LINES],
        {},
        {},
    ),
    "doublings for lines, of an order": (
        [capped(("points", 40, "event"), event="order.completed"), *OF_LINES],
        [capped(("points", 39, "event"), event="order.completed"), *OF_LINES],
        {},
        {},
    ),
    "extras that add up": (
        [capped(("points", 30, "event")), DOUBLE, DOUBLE],
        [capped(("points", 29, "event")), DOUBLE, DOUBLE],
        {"coefficients": "sum_of_extras"},
        {"coefficients": "sum_of_extras"},
    ),
    "the budget of a campaign": (
        [capped(("count", 1, "lifetime"), campaign="c")],
        [capped(("count", 1, "lifetime"), campaign="c")],
        campaign(10),
        campaign(9),
    ),
    "a campaign of eleven days": (
        [capped(ONCE, campaign="c")],
        [capped(ONCE, campaign="c")],
        campaign(110, window={"from": "2026-11-01", "to": "2026-11-11"}),
        campaign(109, window={"from": "2026-11-01", "to": "2026-11-11"}),
    ),
    "who registers once": (
        [capped(("points", 10, "month"), event="member.registered")],
        [capped(("points", 9, "month"), event="member.registered")],
        {},
        {},
    ),
    "a welcome that there is once": (
        [capped(("count", 1, "lifetime"), event="member.registered")],
        [capped(("count", 1, "lifetime"))],
        {},
        {},
    ),
    "two rules of a campaign": (
        [capped(("count", 1, "lifetime"), campaign="c"), capped(("count", 2, "lifetime"), campaign="c")],
        [capped(("count", 1, "lifetime"), campaign="c"), capped(("count", 2, "lifetime"), campaign="c")],
        campaign(30),
        campaign(29),
    ),
}


@pytest.mark.parametrize("name", IDLE)
def test_a_cap_one_too_high_is_found(name: str) -> None:
    """And one that just binds is not; the event that comes closest is tried, and the cap takes nothing."""
    idle, binding, around, other_around = IDLE[name]
    document = document_of(
        *[{key: value for key, value in each.items() if value is not None} for each in idle], **around
    )
    report = check_program(document)
    found = only(report, "idle_cap")
    assert report.not_proven == []
    assert found.counterexample is not None
    trial = tried(document, found.counterexample)
    verdict = next(each for each in trial.trace if each.rule == "r0")
    assert verdict.outcome == "awarded"
    # The detail of an award names the caps that cut it: another may be among them, this one never.
    named = re.search(r"\((\w+) \d+, (\w+/\w+)\)", found.message_en)
    assert named is not None
    assert f"/{named[1]}/{named[2]}" not in verdict.detail
    made = [{key: value for key, value in each.items() if value is not None} for each in binding]
    other = check_program(document_of(*made, **other_around))
    assert ("idle_cap" in dict(kinds(other)), other.not_proven) == (False, [])


def test_the_event_comes_as_close_as_can_be() -> None:
    """99 points, of 100 that are allowed."""
    rule = capped(("points", 100, "event"), **SMALL)
    del rule["fixed"]
    document = document_of(rule)
    found = only(check_program(document), "idle_cap")
    assert found.counterexample is not None
    points = [each.points for each in tried(document, found.counterexample).awards if each.rule == "r0"]
    assert points == [99]


def test_what_is_not_decided_is_named() -> None:
    """A pattern that no event was found for: whether the points are doubled at all is not known."""
    rules = [capped(("points", 15, "event")), DOUBLE | {"when": 'event.source.matches("(?i)^a+$")'}]
    report = check_program(document_of(*rules))
    (named,) = [each for each in report.not_proven if each.why_en.startswith("idle_cap")]
    assert (report.findings, named.rule) == ([], "r0")
    assert "The cap of r0" in named.why_en


def test_a_cap_of_nothing_is_told() -> None:
    """The rule never gives anything; an event is shown of which the cap takes all."""
    document = document_of(capped(("count", 0, "day")))
    found = only(check_program(document), "never_true")
    assert found.counterexample is not None
    assert found.message_en == "The cap of r0 is 0: it lets nothing through"
    (verdict,) = tried(document, found.counterexample).trace
    assert verdict.outcome == "capped"


def test_a_budget_for_everybody_is_used_up_by_many() -> None:
    """However large: as many members as one likes draw on it."""
    budget = {"limit": "points", "most": 10**12, "per": "program", "period": "day"}
    report = check_program(document_of(capped(ONCE), budgets=[budget]))
    assert (report.findings, report.not_proven) == ([], [])
