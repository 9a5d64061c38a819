"""Importing opening balances: each row a lot, and a proof that the sums of the file and of the ledger agree."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from time import monotonic
from zoneinfo import ZoneInfo

import msgspec

from jifen.core.commands import AdjustPoints
from jifen.core.identity import Identity, parse_identity
from jifen.core.ledger.values import Kind
from jifen.core.limits import MAXIMUM_AMOUNT
from jifen.core.program import Program
from jifen.core.refusal import Refusal
from jifen.db.connection import connect
from jifen.engine.submission import Submission
from jifen.services.imports.people.mapping import BalanceMapping
from jifen.services.imports.people.members import ACTOR
from jifen.services.imports.people.reading import PeopleFile, program_of
from jifen.services.imports.people.rows import instant_of
from jifen.services.imports.people.sending import GROUP, send
from jifen.services.imports.recording import PROGRESS_TOTAL, Progress, Recorder
from jifen.services.imports.rejects import check_writable
from jifen.services.imports.rows import RowFault

REASON = "期初余额 / opening balance"
_SUMS = """
SELECT (trace ->> 'wallet')::smallint AS wallet, sum((trace ->> 'points')::bigint)::bigint AS points
FROM transactions WHERE source = $1 AND kind = $2 AND starts_with(key_id, $3) GROUP BY 1
"""


class WalletProof(msgspec.Struct, frozen=True):
    """What the file brought to a wallet, and what the ledger has booked for it."""

    wallet: str
    file_points: int
    ledger_points: int

    @property
    def agrees(self) -> bool:
        """Whether they are the same."""
        return self.file_points == self.ledger_points


class BalanceSummary(msgspec.Struct):
    """What a file of balances came to. `booked` are new, `unchanged` this file had brought before; `waiting`: above the
    limit of corrections, until a second person approves; `agrees`: the sums of every wallet do."""

    rows: int = 0
    booked: int = 0
    unchanged: int = 0
    waiting: int = 0
    rejected: int = 0
    dry_run: bool = False
    wallets: list[WalletProof] = []
    agrees: bool = True
    seconds: float = 0.0


class _Balance(msgspec.Struct, frozen=True, gc=False):
    member: Identity
    wallet: str
    points: int
    expires_at: datetime | None


def _no_progress(done: int, total: int) -> None:
    """Nobody watches."""


async def import_balances(
    engine: Recorder | None,
    url: str,
    file: Path,
    mapping: BalanceMapping,
    *,
    rejects: Path | None = None,
    progress: Progress = _no_progress,
) -> BalanceSummary:
    """Book the opening balances of a file, each row once. Without an engine nothing is recorded.

    Raises:
        UnreadableFile, RejectsNotWritten, NothingToImportInto: before anything was recorded.
        QueueFull: the engine is too busy for a minute; run the same import again.
    """
    if rejects is not None:
        check_writable(rejects)
    program = await program_of(url)
    columns = mapping.columns
    names = [*columns.identities.values(), columns.points, columns.wallet, columns.expires_at]
    wanted = [name for name in names if name is not None]
    people = await asyncio.to_thread(PeopleFile, file, mapping.file, mapping.sheet, wanted)
    work = _Work(people, mapping, program, progress)
    work.summary.dry_run = engine is None
    await work.run(engine)
    if engine is not None:
        await work.prove(url)
    if rejects is not None:
        await asyncio.to_thread(people.write_rejects, rejects)
    progress(PROGRESS_TOTAL, PROGRESS_TOTAL)
    return work.summary


class _Work:
    def __init__(self, people: PeopleFile, mapping: BalanceMapping, program: Program, progress: Progress) -> None:
        self._people = people
        self._mapping = mapping
        self._program = program
        self._progress = progress
        self._zone = ZoneInfo(mapping.time.zone)
        self._sums: dict[str, int] = {}
        self.summary = BalanceSummary()

    async def run(self, engine: Recorder | None) -> None:
        """Read and book, group by group."""
        started = monotonic()
        size = max(self._people.table.file.stat().st_size, 1)
        group: list[tuple[int, _Balance]] = []
        for line, values in self._people.table.rows(lambda read: self._progress(read * 9 // size, 10)):
            self.summary.rows += 1
            balance = self._read(line, values)
            if balance is None:
                continue
            group.append((line, balance))
            if len(group) == GROUP:
                await self._book(engine, group)
                group = []
        await self._book(engine, group)
        self.summary.rejected = self._people.rejected
        self.summary.seconds = round(monotonic() - started, 3)
        if engine is None:
            self.summary.wallets = [WalletProof(name, points, 0) for name, points in sorted(self._sums.items())]

    async def _book(self, engine: Recorder | None, group: Sequence[tuple[int, _Balance]]) -> None:
        if engine is None:
            for _, each in group:
                self._add(each)
            return
        submissions = [self._submission(line, each) for line, each in group]
        for (line, each), outcome in zip(group, await send(engine, submissions), strict=True):
            if isinstance(outcome, Refusal):
                self._people.reject(line, "", outcome.code, message=outcome.message)
            elif outcome.sequence < 0:
                self.summary.waiting += 1
            else:
                self.summary.unchanged += outcome.duplicate
                self.summary.booked += not outcome.duplicate
                self._add(each)

    def _add(self, balance: _Balance) -> None:
        self._sums[balance.wallet] = self._sums.get(balance.wallet, 0) + balance.points

    def _submission(self, line: int, balance: _Balance) -> Submission:
        command = AdjustPoints(
            balance.member, balance.wallet, balance.points, balance.expires_at, self._mapping.reason_code
        )
        key = f"{self._people.digest}:{line}:balance"
        payload = msgspec.json.encode(balance)
        return Submission(command, self._mapping.source, key, payload, ACTOR, reason=REASON)

    def _read(self, line: int, values: list[str] | None) -> _Balance | None:
        if values is None or len(values) < len(self._people.table.header):
            self._people.reject(line, "", "malformed_csv" if values is None else "wrong_column_count")
            return None
        try:
            return self._balance(values)
        except RowFault as fault:
            self._people.reject(line, fault.field, fault.code, fault.detail)
            return None

    def _balance(self, values: Sequence[str]) -> _Balance:
        columns = self._mapping.columns
        wallet = self._cell(values, columns.wallet) or self._mapping.wallet or self._program.document.wallets[0].id
        if wallet not in self._program.wallet_numbers:
            raise RowFault(columns.wallet or "", "unknown_wallet", wallet)
        until = self._cell(values, columns.expires_at)
        expires_at = instant_of(until, self._mapping.time, self._zone, columns.expires_at or "") if until else None
        return _Balance(self._member(values), wallet, self._points(values), expires_at)

    def _member(self, values: Sequence[str]) -> Identity:
        for kind, column in self._mapping.columns.identities.items():
            text = self._cell(values, column)
            if text:
                identity = parse_identity(f"{kind}:{text}")
                if isinstance(identity, Refusal):
                    raise RowFault(column, "invalid_identity", text)
                return identity
        raise RowFault(next(iter(self._mapping.columns.identities.values())), "missing_value")

    def _points(self, values: Sequence[str]) -> int:
        column = self._mapping.columns.points
        text = self._cell(values, column).replace(",", "")
        try:
            points = int(text.removesuffix(".0").removesuffix(".00"))
        except ValueError:
            raise RowFault(column, "invalid_points", text) from None
        if not 0 < points <= MAXIMUM_AMOUNT:
            raise RowFault(column, "invalid_points", text)
        return points

    def _cell(self, values: Sequence[str], column: str | None) -> str:
        return "" if column is None else values[self._people.place[column]].strip()

    async def prove(self, url: str) -> None:
        """Compare what the file brought with what the ledger has booked for it."""
        connection = await connect(url)
        try:
            rows = await connection.fetch(_SUMS, self._mapping.source, int(Kind.ADJUST), f"{self._people.digest}:")
        finally:
            await connection.close(timeout=5)
        booked = {self._program.wallet_ids[row["wallet"]]: row["points"] for row in rows}
        self.summary.wallets = [
            WalletProof(name, self._sums.get(name, 0), booked.get(name, 0))
            for name in sorted(self._sums.keys() | booked.keys())
        ]
        self.summary.agrees = all(each.agrees for each in self.summary.wallets)
