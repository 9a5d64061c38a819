"""The process of a recalculation that was asked for over HTTP."""

from __future__ import annotations

from typing import Final

from jifen.db.connection import connect
from jifen.engine.collector import calm_collector
from jifen.engine.engine import Engine
from jifen.engine.jobs import JobFailure, carry_out, failure_told, run_process
from jifen.services.chinese import chinese_of
from jifen.services.tiers.recalculation import (
    RecalculationRunning,
    fail_recalculation,
    find_recalculation,
    run_recalculation,
)
from jifen.settings import Settings

#: Its module, as it is launched.
MODULE: Final = "jifen.services.tiers.job"
#: Fewer than the server's, which serves people meanwhile.
LANES: Final = 2


_STOPPED: Final = ("服务器在此期间已停止；请继续。", "The server was stopped meanwhile; resume it.")


async def run_job(settings: Settings, number: int) -> None:
    """Run a recalculation that stands in the table, and write down how it ended. Raises what the database raises."""
    url = settings.database_url or ""
    connection = await connect(url)
    engine = Engine(url, lanes=LANES)
    await engine.start()
    calm_collector()
    try:
        job = await find_recalculation(connection, number)
        if job.status != "running":
            return
        # It tells with every page how far it is, and learns then whether it was stopped.
        found = await carry_out(run_recalculation(engine, connection, job))
        # Where another process works on it, how it ends is told by that.
        if isinstance(found, JobFailure) and not isinstance(found.error, RecalculationRunning):
            code, message = failure_told(found, "recalculation_lost", _STOPPED, chinese_of)
            await fail_recalculation(connection, number, code, message)
            if found.cause is not None:
                raise found.cause
    finally:
        await engine.stop()
        await connection.close(timeout=5)


if __name__ == "__main__":
    run_process("recalculation", run_job)
