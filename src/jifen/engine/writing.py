"""From decisions to rows: one round trip writes a batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from jifen.core.identity import Identity, shard_of_digest, shard_of_identity, shard_of_member, shard_of_name
from jifen.core.ledger.values import LOTS_PER_TRANSACTION, Account, Deposit, Hold, Lot, MemberState, Transaction
from jifen.core.rules.standing import Profile
from jifen.db.connection import Connection
from jifen.db.queries import load_queries
from jifen.engine.marks import PROFILE, STANDINGS
from jifen.engine.places import Places
from jifen.engine.standings import standing_rows, write_standings
from jifen.engine.uses import encode_uses, parted

_SQL = load_queries("engine")
_encode = msgspec.json.Encoder().encode


class Registration(msgspec.Struct, frozen=True, gc=False):
    """A new member."""

    member_id: int
    identities: tuple[Identity, ...]
    registered_at: datetime


class Columns:
    """Rows in the making, turned by 90 degrees: `unnest` takes one array a column."""

    __slots__ = ("_width", "rows")

    def __init__(self, width: int) -> None:
        self._width = width
        self.rows: list[tuple[Any, ...]] = []

    def arrays(self) -> list[list[Any]]:
        """One list a column."""
        return (
            [list(column) for column in zip(*self.rows, strict=True)] if self.rows else [[] for _ in range(self._width)]
        )


class BatchRows:
    """All rows that one batch writes. States come first, then the transactions that led to them."""

    def __init__(self, shards: int, places: Places) -> None:
        self._shards = shards
        self._places = places
        self._opened: dict[tuple[int, int], int] = {}
        self._described: set[int] = set()
        self.transactions = Columns(19)
        self.movements = Columns(13)
        self.keys = Columns(6)
        self.reopened_lots = Columns(9)
        self.changed_lots = Columns(4)
        self.gone_lots = Columns(3)
        self.changed_accounts = Columns(13)
        self.new_accounts = Columns(14)
        self.closed_holds = Columns(3)
        self.open_holds = Columns(7)
        self.closed_deposits = Columns(3)
        self.open_deposits = Columns(7)
        self.members = Columns(3)
        self.identities = Columns(5)
        self.profiles = Columns(3)
        self.changed_usages = Columns(4)
        self.new_usages = Columns(4)
        self.shared_usages = Columns(3)
        self.standings = Columns(9)

    def add_transaction(self, transaction: Transaction, keys: Sequence[tuple[bytes, bytes]]) -> None:
        """The transaction with its movements, and the keys that find it: the caller's, then an order's name."""
        member = transaction.member_id
        shard = shard_of_member(member, self._shards)
        sequence = transaction.sequence
        there, there_sequence = transaction.counterpart or (None, None)
        facts = transaction.facts
        occurred_at = transaction.occurred_at
        self.transactions.rows.append(
            (
                shard,
                member,
                sequence,
                transaction.kind,
                transaction.program_version,
                transaction.refers_to,
                there,
                there_sequence,
                None if occurred_at is transaction.recorded_at else occurred_at,
                transaction.source,
                transaction.key,
                transaction.actor,
                transaction.reason,
                None if facts is None else facts.decode(),
                transaction.trace.decode(),
                *(keys[0] if keys else _NO_KEY),
                *(keys[1] if len(keys) > 1 else _NO_KEY),
            )
        )
        rows = self.movements.rows
        for position, (wallet, source, target, lot, amount, terms) in enumerate(map(_astuple, transaction.movements)):
            if terms is None:
                rows.append((shard, member, sequence, position, wallet, source, target, lot, amount, *_NO_TERMS))
                continue
            earned_at, effective_at = terms.earned_at, terms.effective_at
            # Encoding an instant costs more than ten numbers: those that the statement knows anyway are left out.
            rows.append(
                (
                    shard,
                    member,
                    sequence,
                    position,
                    wallet,
                    source,
                    target,
                    lot,
                    amount,
                    None if earned_at is transaction.recorded_at else earned_at,
                    None if effective_at is earned_at else effective_at,
                    terms.expires_at,
                    self._opened.get((member, lot), 0),
                )
            )

    def add_key(self, digest: bytes, payload: bytes, member_id: int, sequence: int) -> None:
        """A key of what is no transaction of this batch: a registration (sequence 0), a request that waits for a second
        person (its number, negative), or what had been done before."""
        shard = shard_of_digest(digest, self._shards)
        self.keys.rows.append((shard, digest, payload, member_id, sequence, sequence > 0))

    def add_registration(self, registration: Registration) -> None:
        """A new member with the identities that find it."""
        member = registration.member_id
        member_shard = shard_of_member(member, self._shards)
        self.members.rows.append((member_shard, member, registration.registered_at))
        for identity in registration.identities:
            shard = shard_of_identity(identity, self._shards)
            self.identities.rows.append((shard, identity.kind, identity.value, member, member_shard))

    def add_profile(self, member: int, profile: Profile) -> None:
        """What is now said of a member."""
        self._described.add(member)
        self.profiles.rows.append((shard_of_member(member, self._shards), member, _encode(profile).decode()))

    def add_state(self, before: MemberState, after: MemberState) -> None:
        """The difference between what was loaded and what was decided. Comes after `add_profile`."""
        shard = shard_of_member(after.member_id, self._shards)
        was = {account.wallet: account for account in before.accounts}
        # What goes with one of the accounts alone goes with that of the lowest number.
        beside = self._add_beside(shard, before, after)
        first = -1 if beside is _NOTHING_BESIDE else min(account.wallet for account in after.accounts)
        for account in after.accounts:
            old = was.get(account.wallet)
            its_own = beside if account.wallet == first else _NOTHING_BESIDE
            if old is account:
                if its_own is not _NOTHING_BESIDE:
                    self._add_account(shard, after, account, old, its_own)
                continue
            self._add_account(shard, after, account, old, its_own)
            old = old or _NEW_ACCOUNT
            news = LOTS_PER_TRANSACTION * (before.sequence + 1)
            self._add_lots(shard, after.member_id, account.wallet, False, old.lots, account.lots, news)
            self._add_lots(shard, after.member_id, account.wallet, True, old.pending_lots, account.pending_lots, news)
            self._add_bound(shard, after.member_id, old.holds, account.holds, self.closed_holds, self.open_holds)
            self._add_bound(
                shard, after.member_id, old.deposits, account.deposits, self.closed_deposits, self.open_deposits
            )

    def _add_beside(self, shard: int, before: MemberState, after: MemberState) -> _Beside:
        """The difference in counters, uses of caps, and where else something is known of the member."""
        member = after.member_id
        counters = None if after.counters is before.counters else _encode(after.counters).decode()
        uses, marks = None, PROFILE if member in self._described else 0
        if after.used is not before.used:
            uses, marked = self._add_usages(shard, member, before.used, after.used)
            marks |= marked
        if after.tiers is not before.tiers and (rows := standing_rows(shard, before, after)):
            self.standings.rows += rows
            marks |= STANDINGS
        was = self._places.marks.get(member, 0)
        if counters is None and uses is None and was | marks == was:
            return _NOTHING_BESIDE
        return counters, uses, None if was | marks == was else was | marks

    def _add_usages(
        self, shard: int, member: int, before: Mapping[str, int], after: Mapping[str, int]
    ) -> tuple[str, int]:
        """The difference between two states of a member's uses of caps: what is written on the account row, and the
        marks of what goes to the table."""
        in_table = self._places.usages
        on_row: dict[str, int] = {}
        for name, used in after.items():
            place = in_table.get((member, name))
            if place is None:
                on_row[name] = used
            elif used != before.get(name, 0):
                self.changed_usages.rows.append((place, member, name, used))
        marks = 0
        if len(on_row) > 1 and not on_row.keys() <= before.keys():
            on_row, gone, marks = parted(on_row)
            self.new_usages.rows += [(shard, member, name, used) for name, used in gone.items()]
        return encode_uses(on_row).decode(), marks

    def add_shared_usages(self, before: Mapping[str, int], after: Mapping[str, int]) -> None:
        """What all members together used of caps, where that has changed."""
        for name, used in after.items():
            if used != before.get(name, 0):
                self.shared_usages.rows.append((shard_of_name(name, self._shards), name, used))

    def _add_account(
        self, shard: int, state: MemberState, account: Account, old: Account | None, beside: _Beside
    ) -> None:
        next_change_at = account.next_change_at
        row = (
            shard if old is None else self._places.accounts[state.member_id, account.wallet],
            state.member_id,
            account.wallet,
            account.last_sequence,
            account.available,
            account.pending,
            account.held,
            account.debt,
            None if old is not None and next_change_at is old.next_change_at else next_change_at,
            *beside,
            None if account.saved == (0 if old is None else old.saved) else account.saved,
        )
        if old is None:
            self.new_accounts.rows.append((*row, state.status))
        else:
            self.changed_accounts.rows.append(row)

    def _add_lots(
        self,
        shard: int,
        member: int,
        wallet: int,
        pending: bool,
        before: tuple[Lot, ...],
        after: tuple[Lot, ...],
        news: int,
    ) -> None:
        """The difference between two states of a wallet's lots. Lots from number `news` on were opened in this batch:
        their rows are written from the movements that opened them."""
        was = {lot.lot: lot for lot in before}
        for lot in after:
            old = was.pop(lot.lot, None)
            if old is lot:
                continue
            if old is not None:
                place = self._places.lots[member, wallet, pending, lot.lot]
                self.changed_lots.rows.append((place, member, lot.lot, lot.remaining))
            elif lot.lot >= news:
                self._opened[member, lot.lot] = lot.remaining
            else:
                terms = lot.terms
                self.reopened_lots.rows.append(
                    (
                        shard,
                        member,
                        wallet,
                        pending,
                        terms.expires_at,
                        terms.earned_at,
                        lot.lot,
                        terms.effective_at,
                        lot.remaining,
                    )
                )
        for lot in was.values():
            self.gone_lots.rows.append((self._places.lots[member, wallet, pending, lot.lot], member, lot.lot))

    @staticmethod
    def _add_bound(
        shard: int,
        member: int,
        before: Sequence[Hold | Deposit],
        after: Sequence[Hold | Deposit],
        closed: Columns,
        opened: Columns,
    ) -> None:
        """The difference between two states of a wallet's holds, or of its savings."""
        if before is after:
            return
        was = {each.sequence: each for each in before}
        for each in after:
            if was.pop(each.sequence, None) is not each:
                pieces = _encode(each.pieces).decode()
                row = (shard, member, each.sequence, each.wallet, each.remaining, each.expires_at, pieces)
                opened.rows.append(row)
        for sequence in was:
            closed.rows.append((shard, member, sequence))

    async def write(self, connection: Connection, recorded_at: datetime) -> None:
        """Write everything. The caller holds the locks and commits.

        Raises LostUpdateError where a row that was loaded and locked is no longer there: the batch must not commit.
        """
        if self.members.rows:
            await connection.execute(
                _SQL["write_registrations"],
                *self.members.arrays(),
                recorded_at,
                *self.identities.arrays(),
            )
        if self.new_accounts.rows:
            await connection.execute(_SQL["write_new_accounts"], *self.new_accounts.arrays())
        if self.closed_holds.rows or self.open_holds.rows:
            changed = await connection.fetchval(
                _SQL["write_holds"], *self.closed_holds.arrays(), *self.open_holds.arrays()
            )
            check_changed(changed, len(self.closed_holds.rows) + len(self.open_holds.rows))
        if self.closed_deposits.rows or self.open_deposits.rows:
            changed = await connection.fetchval(
                _SQL["write_savings"], *self.closed_deposits.arrays(), *self.open_deposits.arrays()
            )
            check_changed(changed, len(self.closed_deposits.rows) + len(self.open_deposits.rows))
        if self.reopened_lots.rows:
            await connection.execute(_SQL["write_reopened_lots"], *self.reopened_lots.arrays())
        if self.profiles.rows:
            await connection.execute(_SQL["write_profiles"], *self.profiles.arrays())
        if self.standings.rows:
            await write_standings(connection, self.standings.arrays())
        if self.keys.rows:
            await connection.execute(_SQL["write_keys"], *self.keys.arrays())
        changing = (self.changed_lots, self.gone_lots, self.changed_accounts, self.changed_usages)
        expected = sum(len(each.rows) for each in changing)
        if not (expected or self.transactions.rows or self.new_usages.rows or self.shared_usages.rows):
            return
        changed = await connection.fetchval(
            _SQL["write_batch"],
            recorded_at,
            self._shards,
            *self.transactions.arrays(),
            *self.movements.arrays(),
            *self.changed_lots.arrays(),
            *self.gone_lots.arrays(),
            *self.changed_accounts.arrays(),
            *self.changed_usages.arrays(),
            *self.new_usages.arrays(),
            *self.shared_usages.arrays(),
        )
        check_changed(changed, expected)


def check_changed(changed: int, expected: int) -> None:
    """Raise LostUpdateError where fewer rows were changed than were to be."""
    if changed != expected:
        raise LostUpdateError(f"{expected} rows were to change and {changed} did")


class LostUpdateError(Exception):
    """A locked row was not there when it was to be changed (I-06). Nothing may be committed."""


_NEW_ACCOUNT = Account(0)
#: Counters, uses of caps, and marks (jifen.engine.marks): null where nothing changes.
_Beside = tuple[str | None, str | None, int | None]
_NOTHING_BESIDE: _Beside = (None, None, None)
_NO_KEY = (None, None)
_NO_TERMS = (None, None, None, None)
_astuple = msgspec.structs.astuple
