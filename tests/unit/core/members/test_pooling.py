"""Spends from the wallets of a household in the pure core: soonest-expiring first over all, all or nothing."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jifen.core.calendar import RollingExpiry
from jifen.core.decide import Context, Effects, decide
from jifen.core.ledger.values import Bucket, Kind, MemberStatus
from jifen.core.members.commands import SpendFromHousehold
from jifen.core.program import MemberPolicy
from jifen.core.refusal import Refusal
from jifen.core.trace import decode_trace
from tests.model.programs import make_document
from tests.unit.core.shop import ALICE, BOB, Shop

EXPIRING = make_document(expiry=RollingExpiry(months=24))


def pooled(shop: Shop, points: int) -> Effects | Refusal:
    """Alice spends what is hers and Bob's."""
    context = Context(shop.now, shop.now, "test", f"spend {points}", "test")
    states = shop.shell.states
    command = SpendFromHousehold(ALICE, None, points, household=7)
    effects = decide(shop.shell.program, command, context, states[ALICE], others=(states[BOB],))
    if isinstance(effects, Effects):
        for state in effects.states:
            states[state.member_id] = state
    return effects


def spent(effects: Effects | Refusal) -> dict[int, int]:
    """What each paid."""
    assert isinstance(effects, Effects), effects
    paid: dict[int, int] = {}
    for transaction in effects.transactions:
        for movement in transaction.movements:
            if movement.target is Bucket.SPENT:
                paid[transaction.member_id] = paid.get(transaction.member_id, 0) + movement.amount
    return paid


def test_what_expires_soonest_goes_first() -> None:
    """Whosever it is; the transactions name each other."""
    shop = Shop(EXPIRING)
    shop.earn("B1", (1, 1_000), member=BOB)
    shop.later(days=60)
    shop.earn("A1", (1, 2_000))
    shop.later(days=60)
    shop.earn("B2", (1, 3_000), member=BOB)
    points = shop.account(ALICE).available
    effects = pooled(shop, points + 15)
    assert points == 20
    assert spent(effects) == {BOB: 15, ALICE: 20}
    assert isinstance(effects, Effects)
    mine, other = (each for each in effects.transactions if each.kind is Kind.SPEND)
    notes = [decode_trace(each.trace).dealings for each in (mine, other)]
    assert effects.answer == mine
    assert notes[0] is not None and notes[0].pooled is not None
    assert notes[1] is not None and notes[1].pooled is not None
    assert [msgspec.structs.astuple(part) for part in notes[0].pooled.parts] == [(BOB, other.sequence, 15)]
    assert (notes[1].pooled.spender, notes[1].pooled.sequence, notes[1].pooled.parts) == (ALICE, mine.sequence, [])


@given(st.lists(st.tuples(st.sampled_from((ALICE, BOB)), st.integers(1, 50)), max_size=6), st.integers(1, 400))
def test_all_or_nothing(orders: list[tuple[int, int]], points: int) -> None:
    """Exactly what was asked for is taken, from whoever has it; or nothing (known failure 23)."""
    shop = Shop(EXPIRING)
    for number, (member, cents) in enumerate(orders):
        shop.earn(f"O{number}", (1, cents * 100), member=member)
        shop.later(days=20)
    before = {member: shop.buckets(member)[0] for member in (ALICE, BOB)}
    effects = pooled(shop, points)
    after = {member: shop.account(member).available for member in (ALICE, BOB)}
    if points > sum(before.values()):
        assert isinstance(effects, Refusal)
        assert effects.details["missing"] == points - sum(before.values())
        assert after == before
    else:
        paid = spent(effects)
        assert sum(paid.values()) == points
        assert after == {member: before[member] - paid.get(member, 0) for member in before}


def test_so_much_a_day_from_the_others() -> None:
    """One's own points do not count."""
    policy = MemberPolicy(daily_from_household=20)
    shop = Shop(msgspec.structs.replace(EXPIRING, members=policy))
    shop.earn("B1", (1, 10_000), member=BOB)
    shop.later(days=60)
    shop.earn("A1", (1, 10_000))
    assert spent(pooled(shop, 15)) == {BOB: 15}
    refusal = pooled(shop, 10)
    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.details["left"]) == ("limit_reached", 5)
    # Own points do not count: whose do, is said.
    assert "of others' in the household" in refusal.message and refusal.details["of"] == "others"
    shop.later(days=1)
    assert spent(pooled(shop, 10)) == {BOB: 10}


@pytest.mark.parametrize("status", [MemberStatus.FROZEN, MemberStatus.CLOSED])
def test_who_may_not_spend_does_not_pay(status: MemberStatus) -> None:
    """Their points wait."""
    shop = Shop(EXPIRING)
    shop.earn("B1", (1, 10_000), member=BOB)
    shop.earn("A1", (1, 10_000))
    shop.shell.states[BOB] = msgspec.structs.replace(shop.shell.states[BOB], status=status)
    assert isinstance(pooled(shop, 101), Refusal)
    assert spent(pooled(shop, 100)) == {ALICE: 100}


def test_cancelling_gives_back_to_all_under_one_key() -> None:
    """The spender's side has the key of the command; the others' have none, as in the spend itself (I-07, I-23)."""
    shop = Shop(EXPIRING)
    shop.earn("A1", (1, 2_000))
    shop.earn("B1", (1, 3_000), member=BOB)
    paid = pooled(shop, 50)
    assert isinstance(paid, Effects)
    shop.shell.keep(paid)
    outcome = shop.reverse(paid.states[0].sequence)
    assert shop.done(outcome).key == "key"
    theirs = shop.shell.transactions[BOB][-1]
    assert (theirs.kind, theirs.source, theirs.key, theirs.actor) == (Kind.REVERSE, "jifen:time", "", "tester")
    assert (shop.buckets(ALICE), shop.buckets(BOB)) == ((20, 0, 0, 0), (30, 0, 0, 0))
