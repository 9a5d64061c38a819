"""`jifen verify`: everything that is derived from the movements is worked out anew and compared.

Reads one instant of the database over two connections, so it may run while jifen serves. All comparing is done by
the statements of `db/sql/verify.sql`; this module hands them out and gathers what they find.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable
from itertools import pairwise
from typing import Any, Final

import asyncpg
import msgspec

from jifen.core.ledger.values import Bucket
from jifen.db.connection import Connection, connect
from jifen.db.queries import load_queries

CONNECTIONS: Final = 2
#: Of each kind so many findings are shown; all are counted.
SHOWN_FINDINGS: Final = 100
#: Replaying sorts the movements: this many at a time keep that within a few hundred megabytes.
MOVEMENTS_PER_PART: Final = 1_500_000
#: What sorts nothing takes more at a time, as every part reads past the rows of the others.
MOVEMENTS_PER_LIGHT_PART: Final = 6_000_000
#: What a movement takes in its table, about: enough to plan the parts by, without counting first.
BYTES_PER_MOVEMENT: Final = 100

_SQL: Final = load_queries("verify")
_REPLAYS: Final = ("shards_balances", "shards_lots")
_LIGHT: Final = tuple(name for name in _SQL if name.startswith("shards_") and name not in _REPLAYS)
_SETTINGS: Final = """
SET LOCAL plan_cache_mode = force_custom_plan;
SET LOCAL work_mem = '96MB';
SET LOCAL jit = off;
SET LOCAL max_parallel_workers_per_gather = 0;
-- Statistics may be older than the last import, and know nothing of a member with a million transactions: neither
-- may turn a join into a loop within a loop. Hash joins stay linear whatever the data.
SET LOCAL enable_nestloop = off;
SET LOCAL enable_mergejoin = off;
-- A part is a large share of every table: reading it all in order is quicker than finding rows by an index. Bitmap
-- scans stay for the close looks, which fetch the rows of a few members.
SET LOCAL enable_indexscan = off;
SET LOCAL enable_indexonlyscan = off;
SET LOCAL cpu_index_tuple_cost = 0.02;
SET LOCAL statement_timeout = 0
"""
_RANKED: Final = """
SELECT kind, member_id, detail, total FROM (
    SELECT kind, member_id, detail, count(*) OVER (PARTITION BY kind) AS total,
           row_number() OVER (PARTITION BY kind ORDER BY member_id, detail) AS position
    FROM ({query}) AS found
) AS ranked WHERE position <= {shown}
"""

Progress = Callable[[int, int], None]


class Finding(msgspec.Struct, frozen=True, order=True):
    """Something that does not follow from the movements. `kind` is stable (docs/invariants.md names them)."""

    kind: str
    member_id: int | None
    detail: str


class Counts(msgspec.Struct, frozen=True):
    """What was looked at."""

    members: int
    transactions: int
    movements: int
    lots: int
    accounts: int
    keys: int
    holds: int


class VerifyReport(msgspec.Struct, frozen=True):
    """What was found. `findings` has the first hundred of each kind, `totals` says how many there are of each."""

    findings: list[Finding]
    totals: dict[str, int]
    counts: Counts
    duration_ms: int

    @property
    def is_clean(self) -> bool:
        """Whether everything fits."""
        return not self.totals


class _Part(msgspec.Struct, frozen=True):
    """One statement, on a range of shards or (None) on everything."""

    name: str
    shards: tuple[int, int] | None


class _Verification:
    """The work of one run, shared by its connections."""

    def __init__(self, parts: list[_Part], progress: Progress) -> None:
        self._parts = deque(parts)
        self._all = len(parts)
        self._done = 0
        self._progress = progress
        self._found: dict[str, list[Finding]] = {}
        self.totals: Counter[str] = Counter()
        self._moved: Counter[tuple[int, Bucket]] = Counter()
        self._accounts: dict[int, dict[Bucket, int]] = {}
        self.counts: Counts | None = None

    async def work(self, connection: Connection) -> None:
        """Take one part after another until none is left."""
        while self._parts:
            await self._run(connection, self._parts.popleft())
            self._done += 1
            self._progress(self._done, self._all)

    async def _run(self, connection: Connection, part: _Part) -> None:
        query = _SQL[part.name]
        values = part.shards or ()
        if part.name == "shards_wallets":
            for row in await connection.fetch(query, *values):
                self._moved[row["wallet"], Bucket(row["from_bucket"])] -= int(row["amount"])
                self._moved[row["wallet"], Bucket(row["to_bucket"])] += int(row["amount"])
        elif part.name == "counts":
            self.counts = msgspec.convert(dict(await connection.fetchrow(query)), Counts)
        elif part.name == "wallets":
            for row in await connection.fetch(query):
                self._accounts[row["wallet"]] = _buckets(row)
        else:
            await self._look(connection, part, _RANKED.format(query=query, shown=SHOWN_FINDINGS), *values)

    async def _look(self, connection: Connection, part: _Part, query: str, *shards: int) -> None:
        try:
            async with connection.transaction():
                rows = await connection.fetch(query, *shards)
        except asyncpg.NumericValueOutOfRangeError:
            # Amounts of that size are refused when they come in, so they were not written by jifen.
            where = "the whole ledger" if part.shards is None else "shards {} to {}".format(*part.shards)
            self._add("amount_overflow", None, f"{part.name}: amounts of {where} add up to more than 64 bits hold")
            self.totals["amount_overflow"] += 1
            return
        for row in rows:
            self._add(row["kind"], row["member_id"], row["detail"])
        # Every row says how many of its kind the part has found, shown or not.
        self.totals.update({row["kind"]: row["total"] for row in rows})

    def _add(self, kind: str, member_id: int | None, detail: str) -> None:
        self._found.setdefault(kind, []).append(Finding(kind, member_id, detail))

    def check_conservation(self) -> None:
        """For each wallet: what the program gave out equals what members have and what has come back or gone (I-12)."""
        wallets = {wallet for wallet, _ in self._moved} | self._accounts.keys()
        for wallet in sorted(wallets):
            stands = self._accounts.get(wallet, {})
            member_side = sum(stands.get(bucket, 0) for bucket in _MEMBER_SIDE)
            program_side = {bucket: self._moved[wallet, bucket] for bucket in Bucket if bucket not in _MEMBER_SIDE}
            transit = program_side[Bucket.TRANSIT]
            if member_side + sum(program_side.values()) or transit:
                amounts = ", ".join(f"{bucket.name.lower()} {amount}" for bucket, amount in program_side.items())
                detail = f"wallet {wallet}: members have {member_side} (less debt), the program's side is {amounts}"
                self._add("conservation", None, detail)
                self.totals["conservation"] += 1

    def findings(self) -> list[Finding]:
        """The first of each kind, in order."""
        return [finding for kind in sorted(self._found) for finding in sorted(self._found[kind])[:SHOWN_FINDINGS]]


_MEMBER_SIDE: Final = (Bucket.AVAILABLE, Bucket.PENDING, Bucket.HELD, Bucket.SAVED, Bucket.DEBT)


def _buckets(row: Any) -> dict[Bucket, int]:
    return {
        Bucket.AVAILABLE: int(row["available"]),
        Bucket.PENDING: int(row["pending"]),
        Bucket.HELD: int(row["held"]),
        Bucket.SAVED: int(row["saved"]),
        Bucket.DEBT: -int(row["debt"]),
    }


def _no_progress(_done: int, _all: int) -> None:
    """For callers who do not watch."""


async def verify(url: str, progress: Progress = _no_progress) -> VerifyReport:
    """Replay the whole ledger and compare; `progress` is told (parts done, parts in all).

    Raises what the database raises. Changes nothing and blocks nobody.
    """
    started_ns = time.monotonic_ns()
    connections = [await connect(url) for _ in range(CONNECTIONS)]
    try:
        transactions = [
            connection.transaction(isolation="repeatable_read", readonly=True) for connection in connections
        ]
        await transactions[0].start()
        snapshot = await connections[0].fetchval("SELECT pg_export_snapshot()")
        for connection, transaction in zip(connections[1:], transactions[1:], strict=True):
            await transaction.start()
            await connection.execute(f"SET TRANSACTION SNAPSHOT '{snapshot}'")
        for connection in connections:
            await connection.execute(_SETTINGS)
        size = await connections[0].fetchrow(
            "SELECT shards, pg_table_size('movements') AS movements_bytes FROM installation"
        )
        parts = _plan(size["shards"], size["movements_bytes"] // BYTES_PER_MOVEMENT)
        verification = _Verification(parts, progress)
        await asyncio.gather(*(verification.work(connection) for connection in connections))
        verification.check_conservation()
    finally:
        for connection in connections:
            connection.terminate()
    duration_ms = (time.monotonic_ns() - started_ns) // 1_000_000
    assert verification.counts is not None, "the plan has a part that counts"
    totals = dict(sorted(verification.totals.items()))
    return VerifyReport(verification.findings(), totals, verification.counts, duration_ms)


def _plan(shards: int, movements: int) -> list[_Part]:
    """The parts of the work, those that take longest first."""
    replays = _ranges(shards, max(CONNECTIONS, -(-movements // MOVEMENTS_PER_PART)))
    light = _ranges(shards, max(1, -(-movements // MOVEMENTS_PER_LIGHT_PART)))
    return [
        _Part("keys", None),
        *(_Part(name, shards_range) for name in _REPLAYS for shards_range in replays),
        *(_Part(name, shards_range) for name in _LIGHT for shards_range in light),
        *(
            _Part(name, None)
            for name in (
                "lookups",
                "transfers",
                "merges",
                "shared_usages",
                "stocks",
                "coupons",
                "households",
                "add_ons",
                "approvals",
                "draws",
                "wallets",
                "counts",
            )
        ),
    ]


def _ranges(shards: int, pieces: int) -> list[tuple[int, int]]:
    """All shards in so many ranges (first, last), fewer if there are fewer shards."""
    bounds = [shards * piece // min(shards, pieces) for piece in range(min(shards, pieces) + 1)]
    return [(first, after - 1) for first, after in pairwise(bounds)]
