"""From draft to version: checked, published now or later, and never over somebody else's version."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jifen.core.program import InvalidProgram
from jifen.db.connection import Connection, connect
from jifen.engine.programs import ProgramVersions
from jifen.services.drafts import (
    DraftNotChecked,
    DraftPublished,
    UnknownDraft,
    all_drafts,
    delete_draft,
    find_draft,
    keep_report,
    make_draft,
    publish_draft,
)
from jifen.services.programs import (
    DraftOutdated,
    ProgramChangeRefused,
    apply_program,
    current_program,
    program_version,
    program_versions,
    read_program_text,
)
from jifen.services.publishing import FindingsNotAccepted

CLEAN: dict[str, Any] = {"findings": [], "not_proven": []}
FOUND = {"findings": [{"kind": "never_true", "rules": ["base"], "message": "…"}], "not_proven": []}
TEXT = read_program_text("demo")


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[Connection]:
    """A connection to a database with the program of the tests."""
    opened = await connect(database_url)
    yield opened
    await opened.close()


async def test_the_way_of_a_draft(connection: Connection) -> None:
    """Draft, checked, published; after that it does not change."""
    draft = await make_draft(connection, TEXT, "ann")
    assert (draft.status, draft.base_version, draft.created_by) == ("draft", 1, "ann")
    with pytest.raises(DraftNotChecked):
        await publish_draft(connection, draft, "ann")
    checked = await keep_report(connection, draft, CLEAN)
    assert checked.status == "checked" and checked.report == CLEAN
    applied = await publish_draft(connection, checked, "bob")
    assert (applied.version, applied.is_new) == (2, True)
    published = await find_draft(connection, draft.id)
    assert (published.status, published.published_version) == ("published", 2)
    for change in (keep_report(connection, published, CLEAN), delete_draft(connection, published)):
        with pytest.raises(DraftPublished):
            await change
    with pytest.raises(DraftPublished):
        await publish_draft(connection, published, "bob")
    assert [each.id for each in await all_drafts(connection)] == [draft.id]


async def test_findings_must_be_accepted_with_a_reason(connection: Connection) -> None:
    """Which is kept with the version."""
    draft = await keep_report(connection, await make_draft(connection, TEXT, "ann"), FOUND)
    with pytest.raises(FindingsNotAccepted, match="has 1 finding "):
        await publish_draft(connection, draft, "ann")
    await publish_draft(connection, draft, "ann", accepted_because="only for a day")
    kept = await connection.fetchval("SELECT accepted FROM program_versions WHERE version = 2")
    assert "only for a day" in kept and "never_true" in kept


async def test_a_draft_made_from_an_older_version_is_refused(connection: Connection) -> None:
    """Publishing it would undo what was decided meanwhile. That is told before any findings."""
    drafts = [await keep_report(connection, await make_draft(connection, TEXT, "ann"), each) for each in (CLEAN, FOUND)]
    await apply_program(connection, TEXT.replace("pending_days: 7", "pending_days: 9"), "bob")
    for draft in drafts:
        with pytest.raises(DraftOutdated):
            await publish_draft(connection, draft, "ann")
    assert (await program_version(connection)).version == 2


async def test_whoever_publishes_or_deletes_at_the_same_time_is_told_what_became_of_the_draft(
    connection: Connection, database_url: str
) -> None:
    """A second click does not hear of an older version; it hears that the draft is published."""
    draft = await keep_report(connection, await make_draft(connection, TEXT, "ann"), CLEAN)
    others = [await connect(database_url) for _ in range(5)]
    try:
        tasks = [publish_draft(each, draft, "ann") for each in others]
        answers = await asyncio.gather(*tasks, return_exceptions=True)
    finally:
        for each in others:
            await each.close()
    assert sorted(type(each).__name__ for each in answers) == ["AppliedProgram", *["DraftPublished"] * 4]
    with pytest.raises(DraftPublished):
        await delete_draft(connection, draft)
    assert (await program_version(connection)).version == 2


async def test_of_two_drafts_published_at_the_same_time_one_is_outdated(
    connection: Connection, database_url: str
) -> None:
    """Both were made from the same version, and only one can follow it."""
    texts = [TEXT.replace("pending_days: 7", f"pending_days: {days}") for days in (8, 9)]
    drafts = [await keep_report(connection, await make_draft(connection, text, "ann"), CLEAN) for text in texts]
    others = [await connect(database_url) for _ in drafts]
    try:
        tasks = [publish_draft(each, draft, "ann") for each, draft in zip(others, drafts, strict=True)]
        answers = await asyncio.gather(*tasks, return_exceptions=True)
    finally:
        for each in others:
            await each.close()
    assert sorted(type(each).__name__ for each in answers) == ["AppliedProgram", "DraftOutdated"]
    assert (await program_version(connection)).version == 2
    assert [each.published_version for each in await all_drafts(connection)].count(2) == 1


async def test_a_version_may_begin_later(connection: Connection) -> None:
    """Until then the one before it holds, and no version overtakes it unless that is said: then it never begins."""
    begins = datetime.now(UTC) + timedelta(days=3)
    draft = await keep_report(connection, await make_draft(connection, TEXT, "ann"), CLEAN)
    await publish_draft(connection, draft, "ann", effective_at=begins)
    newest, now = await program_version(connection), await current_program(connection)
    assert (newest.version, newest.effective_at) == (2, begins)
    assert now is not None and now.version == 1
    other = TEXT.replace("pending_days: 7", "pending_days: 9")
    with pytest.raises(ProgramChangeRefused, match="would overtake"):
        await apply_program(connection, other, "bob")
    later = await apply_program(connection, other, "bob", effective_at=begins + timedelta(days=1))
    assert [each.state for each in await program_versions(connection)] == ["in_force", "scheduled", "scheduled"]
    await apply_program(connection, TEXT.replace("pending_days: 7", "pending_days: 3"), "bob", overtakes=True)
    versions = await program_versions(connection)
    assert [each.state for each in versions] == ["superseded", "overtaken", "overtaken", "in_force"]
    assert {each.ended_at for each in versions[:3]} == {versions[3].effective_at} and later.version == 3
    known = ProgramVersions()
    await known.learn(connection, 4)
    assert [known.in_force(instant) for instant in (datetime.now(UTC), begins, begins + timedelta(days=9))] == [4, 4, 4]
    over = await program_versions(connection, begins + timedelta(days=9))
    assert [each.state for each in over] == [each.state for each in versions]


async def test_no_version_begins_in_the_past(connection: Connection) -> None:
    """What happened since was rated already; a few minutes are no matter."""
    long_ago, just_now = (datetime.now(UTC) - timedelta(**ago) for ago in ({"days": 1}, {"seconds": 20}))
    with pytest.raises(ProgramChangeRefused, match="is over"):
        await apply_program(connection, TEXT, "ann", effective_at=long_ago)
    applied = await apply_program(connection, TEXT, "ann", effective_at=just_now)
    assert (await program_version(connection, applied.version)).effective_at > just_now


async def test_the_first_version_may_begin_in_the_past(bare_database_url: str) -> None:
    """Nothing was rated before it."""
    long_ago = datetime.now(UTC) - timedelta(days=400)
    connection = await connect(bare_database_url)
    try:
        applied = await apply_program(connection, TEXT, "ann", effective_at=long_ago)
        first = await program_version(connection, applied.version)
        assert (first.version, first.effective_at) == (1, long_ago)
        other = TEXT.replace("pending_days: 7", "pending_days: 9")
        with pytest.raises(ProgramChangeRefused, match="is over"):
            await apply_program(connection, other, "ann", effective_at=long_ago + timedelta(days=1))
    finally:
        await connection.close()


async def test_what_is_no_program_is_no_draft(connection: Connection) -> None:
    """And there is no draft by a number that was not given."""
    with pytest.raises(InvalidProgram) as told:
        await make_draft(connection, TEXT.replace("points: 1", "points: -1"), "ann")
    assert told.value.message.startswith("The draft, line") and str(told.value.message_zh).startswith("草稿 第 ")
    for number in (0, 7, 2**63):
        with pytest.raises(UnknownDraft):
            await find_draft(connection, number)
    draft = await make_draft(connection, TEXT, "ann")
    await delete_draft(connection, draft)
    with pytest.raises(UnknownDraft):
        await find_draft(connection, draft.id)
