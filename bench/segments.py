"""Segments of a million members, counted as `GET /v1/segments/{id}/preview` counts them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from statistics import median
from time import perf_counter

import asyncpg

from bench.history import short_history
from bench.loads import Run, verified
from bench.results import Result
from jifen.db.connection import open_pool
from jifen.engine.marks import PROFILE
from jifen.services.programs import current_program
from jifen.services.segments.catalog import compile_condition
from jifen.services.segments.selection import count, select_condition
from jifen.services.snapshot import snapshot

MEMBERS = 1_000_000
#: Profile, counters and balance together: every third member.
CONDITION = 'member.tier == "gold" && member.orders >= 1 && member.days_since_last_order < 90 && balance.points > 100'
#: What each kind of fact costs by itself.
OTHERS = {
    "profile": 'member.tier == "gold"',
    "counters": "member.orders >= 1",
    "balance": "balance.points > 100",
    "tags": '"tea-1" in member.tags',
}
_TIMES = 5
_PROFILES = """
UPDATE members SET profile = json_build_object('tier', (ARRAY['silver', 'gold', 'green'])[1 + member_id % 3],
    'tags', json_build_array('tea-' || member_id % 5), 'birthday', '05-17')
"""


def segment_count(run: Run) -> Result:
    """A condition over profile, counters and balance, counted over a million members; the median of five."""
    url = run.ground.create_seeded("bench_segments", members=MEMBERS, history=short_history(datetime.now(UTC)))
    asyncio.run(_fill_profiles(url))
    found, seconds = asyncio.run(_count(url, CONDITION))
    others = {name: asyncio.run(_count(url, condition))[1] for name, condition in OTHERS.items()}
    faults = [] if abs(found - MEMBERS // 3) <= 1 else [f"{found} members were counted, not {MEMBERS // 3}"]
    summary = f"{seconds:.2f} s; " + ", ".join(f"{name} {each:.2f} s" for name, each in others.items())
    details: dict[str, object] = {"seconds": seconds, **{f"{name}_seconds": each for name, each in others.items()}}
    result = Result(unit="members", rate=MEMBERS / seconds, details=details | {"summary": summary}, faults=faults)
    return verified(result, run, "bench_segments")


async def _fill_profiles(url: str) -> None:
    connection = await asyncpg.connect(url, command_timeout=None)
    try:
        await connection.execute(_PROFILES)
        await connection.execute("UPDATE accounts SET marks = $1", PROFILE)
        await connection.execute("VACUUM ANALYZE members")
        # Whoever is imported gets the mark with the account: no row is there twice.
        await connection.execute("VACUUM FULL ANALYZE accounts")
    finally:
        await connection.close()


async def _count(url: str, source: str) -> tuple[int, float]:
    """How many, and the median of the seconds that it took."""
    pool = await open_pool(url, size=1)
    spent, found = [], 0
    try:
        for _ in range(_TIMES):
            async with snapshot(pool) as connection:
                program = await current_program(connection)
                assert program is not None
                started = perf_counter()
                selection = select_condition(program, compile_condition(program, source), datetime.now(UTC))
                found = await count(connection, selection)
                spent.append(perf_counter() - started)
    finally:
        await pool.close()
    return found, median(spent)
