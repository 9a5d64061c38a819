"""Programs on their way to a version: draft, checked, published at an instant."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar, Literal

import msgspec

from jifen.core.errors import JifenError
from jifen.core.program import ProgramDocument
from jifen.db.connection import Connection
from jifen.db.queries import load_queries
from jifen.services.programs import (
    THE_DRAFT,
    AppliedProgram,
    DraftOutdated,
    UnknownProgramVersion,
    apply_program,
    parse_program,
    program_version,
    refuse_outdated,
)
from jifen.services.publishing import accepted_findings

_SQL = load_queries("programs")

DraftStatus = Literal["draft", "checked", "published"]


class UnknownDraft(JifenError):
    """There is no such draft."""

    code: ClassVar[str] = "unknown_draft"


class DraftNotChecked(JifenError):
    """A draft that was not checked yet cannot be published."""

    code: ClassVar[str] = "draft_not_checked"


class DraftPublished(JifenError):
    """A draft that was published does not change any more."""

    code: ClassVar[str] = "draft_published"


class Draft(msgspec.Struct, frozen=True):
    """A program on its way. `report` is that of the last check: `findings` and `not_proven`."""

    id: int
    base_version: int
    status: DraftStatus
    created_at: datetime
    created_by: str
    checked_at: datetime | None
    report: dict[str, Any] | None
    published_version: int | None
    source: str

    @property
    def document(self) -> ProgramDocument:
        """The program itself."""
        return parse_program(self.source, f"draft {self.id}")


async def make_draft(connection: Connection, text: str, actor: str) -> Draft:
    """Keep a program as a draft, made from the newest version.

    Raises:
        InvalidProgram: the text is no program.
    """
    parse_program(text, THE_DRAFT)
    try:
        base = (await program_version(connection)).version
    except UnknownProgramVersion:
        base = 0
    draft_id = await connection.fetchval(_SQL["write_draft"], base, text, datetime.now(UTC), actor)
    return await find_draft(connection, draft_id)


async def find_draft(connection: Connection, draft_id: int) -> Draft:
    """A draft by its number. Raises UnknownDraft."""
    row = await connection.fetchrow(_SQL["one_draft"], draft_id) if 0 < draft_id < 2**63 else None
    if row is None:
        if draft_id == 0:
            # What is no number at all is asked for as 0.
            raise UnknownDraft("There is no draft of this name; `jifen program drafts` shows all.")
        raise UnknownDraft(f"There is no draft {draft_id}; `jifen program drafts` shows all.", draft_id=draft_id)
    return _draft_of(row)


async def all_drafts(connection: Connection) -> list[Draft]:
    """The newest two hundred drafts, newest first."""
    return [_draft_of(row) for row in await connection.fetch(_SQL["all_drafts"])]


async def keep_report(connection: Connection, draft: Draft, report: Mapping[str, Any]) -> Draft:
    """Keep what the check of a draft found. Raises DraftPublished."""
    _refuse_published(draft)
    await connection.execute(_SQL["keep_report"], draft.id, datetime.now(UTC), msgspec.json.encode(report).decode())
    return await find_draft(connection, draft.id)


async def publish_draft(
    connection: Connection,
    draft: Draft,
    actor: str,
    *,
    effective_at: datetime | None = None,
    accepted_because: str | None = None,
    overtakes: bool = False,
) -> AppliedProgram:
    """Make a checked draft the next version, from an instant on (None: at once). Where the check has findings they must
    be accepted, with a reason that is kept. `overtakes`: versions that would begin later never will.

    Raises:
        DraftNotChecked, FindingsNotAccepted, DraftPublished, DraftOutdated, ProgramChangeRefused: nothing was
            published.
    """
    _refuse_published(draft)
    if draft.report is None:
        raise DraftNotChecked(f"Draft {draft.id} was not checked yet: check it first.", draft_id=draft.id)
    try:
        # Before findings: whoever must make a new draft need not look at those of this one.
        await refuse_outdated(connection, draft.base_version)
        accepted = accepted_findings(draft.report, accepted_because, f"draft {draft.id}")
        applied = await apply_program(
            connection,
            draft.source,
            actor,
            f"draft {draft.id}",
            effective_at=effective_at,
            base_version=draft.base_version,
            accepted=accepted,
            overtakes=overtakes,
            draft_id=draft.id,
        )
    except DraftOutdated:
        # The newer version may be this very draft, published by a click at the same time.
        _refuse_published(await find_draft(connection, draft.id))
        raise
    if not applied.is_new:
        await connection.execute(_SQL["publish_draft"], draft.id, applied.version)
    return applied


async def delete_draft(connection: Connection, draft: Draft) -> None:
    """Throw a draft away. Raises DraftPublished."""
    _refuse_published(draft)
    if await connection.fetchval(_SQL["delete_draft"], draft.id) is None:
        # Published or thrown away by somebody else just now.
        _refuse_published(await find_draft(connection, draft.id))


def _refuse_published(draft: Draft) -> None:
    if draft.published_version is not None:
        raise DraftPublished(
            f"Draft {draft.id} was published as version {draft.published_version}; make a new one.", draft_id=draft.id
        )


def _draft_of(row: Any) -> Draft:
    report = None if row["report"] is None else msgspec.json.decode(row["report"])
    status: DraftStatus = "draft" if report is None else "checked"
    return Draft(
        row["id"],
        row["base_version"],
        "published" if row["published_version"] is not None else status,
        row["created_at"],
        row["created_by"],
        row["checked_at"],
        report,
        row["published_version"],
        row["source"],
    )
