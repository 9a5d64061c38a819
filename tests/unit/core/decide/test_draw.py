"""Drawing: odds as they are published, stock and money never passed, and no way to choose."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jifen.core.commands import ReverseTransaction
from jifen.core.decide import Context
from jifen.core.decide.draw import book_recorded
from jifen.core.draws.chance import pick
from jifen.core.draws.commands import DrawPrize
from jifen.core.ledger.values import Bucket, Kind
from jifen.core.redemption.commands import CancelRedemption, FulfilRedemption
from jifen.core.redemption.values import Stock
from jifen.core.refusal import Refusal
from jifen.core.trace import decode_trace
from tests.drawing import LAST, SEED, WHEEL, changed
from tests.unit.core.draws.hall import ALICE, BOB, Hall
from tests.unit.core.draws.test_chance import critical
from tests.unit.core.shop import refused

#: A wheel on which every prize is likely.
FAIR = changed(WHEEL, vase={"weight": 1}, voucher={"weight": 1}, fifty={"weight": 1}, thanks={"weight": 1})


def test_drawing_takes_the_price_and_the_next_number() -> None:
    """Number after number of the round, each as the seed says (I-24)."""
    hall = Hall()
    for number in range(1, 31):
        drawn = hall.draw()
        assert (drawn.round, drawn.number, drawn.total) == (1, number, 1_000)
        assert drawn.point == pick(SEED, number, 1_000).point
        assert drawn.prize == drawn.hit
    assert hall.shop.moved(Bucket.AVAILABLE, Bucket.SPENT) == 300


def test_points_that_were_won_open_a_lot() -> None:
    """In the same transaction, with the terms of the wallet; they pay debt first, as all points do."""
    hall = Hall(FAIR)
    drawn = hall.until("fifty")
    assert (drawn.points, drawn.wallet) == (50, 1)
    transaction = hall.shop.shell.transactions[ALICE][-1]
    assert transaction.kind is Kind.DRAW
    assert [(each.source, each.target, each.amount) for each in transaction.movements] == [
        (Bucket.AVAILABLE, Bucket.SPENT, 10),
        (Bucket.ISSUED, Bucket.AVAILABLE, 50),
    ]


def test_a_reward_that_was_won_is_a_redemption_without_a_price() -> None:
    """A coupon has its code at once, goods take their stock and wait to be shipped; nobody need agree."""
    hall = Hall(FAIR)
    voucher = hall.redemption(hall.until("voucher").redemption)
    assert (voucher.state, voucher.points, len(voucher.coupons)) == ("approved", 0, 1)
    taken = hall.stocks["vase"].taken
    drawn = hall.until("vase")
    vase = hall.redemption(drawn.redemption)
    assert (vase.state, vase.approval, vase.won_by) == ("approved", None, drawn.redemption - 1)
    assert hall.stocks["vase"].taken > taken
    hall.ask(FulfilRedemption(ALICE, drawn.redemption, {"carrier": "SF", "number": "1"}))
    assert hall.redemption(drawn.redemption).state == "fulfilled"


def test_codes_of_a_pool_are_won_one_by_one() -> None:
    """Until it is empty; then the prize is sold out and the others keep their odds."""
    hall = Hall(changed(FAIR, voucher={"reward": "movie"}))
    codes = []
    for _ in range(60):
        drawn = hall.draw()
        if drawn.prize == "voucher":
            codes += [each.code for each in hall.redemption(drawn.redemption).coupons]
            hall.pools["movie"] = tuple(each for each in hall.pools["movie"] if each not in codes)
        elif drawn.hit == "voucher":
            assert (drawn.prize, drawn.short) == ("thanks", "sold_out")
    assert codes == ["M1", "M2", "M3"]


def test_odds_over_many_draws() -> None:
    """Chi-square over 20,000 draws of the wheel with a fixed seed: as the weights say."""
    draws, weights = 20_000, {"vase": 1, "voucher": 9, "fifty": 90, "thanks": 900}
    hall = Hall(changed(WHEEL, vase={"reward": None}, voucher={"reward": None}), points=10**6)
    counted = Counter(hall.draw().prize for _ in range(draws))
    expected = {prize: draws * weight / 1_000 for prize, weight in weights.items()}
    statistic = sum((counted[prize] - number) ** 2 / number for prize, number in expected.items())
    assert statistic < critical(len(weights) - 1), counted


def test_the_last_piece_is_given_once() -> None:
    """Whoever comes later hits it and gets what is given otherwise."""
    hall = Hall()
    first, second = hall.draw("last"), hall.draw("last", BOB)
    assert (first.prize, first.points) == ("phone", 1_000)
    assert (second.hit, second.prize, second.short, second.points) == ("phone", "nothing", "sold_out", 0)
    assert hall.refused(DrawPrize(ALICE, "last")) == "limit_reached"


def test_so_many_a_day_and_for_each_member() -> None:
    """Tomorrow again; a member who had it gets it no more."""
    daily = changed(LAST, phone={"stock": None, "daily": 1}) | {"limits": [{"most": 9, "period": "day"}]}
    hall = Hall(daily)
    assert [hall.draw("last").short for _ in range(2)] == [None, "daily"]
    hall.shop.later(days=1)
    assert hall.draw("last").short is None
    mine = changed(daily, phone={"daily": None, "per_member": 1})
    hall = Hall(mine)
    assert [hall.draw("last").short for _ in range(2)] == [None, "per_member"]
    assert hall.draw("last", BOB).short is None


@pytest.mark.parametrize("budget", [{"budget_cents": 1_100}, {"daily_budget_cents": 1_100}])
def test_a_budget_is_never_passed(budget: dict[str, int]) -> None:
    """What does not fit any more is not given, cheaper prizes still are."""
    hall = Hall(FAIR | budget)
    costs = {"vase": 5_000, "voucher": 500, "fifty": 50, "thanks": 0}
    drawn = [hall.draw() for _ in range(200)]
    spent = sum(costs[each.prize] for each in drawn)
    assert spent <= 1_100 and "budget" in {each.short for each in drawn}
    assert all(each.prize == "thanks" for each in drawn if each.short)
    assert spent == 1_100 or {each.prize for each in drawn[-50:]} == {"thanks"}


def test_after_so_many_misses_the_next_one_wins() -> None:
    """Never more misses in a row than the rule says; a win begins anew."""
    hall = Hall(WHEEL | {"pity": {"after": 3, "prize": "fifty"}})
    row = 0
    for _ in range(200):
        drawn = hall.draw()
        assert drawn.misses == row == min(row, 3)
        assert drawn.is_pity == (drawn.hit == "thanks" and row == 3)
        row = row + 1 if drawn.prize == "thanks" else 0
        assert hall.used("draw:wheel/misses") == row


def test_pity_gives_nothing_that_is_not_there() -> None:
    """Then it is owed until it is there again."""
    wheel = changed(WHEEL, fifty={"daily": 1, "weight": 0}, vase={"weight": 0}, voucher={"weight": 0})
    hall = Hall(wheel | {"pity": {"after": 1, "prize": "fifty"}})
    assert [hall.draw().prize for _ in range(4)] == ["thanks", "fifty", "thanks", "thanks"]
    hall.shop.later(days=1)
    assert hall.draw().is_pity


def test_a_ticket_pays_once() -> None:
    """Each piece of a redemption; what is used up or used in part can be neither used again nor cancelled."""
    hall = Hall()
    two, points = hall.tickets(2), hall.account.available
    assert hall.redemption(two).state == "approved"
    assert hall.refused(FulfilRedemption(ALICE, two)) == "step_not_allowed"
    assert hall.draw(ticket=two).ticket == two
    assert hall.redemption(two).used == 1
    assert hall.refused(CancelRedemption(ALICE, two)) == "ticket_used"
    drawn = hall.draw(ticket=two)
    assert hall.account.available == points + drawn.points
    assert hall.redemption(two).state == "written_off"
    assert hall.refused(DrawPrize(ALICE, "wheel", two)) == "ticket_used"
    assert hall.refused(CancelRedemption(ALICE, two)) == "step_not_allowed"


def test_a_ticket_that_was_cancelled_and_what_is_no_ticket() -> None:
    """Neither draws."""
    hall = Hall(FAIR, LAST)
    ticket = hall.tickets()
    assert hall.refused(DrawPrize(ALICE, "last", ticket)) == "not_a_ticket"
    hall.ask(CancelRedemption(ALICE, ticket))
    assert hall.refused(DrawPrize(ALICE, "wheel", ticket)) == "not_a_ticket"
    voucher = hall.until("voucher").redemption
    assert hall.refused(DrawPrize(ALICE, "wheel", voucher)) == "not_a_ticket"


def test_refusals() -> None:
    """Each with its code; none takes anything or a number."""
    hall = Hall(WHEEL | {"for": 'member.tier == "gold"'}, LAST, points=9)
    assert hall.refused(DrawPrize(ALICE, "wheels")) == "unknown_draw"
    assert hall.refused(DrawPrize(ALICE, "wheel")) == "not_eligible"
    hall.tier("gold")
    assert hall.refused(DrawPrize(ALICE, "wheel")) == "insufficient_points"
    assert hall.refused(DrawPrize(ALICE, "wheel", expected_points=8)) == "price_changed"
    del hall.rounds["last"]
    assert hall.refused(DrawPrize(ALICE, "last")) == "no_round"
    assert hall.rounds["wheel"].drawn == 0
    alone = {name: value for name, value in WHEEL.items() if name != "price"}
    assert Hall(alone).refused(DrawPrize(ALICE, "wheel")) == "ticket_needed"
    assert Hall(WHEEL | {"retired": True}).refused(DrawPrize(ALICE, "wheel")) == "draw_not_open"
    assert Hall(WHEEL | {"period": {"to": "2026-03-09"}}).refused(DrawPrize(ALICE, "wheel")) == "draw_not_open"


def test_being_refused_says_nothing_of_what_would_come() -> None:
    """Where the dearest prize finds no room nothing is drawn, whatever it would be: or a full wallet would tell."""
    hall = Hall(changed(LAST, phone={"points": 10**15, "weight": 1}, nothing={"weight": 10**6}), points=10**15)
    states = hall.shop.shell.states
    account = msgspec.structs.replace(states[ALICE].accounts[0], available=9 * 10**18 // 2)
    states[ALICE] = msgspec.structs.replace(states[ALICE], accounts=(account, *states[ALICE].accounts[1:]))
    assert hall.refused(DrawPrize(ALICE, "last")) == "balance_too_large"


def test_a_draw_cannot_be_reversed() -> None:
    """Or a miss could be taken back."""
    hall = Hall()
    hall.draw()
    sequence = hall.shop.shell.states[ALICE].sequence
    assert refused(hall.shop.do(ReverseTransaction(ALICE, sequence))) == "not_reversible"


@settings(max_examples=60, deadline=None)
@given(st.binary(min_size=32, max_size=32), st.lists(st.sampled_from([ALICE, BOB]), max_size=40), st.data())
def test_whatever_the_seed_nothing_is_passed(seed: bytes, drawing: list[int], data: st.DataObject) -> None:
    """I-14, I-21: stock of prizes and rewards, budgets and limits hold for any seed and order, and points add up."""
    stock, budget = data.draw(st.integers(0, 3)), data.draw(st.integers(0, 9_000))
    free: dict[str, Any] = {"price": None, "ticket": None, "limits": [{"most": 15, "period": "day"}]}
    hall = Hall(changed(FAIR | free | {"budget_cents": budget}, fifty={"stock": stock}), seed=seed)
    hall.stocks["vase"] = Stock(1)
    costs = {"vase": 5_000, "voucher": 500, "fifty": 50, "thanks": 0}
    given_prizes: Counter[str] = Counter()
    for member in drawing:
        outcome = hall.ask(DrawPrize(member, "wheel"), member)
        if isinstance(outcome, Refusal):
            assert outcome.code == "limit_reached"
            continue
        assert outcome is not None
        drawn = decode_trace(outcome.trace).drawn
        assert drawn is not None
        given_prizes[drawn.prize] += 1
    assert given_prizes["fifty"] <= stock and given_prizes["vase"] <= 1
    assert sum(costs[prize] * number for prize, number in given_prizes.items()) <= budget
    assert hall.rounds["wheel"].drawn == given_prizes.total() <= 30
    won = sum(hall.shop.moved(Bucket.ISSUED, Bucket.AVAILABLE, member) for member in (ALICE, BOB))
    assert won == 50 * given_prizes["fifty"]


def test_what_was_recorded_is_booked_again() -> None:
    """For the backtest: price and prize, whatever the lotteries are; refused where the price is not there."""
    hall = Hall(points=10)
    shop = hall.shop
    context, state = Context(shop.now, shop.now, "", "", ""), shop.shell.states[ALICE]
    effects = book_recorded(shop.shell.program, context, state, (1, 10), (1, 50))
    assert not isinstance(effects, Refusal)
    assert effects.states[0].accounts[0].available == 50
    assert refused(book_recorded(shop.shell.program, context, state, (1, 11), (1, 0))) == "insufficient_points"  # type: ignore[arg-type]
