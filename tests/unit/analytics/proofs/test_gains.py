"""Points that breed points without any order: found, or named as not proven."""

from __future__ import annotations

from typing import Any

import pytest

from jifen.analytics.proofs import check_program
from tests.unit.analytics.proofs.test_worth import NAME, POINTS, converting, with_ways
from tests.unit.analytics.proofs.trying import only, tried
from tests.unit.analytics.test_proofs import kinds

COUPON: dict[str, Any] = {
    "id": "coupon",
    "kind": "coupon",
    "name": NAME,
    "prices": [{"points": 1_000_000}],
    "coupon": {"face": "fixed", "cents": 10_000},
}


def prize(name: str, weight: int, **more: Any) -> dict[str, Any]:
    """Something to win."""
    return {"id": name, "name": NAME, "weight": weight} | more


def lottery(prizes: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """A lottery of these prizes."""
    return {"id": "wheel", "name": NAME, "prizes": prizes, "otherwise": "none"} | more


GAINS: dict[str, tuple[dict[str, Any], dict[str, Any], list[str]]] = {
    "a circle of conversions": (
        {"conversions": converting(("growth", 1, "points", 100), ("points", 50, "growth", 1))},
        {"conversions": converting(("growth", 1, "points", 100), ("points", 100, "growth", 1))},
        ["conversion:c0", "conversion:c1"],
    ),
    "a lottery that gives more points than it takes": (
        {"draws": [lottery([prize("won", 1, points=1000), prize("none", 1)], price={"points": 499})]},
        {"draws": [lottery([prize("won", 1, points=1000), prize("none", 1)], price={"points": 500})]},
        ["draw:wheel"],
    ),
    "a circle through a lottery": (
        {
            "draws": [lottery([prize("won", 1, points=10, wallet="growth"), prize("none", 1)], price={"points": 10})],
            "conversions": converting(("growth", 2, "points", 5)),
        },
        {
            "draws": [lottery([prize("won", 1, points=10, wallet="growth"), prize("none", 1)], price={"points": 10})],
            "conversions": converting(("growth", 1, "points", 2)),
        },
        ["draw:wheel", "conversion:c0"],
    ),
}


@pytest.mark.parametrize("name", GAINS)
def test_circles_are_found(name: str) -> None:
    """With an order that earns points to begin with; and one step short of it there is nothing to find."""
    gaining, even, owners = GAINS[name]
    document = with_ways(**gaining).document
    report = check_program(document)
    found = only(report, "gaining_loop")
    assert sorted(found.rules) == sorted(owners)
    assert found.counterexample is not None
    assert tried(document, found.counterexample).totals["points"] > 0
    # No share is promised where points have no end.
    assert report.highest_reward_percent is None
    other = check_program(with_ways(**even).document)
    assert (kinds(other), other.not_proven, other.highest_reward_percent) == ([], [], "1.00")


def test_a_chance_of_a_voucher_is_what_points_buy() -> None:
    """Nine times in ten 100 yuan for 10 points: an order earns nine times what it cost."""
    draw = lottery([prize("won", 9, reward="coupon"), prize("none", 1)], price={"points": 10})
    document = with_ways(rewards=[COUPON], draws=[draw]).document
    report = check_program(document)
    assert kinds(report) == [("rate_exceeded", ["base"]), ("gaining_loop", ["base"])]
    assert report.highest_reward_percent == "900.00"
    for each in report.findings:
        assert each.counterexample is not None
        paid = sum(line["paid_cents"] for line in each.counterexample.event["data"]["lines"])
        assert 900 * tried(document, each.counterexample).totals["points"] > paid


def test_vouchers_for_nothing() -> None:
    """Without a limit a gain; with one a present, which no order earns: named."""
    free = COUPON | {"prices": [{"points": 0}]}
    assert kinds(check_program(with_ways(rewards=[free]).document)) == [("gaining_loop", ["reward:coupon"])]
    report = check_program(with_ways(rewards=[free | {"limits": [{"most": 1}]}]).document)
    assert (report.findings, [each.rule for each in report.not_proven]) == ([], ["reward:coupon"])
    # An add-on is there once with each order.
    report = check_program(with_ways(rewards=[free | {"kind": "add_on"}]).document)
    assert (report.findings, [each.rule for each in report.not_proven]) == ([], ["reward:coupon"])
    # A voucher sold for as much as it is worth is neither.
    sold = COUPON | {"prices": [{"points": 0, "cash_cents": 10_000}]}
    assert check_program(with_ways(rewards=[sold]).document).not_proven == []


def test_percentages_are_named() -> None:
    """They are worth the more, the larger the order: no highest share is told."""
    percent = COUPON | {"prices": [{"points": 1}], "coupon": {"face": "percent", "percent": 90}}
    report = check_program(with_ways(rewards=[percent]).document)
    assert (report.findings, report.highest_reward_percent) == ([], None)
    (named,) = report.not_proven
    assert named.rule == "reward:coupon"
    assert named.why_en.startswith("rate_exceeded: a coupon of 90 %")
    draw = lottery([prize("won", 1, reward="coupon"), prize("none", 9)], price={"points": 1000})
    report = check_program(with_ways(rewards=[percent | {"prices": [{"points": 99}]}], draws=[draw]).document)
    assert {each.rule for each in report.not_proven} == {"reward:coupon", "draw:wheel"}


def test_the_reason_is_true() -> None:
    """What is said where orders earn a wallet without a worth: other wallets may have one."""
    report = check_program(
        with_ways(wallets=[POINTS | {"value": None}, POINTS | {"id": "growth"}, {**POINTS, "id": "miles"}]).document
    )
    assert [each.why_en for each in report.not_proven] == [
        "rate_exceeded: no wallet that orders earn has a value, so what points cost is not known"
    ]
