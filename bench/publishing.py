"""Programs published in a benchmark's database, and tiers worked out after it."""

from __future__ import annotations

import asyncpg

from jifen.core.commands import AdjustPoints
from jifen.db.connection import Connection, connect
from jifen.engine.collector import calm_collector
from jifen.engine.engine import Engine
from jifen.engine.submission import Answer, Submission
from jifen.services.programs import apply_program
from jifen.services.tiers.recalculation import Recalculation, begin_recalculation, run_recalculation


async def publish(url: str, program: str) -> None:
    """Put the text of a program in force."""
    connection: Connection = await asyncpg.connect(url)
    try:
        await apply_program(connection, program, "bench")
    finally:
        await connection.close()


async def recalculate(url: str) -> Recalculation:
    """Work out everybody's tiers, as is done after tier sets were published."""
    engine = Engine(url)
    await engine.start()
    connection = await connect(url)
    calm_collector()
    try:
        return await run_recalculation(engine, connection, await begin_recalculation(connection, "bench"))
    finally:
        await connection.close()
        await engine.stop()


async def endow(url: str, member: int, points: int) -> None:
    """Give a member points to spend."""
    engine = Engine(url)
    await engine.start()
    try:
        command = AdjustPoints(member, None, points)
        outcome = await engine.submit(Submission(command, "bench/endow", str(member), b"", "bench", reason="bench"))
        assert isinstance(outcome, Answer), outcome
    finally:
        await engine.stop()
