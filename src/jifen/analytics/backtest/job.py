"""The process of one backtest that was asked for over HTTP: its number is the argument, the database the settings'."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Final

import asyncpg
import msgspec

from jifen.analytics.backtest.jobs import end_backtest, tell_progress
from jifen.analytics.backtest.run import run_backtest
from jifen.core.errors import JifenError
from jifen.core.program import ProgramDocument
from jifen.db.connection import Connection, connect
from jifen.engine.abandoned import when_abandoned
from jifen.settings import Settings

BEAT_SECONDS: Final = 1.0

_decode_document = msgspec.json.Decoder(ProgramDocument).decode


async def run_job(url: str, number: int) -> None:
    """Run a backtest that stands in the table, and write down how it ended. Raises what the database raises."""
    connection = await connect(url)
    try:
        row = await connection.fetchrow(
            "SELECT program, since, until FROM backtests WHERE id = $1 AND status = 'running'", number
        )
        if row is None:
            return
        progress = [0, 0]

        def note(read: int, total: int) -> None:
            progress[:] = (read, total)

        work = asyncio.create_task(
            run_backtest(url, _decode_document(row["program"]), since=row["since"], until=row["until"], progress=note)
        )
        loop = asyncio.get_running_loop()
        when_abandoned(lambda: loop.call_soon_threadsafe(work.cancel))
        await _watch(connection, number, work, progress)
        try:
            report = await work
        except asyncio.CancelledError:
            await end_backtest(
                connection, number, "failed", error_code="backtest_lost", error="The server was stopped meanwhile."
            )
        except JifenError as error:
            await end_backtest(connection, number, "failed", error_code=error.code, error=error.message)
        except Exception as error:
            await end_backtest(connection, number, "failed", error_code="internal", error=type(error).__name__)
            raise
        else:
            await end_backtest(connection, number, "done", report=report)
    finally:
        await connection.close(timeout=5)


async def _watch(connection: Connection, number: int, work: asyncio.Task[object], progress: list[int]) -> None:
    """Tell how far it is until it is over, and end it when it is stopped."""
    while not work.done():
        if not await tell_progress(connection, number, *progress):
            work.cancel()
        await asyncio.wait([work], timeout=BEAT_SECONDS)
    await tell_progress(connection, number, *progress)


def main() -> None:
    """Run the backtest that the argument names."""
    settings = Settings.from_environment(os.environ)
    assert settings.database_url is not None, "the server sets it for its workers"
    try:
        asyncio.run(run_job(settings.database_url, int(sys.argv[1])))
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        # With the database away nothing more can be written down: whoever asks is told that the process is gone.
        sys.exit(f"jifen: the backtest lost its database: {type(error).__name__}.")


if __name__ == "__main__":
    main()
