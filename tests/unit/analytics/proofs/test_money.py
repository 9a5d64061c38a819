"""What orders give back: how shares are told, and which points can be turned round."""

from __future__ import annotations

from jifen.analytics.proofs import check_program
from tests.unit.analytics.proofs.trying import tried
from tests.unit.analytics.test_proofs import MUG, PLAIN, TIER, document_of, double


def test_a_share_that_is_rounded_up_is_told_exactly_beside() -> None:
    """An order of 99.99 that earns 201 points: 2.01 % of it is a little less."""
    rules = [{"fixed": 100, "when": "order.total_cents == 9999"}, {"fixed": 2, "when": "order.total_cents == 9999"}]
    report = check_program(document_of(*rules, most_reward_percent=2))
    (shown,) = [each for each in report.findings if each.kind == "rate_exceeded"]
    assert "worth 2.02% of it (rounded up, exactly 67/3333): more than 2%" in shown.message_en
    assert "价值为实付的 2.02%（向上取整，准确值 67/3333），超过 2%" in shown.message_zh


def test_only_points_that_buy_something_can_be_turned_round() -> None:
    """By a reward, at the checkout, in a lottery; or, where they can be converted, those into which they can."""
    wallets = [PLAIN["wallets"][0] | {"id": name} for name in ("points", "growth")]
    prize = {"id": "none", "name": TIER["name"], "weight": 1}
    draw = {"id": "wheel", "name": TIER["name"], "price": {"points": 9}, "prizes": [prize], "otherwise": "none"}
    conversion = {"id": "swap", "from": "growth", "to": "points", "give": 1, "get": 1}
    offset = {"wallet": "points", "points": 100, "cents": 100}
    for wallet, more, is_found in (
        ("points", {}, False),
        ("points", {"offset": offset}, True),
        ("points", {"draws": [draw]}, True),
        ("points", {"rewards": [MUG["rewards"][0] | {"retired": True}]}, False),
        ("growth", MUG, False),
        ("growth", MUG | {"conversions": [conversion]}, True),
    ):
        rule = {"id": "much", "wallet": wallet, "ratio": {"points": 2, "per_cents": 1}}
        report = check_program(document_of(earning=[rule], wallets=wallets, **more))
        found = [each.rules for each in report.findings if each.kind == "gaining_loop"]
        assert found == ([["much"]] if is_found else []), (wallet, more)


def test_the_order_that_gives_back_most_is_shown() -> None:
    """By an event and a member that reach the share which none can pass, as `rules try` shows."""
    document = document_of(double(audience="member.is_birthday"), {"fixed": 50, "when": "order.total_cents >= 20000"})
    report = check_program(document)
    found = report.highest_reward_found
    assert found is not None
    assert report.highest_reward_percent == found.percent == "2.25"
    assert found.example.event["data"]["lines"][0]["paid_cents"] == 20_000
    assert tried(document, found.example).totals == {"points": 450}


def test_a_share_that_no_order_reaches_is_approached() -> None:
    """A third of a point for each yuan is never quite 0.34 %: the bound is rounded up, what was found down."""
    rule = {"id": "base", "wallet": "points", "ratio": {"points": 1, "per_cents": 300}}
    report = check_program(document_of(earning=[rule]))
    found = report.highest_reward_found
    assert found is not None
    assert (report.highest_reward_percent, found.percent) == ("0.34", "0.33")


def test_where_no_share_bounds_orders_no_order_is_shown() -> None:
    """A fixed award for an order of any size."""
    report = check_program(document_of({"fixed": 10}))
    assert (report.highest_reward_percent, report.highest_reward_found) == (None, None)
