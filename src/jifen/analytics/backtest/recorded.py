"""What the ledger says happened, read within one snapshot."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from itertools import accumulate
from operator import itemgetter
from typing import Any, Final

import msgspec

from jifen.core.draws.values import Drawn
from jifen.core.identity import shard_of_member
from jifen.core.ledger.values import Account, Bucket, MemberState
from jifen.core.limits import NEVER
from jifen.core.orders import Order
from jifen.core.program import Program
from jifen.core.rules.facts import MemberFacts
from jifen.core.rules.rate import Award
from jifen.core.rules.standing import NO_COUNTERS, NO_PROFILE, Counters, Profile
from jifen.core.tiers.standing import TierChange
from jifen.core.trace import Dealings, TakenBack
from jifen.db.connection import Connection
from jifen.db.queries import load_queries
from jifen.engine.known import load_known
from jifen.engine.loading import decode_counters, load_everything
from jifen.engine.places import Places
from jifen.engine.standings import count_months

_SQL: Final = load_queries("backtest")
#: Read so many rows at a time.
FETCHED_ROWS: Final = 2_000
#: What an import tells later than this is history: a file a month is how some shops send their orders day by day.
LATE_IMPORT_DAYS: Final = 31
#: Where in a row of the ledger stands when it was recorded, and when it counts if it came as history.
RECORDED_AT: Final = 6
HISTORY_AT: Final = 11
_IN_ORDER: Final = "t.decided, t.happened, t.member_id, t.sequence"
_SETTINGS: Final = """
SET LOCAL max_parallel_workers_per_gather = 0;
-- All rows of a shard are wanted, not the first few.
SET LOCAL cursor_tuple_fraction = 1;
SET LOCAL work_mem = '64MB';
SET LOCAL statement_timeout = 0
"""


class Period(msgspec.Struct, frozen=True):
    """From `since` (None: the beginning) until `until`, excluded (None: now); instants in UTC. What time does is booked
    up to `settled_at`, and counts as far as it happened within the period."""

    since: datetime | None
    until: datetime | None
    settled_at: datetime

    @property
    def is_whole(self) -> bool:
        """Whether everything lies within."""
        return self.since is None and self.until is None

    def is_before(self, instant: datetime) -> bool:
        """Whether an instant lies before the period."""
        return self.since is not None and instant < self.since

    def is_after(self, instant: datetime) -> bool:
        """Whether an instant lies after the period."""
        return self.until is not None and instant >= self.until


class RecordedRedemption(msgspec.Struct, frozen=True, gc=False):
    """As much of a redemption as the backtest looks at."""

    spent_by: int = 0


class RecordedMerge(msgspec.Struct, frozen=True, gc=False):
    """As much of what passed in a merge as the backtest looks at."""

    other: int
    step: str


class RecordedTrace(msgspec.Struct, frozen=True, gc=False):
    """As much of a trace as the backtest looks at."""

    awards: list[Award] = []
    wallet: int | None = None
    points: int | None = None
    taken_back: list[TakenBack] = []
    until: datetime | None = None
    member: MemberFacts | None = None
    used: dict[str, int] = {}
    withheld: int | None = None
    corrected: Order | None = None
    step: str | None = None
    redemption: RecordedRedemption | None = None
    dealings: Dealings | None = None
    drawn: Drawn | None = None
    tier: TierChange | None = None
    merged: RecordedMerge | None = None

    @property
    def gives_back(self) -> bool:
        """Whether a step of a redemption returned points that had been spent."""
        if self.redemption is not None:
            return self.step in ("cancel", "return") and self.redemption.spent_by > 0
        pooled = None if self.dealings is None else self.dealings.pooled
        return pooled is not None and pooled.move == "return"


class OpenedLot(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A lot that an adjustment or a transfer opened."""

    amount: int
    earned_at: datetime
    effective_at: datetime
    expires_at: datetime


_decode_profile = msgspec.json.Decoder(Profile).decode
decode_recorded = msgspec.json.Decoder(RecordedTrace).decode
decode_counterpart = msgspec.json.Decoder(tuple[int, int]).decode
decode_opened = msgspec.json.Decoder(list[OpenedLot]).decode


async def begin_reading(connection: Connection, snapshot: str) -> None:
    """See what the snapshot sees, and change nothing."""
    await connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    await connection.execute(f"SET TRANSACTION SNAPSHOT '{snapshot}'")
    await connection.execute(_SETTINGS)


async def read_shard(
    connection: Connection, shard: int, period: Period, *, with_history: bool
) -> AsyncIterator[list[Any]]:
    """The transactions of a shard, member by member, some thousands at a time. `with_history`: whether to say (last) of
    those that came as history when they count; else none did."""
    order = "t.shard, t.member_id, t.sequence"
    if period.until is None:
        cursor = await connection.cursor(_transactions("of_shard", order, period, with_history), shard)
    else:
        query = _transactions("of_shard_until", order, period, with_history)
        cursor = await connection.cursor(query, shard, period.until)
    while rows := await cursor.fetch(FETCHED_ROWS):
        yield rows


async def read_in_order(connection: Connection, period: Period, *, with_history: bool) -> AsyncIterator[list[Any]]:
    """The transactions of all members, in the order in which they were recorded, some thousands at a time; what came as
    history in that in which it happened."""
    query = _transactions("in_order", _IN_ORDER, period, with_history)
    cursor = await connection.cursor(query, period.until or NEVER)
    while rows := await cursor.fetch(FETCHED_ROWS):
        yield rows


def _transactions(source: str, order: str, period: Period, with_history: bool) -> str:
    history = _history(period.since) if with_history else "NULL::timestamptz"
    return _SQL["transactions"].format(source=_SQL[source].format(history=history), order=order)


def _history(since: datetime | None) -> str:
    begin = "'-infinity'" if since is None else f"'{since.isoformat()}'::timestamptz"
    of_itself, of_other = (
        _SQL["came_as_history"].format(name=name, days=LATE_IMPORT_DAYS, since=begin) for name in ("t", "o")
    )
    return _SQL["history"].format(of_itself=of_itself, of_other=of_other)


def in_own_order(rows: list[Any]) -> list[Any]:
    """The transactions of one member, recorded one after another, in the order in which they count: what came as
    history as of when it happened."""
    if all(row[HISTORY_AT] is None for row in rows):
        return rows
    # A clock may have gone backwards; what was recorded live keeps its order all the same.
    recorded = accumulate((row[RECORDED_AT] for row in rows), max)
    placed = [(row[HISTORY_AT] or at, row) for row, at in zip(rows, recorded, strict=True)]
    placed.sort(key=itemgetter(0))
    return [row for _, row in placed]


async def read_family(
    connection: Connection, family: Sequence[int], shards: int, period: Period, *, with_history: bool
) -> list[Any]:
    """The transactions of members of one family in the order in which they count."""
    query = _transactions("of_family", _IN_ORDER, period, with_history)
    own = [shard_of_member(member, shards) for member in family]
    return list(await connection.fetch(query, own, list(family), period.until or NEVER))


async def read_merges(connection: Connection) -> list[tuple[int, int]]:
    """Survivors, and who was ever absorbed into them."""
    return [(survivor, absorbed) for survivor, absorbed in await connection.fetch(_SQL["merges"])]


async def read_referred(connection: Connection, shard: int) -> dict[int, set[int]]:
    """By member, the sequences that other transactions refer to."""
    found: dict[int, set[int]] = {}
    for member_id, sequence in await connection.fetch(_SQL["referred"], shard):
        found.setdefault(member_id, set()).add(sequence)
    return found


async def read_profiles(
    connection: Connection, shard: int, *, with_registration: bool, members: Sequence[int] | None = None
) -> dict[int, Profile]:
    """What is said of the members of a shard now, or of some of them."""
    found = {}
    for member_id, registered_at, said in await connection.fetch(_SQL["profiles"], shard, with_registration, members):
        profile = NO_PROFILE if said is None else _decode_profile(said)
        found[member_id] = msgspec.structs.replace(profile, registered_at=registered_at)
    return found


async def read_flows(
    connection: Connection, shard: int, period: Period
) -> list[tuple[int, tuple[Bucket, Bucket], int, bool]]:
    """Points that moved, by wallet and by the buckets they left and entered, and whether that was before the period."""
    if period.since is None and period.until is None:
        rows = await connection.fetch(_SQL["flows"], shard)
    else:
        since = period.since or datetime.min.replace(tzinfo=NEVER.tzinfo)
        rows = await connection.fetch(_SQL["flows_of_period"], shard, since, period.until or NEVER)
    return [
        (row["wallet"], (Bucket(row["from_bucket"]), Bucket(row["to_bucket"])), int(row["points"]), row["is_before"])
        for row in rows
    ]


async def read_due(
    connection: Connection, shard: int, shards: int, program: Program, instant: datetime
) -> list[MemberState]:
    """The members for whom time has done something by an instant that nobody has booked yet, loaded as a whole; for
    those whose tiers wait, with all that the program's tier sets ask for."""
    accounts: dict[int, list[Account]] = {}
    counters: dict[int, Counters] = {}
    sets = [each.id for each in program.tier_sets]
    for member_id, *values in await connection.fetch(_SQL["due"], shard, instant, sets):
        wallet, available, pending, held, debt, last_sequence, next_change_at, saved, counted = values
        account = Account(wallet, available, pending, held, debt, last_sequence, next_change_at, saved=saved)
        accounts.setdefault(member_id, []).append(account)
        if counted is not None:
            counters[member_id] = decode_counters(counted)
    states = {
        member: MemberState(
            member,
            max(each.last_sequence for each in own),
            tuple(own),
            counters=counters.get(member, NO_COUNTERS),
        )
        for member, own in accounts.items()
    }
    if not states:
        return []
    await load_everything(connection, states, Places(), sorted(states), shards)
    if sets:
        await load_known(connection, states, Places(), shards, profiles=states, standings=states)
        await count_months(connection, states, program, shards)
    return list(states.values())
