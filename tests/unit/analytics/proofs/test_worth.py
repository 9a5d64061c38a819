"""Points are worth what can be made of them: proofs look for the loop-hole that a member would take."""

from __future__ import annotations

from fractions import Fraction
from random import Random
from typing import Any

import msgspec
import pytest

from jifen.analytics.proofs import check_program
from jifen.analytics.proofs.worth import leading_to, worths_of
from jifen.core.program import Program, ProgramDocument, check_document
from tests.unit.analytics.test_proofs import BASE, PLAIN, kinds

NAME = {"zh": "券", "en": "Voucher"}
POINTS: dict[str, Any] = PLAIN["wallets"][0]
OTHERS = [{"id": each, "name": NAME} for each in ("growth", "miles")]


def program_of(cents: int, **more: Any) -> Program:
    """A point a yuan, 100 points are worth a yuan, 5 % are allowed; and a voucher of so many cents for 100 points."""
    voucher = {
        "id": "voucher",
        "kind": "coupon",
        "name": NAME,
        "prices": [{"points": 100}],
        "coupon": {"face": "fixed", "cents": cents},
    }
    return with_ways(rewards=[voucher | more])


def with_ways(**more: Any) -> Program:
    """The same without the voucher, with other ways to use points."""
    content = PLAIN | {"earning": [BASE], "most_reward_percent": 5, "wallets": [POINTS, *OTHERS]} | more
    document = msgspec.convert(content, ProgramDocument)
    check_document(document)
    return Program(1, document, {"points": 1, "growth": 2, "miles": 3})


def converting(*rates: tuple[str, int, str, int]) -> list[dict[str, Any]]:
    """Conversions: so many of one wallet for so many of another."""
    return [
        {"id": f"c{number}", "from": source, "to": target, "give": give, "get": get}
        for number, (source, give, target, get) in enumerate(rates)
    ]


def test_a_voucher_that_is_too_dear_is_found() -> None:
    """5 yuan for 100 points are 5 %, 5.01 are more; a voucher worth an order's points breeds points."""
    assert kinds(check_program(program_of(500).document)) == []
    assert kinds(check_program(program_of(501).document)) == [("rate_exceeded", ["base"])]
    assert kinds(check_program(program_of(10_000).document)) == [
        ("rate_exceeded", ["base"]),
        ("gaining_loop", ["base"]),
    ]


def test_vouchers_and_the_checkout_count() -> None:
    """Not what is retired; money on top is taken off; paying with points counts as well."""
    assert worth(program_of(50)) == 1
    assert worth(program_of(900)) == 9
    assert worth(program_of(900, retired=True)) == 1
    assert worth(program_of(900, prices=[{"points": 100, "cash_cents": 1}])) == Fraction(899, 100)
    assert worth(program_of(900, prices=[{"points": 100, "cash_cents": 900}])) == 1
    assert worth(with_ways(offset={"wallet": "points", "points": 10, "cents": 20})) == 2


def test_money_on_top_hides_no_loop_hole() -> None:
    """A voucher of 100 yuan for 100 points and a cent gives back nearly everything."""
    report = check_program(program_of(10_000, prices=[{"points": 100, "cash_cents": 1}]).document)
    assert kinds(report) == [("rate_exceeded", ["base"])]
    assert "100 points and 1 cents buy voucher" in report.findings[0].message_en
    assert report.highest_reward_percent == "99.99"


def worth(program: Program, wallet: str = "points") -> Fraction:
    """Cents for a point."""
    points, cents = worths_of(program).by_wallet[wallet]
    return Fraction(cents, points)


def test_points_are_worth_what_they_can_be_converted_into() -> None:
    """Also over several steps; a wallet that leads to money has a worth though the program states none."""
    program = with_ways(conversions=converting(("growth", 1, "miles", 3), ("miles", 2, "points", 5)))
    worths = [worth(program, each) for each in ("points", "miles", "growth")]
    assert worths == [Fraction(1), Fraction(5, 2), Fraction(15, 2)]
    growing = [BASE | {"wallet": "growth"}]
    report = check_program(
        with_ways(earning=growing, conversions=converting(("growth", 1, "points", 6))).document,
    )
    assert kinds(report) == [("rate_exceeded", ["base"])]
    assert (report.not_proven, report.highest_reward_percent) == ([], "6.00")


def test_circles() -> None:
    """There and back to as much is no gain; to more is, also of points that are worth nothing."""
    even = worths_of(with_ways(conversions=converting(("growth", 1, "points", 100), ("points", 100, "growth", 1))))
    assert (even.circles, even.by_wallet) == ([], {"points": (100, 100), "growth": (1, 100)})
    for source, target in (("growth", "points"), ("growth", "miles")):
        program = with_ways(conversions=converting((source, 1, target, 100), (target, 50, source, 1)))
        (circle,) = worths_of(program).circles
        assert {each.owner for each in circle} == {"conversion:c0", "conversion:c1"}
    found = worths_of(
        with_ways(
            conversions=converting(("points", 1, "growth", 1), ("growth", 1, "miles", 2), ("miles", 1, "growth", 1))
        )
    )
    (circle,) = found.circles
    assert {each.owner for each in circle} == {"conversion:c1", "conversion:c2"}
    assert leading_to(found.ways, circle) == {"points", "growth", "miles"}
    assert not found.is_whole


@pytest.mark.parametrize("seed", range(40))
def test_nobody_makes_more_of_points_than_their_worth(seed: int) -> None:
    """Whichever way a member goes, in whatever order: never above the worth, unless a circle was told."""
    random = Random(seed)
    wallets = ["points", "growth", "miles"]
    rates: list[tuple[str, int, str, int]] = []
    for _ in range(random.randrange(1, 5)):
        source, target = random.sample(wallets, 2)
        rates.append((source, random.choice([1, 2, 5, 10, 40]), target, random.choice([1, 2, 3, 10])))
    found = worths_of(with_ways(conversions=converting(*rates)))
    for _ in range(200):
        wallet = first = random.choice(wallets)
        held = Fraction(1)
        for _ in range(12):
            onward = [each for each in rates if each[0] == wallet]
            if not onward:
                break
            _, give, wallet, get = random.choice(onward)
            held = held * get / give
            gained = wallet == first and held > 1
            assert not gained or found.circles, (rates, first)
            if not found.circles and wallet == "points":
                points, cents = found.by_wallet[first]
                assert held <= Fraction(cents, points), (rates, first)
