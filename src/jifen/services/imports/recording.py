"""Gives what was staged to the engine, member by member in order of time, and counts what comes back."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Final, Protocol

import msgspec

from jifen.core.errors import JifenError
from jifen.core.refusal import Refusal
from jifen.engine.engine import QueueFull
from jifen.engine.submission import Outcome, Submission
from jifen.services.imports.orders import ImportEvent, count_events, events
from jifen.services.imports.rejects import refused_by_ledger
from jifen.services.imports.staging import Staging

#: So many groups are on their way at once, of different members, so that each member's events stay in order.
STREAMS: Final = 4
GROUP_SIZE: Final = 128
#: So many events may be put off at once to a later group.
_MOST_PUT_OFF: Final = 512
#: Progress is told in thousandths: reading, then recording.
PROGRESS_TOTAL: Final = 1_000
READING_SHARE: Final = 300
_BUSY_TRIES: Final = 600
_BUSY_PAUSE_SECONDS: Final = 0.1

Progress = Callable[[int, int], None]


class ImportInterrupted(JifenError):
    """The import stopped half way. What was recorded stays; running it again goes on from there."""

    code = "import_interrupted"


class ImportSummary(msgspec.Struct, kw_only=True):
    """What an import came to.

    `orders`, `members` and `returns` (refunds: one for each return and order that it was matched to) are those of
    the file that the ledger holds now; `duplicates` of the orders and refunds it held before. `points_issued` and
    `points_reversed` are of this run alone. `rejected_lines` counts lines that the import could not take or match,
    `refused` orders and refunds that the ledger refused, `lines` all rows of the file, `hidden` of these those that are
    hidden in the workbook and count like others; `other_sheets` were not read.
    """

    lines: int = 0
    orders: int = 0
    members: int = 0
    returns: int = 0
    points_issued: int = 0
    points_reversed: int = 0
    duplicates: int = 0
    guest_lines: int = 0
    guest_orders: int = 0
    rejected_lines: int = 0
    refused: int = 0
    hidden: int = 0
    other_sheets: list[str] = []
    dry_run: bool = False
    seconds: float = 0.0


class Recorder(Protocol):
    """Who takes submissions: the engine, or its rehearsal."""

    async def submit_group(self, submissions: Sequence[Submission]) -> list[Outcome]:
        """The outcomes, in order."""


class Recording:
    """One file's orders and refunds on their way into the ledger."""

    def __init__(self, staging: Staging, source: str, summary: ImportSummary, progress: Progress) -> None:
        self._staging = staging
        self._source = source
        self._summary = summary
        self._progress = progress
        self._total = max(1, count_events(staging))
        self._numbers_done = 0

    async def run(self, recorder: Recorder, *, streams: int = STREAMS, by_member: bool = False) -> None:
        """Record everything and complete the summary. Streams run side by side, each with its own members.

        Raises:
            ImportInterrupted: the database went away, or others kept the engine busy for too long.
        """
        summary, staging = self._summary, self._staging
        summary.rejected_lines = staging.rejected_lines()
        summary.guest_lines = staging.guest_lines
        summary.guest_orders = staging.figure("SELECT count(*) FROM guest_orders")
        tasks = [
            asyncio.create_task(self._run_stream(recorder, stream, streams, by_member)) for stream in range(streams)
        ]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        summary.members = staging.figure("SELECT count(DISTINCT member) FROM orders WHERE NOT is_return AND NOT is_bad")

    async def _run_stream(self, recorder: Recorder, stream: int, streams: int, by_member: bool) -> None:
        waiting = events(self._staging, self._source, stream=stream, streams=streams, by_member=by_member)
        for group in in_groups(waiting):
            outcomes = await _submit(recorder, [event.submission for event in group])
            for event, outcome in zip(group, outcomes, strict=True):
                self._count(event, outcome)
            self._numbers_done += len({event.number for event in group})
            share = min(self._numbers_done, self._total) * (PROGRESS_TOTAL - READING_SHARE) // self._total
            self._progress(READING_SHARE + share, PROGRESS_TOTAL)

    def _count(self, event: ImportEvent, outcome: Outcome) -> None:
        summary = self._summary
        is_order = not event.is_refund
        if isinstance(outcome, Refusal):
            summary.refused += 1
            self._staging.reject(refused_by_ledger(event.line, outcome, outcome.pointer or ""))
            if is_order:
                self._staging.change("UPDATE orders SET is_bad = 1 WHERE number = ?", [(event.number,)])
            return
        if is_order:
            summary.orders += 1
        else:
            summary.returns += 1
        if outcome.duplicate:
            summary.duplicates += 1
        elif outcome.trace is not None:
            summary.points_issued += sum(award.points for award in outcome.trace.awards)
            summary.points_reversed += sum(taken.points for taken in outcome.trace.taken_back)


def in_groups(waiting: Iterator[ImportEvent]) -> Iterator[list[ImportEvent]]:
    """Groups of events in which no refund comes behind another event of its member; each member's order is kept.

    The engine would do such a refund in a batch of its own, after the group: a return of goods from ten orders
    would cost ten batches. Put off to the next group, it shares one with other members' events.
    """
    put_off: deque[ImportEvent] = deque()
    while True:
        group: list[ImportEvent] = []
        still: list[ImportEvent] = []
        seen: set[object] = set()
        blocked: set[object] = set()
        while len(group) < GROUP_SIZE and len(still) < _MOST_PUT_OFF:
            event = put_off.popleft() if put_off else next(waiting, None)
            if event is None:
                break
            member = event.member
            if member in blocked or (member in seen and event.is_refund):
                blocked.add(member)
                still.append(event)
            else:
                seen.add(member)
                group.append(event)
        put_off.extendleft(reversed(still))
        if not group:
            return
        yield group


async def _submit(recorder: Recorder, submissions: list[Submission]) -> list[Outcome]:
    """Submit, and wait where the engine is busy with others."""
    for _ in range(_BUSY_TRIES):
        try:
            outcomes = await recorder.submit_group(submissions)
        except QueueFull:
            await asyncio.sleep(_BUSY_PAUSE_SECONDS)
            continue
        for outcome in outcomes:
            if isinstance(outcome, Refusal) and outcome.code == "database_unavailable":
                raise ImportInterrupted("The database cannot be reached any more; run the same import again to go on.")
        return outcomes
    raise ImportInterrupted("The engine has been too busy for a minute; run the same import again to go on.")
