"""The values of the ledger and the order in which lots are spent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from jifen.core.ledger.values import Account, Balances, Hold, Lot, LotTerms, Piece, transaction_id
from jifen.core.limits import NEVER

DAY = datetime(2026, 1, 1, tzinfo=UTC)


def terms(earned: int, expires: int | None) -> LotTerms:
    """Terms by days after the first of January; None: never expires."""
    earned_at = DAY + timedelta(days=earned)
    return LotTerms(earned_at, earned_at, NEVER if expires is None else DAY + timedelta(days=expires))


def test_lots_are_spent_soonest_expiring_first_then_oldest_then_as_opened() -> None:
    """Not by the date of creation (known failure 55)."""
    lots = [
        Lot(1, terms(0, None), 1),
        Lot(2, terms(0, 30), 1),
        Lot(3, terms(5, 10), 1),
        Lot(4, terms(1, 10), 1),
        Lot(6, terms(1, 20), 1),
        Lot(5, terms(1, 20), 1),
    ]
    assert [lot.lot for lot in sorted(lots, key=lambda lot: lot.order)] == [4, 3, 5, 6, 2, 1]


def test_a_hold_remains_what_its_pieces_are() -> None:
    """The sum over all lots that feed it."""
    hold = Hold(3, 1, NEVER, (Piece(1, 30, terms(0, 1)), Piece(2, 12, terms(0, 2))))
    assert hold.remaining == 42


def test_an_account_shows_its_buckets() -> None:
    """In the order wallet, available, pending, held, debt."""
    assert Account(2, available=5, pending=4, held=3).balances == Balances(2, 5, 4, 3, 0)


def test_a_transaction_is_named_by_member_and_sequence() -> None:
    """As the interface shows it."""
    assert transaction_id(100001, 7) == "100001-7"
