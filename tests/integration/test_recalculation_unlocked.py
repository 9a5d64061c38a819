"""Recalculating without locks: many are moved with one statement, and whoever a busy shop changed between looking and
writing is left to a batch, so that everybody is moved once and by what holds."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import asyncpg
import pytest

from jifen.core.commands import AdjustPoints, RecordOrder
from jifen.core.members.commands import ChangeLife, MergeMembers
from jifen.core.orders import Order, OrderLine
from jifen.core.program import ProgramDocument
from jifen.core.tiers.document import CalendarYear, Downgrade, TierSet
from jifen.db.connection import Connection, connect
from jifen.engine.engine import Engine
from jifen.engine.submission import Outcome, Submission
from jifen.engine.tier_moves import HowFar, MoveRows, Written
from jifen.services.tiers.recalculation import (
    Recalculation,
    begin_recalculation,
    list_recalculations,
    run_recalculation,
)
from jifen.services.verification import verify
from tests.databases import add_program, fetch_sql, run_sql
from tests.integration.tier_support import BEGIN, Clock, done, order, started, submission
from tests.model.programs import make_document
from tests.unit.core.tiers.club import LEVELS, club, level, named, tier_set

MEMBERS = 12
FALLING = Downgrade("to_earned")
BEFORE = club(tier_set(CalendarYear(), FALLING))
EASIER = club(tier_set(CalendarYear(), FALLING, [LEVELS[0], level("silver", "period.orders >= 1")]))
HARDER = club(tier_set(CalendarYear(), FALLING, [LEVELS[0], level("silver", "period.orders >= 9")]))
TWO_SETS = club(
    tier_set(CalendarYear(), FALLING, [LEVELS[0], level("silver", "period.orders >= 1")]),
    TierSet("circle", named("circle"), [level("outer", "period.spent_cents >= 1")], CalendarYear(), FALLING),
)
_STANDINGS = "SELECT tier_set, tier, count(*)::integer FROM member_tiers GROUP BY 1, 2 ORDER BY 1, 2"
_MOVES = "SELECT trace -> 'tier' ->> 'cause', count(*)::integer FROM transactions WHERE kind = 18 GROUP BY 1 ORDER BY 1"

Meddling = Callable[[Engine, list[int]], Awaitable[None]]


@dataclass
class Shop:
    """A shop with members who have each ordered once, and the commands that batches decided in a recalculation."""

    url: str
    engine: Engine
    connection: Connection
    monkeypatch: pytest.MonkeyPatch
    in_batches: int = 0

    async def recalculated(self, document: ProgramDocument, meddling: Meddling | None = None) -> Recalculation:
        """Publish a program and recalculate by it; somebody meddles between looking at a page and writing it."""
        await asyncio.to_thread(add_program, self.url, document, BEGIN)
        write, submit_group = MoveRows.write, self.engine.submit_group

        async def late(rows: MoveRows, connection: Connection, how_far: HowFar) -> Written:
            if meddling is not None:
                with self.monkeypatch.context() as patch:
                    patch.setattr(self.engine, "submit_group", submit_group)
                    await meddling(self.engine, rows.members)
            return await write(rows, connection, how_far)

        async def counted(submissions: Sequence[Submission]) -> list[Outcome]:
            self.in_batches += len(submissions)
            return await submit_group(submissions)

        with self.monkeypatch.context() as patch:
            patch.setattr(MoveRows, "write", late)
            patch.setattr(self.engine, "submit_group", counted)
            job = await begin_recalculation(self.connection, "tester")
            return await run_recalculation(self.engine, self.connection, job)

    async def ask(self, statement: str) -> list[tuple[object, ...]]:
        """The rows of a statement."""
        return await asyncio.to_thread(fetch_sql, self.url, statement)


async def _in_shop(
    url: str,
    monkeypatch: pytest.MonkeyPatch,
    document: ProgramDocument,
    cents: int,
    act: Callable[[Shop], Awaitable[None]],
) -> None:
    await asyncio.to_thread(add_program, url, document, BEGIN)
    engine, connection = await started(url, Clock()), await connect(url)
    try:
        await done(engine, *(order(each, f"a{each}", cents) for each in range(MEMBERS)))
        await act(Shop(url, engine, connection, monkeypatch))
    finally:
        await engine.stop()
        await connection.close()
    assert (await verify(url)).findings == []


async def test_nobody_needs_a_batch(bare_database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Months counted for the first time, a rise in two sets at once, and a fall: each by one statement a page."""

    async def act(shop: Shop) -> None:
        risen = await shop.recalculated(TWO_SETS)
        assert (risen.members_done, risen.members_moved, shop.in_batches) == (MEMBERS, MEMBERS, 0)
        assert await shop.ask(_STANDINGS) == [("circle", "outer", MEMBERS), ("level", "silver", MEMBERS)]
        fallen = await shop.recalculated(HARDER)
        assert (fallen.members_moved, shop.in_batches) == (MEMBERS, 0)
        assert await shop.ask(_MOVES) == [("recalculated", 3 * MEMBERS)]
        announced = (
            "SELECT sum(cardinality(member_ids))::integer FROM outbox o JOIN transactions t ON t.kind = 18 AND "
            "t.member_id = o.member_ids[1] AND t.sequence = o.sequences[1]"
        )
        assert await shop.ask(announced) == [(3 * MEMBERS,)], "whoever listens hears of each"

    await _in_shop(bare_database_url, monkeypatch, make_document(), 5_000, act)


async def test_whoever_was_changed_meanwhile_is_left_to_a_batch(
    bare_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One orders and rises by that, another is frozen, which no transaction tells of; both are looked at again."""
    ordered, frozen = list[int](), list[int]()

    async def meddle(engine: Engine, members: list[int]) -> None:
        for member in members:
            if len(ordered) <= len(frozen):
                bought = Order(f"b{member}", "CNY", [OrderLine("1", 1, 100)])
                await done(engine, submission(RecordOrder(member, bought)))
                ordered.append(member)
            else:
                await done(engine, submission(ChangeLife(member, "freeze")))
                frozen.append(member)

    async def act(shop: Shop) -> None:
        found = await shop.recalculated(EASIER, meddle)
        assert len(ordered) == len(frozen) == MEMBERS // 2
        assert (found.members_done, found.members_moved, shop.in_batches) == (MEMBERS, len(frozen), MEMBERS)
        assert await shop.ask(_MOVES) == [("earned", len(ordered)), ("recalculated", len(frozen))]

    await _in_shop(bare_database_url, monkeypatch, BEFORE, 5_000, act)


async def test_what_happens_in_another_wallet_meanwhile(
    bare_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Growth value was booked, and the account of the points is as it was: the sequence that a move would take is
    taken, so that nothing of the page is written and batches decide all of it."""

    async def meddle(engine: Engine, members: list[int]) -> None:
        await done(engine, submission(AdjustPoints(members[0], "growth", 5, reason_code=None)))

    async def act(shop: Shop) -> None:
        assert await shop.ask(_STANDINGS) == [("level", "silver", MEMBERS)]
        found = await shop.recalculated(HARDER, meddle)
        assert (found.members_moved, shop.in_batches) == (MEMBERS, MEMBERS)
        assert await shop.ask(_STANDINGS) == [("level", "regular", MEMBERS)]

    await _in_shop(bare_database_url, monkeypatch, BEFORE, 200_000, act)


async def test_months_of_merged_members_are_counted_by_batches(
    bare_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What counts for a survivor stands in transactions of somebody else, which no row of the survivor's tells of."""

    async def act(shop: Shop) -> None:
        members = [int(str(row[0])) for row in await shop.ask("SELECT member_id FROM members ORDER BY member_id")]
        await done(shop.engine, submission(MergeMembers(members[0], members[1])))
        twice = club(tier_set(CalendarYear(), FALLING, [LEVELS[0], level("silver", "period.orders >= 2")]))
        found = await shop.recalculated(twice)
        assert (found.members_done, found.members_moved, shop.in_batches) == (MEMBERS - 1, 1, 1)
        assert await shop.ask("SELECT member_id FROM member_tiers WHERE tier = 'silver'") == [(members[0],)]

    await _in_shop(bare_database_url, monkeypatch, make_document(), 5_000, act)


async def test_a_version_that_comes_meanwhile_decides(bare_database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Published while a recalculation is under way: whoever comes after is decided by it, and by batches."""

    async def publish(engine: Engine, members: list[int]) -> None:
        await asyncio.to_thread(add_program, bare_database_url, BEFORE, BEGIN)

    async def act(shop: Shop) -> None:
        found = await shop.recalculated(EASIER, publish)
        assert found.members_done == MEMBERS
        assert 0 < found.members_moved < MEMBERS
        assert found.members_moved + shop.in_batches == MEMBERS

    await _in_shop(bare_database_url, monkeypatch, BEFORE, 5_000, act)


_BROKEN = """
CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no room'; END $$;
CREATE TRIGGER broken BEFORE UPDATE ON tier_recalculations FOR EACH ROW
    WHEN (new.members_moved > old.members_moved) EXECUTE FUNCTION broken();
"""


async def test_moves_and_their_number_are_written_together(
    bare_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it cannot be said how many were moved, none of them was; so whoever resumes it counts each once."""

    async def act(shop: Shop) -> None:
        await asyncio.to_thread(run_sql, shop.url, _BROKEN)
        with pytest.raises(asyncpg.RaiseError):
            await shop.recalculated(EASIER)
        assert await shop.ask(_MOVES) == []
        await asyncio.to_thread(run_sql, shop.url, "DROP TRIGGER broken ON tier_recalculations", "DROP FUNCTION broken")
        [job] = await list_recalculations(shop.connection)
        found = await run_recalculation(shop.engine, shop.connection, job)
        assert (found.members_done, found.members_moved, shop.in_batches) == (MEMBERS, MEMBERS, 0)
        assert await shop.ask(_MOVES) == [("recalculated", MEMBERS)]

    await _in_shop(bare_database_url, monkeypatch, BEFORE, 5_000, act)
