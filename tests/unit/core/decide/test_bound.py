"""Points of a redemption: bound or spent at once, spent later without any lot, released, given back by origin."""

from __future__ import annotations

import msgspec
import pytest

from jifen.core.decide import Context
from jifen.core.decide.bound import Returning, bind, release_bound, spend_bound
from jifen.core.decide.context import Decision
from jifen.core.ledger.journal import NotLoaded
from jifen.core.ledger.values import Bucket, Kind
from jifen.core.limits import NEVER
from jifen.core.refusal import Refusal
from tests.unit.core.shop import ALICE, Shop

WALLET = 1


def opened(shop: Shop) -> Decision:
    """A decision on Alice as she stands."""
    context = Context(shop.now, shop.now, "test", "key", "test")
    return Decision(shop.shell.program, context, shop.shell.states[ALICE])


def bound(shop: Shop, points: int, *, is_held: bool) -> int:
    """Bind points in a transaction; its number."""
    decision = opened(shop)
    decision.begin()
    until = bind(decision, WALLET, points, is_held=is_held)
    assert until == (NEVER if is_held and points else None)
    decision.end(Kind.REDEEM, shop.now, wallet=WALLET, points=points, until=until, is_answer=True)
    shop.shell.keep(decision.effects())
    return decision.journal.sequence


def rich(points: int = 100) -> Shop:
    """A shop where Alice has points."""
    shop = Shop()
    shop.done(shop.adjust(points))
    return shop


def test_bound_and_spent() -> None:
    """Held first; spending what is held needs no lot at all, however sparsely the member was loaded."""
    shop = rich()
    sequence = bound(shop, 60, is_held=True)
    assert (shop.account(ALICE).available, shop.account(ALICE).held) == (40, 60)
    state = shop.shell.states[ALICE]
    sparse = tuple(
        msgspec.structs.replace(each, lots=(), horizon=(shop.now, shop.now, 0), is_complete=False)
        for each in state.accounts
    )
    shop.shell.states[ALICE] = msgspec.structs.replace(state, accounts=sparse)
    decision = opened(shop)
    decision.begin()
    assert spend_bound(decision, WALLET, sequence) == 60
    movements, balances = decision.journal.end(WALLET)
    assert [(each.source, each.target, each.amount) for each in movements] == [(Bucket.HELD, Bucket.SPENT, 60)]
    assert (balances[0].available, balances[0].held) == (40, 0)


def test_what_was_not_loaded_is_asked_for() -> None:
    """A hold that is not there may be one that was not loaded."""
    shop = rich()
    sequence = bound(shop, 60, is_held=True)
    state = shop.shell.states[ALICE]
    sparse = tuple(msgspec.structs.replace(each, holds=(), is_complete=False) for each in state.accounts)
    shop.shell.states[ALICE] = msgspec.structs.replace(state, accounts=sparse)
    decision = opened(shop)
    decision.begin()
    with pytest.raises(NotLoaded):
        spend_bound(decision, WALLET, sequence)


def test_released() -> None:
    """Back to the lots it came from."""
    shop = rich()
    lots = shop.account(ALICE).lots
    sequence = bound(shop, 60, is_held=True)
    decision = opened(shop)
    decision.begin()
    assert release_bound(decision, WALLET, sequence, shop.now) == 60
    assert tuple(decision.journal.look(WALLET).lots) == lots


@pytest.mark.parametrize("is_held", [True, False])
def test_given_back(is_held: bool) -> None:
    """What the first transaction took is what comes back, whether it was bound first or spent at once."""
    shop = rich()
    lots = shop.account(ALICE).lots
    sequence = bound(shop, 60, is_held=is_held)
    if is_held:
        decision = opened(shop)
        decision.begin()
        spend_bound(decision, WALLET, sequence)
        decision.end(Kind.STEP, shop.now, wallet=WALLET, points=60, refers_to=sequence, is_answer=True)
        shop.shell.keep(decision.effects())
    returning = Returning(shop.shell.past(ALICE, sequence), WALLET)
    assert (returning.points, returning.withheld) == (60, 0)
    decision = opened(shop)
    assert returning.check(decision) is None
    decision.begin()
    returning.book(decision)
    assert tuple(decision.journal.look(WALLET).lots) == lots


def test_no_room() -> None:
    """What no account can hold is refused."""
    shop = rich()
    returning = Returning(shop.shell.past(ALICE, bound(shop, 60, is_held=False)), WALLET)
    returning.points = 2**62
    refusal = returning.check(opened(shop))
    assert isinstance(refusal, Refusal)
    assert refusal.code == "amount_too_large"


def test_nothing_is_bound_for_nothing() -> None:
    """A reward that costs no points moves none."""
    shop = rich()
    bound(shop, 0, is_held=True)
    assert shop.account(ALICE).available == 100
