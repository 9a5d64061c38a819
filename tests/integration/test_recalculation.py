"""Recalculating tiers: stopped in the middle and resumed, beside a shop that goes on, given up by its process."""

from __future__ import annotations

import asyncio

import pytest

from jifen.core.tiers.document import CalendarYear, Downgrade
from jifen.db.connection import Connection, connect
from jifen.engine.tier_moves import HowFar, MoveRows, Written
from jifen.services.tiers import population
from jifen.services.tiers.recalculation import (
    RecalculationOutdated,
    RecalculationRunning,
    UnknownRecalculation,
    begin_recalculation,
    find_recalculation,
    resume_recalculation,
    run_recalculation,
    stop_recalculation,
)
from jifen.services.verification import verify
from tests.databases import add_program, fetch_sql, run_sql
from tests.integration.tier_support import BEGIN, Clock, done, order, started
from tests.unit.core.tiers.club import LEVELS, club, level, tier_set

MEMBERS = 60
BEFORE = club(tier_set(CalendarYear(), Downgrade("to_earned")))
LOWER = club(tier_set(CalendarYear(), Downgrade("to_earned"), [LEVELS[0], level("silver", "period.orders >= 1")]))
_COUNT = "SELECT tier, count(*)::integer FROM member_tiers GROUP BY tier ORDER BY tier"
_MOVED = "SELECT count(*)::integer FROM transactions WHERE kind = 18"


async def test_stopped_in_the_middle_and_resumed(bare_database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everybody is looked at once, each moved once, while orders go on beside it (I-17, I-18)."""
    url = bare_database_url
    monkeypatch.setattr(population, "PAGE", 3)
    await asyncio.to_thread(add_program, url, BEFORE, BEGIN)
    clock = Clock()
    engine = await started(url, clock)
    connection, other = await connect(url), await connect(url)
    try:
        await done(engine, *(order(each, f"a{each}", 5_000) for each in range(MEMBERS)))
        await asyncio.to_thread(add_program, url, LOWER, BEGIN)
        job = await begin_recalculation(connection, "tester")
        seen: list[int] = []
        stops: list[asyncio.Task[object]] = []

        def stop_after_a_third(members_done: int, members_total: int) -> None:
            assert members_total == MEMBERS
            seen.append(members_done)
            if members_done >= MEMBERS // 3 and not stops:
                stops.append(asyncio.create_task(stop_recalculation(other, job.id)))

        stopped = await run_recalculation(engine, connection, job, stop_after_a_third)
        assert stopped.status == "stopped"
        assert MEMBERS // 3 <= stopped.members_moved == stopped.members_done < MEMBERS
        assert await connection.fetchval(_MOVED) == stopped.members_moved, "also in the page in which it was stopped"
        with pytest.raises(UnknownRecalculation):
            await resume_recalculation(connection, job.id + 1)
        resumed = await resume_recalculation(connection, job.id)
        with pytest.raises(RecalculationRunning):
            await begin_recalculation(connection, "somebody else")
        finished, _ = await asyncio.gather(
            run_recalculation(engine, connection, resumed),
            done(engine, *(order(each, f"b{each}", 100) for each in range(MEMBERS))),
        )
        assert (finished.status, finished.members_done) == ("done", MEMBERS)
        again = await run_recalculation(engine, connection, await begin_recalculation(connection, "tester"))
        assert (again.status, again.members_moved) == ("done", 0)
    finally:
        await engine.stop()
        await connection.close()
        await other.close()
    assert await asyncio.to_thread(fetch_sql, url, _COUNT) == [("silver", MEMBERS)]
    moves = await asyncio.to_thread(fetch_sql, url, _MOVED)
    assert moves == [(MEMBERS,)]
    assert (await verify(url)).findings == []


async def test_cancelled_in_the_middle_of_a_page(bare_database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C: the page is done and counted; it does not go on by another version of the program."""
    url = bare_database_url
    monkeypatch.setattr(population, "PAGE", 3)
    await asyncio.to_thread(add_program, url, BEFORE, BEGIN)
    engine = await started(url, Clock())
    connection = await connect(url)
    try:
        await done(engine, *(order(each, f"a{each}", 5_000) for each in range(MEMBERS)))
        await asyncio.to_thread(add_program, url, LOWER, BEGIN)
        job = await begin_recalculation(connection, "tester")
        running: list[asyncio.Task[object]] = []

        def cancel(_done: int, _total: int) -> None:
            running[0].cancel()

        running.append(asyncio.create_task(run_recalculation(engine, connection, job, cancel)))
        with pytest.raises(asyncio.CancelledError):
            await running[0]
        stopped = await stop_recalculation(connection, job.id)
        assert 0 < stopped.members_moved == stopped.members_done < MEMBERS
        assert await connection.fetchval(_MOVED) == stopped.members_moved
        await asyncio.to_thread(add_program, url, BEFORE, BEGIN)
        with pytest.raises(RecalculationOutdated, match="version 2 "):
            await resume_recalculation(connection, job.id)
    finally:
        await engine.stop()
        await connection.close()


async def test_one_process_at_a_time(bare_database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped and resumed while its process is still at a page: that process would go on beside the new one, and both
    would count. It is refused until the page is done; of two who resume at once one is refused."""
    url = bare_database_url
    monkeypatch.setattr(population, "PAGE", 3)
    await asyncio.to_thread(add_program, url, BEFORE, BEGIN)
    engine = await started(url, Clock())
    connection, other, third = await connect(url), await connect(url), await connect(url)
    try:
        await done(engine, *(order(each, f"a{each}", 5_000) for each in range(MEMBERS)))
        await asyncio.to_thread(add_program, url, LOWER, BEGIN)
        job = await begin_recalculation(connection, "tester")
        is_at_page, may_go_on = asyncio.Event(), asyncio.Event()
        write = MoveRows.write

        async def slowly(rows: MoveRows, connection: Connection, how_far: HowFar) -> Written:
            is_at_page.set()
            await may_go_on.wait()
            return await write(rows, connection, how_far)

        monkeypatch.setattr(MoveRows, "write", slowly)
        slow = asyncio.create_task(run_recalculation(engine, connection, job))
        await is_at_page.wait()
        await stop_recalculation(other, job.id)
        with pytest.raises(RecalculationRunning, match="still at the page"):
            await resume_recalculation(other, job.id)
        may_go_on.set()
        first = await slow
        assert first.status == "stopped" and first.members_moved == await connection.fetchval(_MOVED)
        asked = [resume_recalculation(each, job.id) for each in (other, third)]
        resumed = await asyncio.gather(*asked, return_exceptions=True)
        assert sorted(type(each).__name__ for each in resumed) == ["Recalculation", "RecalculationRunning"]
        again = await find_recalculation(connection, job.id)
        is_at_page.clear()
        may_go_on.clear()
        working = asyncio.create_task(run_recalculation(engine, other, again))
        await is_at_page.wait()
        with pytest.raises(RecalculationRunning):
            await run_recalculation(engine, third, again)
        may_go_on.set()
        assert (await working).status == "done"
        assert (await run_recalculation(engine, third, again)).status == "done", "there is nothing left to do"
        ended = await find_recalculation(connection, job.id)
        assert (ended.status, ended.members_done, ended.members_moved) == ("done", MEMBERS, MEMBERS)
    finally:
        await engine.stop()
        for each in (connection, other, third):
            await each.close()


async def test_a_process_that_is_gone_makes_room(bare_database_url: str) -> None:
    """After a minute of silence it is told as failed, another may begin, and the lost one can go on later."""
    await asyncio.to_thread(add_program, bare_database_url, BEFORE, BEGIN)
    connection: Connection = await connect(bare_database_url)
    try:
        lost = await begin_recalculation(connection, "tester")
        silence = "UPDATE tier_recalculations SET seen_at = now() - interval '2 minutes'"
        await asyncio.to_thread(run_sql, bare_database_url, silence)
        found = await find_recalculation(connection, lost.id)
        assert (found.status, found.error_code) == ("failed", "recalculation_lost")
        other = await begin_recalculation(connection, "tester")
        await stop_recalculation(connection, other.id)
        assert (await resume_recalculation(connection, lost.id)).status == "running"
    finally:
        await connection.close()
