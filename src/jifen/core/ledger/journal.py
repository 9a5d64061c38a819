"""Works out what one decision does to one member: the only code that changes balances, lots and holds.

A journal is opened on a frozen state, used within one decision, and closed into a new frozen state and the
transactions in between. Invariants (docs/invariants.md) are asserted where the change is made.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from jifen.core.ledger.values import (
    LOTS_PER_TRANSACTION,
    NO_LOT,
    Account,
    Balances,
    Bucket,
    Deposit,
    Hold,
    Lot,
    LotTerms,
    MemberState,
    Movement,
    Piece,
)
from jifen.core.limits import NEVER

_AVAILABLE, _PENDING, _HELD, _DEBT = Bucket.AVAILABLE, Bucket.PENDING, Bucket.HELD, Bucket.DEBT
_SAVED = Bucket.SAVED


class NotLoaded(Exception):
    """A decision needs lots or holds that were not loaded: the caller loads them all and decides again."""

    def __init__(self, member_id: int) -> None:
        super().__init__(f"member {member_id} must be loaded with all lots and holds")
        self.member_id = member_id


class AccountDraft:
    """One wallet while a decision is being worked out."""

    __slots__ = (
        "available",
        "debt",
        "deposits",
        "held",
        "holds",
        "horizon",
        "is_complete",
        "last_sequence",
        "lots",
        "next_change_at",
        "pending",
        "pending_lots",
        "saved",
        "wallet",
    )

    def __init__(self, account: Account) -> None:
        self.wallet = account.wallet
        self.available = account.available
        self.pending = account.pending
        self.held = account.held
        self.debt = account.debt
        self.last_sequence = account.last_sequence
        self.next_change_at = account.next_change_at
        self.lots = list(account.lots)
        self.horizon = account.horizon
        self.pending_lots = list(account.pending_lots)
        self.holds = account.holds
        self.is_complete = account.is_complete
        self.saved = account.saved
        self.deposits = account.deposits

    def freeze(self) -> Account:
        """The account as it stands now."""
        assert min(self.available, self.pending, self.held, self.debt, self.saved) >= 0  # I-03
        assert self.debt == 0 or self.available == 0  # I-04
        return Account(
            self.wallet,
            self.available,
            self.pending,
            self.held,
            self.debt,
            self.last_sequence,
            self.next_change_at,
            tuple(self.lots),
            self.horizon,
            tuple(self.pending_lots),
            self.holds,
            self.is_complete,
            self.saved,
            self.deposits,
        )

    @property
    def balances(self) -> Balances:
        """The buckets alone."""
        return Balances(self.wallet, self.available, self.pending, self.held, self.debt, self.saved)


class Journal:
    """The movements of one decision on one member, transaction by transaction."""

    __slots__ = ("_drafts", "_movements", "_state", "_touched", "sequence")

    def __init__(self, state: MemberState) -> None:
        self._state = state
        self._drafts: dict[int, AccountDraft] = {}
        self._movements: list[Movement] = []
        self._touched: dict[int, AccountDraft] = {}
        self.sequence = state.sequence

    @property
    def member_id(self) -> int:
        """Whose journal this is."""
        return self._state.member_id

    def is_due(self, now: datetime) -> bool:
        """Whether time may have changed an account since it was last settled."""
        drafts = self._drafts
        for account in self._state.accounts:
            if account.next_change_at <= now and account.wallet not in drafts:
                return True
        for draft in drafts.values():  # noqa: SIM110 - a generator costs as much as the rest
            if draft.next_change_at <= now:
                return True
        return False

    def wallets_due(self, now: datetime) -> list[int]:
        """The wallets whose accounts time may have changed."""
        wallets = {account.wallet for account in self._state.accounts} | set(self._drafts)
        return sorted(wallet for wallet in wallets if self.look(wallet).next_change_at <= now)

    def begin(self) -> None:
        """Start the next transaction of the member."""
        self.sequence += 1
        self._movements = []
        self._touched = {}

    def end(self, default_wallet: int) -> tuple[tuple[Movement, ...], list[Balances]]:
        """Close the transaction: its movements, and the balances after it of the wallets it touched.

        A transaction that moved nothing is kept with the default wallet's account, so that no sequence is lost.
        """
        if not self._touched:
            self.touch(default_wallet)
        return tuple(self._movements), [draft.balances for draft in self._touched.values()]

    def close(self, **changes: Any) -> MemberState:
        """The member's state after all transactions, with other fields changed besides."""
        if not self._drafts:
            return msgspec.structs.replace(self._state, **changes) if changes else self._state
        drafts = self._drafts
        accounts: list[Account] = []
        known = 0
        for account in self._state.accounts:
            draft = drafts.get(account.wallet)
            accounts.append(account if draft is None else draft.freeze())
            known += draft is not None
        if known < len(drafts):
            wallets = {account.wallet for account in accounts}
            accounts += [
                draft.freeze() for wallet, draft in drafts.items() if wallet not in wallets and draft.last_sequence
            ]
        state = self._state
        return msgspec.structs.replace(state, sequence=self.sequence, accounts=tuple(accounts), **changes)

    def balances(self) -> dict[int, int]:
        """What the member has in each wallet, held points included, debt taken off. Points that wait are not there."""
        balances = {each.wallet: each.available + each.held - each.debt for each in self._state.accounts}
        for wallet, draft in self._drafts.items():
            balances[wallet] = draft.available + draft.held - draft.debt
        return balances

    def look(self, wallet: int) -> AccountDraft:
        """The account of a wallet as it stands, for reading. A wallet never used before is empty."""
        draft = self._drafts.get(wallet)
        if draft is None:
            for account in self._state.accounts:
                if account.wallet == wallet:
                    break
            else:
                account = Account(wallet)
            draft = self._drafts[wallet] = AccountDraft(account)
        return draft

    def touch(self, wallet: int) -> AccountDraft:
        """The account of a wallet, for changing within the current transaction."""
        draft = self._touched.get(wallet)
        if draft is None:
            draft = self._touched[wallet] = self.look(wallet)
            draft.last_sequence = self.sequence
        return draft

    # --- points come in ---

    def open_lot(self, wallet: int, source: Bucket, amount: int, terms: LotTerms, *, pending: bool) -> int:
        """Open a lot fed from the program's side, pay debt with it if there is any, and return the lot's number."""
        draft = self.touch(wallet)
        position = len(self._movements)
        assert position < LOTS_PER_TRANSACTION
        lot = Lot(LOTS_PER_TRANSACTION * self.sequence + position, terms, amount)
        self._movements.append(Movement(wallet, source, _PENDING if pending else _AVAILABLE, lot.lot, amount, terms))
        if pending:
            draft.pending += amount
            draft.pending_lots.append(lot)
            draft.next_change_at = min(draft.next_change_at, terms.effective_at)
        else:
            draft.available += amount
            self._insert(draft, lot)
            if draft.debt:
                self._repay(draft, lot.lot)
        return lot.lot

    def mature(self, wallet: int, lots: Sequence[Lot]) -> None:
        """Pending lots become available."""
        draft = self.touch(wallet)
        maturing = {lot.lot for lot in lots}
        draft.pending_lots = [lot for lot in draft.pending_lots if lot.lot not in maturing]
        for lot in lots:
            draft.pending -= lot.remaining
            draft.available += lot.remaining
            self._movements.append(Movement(wallet, _PENDING, _AVAILABLE, lot.lot, lot.remaining))
            self._insert(draft, lot)
            self._repay(draft, lot.lot)

    def put_back(self, wallet: int, source: Bucket, piece: Piece) -> None:
        """Points return to the lot they came from, which is opened again if nothing was left of it."""
        draft = self.touch(wallet)
        self._movements.append(Movement(wallet, source, _AVAILABLE, piece.lot, piece.amount))
        if source is _HELD:
            draft.held -= piece.amount
        draft.available += piece.amount
        returned = Lot(piece.lot, piece.terms, piece.amount)
        if draft.horizon is not None and returned.order > draft.horizon:
            raise NotLoaded(self.member_id)
        index = bisect_left(draft.lots, returned.order, key=_order)
        if index < len(draft.lots) and draft.lots[index].lot == piece.lot:
            draft.lots[index] = Lot(piece.lot, piece.terms, draft.lots[index].remaining + piece.amount)
        else:
            self._insert(draft, returned)
        self._repay(draft, piece.lot)

    def put_back_pending(self, wallet: int, source: Bucket, piece: Piece) -> None:
        """Points that are not valid yet return to the lot they came from."""
        draft = self.touch(wallet)
        if not draft.is_complete:
            raise NotLoaded(self.member_id)
        self._movements.append(Movement(wallet, source, _PENDING, piece.lot, piece.amount))
        draft.pending += piece.amount
        for index, lot in enumerate(draft.pending_lots):
            if lot.lot == piece.lot:
                draft.pending_lots[index] = Lot(lot.lot, lot.terms, lot.remaining + piece.amount)
                break
        else:
            draft.pending_lots.append(Lot(piece.lot, piece.terms, piece.amount))
        draft.next_change_at = min(draft.next_change_at, piece.terms.effective_at)

    # --- points go out ---

    def take(self, wallet: int, target: Bucket, amount: int) -> list[Piece]:
        """Take available points, soonest-expiring lots first. The caller has checked that there are enough."""
        draft = self.touch(wallet)
        assert 0 < amount <= draft.available
        pieces: list[Piece] = []
        left = amount
        used = 0
        for lot in draft.lots:
            if draft.horizon is not None and lot.order > draft.horizon:
                raise NotLoaded(self.member_id)
            part = min(left, lot.remaining)
            pieces.append(Piece(lot.lot, part, lot.terms))
            self._movements.append(Movement(wallet, _AVAILABLE, target, lot.lot, part))
            left -= part
            if part < lot.remaining:
                draft.lots[used] = Lot(lot.lot, lot.terms, lot.remaining - part)
                break
            used += 1
            if left == 0:
                break
        if left:
            assert draft.horizon is not None, "available points without lots (I-05)"
            raise NotLoaded(self.member_id)
        del draft.lots[:used]
        draft.available -= amount
        if target is _HELD:
            draft.held += amount
        elif target is _SAVED:
            draft.saved += amount
        return pieces

    def take_from_lot(self, wallet: int, target: Bucket, number: int, at_most: int) -> int:
        """Take what is left in one lot, pending or available, up to a number of points; how many were taken."""
        draft = self.touch(wallet)
        if not draft.is_complete or draft.horizon is not None:
            raise NotLoaded(self.member_id)
        for source, lots in ((_PENDING, draft.pending_lots), (_AVAILABLE, draft.lots)):
            for index, lot in enumerate(lots):
                if lot.lot != number:
                    continue
                part = min(at_most, lot.remaining)
                if part == lot.remaining:
                    del lots[index]
                else:
                    lots[index] = Lot(lot.lot, lot.terms, lot.remaining - part)
                self._movements.append(Movement(wallet, source, target, number, part))
                if source is _PENDING:
                    draft.pending -= part
                else:
                    draft.available -= part
                return part
        return 0

    def owe(self, wallet: int, amount: int) -> None:
        """Book points that a refund takes back but that are no longer there as debt."""
        draft = self.touch(wallet)
        assert draft.available == 0  # I-04
        draft.debt += amount
        self._movements.append(Movement(wallet, _DEBT, Bucket.REVERSED, NO_LOT, amount))

    def take_or_owe(self, wallet: int, target: Bucket, amount: int) -> list[Piece]:
        """Give points of which the rest is owed where there are not enough; the pieces that were there."""
        draft = self.touch(wallet)
        there = min(amount, draft.available)
        pieces = self.take(wallet, target, there) if there else []
        if there < amount:
            draft.debt += amount - there
            self._movements.append(Movement(wallet, _DEBT, target, NO_LOT, amount - there))
        return pieces

    def let_off(self, wallet: int, source: Bucket, amount: int) -> None:
        """Somebody else takes debt over."""
        draft = self.touch(wallet)
        assert 0 < amount <= draft.debt
        draft.debt -= amount
        self._movements.append(Movement(wallet, source, _DEBT, NO_LOT, amount))

    def pass_on(self, wallet: int, source: Bucket, target: Bucket, lot: int, amount: int) -> None:
        """Move held points, or points already on the program's side, to another bucket of the program's side."""
        draft = self.touch(wallet)
        if source is _HELD:
            draft.held -= amount
        elif source is _SAVED:
            draft.saved -= amount
        self._movements.append(Movement(wallet, source, target, lot, amount))

    # --- savings ---

    def save(self, wallet: int, amount: int, expires_at: datetime) -> Deposit:
        """Put available points aside, soonest-expiring lots first. Their lots keep their terms."""
        pieces = self.take(wallet, _SAVED, amount)
        draft = self.touch(wallet)
        deposit = Deposit(self.sequence, wallet, expires_at, tuple(pieces))
        draft.deposits = (*draft.deposits, deposit)
        draft.next_change_at = min(draft.next_change_at, expires_at)
        return deposit

    def take_from_savings(
        self, wallet: int, target: Bucket, amount: int, lots: Sequence[int] | None = None
    ) -> list[tuple[Piece, datetime]]:
        """Take saved points, what expires first: up to so many, of these lots alone if any are named. Each piece comes
        with the instant at which it would have expired in savings."""
        draft = self.touch(wallet)
        if not draft.is_complete:
            raise NotLoaded(self.member_id)
        taken: list[tuple[Piece, datetime]] = []
        kept: dict[int, list[Piece]] = {}
        for deposit in sorted(draft.deposits, key=_deposit_order):
            kept[deposit.sequence] = []
            for piece in deposit.pieces:
                part = min(amount, piece.amount) if lots is None or piece.lot in lots else 0
                amount -= part
                if part:
                    taken.append((Piece(piece.lot, part, piece.terms), deposit.expires_at))
                    self.pass_on(wallet, _SAVED, target, piece.lot, part)
                if part < piece.amount:
                    kept[deposit.sequence].append(Piece(piece.lot, piece.amount - part, piece.terms))
        if taken:
            draft.deposits = tuple(
                Deposit(each.sequence, each.wallet, each.expires_at, tuple(kept[each.sequence]))
                for each in draft.deposits
                if kept[each.sequence]
            )
        return taken

    # --- holds ---

    def place_hold(self, wallet: int, amount: int, expires_at: datetime) -> Hold:
        """Bind available points for a later capture."""
        pieces = self.take(wallet, _HELD, amount)
        draft = self.touch(wallet)
        hold = Hold(self.sequence, wallet, expires_at, tuple(pieces))
        draft.holds = (*draft.holds, hold)
        draft.next_change_at = min(draft.next_change_at, expires_at)
        return hold

    def take_from_hold(self, hold: Hold, amount: int) -> list[Piece]:
        """Unbind part of a hold, in the order in which its lots were taken; moves nothing yet."""
        draft = self.touch(hold.wallet)
        taken: list[Piece] = []
        kept: list[Piece] = []
        left = amount
        for piece in hold.pieces:
            part = min(left, piece.amount)
            left -= part
            if part:
                taken.append(Piece(piece.lot, part, piece.terms))
            if part < piece.amount:
                kept.append(Piece(piece.lot, piece.amount - part, piece.terms))
        assert left == 0
        rest = Hold(hold.sequence, hold.wallet, hold.expires_at, tuple(kept))
        draft.holds = tuple(rest if each is hold else each for each in draft.holds if each is not hold or kept)
        return taken

    # --- time ---

    def plan_next_change(self, wallet: int) -> None:
        """Work out from the lots and holds when the account changes next. Everything due must be settled before."""
        self.look(wallet).next_change_at = self.next_change_of(wallet)

    def next_change_of(self, wallet: int) -> datetime:
        """When a lot of this wallet matures or expires next, a hold ends, or savings expire; NEVER if nothing will."""
        draft = self.look(wallet)
        if not draft.is_complete:
            raise NotLoaded(self.member_id)
        if draft.horizon is not None and (not draft.lots or draft.lots[0].order > draft.horizon):
            raise NotLoaded(self.member_id)
        instants = [lot.terms.effective_at for lot in draft.pending_lots]
        instants += [hold.expires_at for hold in draft.holds]
        instants += [deposit.expires_at for deposit in draft.deposits]
        instants += [lot.terms.expires_at for lot in draft.lots[:1]]
        return min(instants, default=NEVER)

    # --- within ---

    def _insert(self, draft: AccountDraft, lot: Lot) -> None:
        lots = draft.lots
        order = lot.order
        if lots and lots[-1].order > order:
            lots.insert(bisect_left(lots, order, key=_order), lot)
        else:
            lots.append(lot)
        draft.next_change_at = min(draft.next_change_at, lot.terms.expires_at)

    def _repay(self, draft: AccountDraft, number: int) -> None:
        """Points that came in through this lot pay debt first."""
        amount = min(draft.debt, draft.available)
        if not amount:
            return
        # Debt means that nothing was available before (I-04), so the lot that came in is the only one to take from.
        index = next(index for index, lot in enumerate(draft.lots) if lot.lot == number)
        lot = draft.lots[index]
        part = min(amount, lot.remaining)
        if part == lot.remaining:
            del draft.lots[index]
        else:
            draft.lots[index] = Lot(lot.lot, lot.terms, lot.remaining - part)
        draft.available -= part
        draft.debt -= part
        self._movements.append(Movement(draft.wallet, _AVAILABLE, _DEBT, number, part))


def _deposit_order(deposit: Deposit) -> tuple[datetime, int]:
    return deposit.order


def _order(lot: Lot) -> tuple[datetime, datetime, int]:
    return lot.order
