"""Importing members: looked through first, then registered and described, each row once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from time import monotonic

import msgspec

from jifen.core.commands import RegisterMember
from jifen.core.identity import Identity
from jifen.core.members.commands import AddIdentities, DescribePerson, PersonCommand
from jifen.core.program import Program
from jifen.core.refusal import Refusal
from jifen.engine.submission import Outcome, Submission
from jifen.services.imports.faults import RowFault
from jifen.services.imports.people.duplicates import DuplicateReport, Twins
from jifen.services.imports.people.known import Known, reading
from jifen.services.imports.people.mapping import MemberMapping
from jifen.services.imports.people.reading import PeopleFile, program_of
from jifen.services.imports.people.rehearsal import rehearsing
from jifen.services.imports.people.repeats import Repeats
from jifen.services.imports.people.rows import MemberRowReader, ReadRow
from jifen.services.imports.people.sending import GROUP, IN_FLIGHT, send
from jifen.services.imports.recording import PROGRESS_TOTAL, READING_SHARE, Progress, Recorder
from jifen.services.imports.rejects import check_writable, refused_by_ledger
from jifen.services.imports.spool import Records
from jifen.services.imports.threads import Threads

ACTOR = "jifen:import"


class ColumnReport(msgspec.Struct, frozen=True):
    """How complete a column is: cells with something in them, per hundred rows."""

    column: str
    means: str
    filled: int
    percent: int


class MemberSummary(msgspec.Struct):
    """What a file of members came to, or would come to. `registered` are new; `known`: rows of members who were there
    before; `repeated`: rows that share an identity with an earlier row; `duplicates` lists who stands in the file twice
    or was a member before; `unchanged`: rows that this file had brought before; `hidden`: rows that are hidden in the
    workbook and count like others; `other_sheets` were not read."""

    rows: int = 0
    registered: int = 0
    known: int = 0
    unchanged: int = 0
    repeated: int = 0
    rejected: int = 0
    duplicates: DuplicateReport = DuplicateReport()
    hidden: int = 0
    other_sheets: list[str] = []
    dry_run: bool = False
    columns: list[ColumnReport] = []
    seconds: float = 0.0
    members_per_second: float = 0.0


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
    """Register and describe the members of a file. Without an engine it is a rehearsal: the same is decided on what the
    database holds, and nothing recorded.

    Raises:
        UnreadableFile: the file is not what the mapping says; nothing was recorded.
        RejectsNotWritten, NothingToImportInto: before anything was recorded.
        ImportInterrupted: the database went away, or the engine is too busy; run the same import again.
    """
    threads = Threads(progress)
    if rejects is not None:
        check_writable(rejects)
    program = await program_of(url)
    names = list(mapping.columns.names().values())
    with await asyncio.to_thread(PeopleFile, file, mapping, names) as people:
        today = datetime.now(program.zone).date()
        reader = MemberRowReader(mapping, people.place, program, today)
        repeats = Repeats()
        with closing(Twins()) as twins, closing(Records(ReadRow)) as rows, closing(Records(ReadRow)) as later:
            work = _Work(people, reader, rows, later, repeats, twins, mapping, threads)
            work.summary.dry_run = engine is None
            await threads.run(work.look_through)
            async with reading(url, program.document.phone_region) as known:
                await work.run(engine, known, url, program)
        if rejects is not None:
            await threads.run(people.write_rejects, rejects, called)
    threads(PROGRESS_TOTAL, PROGRESS_TOTAL)
    return work.summary


class _Work:
    def __init__(
        self,
        people: PeopleFile,
        reader: MemberRowReader,
        rows: Records[ReadRow],
        later: Records[ReadRow],
        repeats: Repeats,
        twins: Twins,
        mapping: MemberMapping,
        threads: Threads,
    ) -> None:
        self._people = people
        self._reader = reader
        #: What was read of the file when it was looked through, and of it the rows that come last.
        self._rows = rows
        self._later = later
        self._mapping = mapping
        #: The same file read by a mended mapping says something else.
        self._mapping_digest = sha256(msgspec.json.encode(mapping)).hexdigest()[:16]
        self._threads = threads
        self._repeats = repeats
        self._twins = twins
        self._done = 0
        self.summary = MemberSummary()

    def look_through(self) -> None:
        """How complete the file is, who stands in it twice, and what cannot be taken: before anything is recorded."""
        filled = dict.fromkeys(self._reader.names, 0)
        size = max(self._people.table.file.stat().st_size, 1)

        def told(read: int) -> None:
            self._threads(min(READING_SHARE, READING_SHARE * read // size), PROGRESS_TOTAL)

        summary = self.summary
        for line, values in self._people.table.rows(told):
            summary.rows += 1
            try:
                cells = self._people.cells(values)
                meant = self._reader.cells(cells)
                for meaning, text in meant.items():
                    if text:
                        filled[meaning] += 1
                self._people.check_cells(cells)
                row = self._reader.read(meant)
                self._repeats.add(self._reader.in_full(row))
                self._rows.add(ReadRow(line, row))
            except RowFault as fault:
                self._people.reject(line, fault.field, fault.code, fault.detail)
        self._repeats.end()
        summary.hidden = self._people.table.hidden
        summary.other_sheets = self._people.table.other_sheets
        summary.columns = [
            ColumnReport(self._reader.names[meaning], meaning, number, 100 * number // max(summary.rows, 1))
            for meaning, number in filled.items()
        ]

    async def run(self, engine: Recorder | None, known: Known, url: str, program: Program) -> None:
        """Record everybody, or rehearse it, and tell who is there twice."""
        if engine is not None:
            await self._record(engine, known)
        else:
            async with rehearsing(url, program) as rehearsal:
                await self._record(rehearsal, known, at_once=1)
            await self._twins.add_members(known.connection)
        self.summary.duplicates = await self._threads.run(self._twins.report)

    def _rows_to_record(self) -> Iterator[ReadRow]:
        """The rows that can be read, without those of somebody who stood in an earlier one: they come last."""
        for read in self._rows.all():
            repeated = self._repeats.repeated_among(self._reader.in_full(read.row))
            self._twins.note_repeated(read.line, repeated)
            if self._repeats.is_later(repeated):
                self.summary.repeated += 1
                self._later.add(read)
            else:
                yield read

    async def _record(self, recorder: Recorder, known: Known, *, at_once: int = IN_FLIGHT) -> None:
        """Register everybody, then say what the rows say; `at_once` groups are on their way."""
        started = monotonic()
        group: list[ReadRow] = []
        running: set[asyncio.Task[None]] = set()
        try:
            for read in self._rows_to_record():
                group.append(read)
                if len(group) == GROUP:
                    running.add(asyncio.create_task(self._record_group(recorder, group, known)))
                    group = []
                    if len(running) >= at_once:
                        finished, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                        for task in finished:
                            task.result()
            for task in running:
                await task
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
        await self._record_group(recorder, group, known)
        await self._record_later(recorder, known)
        self.summary.rejected = self._people.rejected
        self.summary.seconds = round(monotonic() - started, 3)
        self.summary.members_per_second = round(self.summary.rows / max(self.summary.seconds, 0.001), 1)

    async def _record_later(self, recorder: Recorder, known: Known) -> None:
        """Rows of somebody who stood in an earlier one, in their order; together only where they are of several."""
        group: list[ReadRow] = []
        named: set[Identity] = set()
        for read in self._later.all():
            identities = self._reader.in_full(read.row)
            if len(group) == GROUP or not named.isdisjoint(identities):
                await self._complete(recorder, await self._not_brought(group, known, {}))
                group, named = [], set()
            group.append(read)
            named.update(identities)
        await self._complete(recorder, await self._not_brought(group, known, {}))

    def _tell(self, done: int) -> None:
        self._done += done
        share = (PROGRESS_TOTAL - READING_SHARE) * self._done // max(self.summary.rows, 1)
        self._threads(READING_SHARE + share, PROGRESS_TOTAL)

    async def _record_group(self, recorder: Recorder, group: Sequence[ReadRow], known: Known) -> None:
        """Rows of people who stand in no earlier one. Who is new is registered with all that is said, in one go."""
        owners = await known.owners([identity for read in group for identity in read.row.identities])
        news: list[ReadRow] = []
        others: list[ReadRow] = []
        for read in group:
            is_known = any(identity in owners for identity in read.row.identities)
            (others if is_known else news).append(read)
        others += await self._introduce(recorder, news)
        await self._complete(recorder, await self._not_brought(others, known, owners), known)

    async def _not_brought(self, rows: list[ReadRow], known: Known, owners: Mapping[Identity, int]) -> list[ReadRow]:
        """These rows without those that have registered their members before."""
        done = await known.done([self._introduction(read) for read in rows])
        for read, is_done in zip(rows, done, strict=True):
            if is_done:
                self._brought_before(read, next((owners[each] for each in read.row.identities if each in owners), None))
        self._tell(sum(done))
        return [read for read, is_done in zip(rows, done, strict=True) if not is_done]

    async def _introduce(self, recorder: Recorder, news: Sequence[ReadRow]) -> list[ReadRow]:
        """Register people; those whom somebody else has registered meanwhile are left over."""
        submissions = [self._introduction(read) for read in news]
        left: list[ReadRow] = []
        for read, outcome in zip(news, await send(recorder, submissions), strict=True):
            if not isinstance(outcome, Refusal):
                if outcome.duplicate:
                    self._brought_before(read, outcome.member_id)
                else:
                    self.summary.registered += 1
                    self._note_person(read)
            elif outcome.code == "identity_taken":
                left.append(read)
            else:
                self._refused(read, outcome)
        self._tell(len(news) - len(left))
        return left

    def _introduction(self, read: ReadRow) -> Submission:
        row = read.row
        command = RegisterMember(row.identities, moved_in=True, said=row.said, fields=row.fields, tags=row.tags)
        return self._submission(read, "introduce", command)

    def _brought_before(self, read: ReadRow, member: int | None) -> None:
        """This very row has registered the member before; None: an earlier row is about the same member."""
        self.summary.unchanged += 1
        if member is not None:
            self.summary.known += 1
            self._twins.note_known(read.line, member, (each.kind for each in read.row.identities))
            self._note_person(read)

    def _note_person(self, read: ReadRow) -> None:
        if self.summary.dry_run:
            said = read.row.said
            self._twins.note_person(read.line, str(said.get("birthday", "")), str(said.get("name", "")))

    async def _complete(self, recorder: Recorder, group: Sequence[ReadRow], known: Known | None = None) -> None:
        """Rows of people who are known, or whom an earlier row was about (then `known` is None: nobody is told of as
        somebody who was a member before): members get further identities, and what is said of them."""
        registering = [
            self._submission(read, "register", RegisterMember(read.row.identities, known_is_fine=True, moved_in=True))
            for read in group
        ]
        members: dict[int, int] = {}
        further: list[tuple[ReadRow, int]] = []
        for read, outcome in zip(group, await send(recorder, registering), strict=True):
            if not isinstance(outcome, Refusal):
                members[read.line] = outcome.member_id
                self.summary.registered += not outcome.duplicate
                if outcome.duplicate and known is not None:
                    self.summary.known += 1
                    self._twins.note_known(read.line, outcome.member_id, (each.kind for each in read.row.identities))
                continue
            owner = _only_owner(outcome)
            if owner is None:
                self._refused(read, outcome)
            else:
                further.append((read, owner))
        if known is not None:
            await self._note_known(known, further)
        identified = await self._identify(recorder, further)
        members |= identified
        if known is not None:
            self.summary.known += len(identified)
        described = [read for read in group if read.line in members and read.row.says_something]
        describing = [
            self._submission(
                read, "describe", DescribePerson(members[read.line], read.row.said, read.row.fields, read.row.tags)
            )
            for read in described
        ]
        for read, outcome in zip(described, await send(recorder, describing), strict=True):
            if isinstance(outcome, Refusal):
                self._refused(read, outcome)
                continue
            self.summary.unchanged += outcome.duplicate
            if known is not None:
                self._note_person(read)
        self._tell(len(group))

    async def _note_known(self, known: Known, further: Sequence[tuple[ReadRow, int]]) -> None:
        """By which of their identities members are found, before they get the others."""
        listed = further if self._twins.lists_known else ()
        owners = await known.owners([identity for read, _ in listed for identity in read.row.identities])
        for read, owner in further:
            kinds = (each.kind for each in read.row.identities if owners.get(each) == owner)
            self._twins.note_known(read.line, owner, kinds)

    async def _identify(self, recorder: Recorder, further: Sequence[tuple[ReadRow, int]]) -> dict[int, int]:
        """Of somebody who is known by one identity, the row brings others: who has them now, by row."""
        commands = [
            self._submission(read, "identify", AddIdentities(owner, read.row.identities)) for read, owner in further
        ]
        identified = {}
        for (read, owner), outcome in zip(further, await send(recorder, commands), strict=True):
            if isinstance(outcome, Refusal):
                self._refused(read, outcome)
            else:
                identified[read.line] = owner
        return identified

    def _submission(self, read: ReadRow, what: str, command: RegisterMember | PersonCommand) -> Submission:
        at = read.row.registered_at if isinstance(command, RegisterMember) else None
        key = f"{self._people.digest}:{self._mapping_digest}:{read.line}:{what}"
        return Submission(command, self._mapping.source, key, msgspec.json.encode(read.row), ACTOR, at)

    def _refused(self, read: ReadRow, refusal: Refusal) -> None:
        self._people.add_reject(refused_by_ledger(read.line, refusal))


def _only_owner(outcome: Outcome) -> int | None:
    """The member whom some of the identities find already, if it is one and the same."""
    assert isinstance(outcome, Refusal)
    found = str(outcome.details.get("member_id", ""))
    return int(found) if outcome.code == "identity_taken" and found.isdigit() else None
