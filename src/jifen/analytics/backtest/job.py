"""The process of one backtest that was asked for over HTTP."""

from __future__ import annotations

from typing import Final

import msgspec

from jifen.analytics.backtest.jobs import end_backtest, tell_progress
from jifen.analytics.backtest.run import run_backtest
from jifen.core.program import ProgramDocument
from jifen.db.connection import connect
from jifen.engine.jobs import JobFailure, carry_out, failure_told, run_process
from jifen.settings import Settings

_decode_document = msgspec.json.Decoder(ProgramDocument).decode


_STOPPED: Final = ("服务器在此期间已停止；请重新发起。", "The server was stopped meanwhile; ask for it again.")


async def run_job(settings: Settings, number: int) -> None:
    """Run a backtest that stands in the table, and write down how it ended. Raises what the database raises."""
    url = settings.database_url or ""
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

        document = _decode_document(row["program"])
        found = await carry_out(
            run_backtest(url, document, since=row["since"], until=row["until"], progress=note),
            lambda: tell_progress(connection, number, *progress),
        )
        if not isinstance(found, JobFailure):
            await end_backtest(connection, number, "done", report=found)
            return
        code, error = failure_told(found, "backtest_lost", _STOPPED)
        await end_backtest(connection, number, "failed", error_code=code, error=error)
        if found.cause is not None:
            raise found.cause
    finally:
        await connection.close(timeout=5)


if __name__ == "__main__":
    run_process("backtest", run_job)
