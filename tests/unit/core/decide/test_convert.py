"""Points of one wallet become points of another."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jifen.core.calendar import RollingExpiry
from jifen.core.decide.convert import convert
from jifen.core.ledger.values import Bucket, Kind, Transaction
from jifen.core.program import ProgramDocument, check_document
from jifen.core.refusal import Refusal
from jifen.core.trace import Converted, decode_trace
from jifen.core.wallets.commands import ConvertPoints
from jifen.core.wallets.document import Conversion
from tests.model.programs import make_document
from tests.unit.core.shop import ALICE, Shop, refused

THERE: dict[str, Any] = {"id": "there", "from": "points", "to": "growth", "give": 20, "get": 1}
BACK: dict[str, Any] = {"id": "back", "from": "growth", "to": "points", "give": 1, "get": 20}


def document(*conversions: dict[str, Any], spent_points: Any = "debt") -> ProgramDocument:
    """A program with these conversions between its two wallets."""
    made = make_document(spent_points=spent_points, expiry=RollingExpiry(12))
    said = [msgspec.convert(each, Conversion) for each in conversions]
    program = msgspec.structs.replace(made, conversions=said)
    check_document(program)
    return program


def shop_with(points: int, *conversions: dict[str, Any], spent_points: Any = "debt") -> Shop:
    """Alice has so many points."""
    shop = Shop(document(*conversions, spent_points=spent_points))
    shop.earn("start", (1, points * 100))
    return shop


def change(shop: Shop, conversion: str, points: int) -> Transaction | Refusal | None:
    """Alice converts."""
    return shop.do(ConvertPoints(ALICE, conversion, points))


def growth(shop: Shop) -> int:
    """What is available in the other wallet."""
    shop.settle()
    return shop.account(wallet="growth").available


def test_both_directions_multiply_and_divide_as_they_must() -> None:
    """77 points at 20 to 1 are no 1,540 (known failure 64): 60 of them are 3, and 3 are 60 again."""
    shop = shop_with(77, THERE, BACK)
    assert refused(change(shop, "there", 77)) == "not_a_whole_step"
    done = shop.done(change(shop, "there", 60))
    assert (shop.buckets()[0], growth(shop)) == (17, 3)
    assert done.kind is Kind.CONVERT
    shop.done(change(shop, "back", 3))
    assert (shop.buckets()[0], growth(shop)) == (77, 0)


def test_a_refusal_names_the_steps_beside_it() -> None:
    """So that whoever asked knows what to ask for."""
    refusal = change(shop_with(100, THERE), "there", 33)
    assert isinstance(refusal, Refusal)
    assert refusal.details == {"step": 20, "below": 20, "above": 40}


@pytest.mark.parametrize(
    ("more", "points", "converted"),
    [
        ({}, 100, Converted("there", 2, 5, 0, 5)),
        ({"fee_points": 2}, 100, Converted("there", 2, 5, 2, 3)),
        ({"fee_percent": Decimal("10")}, 100, Converted("there", 2, 5, 1, 4)),
        ({"fee_percent": Decimal("10"), "fee_rounding": "half_up"}, 80, Converted("there", 2, 4, 0, 4)),
        ({"fee_percent": Decimal("10"), "fee_rounding": "floor"}, 100, Converted("there", 2, 5, 0, 5)),
        ({"fee_percent": Decimal("10"), "fee_rounding": "half_even"}, 100, Converted("there", 2, 5, 0, 5)),
        ({"fee_percent": Decimal("0.0001"), "fee_rounding": "ceil"}, 100, Converted("there", 2, 5, 1, 4)),
    ],
)
def test_the_fee_is_rounded_as_the_program_says_and_told(
    more: dict[str, Any], points: int, converted: Converted
) -> None:
    """It is taken from what arrives, and stands in the trace."""
    shop = shop_with(100, THERE | more)
    done = shop.done(change(shop, "there", points))
    dealings = decode_trace(done.trace).dealings
    assert dealings is not None and dealings.converted == converted
    assert growth(shop) == converted.got


def test_no_fee_is_saved_by_small_steps() -> None:
    """Where the program says nothing of rounding: 20 points come to one, and there is no fee of less than one point, so
    nothing would arrive. Five of a hundred at once cost one (known failures 58, 62)."""
    shop = shop_with(200, THERE | {"fee_percent": Decimal("1")})
    assert refused(change(shop, "there", 20)) == "fee_exceeds_points"
    for _ in range(2):
        shop.done(change(shop, "there", 100))
    assert growth(shop) == 8


def test_a_fee_that_leaves_nothing_is_refused() -> None:
    """Nobody gives points for none (known failure 62)."""
    assert refused(change(shop_with(100, THERE | {"fee_points": 5}), "there", 100)) == "fee_exceeds_points"


@pytest.mark.parametrize(
    ("points", "code"),
    [(0, "invalid_points"), (20, "below_least"), (60, "not_a_whole_step"), (120, "insufficient_points"), (80, None)],
)
def test_steps_and_least(points: int, code: str | None) -> None:
    """Whole steps from the least on, of what is there."""
    outcome = change(shop_with(100, THERE | {"step": 40, "least": 40}), "there", points)
    assert (outcome.code if isinstance(outcome, Refusal) else None) == code


def test_unknown_conversions_are_refused() -> None:
    """The refusal names those that there are."""
    assert refused(change(shop_with(100, THERE), "elsewhere", 20)) == "unknown_conversion"


def test_limits_count_what_is_given() -> None:
    """Per member and period."""
    limits = [{"limit": "points", "most": 60, "period": "month"}]
    shop = shop_with(100, THERE | {"limits": limits})
    shop.done(change(shop, "there", 40))
    assert refused(change(shop, "there", 40)) == "limit_reached"
    shop.done(change(shop, "there", 20))


def test_converted_points_live_as_those_of_their_wallet() -> None:
    """`growth` never expires; points do after a year."""
    shop = shop_with(100, THERE, BACK)
    change(shop, "there", 100)
    shop.later(days=700)
    assert growth(shop) == 5
    change(shop, "back", 5)
    assert shop.buckets()[0] == 100
    shop.later(days=400)
    assert shop.buckets()[0] == 0


def test_a_conversion_is_undone_with_the_lots_of_origin() -> None:
    """What was given is back where it came from, what arrived is gone."""
    shop = shop_with(100, THERE)
    lots = shop.lots()
    done = shop.done(change(shop, "there", 60))
    shop.done(shop.reverse(done.sequence))
    assert (shop.lots(), growth(shop)) == (lots, 0)
    assert refused(shop.reverse(done.sequence)) == "already_reversed"


@pytest.mark.parametrize("policy", ["debt", "forgive"])
def test_what_was_spent_of_a_conversion_is_owed_when_it_is_undone(policy: str) -> None:
    """Also where refunds forgive: else the member had both."""
    shop = shop_with(100, THERE, spent_points=policy)
    done = shop.done(change(shop, "there", 60))
    shop.done(shop.spend(2, wallet="growth"))
    shop.done(shop.reverse(done.sequence))
    assert shop.buckets()[0] == 100
    account = shop.account(wallet="growth")
    assert (account.available, account.debt) == (0, 2)


def test_a_program_may_refuse_to_undo_what_was_spent() -> None:
    """Then nothing changes."""
    shop = shop_with(100, THERE, spent_points="refuse")
    done = shop.done(change(shop, "there", 60))
    shop.done(shop.spend(2, wallet="growth"))
    assert refused(shop.reverse(done.sequence)) == "points_already_spent"
    assert (shop.buckets()[0], growth(shop)) == (40, 1)


def test_points_forgiven_as_converted_stay_gone() -> None:
    """As for spends: who returns the goods and undoes the conversion afterwards keeps nothing of the order (I-08)."""
    shop = shop_with(100, THERE, spent_points="forgive")
    done = shop.done(change(shop, "there", 100))
    shop.done(shop.refund("start"))
    shop.done(shop.reverse(done.sequence))
    assert (shop.buckets(), growth(shop)) == ((0, 0, 0, 0), 0)
    assert shop.moved(Bucket.SPENT, Bucket.REVERSED) == 100


def test_qualifying_points_are_not_converted() -> None:
    """The program is refused as a whole."""
    program = document(BACK)
    wallets = [program.wallets[0], msgspec.structs.replace(program.wallets[1], kind="qualifying")]
    with pytest.raises(Exception, match="qualifying"):
        check_document(msgspec.structs.replace(program, wallets=wallets))


@given(st.integers(1, 500), st.integers(1, 500), st.integers(1, 1_000), st.integers(0, 1_000_000))
def test_no_point_is_lost_by_rounding(give: int, get: int, steps: int, per_million: int) -> None:
    """What arrives and the fee are exactly the points times the rate; the fee is never less than its share of them, and
    more by less than one point."""
    fee = Decimal(per_million) / 10_000 or None
    conversion = Conversion("c", "a", "b", give, get, fee_percent=fee)
    points = steps * conversion.step_points
    converted = convert(conversion, points, 2)
    assert Fraction(points * get, give) == converted.gross == converted.got + converted.fee
    assert 0 <= converted.fee - Fraction(converted.gross * per_million, 1_000_000) < 1
