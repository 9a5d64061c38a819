"""The journal keeps its invariants, and says so when too little was loaded."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from jifen.core.ledger.journal import Journal, NotLoaded
from jifen.core.ledger.values import (
    LOTS_PER_TRANSACTION,
    Account,
    Balances,
    Bucket,
    Lot,
    LotTerms,
    MemberState,
    Movement,
    Piece,
)
from jifen.core.limits import NEVER

DAY = datetime(2026, 1, 1, tzinfo=UTC)


def terms(expires: int, effective: int = 0) -> LotTerms:
    """Terms by days after the first of January."""
    return LotTerms(DAY, DAY + timedelta(days=effective), DAY + timedelta(days=expires))


def open_journal(account: Account) -> Journal:
    """A journal on a member with one account, in its first new transaction."""
    journal = Journal(MemberState(9, 5, (account,)))
    journal.begin()
    return journal


def full_account() -> Account:
    """20 points that expire on day 10 and 30 that expire on day 20."""
    return Account(1, available=50, last_sequence=5, lots=(Lot(1, terms(10), 20), Lot(2, terms(20), 30)))


def test_points_are_taken_from_lots_in_order() -> None:
    """Soonest-expiring first; the lot that is used up is gone, the next has less."""
    journal = open_journal(full_account())
    assert journal.take(1, Bucket.SPENT, 25) == [Piece(1, 20, terms(10)), Piece(2, 5, terms(20))]
    assert journal.end(1)[0] == (
        Movement(1, Bucket.AVAILABLE, Bucket.SPENT, 1, 20),
        Movement(1, Bucket.AVAILABLE, Bucket.SPENT, 2, 5),
    )
    after = journal.close().accounts[0]
    assert (after.available, after.lots, after.last_sequence) == (25, (Lot(2, terms(20), 25),), 6)


def test_taking_exactly_what_a_lot_has_leaves_no_empty_lot() -> None:
    """A lot with nothing left has no row."""
    journal = open_journal(full_account())
    journal.take(1, Bucket.SPENT, 20)
    assert [lot.lot for lot in journal.close().accounts[0].lots] == [2]
    journal.begin()
    journal.take(1, Bucket.SPENT, 30)
    assert journal.close().accounts[0].lots == ()


@pytest.mark.parametrize("amount", [0, -1, 51])
def test_more_than_there_is_cannot_be_taken(amount: int) -> None:
    """I-03: the deciders refuse before; here it is an error of ours."""
    with pytest.raises(AssertionError):
        open_journal(full_account()).take(1, Bucket.SPENT, amount)


def test_a_state_is_never_changed() -> None:
    """What was loaded stays as it was, so that a decision can be made again."""
    before = full_account()
    journal = Journal(MemberState(9, 5, (before,)))
    journal.begin()
    journal.take(1, Bucket.SPENT, 50)
    assert before == full_account()


def test_lots_behind_the_horizon_are_not_guessed() -> None:
    """There may be lots between what was loaded and what a decision opens (I-05)."""
    account = full_account()
    sparse = Account(1, available=80, lots=account.lots, horizon=account.lots[-1].order)
    assert len(open_journal(sparse).take(1, Bucket.SPENT, 50)) == 2
    with pytest.raises(NotLoaded):
        open_journal(sparse).take(1, Bucket.SPENT, 51)
    journal = open_journal(sparse)
    journal.open_lot(1, Bucket.ISSUED, 5, terms(30), pending=False)
    with pytest.raises(NotLoaded):
        journal.take(1, Bucket.SPENT, 51)


def test_points_without_lots_are_an_error_not_a_spend() -> None:
    """I-05: available is the sum of the lots."""
    broken = Account(1, available=80, lots=full_account().lots)
    with pytest.raises(AssertionError, match="I-05"):
        open_journal(broken).take(1, Bucket.SPENT, 51)


def test_new_lots_are_sorted_in_and_named_after_their_movement() -> None:
    """2**20 x sequence + position."""
    journal = open_journal(full_account())
    first = journal.open_lot(1, Bucket.ISSUED, 7, terms(15), pending=False)
    second = journal.open_lot(1, Bucket.ISSUED, 8, terms(5), pending=False)
    assert (first, second) == (6 * LOTS_PER_TRANSACTION, 6 * LOTS_PER_TRANSACTION + 1)
    assert [lot.lot for lot in journal.close().accounts[0].lots] == [second, 1, first, 2]


def test_points_that_come_in_pay_debt_first() -> None:
    """I-04: debt and available points never stand side by side."""
    journal = open_journal(Account(1, debt=10))
    journal.open_lot(1, Bucket.ISSUED, 4, terms(15), pending=False)
    assert journal.look(1).balances == Balances(1, 0, 0, 0, 6)
    journal.open_lot(1, Bucket.ISSUED, 9, terms(15), pending=False)
    assert journal.look(1).balances == Balances(1, 3, 0, 0, 0)
    assert [lot.remaining for lot in journal.close().accounts[0].lots] == [3]


def test_pending_points_pay_debt_when_they_mature() -> None:
    """Not before: they may still be taken back."""
    journal = open_journal(Account(1, debt=10))
    journal.open_lot(1, Bucket.ISSUED, 15, terms(30, effective=3), pending=True)
    draft = journal.look(1)
    assert draft.balances == Balances(1, 0, 15, 0, 10)
    assert draft.next_change_at == DAY + timedelta(days=3)
    journal.mature(1, list(draft.pending_lots))
    assert draft.balances == Balances(1, 5, 0, 0, 0)


def test_debt_needs_an_empty_account() -> None:
    """I-04."""
    with pytest.raises(AssertionError):
        open_journal(full_account()).owe(1, 1)


def test_points_return_to_their_lot_which_opens_again() -> None:
    """With the terms it had (known failure 21: the wallet's state does not stand in the way)."""
    journal = open_journal(full_account())
    pieces = journal.take(1, Bucket.SPENT, 25)
    for piece in pieces:
        journal.put_back(1, Bucket.SPENT, piece)
    assert journal.close().accounts[0].lots == full_account().lots


def test_a_transaction_that_moves_nothing_still_counts() -> None:
    """No sequence is lost: the default wallet's account carries it."""
    journal = open_journal(full_account())
    movements, balances = journal.end(1)
    assert movements == ()
    assert balances[0].available == 50
    assert journal.close().accounts[0].last_sequence == 6


def test_nothing_done_is_nothing_changed() -> None:
    """The very same state comes back, so that nothing is written."""
    state = MemberState(9, 5, (full_account(),))
    assert Journal(state).close() is state


def test_only_looking_opens_no_account() -> None:
    """A wallet that was only asked about gets no row."""
    journal = Journal(MemberState(9, 5, (full_account(),)))
    assert journal.look(2).available == 0
    assert [account.wallet for account in journal.close().accounts] == [1]


def test_the_next_change_is_planned_from_what_is_there() -> None:
    """The first lot to mature or expire, or hold to end; never, if nothing will."""
    journal = open_journal(full_account())
    assert journal.next_change_of(1) == DAY + timedelta(days=10)
    journal.place_hold(1, 5, DAY + timedelta(days=2))
    assert journal.next_change_of(1) == DAY + timedelta(days=2)
    assert journal.is_due(DAY + timedelta(days=2))
    assert journal.wallets_due(DAY + timedelta(days=2)) == [1]
    assert journal.next_change_of(2) == NEVER


def test_a_hold_is_emptied_in_the_order_of_its_lots() -> None:
    """What expires first is captured first; an empty hold is gone."""
    journal = open_journal(full_account())
    hold = journal.place_hold(1, 30, NEVER)
    assert journal.take_from_hold(hold, 25) == [Piece(1, 20, terms(10)), Piece(2, 5, terms(20))]
    rest = journal.look(1).holds[0]
    assert rest.pieces == (Piece(2, 5, terms(20)),)
    assert journal.take_from_hold(rest, 5) == [Piece(2, 5, terms(20))]
    assert journal.look(1).holds == ()
