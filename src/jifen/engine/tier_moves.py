"""Changes of tiers that were decided without a lock, written with one statement for whoever is still as they were seen.

An account row that the same transaction left at the same place is the same row: whatever else a batch does to a member
would have written it anew, or taken the next sequence, which then is taken and refuses the statement as a whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from jifen.core.decide import Effects
from jifen.core.ledger.values import Kind, MemberState
from jifen.db.connection import Connection
from jifen.db.queries import load_queries
from jifen.engine.lane import RETRYABLE
from jifen.engine.marks import STANDINGS
from jifen.engine.places import Place
from jifen.engine.standings import standing_rows
from jifen.engine.writing import Columns

_SQL = load_queries("tiers")
_encode = msgspec.json.Encoder().encode

#: An account row as it was seen: its place, and which transaction had left it so (PostgreSQL's `xmin`).
Seen = tuple[Place, int]


class HowFar(msgspec.Struct, frozen=True):
    """Where a recalculation stands once a page is done: with so many members done, and `moved` before this page."""

    job: int
    done: int
    moved: int
    last_member: int


class Written(msgspec.Struct, frozen=True):
    """What became of the rows of a page: how many members were moved; who was too late, in order, and must be decided
    anew; and whether the recalculation goes on (where somebody was too late it has not been told how far it is)."""

    moved: int
    late: list[int]
    goes_on: bool


class MoveRows:
    """The rows of members of one shard of whom nothing changes but tiers, and months that were counted only now; all
    decided at one instant, by one version of the program."""

    def __init__(self, shard: int, now: datetime) -> None:
        self._shard = shard
        self._now = now
        self._program_version = 0
        self._source = ""
        self._accounts = Columns(7)
        self._transactions = Columns(4)
        self._standings = Columns(9)
        self._moved: set[int] = set()

    @property
    def members(self) -> list[int]:
        """Of whom something is to be written, in order."""
        return [row[2] for row in self._accounts.rows]

    def __bool__(self) -> bool:
        return bool(self._accounts.rows)

    def add(self, before: MemberState, effects: Effects, seen: Mapping[int, Seen]) -> bool:
        """What was decided of a member. `before`: as the database has it; `seen`: the account rows, by wallet. False:
        it is more than can be written here, and must be decided by a batch."""
        (after,) = effects.states
        was = {account.wallet: account for account in before.accounts}
        changed = {account.wallet for account in after.accounts if was.get(account.wallet) is not account}
        has_counted = after.counters is not before.counters
        if has_counted:
            # The member's counters stand on the account of the lowest number.
            changed.add(min(was))
        if len(changed) != 1 or not changed <= was.keys() or not self._are_mere_moves(effects):
            return False
        (wallet,) = changed
        place, left_by = seen[wallet]
        account = next(each for each in after.accounts if each.wallet == wallet)
        counters = _encode(after.counters).decode() if has_counted else None
        standings = standing_rows(self._shard, before, after)
        marks = STANDINGS if standings else 0
        self._accounts.rows.append((place, left_by, after.member_id, wallet, account.last_sequence, counters, marks))
        for each in effects.transactions:
            self._transactions.rows.append((each.member_id, each.sequence, each.actor, each.trace.decode()))
            self._program_version, self._source = each.program_version, each.source
        if effects.transactions:
            self._moved.add(after.member_id)
        self._standings.rows += standings
        return True

    def _are_mere_moves(self, effects: Effects) -> bool:
        return all(
            each.kind is Kind.TIER and not each.movements and each.occurred_at is self._now
            for each in effects.transactions
        )

    async def write(self, connection: Connection, how_far: HowFar) -> Written:
        """Write everything of whoever is still as they were seen, and how far the recalculation is where that is
        everybody. Others are waited for no longer than their batch takes."""
        arguments: list[Any] = [self._shard, self._now, int(Kind.TIER), self._program_version, self._source]
        for columns in (self._accounts, self._transactions, self._standings):
            arguments += columns.arrays()
        arguments += msgspec.structs.astuple(how_far)
        try:
            rows = await connection.fetch(_SQL["write_moves"], *arguments)
        except RETRYABLE:
            # For one, a batch has booked something meanwhile on another account of a member. Nothing was written.
            return Written(0, self.members, goes_on=False)
        written = {each["member_id"] for each in rows}
        late = [member for member in self.members if member not in written]
        return Written(len(written & self._moved), late, goes_on=bool(rows) and rows[0]["goes_on"] is True)
