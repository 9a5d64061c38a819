"""Importing opening balances: each row a lot, and a proof that the sums of the file and of the ledger agree."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from jifen.core.commands import AdjustPoints
from jifen.core.counted import counted
from jifen.core.errors import JifenError
from jifen.core.identity import Identity, in_full
from jifen.core.limits import MAXIMUM_AMOUNT
from jifen.core.program import Program
from jifen.core.refusal import Refusal
from jifen.db.connection import Connection, connect
from jifen.db.locking import CLAIM_SOURCE
from jifen.engine.loading import find_identities
from jifen.engine.submission import Submission
from jifen.services.imports.cells import clean, plain, read_identity, ungrouped
from jifen.services.imports.faults import RowFault
from jifen.services.imports.people.duplicates import MOST_LISTED
from jifen.services.imports.people.lots import AddedRows, LotRow, Lots
from jifen.services.imports.people.mapping import BalanceMapping
from jifen.services.imports.people.members import ACTOR
from jifen.services.imports.people.opening import Opening, payload_of
from jifen.services.imports.people.reading import PeopleFile, program_of
from jifen.services.imports.people.rows import moment_of
from jifen.services.imports.people.sending import GROUP, send
from jifen.services.imports.recording import PROGRESS_TOTAL, READING_SHARE, Progress, Recorder
from jifen.services.imports.rehearsal import Rehearsal
from jifen.services.imports.rejects import Reject, check_writable, refused_by_ledger
from jifen.services.imports.threads import Threads
from jifen.services.snapshot import one_moment

#: Whole numbers, as spreadsheets write them too.
_WHOLE: Final = re.compile(r"(-?[0-9]{1,18})(?:\.0+)?")
REASON = "期初余额 / opening balance"


class WalletProof(msgspec.Struct, frozen=True):
    """What the file has of a wallet, in rows whose points can be read; of these what was rejected and what waits for
    approval; and what the ledger has booked. Nothing is left: `file_points` is the sum of the three."""

    wallet: str
    file_points: int
    rejected_points: int
    waiting_points: int
    ledger_points: int

    @property
    def agrees(self) -> bool:
        """Whether every point is accounted for."""
        return self.file_points == self.rejected_points + self.waiting_points + self.ledger_points


class ListedRows(msgspec.Struct, frozen=True):
    """Rows that were added to one lot: the first of them, and how many such lots there are."""

    total: int = 0
    listed: list[AddedRows] = []


class OtherSource(msgspec.Struct, frozen=True):
    """Lots that are the same as those that another source has brought: the same points twice, or two systems."""

    source: str
    lots: int
    points: int


class MovedLots(msgspec.Struct, frozen=True):
    """Lots of which this source has booked as many points until another instant, which the file has no more: an expiry
    that was changed, so that both are booked."""

    lots: int = 0
    points: int = 0


class ImportRunning(JifenError):
    """Another import of balances of the same source is at work."""

    code = "import_running"


class BalanceSummary(msgspec.Struct):
    """What a file of balances came to, in lots: all that a member has in a wallet until one instant. `booked` are new,
    `unchanged` were booked before; `waiting`: above the limit of corrections, until a second person approves;
    `empty` and `rejected` count rows, of 0 points and of others that were not taken; `repeated`: rows that were added
    together; `booked_elsewhere`: lots of which another source has brought the very same; `expiry_changed`: lots that
    were booked before until another instant; `agrees`: the sums of every wallet do."""

    rows: int = 0
    empty: int = 0
    booked: int = 0
    unchanged: int = 0
    waiting: int = 0
    rejected: int = 0
    repeated: ListedRows = ListedRows()
    booked_elsewhere: list[OtherSource] = []
    expiry_changed: MovedLots = MovedLots()
    hidden: int = 0
    other_sheets: list[str] = []
    dry_run: bool = False
    wallets: list[WalletProof] = []
    agrees: bool = True
    seconds: float = 0.0


def _no_progress(done: int, total: int) -> None:
    """Nobody watches."""


async def import_balances(
    engine: Recorder | None,
    url: str,
    file: Path,
    mapping: BalanceMapping,
    *,
    rejects: Path | None = None,
    called: str | None = None,
    progress: Progress = _no_progress,
) -> BalanceSummary:
    """Book the opening balances of a file, each row once. Without an engine nothing is recorded.

    Raises:
        UnreadableFile, RejectsNotWritten, NothingToImportInto, ImportRunning: before anything was recorded.
        ImportInterrupted: the database went away, or the engine is too busy; run the same import again.
    """
    threads = Threads(progress)
    if rejects is not None:
        check_writable(rejects)
    program = await program_of(url)
    columns = mapping.columns
    names = [*columns.identities.values(), columns.points, columns.wallet, columns.expires_at]
    wanted = [name for name in names if name is not None]
    with (
        await asyncio.to_thread(PeopleFile, file, mapping, wanted) as people,
        TemporaryDirectory(prefix="jifen-import-") as folder,
        Lots(Path(folder)) as lots,
    ):
        work = _Work(people, mapping, program, lots, threads)
        await work.run(engine, url)
        if rejects is not None:
            await threads.run(people.write_rejects, rejects, called)
    threads(PROGRESS_TOTAL, PROGRESS_TOTAL)
    return work.summary


class _Work:
    def __init__(
        self, people: PeopleFile, mapping: BalanceMapping, program: Program, lots: Lots, threads: Threads
    ) -> None:
        self._people = people
        self._mapping = mapping
        self._program = program
        self._lots = lots
        self._threads = threads
        self._zone = ZoneInfo(mapping.time.zone)
        #: Points that are one cell of several rows are nobody's.
        self._single = {people.place[mapping.columns.points]: mapping.columns.points}
        #: Points by wallet.
        self._in_file: Counter[str] = Counter()
        self._rejected: Counter[str] = Counter()
        self._waiting: Counter[str] = Counter()
        #: Lots and points that other sources have brought as well, by source.
        self._elsewhere: dict[str, tuple[int, int]] = {}
        self.summary = BalanceSummary()

    async def run(self, engine: Recorder | None, url: str) -> None:
        """Read everything, book lot by lot, and prove. Without an engine what would be booked is rehearsed."""
        started = monotonic()
        summary = self.summary
        summary.dry_run = engine is None
        await self._threads.run(self._read_all)
        connection = await connect(url)
        try:
            if engine is not None:
                await _claim(connection, self._mapping.source)
            shards: int = await connection.fetchval("SELECT shards FROM installation")
            await self._gather(connection, shards)
            opening = Opening(connection, self._mapping.source, shards, self._program.document.phone_region)
            recorder = engine or Rehearsal(connection, shards, self._program)
            count = self._lots.count
            for lots in self._lots.pages(GROUP):
                await self._take(recorder, opening, lots)
                share = (PROGRESS_TOTAL - READING_SHARE) * lots[-1].number // count
                self._threads(READING_SHARE + share, PROGRESS_TOTAL)
            booked: Counter[str] = Counter() if engine is None else await self._booked(connection, opening, shards)
        finally:
            await connection.close(timeout=5)
        summary.wallets = [
            WalletProof(name, points, self._rejected[name], self._waiting[name], booked[name])
            for name, points in sorted(self._in_file.items())
        ]
        added = list(self._lots.added(MOST_LISTED))
        summary.repeated = ListedRows(added[0][1] if added else 0, [rows for rows, _ in added])
        summary.booked_elsewhere = [OtherSource(source, *both) for source, both in sorted(self._elsewhere.items())]
        summary.agrees = engine is None or all(each.agrees for each in summary.wallets)
        summary.rejected = self._people.rejected
        summary.hidden, summary.other_sheets = self._people.table.hidden, self._people.table.other_sheets
        summary.seconds = round(monotonic() - started, 3)

    def _read_all(self) -> None:
        size = max(self._people.table.file.stat().st_size, 1)

        def told(read: int) -> None:
            self._threads(min(READING_SHARE, READING_SHARE * read // size), PROGRESS_TOTAL)

        for line, values in self._people.table.rows(told):
            self.summary.rows += 1
            self._read(line, values)

    async def _gather(self, connection: Connection, shards: int) -> None:
        """Find out who the rows are about, and put them together."""
        for identities in self._lots.members(GROUP):
            region = self._program.document.phone_region
            found = await find_identities(connection, identities, shards, region)
            self._lots.own({each: str(found.get(each, in_full(each, region))) for each in identities})
        for line, wallet, points, at_fault in self._lots.incomplete():
            self._people.reject(line, "", "member_incomplete", str(at_fault))
            self._rejected[wallet] += points
        self._lots.gather()

    async def _take(self, recorder: Recorder, opening: Opening, lots: list[LotRow]) -> None:
        """Book the lots of which nothing stands yet."""
        standings = await opening.standings(lots)
        news = []
        for lot in lots:
            standing = standings.get(lot.number)
            if lot.member_id is None and not self._mapping.register:
                self._reject(lot, partial(_unknown, member=lot.member))
            elif standing is None:
                news.append(lot)
                if any(not self._lots.has(lot, until) for until in opening.other_expiries(lot)):
                    moved = self.summary.expiry_changed
                    self.summary.expiry_changed = MovedLots(moved.lots + 1, moved.points + lot.points)
                if (source := opening.source_elsewhere(lot)) is not None:
                    lots_there, points_there = self._elsewhere.get(source, (0, 0))
                    self._elsewhere[source] = (lots_there + 1, points_there + lot.points)
            elif standing.differs:
                self._reject(lot, partial(_conflict, booked=standing.booked))
            elif standing.waits:
                self.summary.waiting += 1
                self._waiting[lot.wallet] += lot.points
            else:
                self.summary.unchanged += 1
        await self._book(recorder, news)

    def _reject(self, lot: LotRow, because: Callable[[int], Reject]) -> None:
        for line in self._lots.lines_of(lot):
            self._people.add_reject(because(line))
        self._rejected[lot.wallet] += lot.points

    async def _book(self, recorder: Recorder, lots: list[LotRow]) -> None:
        submissions = [self._submission(lot) for lot in lots]
        for lot, outcome in zip(lots, await send(recorder, submissions), strict=True):
            if isinstance(outcome, Refusal):
                self._reject(lot, partial(refused_by_ledger, refusal=outcome))
            elif outcome.sequence < 0:
                self.summary.waiting += 1
                self._waiting[lot.wallet] += lot.points
            else:
                self.summary.unchanged += outcome.duplicate
                self.summary.booked += not outcome.duplicate

    def _submission(self, lot: LotRow) -> Submission:
        command = AdjustPoints(lot.identity, lot.wallet, lot.points, lot.expires_at, self._mapping.reason_code)
        return Submission(command, self._mapping.source, lot.key, payload_of(lot, lot.member), ACTOR, reason=REASON)

    def _read(self, line: int, values: list[str] | None) -> None:
        try:
            cells = self._people.cells(values)
        except RowFault as fault:
            self._people.reject(line, fault.field, fault.code, fault.detail)
            return
        wallet, points, member = self._wallet(cells), 0, None
        try:
            self._people.check_cells(cells, self._single)
            member = self._member(cells)
            points = self._points(cells)
            if wallet not in self._program.wallet_numbers:
                raise RowFault(self._mapping.columns.wallet or "", "unknown_wallet", wallet)
            until = self._expires_at(cells)
            if not points:
                self.summary.empty += 1
                return
            self._lots.add(line, member, wallet, until, points)
            self._in_file[wallet] += points
        except RowFault as fault:
            self._people.reject(line, fault.field, fault.code, fault.detail)
            points = self._points_if_any(cells)
            self._in_file[wallet] += points
            self._rejected[wallet] += points
            if member is not None:
                self._lots.mark_fault(member, line)

    def _wallet(self, values: Sequence[str]) -> str:
        named = self._cell(values, self._mapping.columns.wallet)
        return named or self._mapping.wallet or self._program.document.wallets[0].id

    def _expires_at(self, values: Sequence[str]) -> datetime | None:
        """A day is the last on which the points can be spent."""
        column = self._mapping.columns.expires_at
        until = self._cell(values, column)
        if not until:
            return None
        moment = moment_of(until, self._mapping.time, self._zone, column or "")
        try:
            return (moment.at + timedelta(days=1) if moment.is_day else moment.at).astimezone(UTC)
        except OverflowError:
            raise RowFault(column or "", "invalid_instant", until) from None

    def _points_if_any(self, values: Sequence[str]) -> int:
        try:
            return self._points(values)
        except RowFault:
            return 0

    def _member(self, values: Sequence[str]) -> Identity:
        for kind, column in self._mapping.columns.identities.items():
            text = self._cell(values, column)
            if text:
                return read_identity(kind, text, column, self._mapping.phone_country)
        raise RowFault(next(iter(self._mapping.columns.identities.values())), "missing_value")

    def _points(self, values: Sequence[str]) -> int:
        """The points of a row; 0: there is nothing to book."""
        column = self._mapping.columns.points
        text = self._cell(values, column)
        if not text:
            raise RowFault(column, "missing_value")
        whole = _WHOLE.fullmatch(ungrouped(plain(text)))
        points = -1 if whole is None else int(whole[1])
        if not 0 <= points <= MAXIMUM_AMOUNT:
            raise RowFault(column, "invalid_points", text)
        return points

    def _cell(self, values: Sequence[str], column: str | None) -> str:
        return "" if column is None else clean(values[self._people.place[column]])

    async def _booked(self, connection: Connection, opening: Opening, shards: int) -> Counter[str]:
        """What the ledger has booked of these lots by wallet, from its movements."""
        booked: Counter[str] = Counter()
        async with one_moment(connection):
            for lots in self._lots.pages(GROUP):
                # Who was not known before may be by now.
                region = self._program.document.phone_region
                found = await find_identities(connection, [lot.identity for lot in lots], shards, region)
                now = [lot._replace(owner=str(found.get(lot.identity, lot.owner))) for lot in lots]
                standings = await opening.standings(now)
                for lot in now:
                    if (standing := standings.get(lot.number)) is not None:
                        booked[lot.wallet] += standing.counted(lot.points)
        return booked


async def _claim(connection: Connection, source: str) -> None:
    """Keep other imports of this source away until the connection is closed: both would find nothing booked yet."""
    if not await connection.fetchval(CLAIM_SOURCE, source):
        raise ImportRunning(f"Balances of the source {source!r} are being imported already; wait for the end of that.")


def _unknown(line: int, member: str) -> Reject:
    return Reject(line, "", "unknown_member", member)


def _conflict(line: int, booked: int) -> Reject:
    zh, en = (f"（{booked}）", f" ({counted(booked, 'points')})") if booked else ("", "")
    message = f"This balance was imported before with other points{en}: correct it with an adjustment."
    return Reject(line, "", "key_conflict", "", message, f"这笔余额以前以其他积分数{zh}导入过：请用调整更正。")
