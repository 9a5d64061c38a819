"""What points can be turned into, worked out by hand."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from jifen.analytics.proofs.ways import best_rate, ways_of
from jifen.core.wallets.document import Conversion
from tests.unit.analytics.proofs.test_gains import COUPON, lottery, prize
from tests.unit.analytics.proofs.test_worth import with_ways, worth

HALF = [prize("won", 1, points=1000), prize("none", 1)]


@pytest.mark.parametrize(
    ("fee", "rate"),
    [
        ({}, Fraction(3, 2)),
        # The same for any amount: nothing of a large one.
        ({"fee_points": 5}, Fraction(3, 2)),
        # 3 points arrive at least: 10 % of them are rounded away.
        ({"fee_percent": 10, "fee_rounding": "floor"}, Fraction(3, 2)),
        ({"fee_percent": 10, "fee_rounding": "half_up"}, Fraction(3, 2)),
        ({"fee_percent": 10, "fee_rounding": "ceil"}, Fraction(27, 20)),
        # Of 18 points 1.8: at best 1 of 18; of 15 points 1.5, rounded up.
        ({"fee_percent": 10, "fee_rounding": "floor", "least": 12}, Fraction(3, 2) * Fraction(17, 18)),
        ({"fee_percent": 100, "fee_rounding": "ceil"}, Fraction(0)),
        # Too many fractions to be tried: rounding takes less than a point off.
        ({"fee_percent": "10.0000001", "fee_rounding": "floor"}, Fraction(3, 2)),
    ],
)
def test_conversions_at_best(fee: dict[str, Any], rate: Fraction) -> None:
    """Two points for three, less what the fee takes where it takes least."""
    if "fee_percent" in fee:
        fee["fee_percent"] = Decimal(fee["fee_percent"])
    assert best_rate(Conversion("c", "growth", "points", 2, 3, **fee)) == rate


@pytest.mark.parametrize(
    ("draw", "cents"),
    [
        # Half a chance of 1,000 points of a cent, for 250 points: 2 cents each.
        (lottery(HALF, price={"points": 1000}), 1),
        (lottery([prize("won", 1, reward="coupon"), prize("none", 3)], price={"points": 500}), 5),
        # A phone of 5,000 yuan once in a thousand.
        (lottery([prize("phone", 1, cost_cents=500000), prize("none", 999)], price={"points": 100}), 5),
        # Every third miss gives the coupon: misses of one half, after two: 1/8 of 1 + 1/2 + 1/4, so 1/14 more.
        (
            lottery(
                [prize("won", 1, reward="coupon"), prize("lost", 1, cost_cents=0)],
                price={"points": 1000},
                pity={"after": 2, "prize": "won"},
                otherwise="lost",
            ),
            Fraction(10) * (Fraction(1, 2) + Fraction(1, 14)),
        ),
    ],
)
def test_lotteries_on_average(draw: dict[str, Any], cents: Fraction) -> None:
    """By their odds, pity included (known to a billionth)."""
    assert abs(worth(with_ways(rewards=[COUPON], draws=[draw])) - cents) < Fraction(1, 10**6)


def test_what_may_run_out_gives_what_stands_for_it() -> None:
    """A cheap prize of which there are ten, and 100 points ever after."""
    prizes = [prize("cup", 1, cost_cents=100, stock=10), prize("points", 1, points=600)]
    draw = lottery(prizes, price={"points": 900}, otherwise="points")
    # The growth points pay for it: 600 points of a cent for 900.
    draw["price"]["wallet"] = "growth"
    assert worth(with_ways(draws=[draw]), "growth") == Fraction(6, 9)


def test_tickets() -> None:
    """A ticket is worth what its lottery gives, less the money that was paid for it."""
    ticket = {
        "id": "ticket",
        "kind": "lottery_ticket",
        "name": COUPON["name"],
        "prices": [{"points": 100, "cash_cents": 1000}],
    }
    draw = lottery([prize("won", 1, reward="coupon"), prize("none", 3)], ticket="ticket")
    assert worth(with_ways(rewards=[COUPON, ticket], draws=[draw])) == 15


def test_what_is_retired_is_no_way() -> None:
    """Nor a price of its own."""
    program = with_ways(rewards=[COUPON | {"retired": True}], draws=[lottery(HALF, price={"points": 1}, retired=True)])
    assert ways_of(program) == ([], [])
