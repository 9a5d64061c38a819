"""The process of a recalculation that was asked for over HTTP: the argument is its number, the database the settings'.

It is a process of its own, so that the events that the server takes meanwhile do not wait for it.
"""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from typing import Final

import asyncpg

from jifen.core.errors import JifenError
from jifen.db.connection import connect
from jifen.engine.abandoned import when_abandoned
from jifen.engine.engine import Engine
from jifen.services.tiers.recalculation import fail_recalculation, find_recalculation, run_recalculation
from jifen.settings import Settings

#: Fewer than the server's, which serves people meanwhile.
LANES: Final = 2

#: The processes that this one has started: their input stays open as long as this one lives.
_launched: set[asyncio.Task[int]] = set()


async def launch_recalculation(number: int) -> None:
    """Run what was noted, in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "jifen.services.tiers.job", str(number), stdin=PIPE
    )
    task = asyncio.create_task(process.wait())
    _launched.add(task)
    task.add_done_callback(_launched.discard)


async def run_job(url: str, number: int) -> None:
    """Run a recalculation that stands in the table, and write down how it ended. Raises what the database raises."""
    connection = await connect(url)
    engine = Engine(url, lanes=LANES)
    await engine.start()
    try:
        job = await find_recalculation(connection, number)
        if job.status != "running":
            return
        work = asyncio.create_task(run_recalculation(engine, connection, job))
        loop = asyncio.get_running_loop()
        when_abandoned(lambda: loop.call_soon_threadsafe(work.cancel))
        try:
            await work
        except asyncio.CancelledError:
            message = "The server was stopped meanwhile; resume it."
            await fail_recalculation(connection, number, "recalculation_lost", message)
        except JifenError as error:
            await fail_recalculation(connection, number, error.code, error.message)
    finally:
        await engine.stop()
        await connection.close(timeout=5)


def main() -> None:
    """Run the recalculation that the argument names."""
    settings = Settings.from_environment(os.environ)
    assert settings.database_url is not None, "the server sets it for its workers"
    try:
        asyncio.run(run_job(settings.database_url, int(sys.argv[1])))
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        # With the database away nothing more can be written down: whoever asks is told that the process is gone.
        sys.exit(f"jifen: the recalculation lost its database: {type(error).__name__}.")


if __name__ == "__main__":
    main()
