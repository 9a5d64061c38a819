"""Importing members: looked through first, then registered and described, each row once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from time import monotonic

import msgspec

from jifen.core.commands import RegisterMember
from jifen.core.members.commands import AddIdentities, DescribePerson, PersonCommand
from jifen.core.refusal import Refusal
from jifen.engine.submission import Outcome, Submission
from jifen.services.imports.people.mapping import MemberMapping
from jifen.services.imports.people.reading import PeopleFile, program_of
from jifen.services.imports.people.rows import MemberRow, MemberRowReader
from jifen.services.imports.people.sending import GROUP, IN_FLIGHT, send
from jifen.services.imports.recording import PROGRESS_TOTAL, READING_SHARE, Progress, Recorder
from jifen.services.imports.rejects import check_writable
from jifen.services.imports.rows import RowFault

ACTOR = "jifen:import"


class ColumnReport(msgspec.Struct, frozen=True):
    """How complete a column is: cells with something in them, per hundred rows."""

    column: str
    means: str
    filled: int
    percent: int


class MemberSummary(msgspec.Struct):
    """What a file of members came to. `registered` are new, `known` were there; `repeated`: rows of somebody who stood
    in an earlier row; `unchanged`: rows that this file had brought before."""

    rows: int = 0
    registered: int = 0
    known: int = 0
    unchanged: int = 0
    repeated: int = 0
    rejected: int = 0
    dry_run: bool = False
    columns: list[ColumnReport] = []
    seconds: float = 0.0
    members_per_second: float = 0.0


Numbered = tuple[int, MemberRow]


def _no_progress(done: int, total: int) -> None:
    """Nobody watches."""


async def import_members(
    engine: Recorder | None,
    url: str,
    file: Path,
    mapping: MemberMapping,
    *,
    rejects: Path | None = None,
    called: str | None = None,
    progress: Progress = _no_progress,
) -> MemberSummary:
    """Register and describe the members of a file. Without an engine it is a rehearsal: everything is looked at, and
    nothing recorded.

    Raises:
        UnreadableFile: the file is not what the mapping says; nothing was recorded.
        RejectsNotWritten, NothingToImportInto: before anything was recorded.
        QueueFull: the engine is too busy for a minute; run the same import again.
    """
    if rejects is not None:
        check_writable(rejects)
    program = await program_of(url)
    names = list(mapping.columns.names().values())
    people = await asyncio.to_thread(PeopleFile, file, mapping.file, mapping.sheet, names)
    reader = MemberRowReader(mapping, people.place, program)
    work = _Work(engine, people, reader, mapping, progress)
    await asyncio.to_thread(work.look_through)
    if engine is not None:
        await work.record(engine)
    if rejects is not None:
        await asyncio.to_thread(people.write_rejects, rejects, called)
    progress(PROGRESS_TOTAL, PROGRESS_TOTAL)
    return work.summary


class _Work:
    def __init__(
        self,
        engine: Recorder | None,
        people: PeopleFile,
        reader: MemberRowReader,
        mapping: MemberMapping,
        progress: Progress,
    ) -> None:
        self._people = people
        self._reader = reader
        self._mapping = mapping
        #: The same file read by a mended mapping says something else.
        self._mapping_digest = sha256(msgspec.json.encode(mapping)).hexdigest()[:16]
        self._progress = progress
        self._seen: set[int] = set()
        self.summary = MemberSummary(dry_run=engine is None)

    def look_through(self) -> None:
        """How complete the file is, who stands in it twice, and what cannot be taken: before anything is recorded."""
        filled = dict.fromkeys(self._reader.names, 0)
        size = max(self._people.table.file.stat().st_size, 1)

        def told(read: int) -> None:
            self._progress(min(READING_SHARE, READING_SHARE * read // size), PROGRESS_TOTAL)

        summary = self.summary
        for line, values in self._people.table.rows(told):
            summary.rows += 1
            row = self._read(line, values, keep_faults=True)
            if values is not None and len(values) >= len(self._people.table.header):
                for meaning, text in self._reader.cells(values).items():
                    filled[meaning] += bool(text)
            if row is not None:
                first = hash(row.identities[0])
                summary.repeated += first in self._seen
                self._seen.add(first)
        self._seen.clear()
        summary.rejected = self._people.rejected
        summary.columns = [
            ColumnReport(self._reader.names[meaning], meaning, number, 100 * number // max(summary.rows, 1))
            for meaning, number in filled.items()
        ]

    def _read(self, line: int, values: list[str] | None, *, keep_faults: bool) -> MemberRow | None:
        reject = self._people.reject if keep_faults else _forget
        header = self._people.table.header
        if values is None:
            reject(line, "", "malformed_csv")
            return None
        if len(values) < len(header) or any(values[len(header) :]):
            reject(line, "", "wrong_column_count", f"{len(values)} / {len(header)}")
            return None
        try:
            return self._reader.read(values)
        except RowFault as fault:
            reject(line, fault.field, fault.code, fault.detail)
            return None

    async def record(self, engine: Recorder) -> None:
        """Register everybody, then say what the rows say. Rows of somebody who stood in an earlier one come last."""
        started = monotonic()
        later: list[Numbered] = []
        group: list[Numbered] = []
        running: set[asyncio.Task[None]] = set()
        done = 0
        for line, values in self._people.table.rows():
            row = self._read(line, values, keep_faults=False)
            if row is None:
                continue
            first = hash(row.identities[0])
            if first in self._seen:
                later.append((line, row))
                continue
            self._seen.add(first)
            group.append((line, row))
            if len(group) == GROUP:
                running.add(asyncio.create_task(self._record_group(engine, group)))
                done, group = done + len(group), []
                if len(running) >= IN_FLIGHT:
                    finished, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                    for task in finished:
                        task.result()
                self._tell(done)
        for task in running:
            await task
        for start in range(0, len(group), GROUP):
            await self._record_group(engine, group[start : start + GROUP])
        for each in later:
            await self._record_group(engine, [each])
        self.summary.rejected = self._people.rejected
        self.summary.seconds = round(monotonic() - started, 3)
        self.summary.members_per_second = round(self.summary.rows / max(self.summary.seconds, 0.001), 1)

    def _tell(self, done: int) -> None:
        share = (PROGRESS_TOTAL - READING_SHARE) * done // max(self.summary.rows, 1)
        self._progress(READING_SHARE + share, PROGRESS_TOTAL)

    async def _record_group(self, engine: Recorder, group: Sequence[Numbered]) -> None:
        registering = [
            self._submission(line, "register", RegisterMember(row.identities, known_is_fine=True, moved_in=True), row)
            for line, row in group
        ]
        members: dict[int, int] = {}
        further: list[tuple[int, MemberRow, int]] = []
        for (line, row), outcome in zip(group, await send(engine, registering), strict=True):
            if not isinstance(outcome, Refusal):
                members[line] = outcome.member_id
                self.summary.known += outcome.duplicate
                self.summary.registered += not outcome.duplicate
                continue
            owner = _only_owner(outcome)
            if owner is None:
                self._refused(line, outcome)
            else:
                further.append((line, row, owner))
        await self._identify(engine, further, members)
        described = [(line, row) for line, row in group if line in members and (row.said or row.fields or row.tags)]
        describing = [
            self._submission(line, "describe", DescribePerson(members[line], row.said, row.fields, row.tags), row)
            for line, row in described
        ]
        for (line, _), outcome in zip(described, await send(engine, describing), strict=True):
            if isinstance(outcome, Refusal):
                self._refused(line, outcome)
            else:
                self.summary.unchanged += outcome.duplicate

    async def _identify(
        self, engine: Recorder, further: Sequence[tuple[int, MemberRow, int]], members: dict[int, int]
    ) -> None:
        """Of somebody who is known by one identity, the row brings others."""
        commands = [
            self._submission(line, "identify", AddIdentities(owner, row.identities), row)
            for line, row, owner in further
        ]
        for (line, _, owner), outcome in zip(further, await send(engine, commands), strict=True):
            if isinstance(outcome, Refusal):
                self._refused(line, outcome)
            else:
                members[line] = owner
                self.summary.known += 1

    def _submission(self, line: int, what: str, command: RegisterMember | PersonCommand, row: MemberRow) -> Submission:
        at = row.registered_at if isinstance(command, RegisterMember) else None
        key = f"{self._people.digest}:{self._mapping_digest}:{line}:{what}"
        return Submission(command, self._mapping.source, key, msgspec.json.encode(row), ACTOR, at)

    def _refused(self, line: int, refusal: Refusal) -> None:
        self._people.reject(line, "", refusal.code, message=refusal.message)


def _only_owner(outcome: Outcome) -> int | None:
    """The member whom some of the identities find already, if it is one and the same."""
    assert isinstance(outcome, Refusal)
    found = str(outcome.details.get("member_id", ""))
    return int(found) if outcome.code == "identity_taken" and found.isdigit() else None


def _forget(line: int, field: str, code: str, detail: str = "") -> None:
    """The fault was told when the file was looked through."""
