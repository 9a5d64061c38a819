"""Backtests that were asked for over HTTP. What is known of them stands in a table, so that any worker can answer; a
process of its own does the work."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, ClassVar, Final, Literal

import asyncpg
import msgspec

from jifen.analytics.backtest.report import BacktestReport
from jifen.analytics.backtest.run import check_days
from jifen.core.errors import JifenError
from jifen.core.program import ProgramDocument
from jifen.db.connection import Connection
from jifen.db.queries import load_queries
from jifen.engine.jobs import launch

Status = Literal["running", "done", "failed", "stopped"]

#: A process says every second that it is there.
LOST_SECONDS: Final = 20.0
KEPT_BACKTESTS: Final = 50
#: The process of one, as it is launched.
MODULE: Final = "jifen.analytics.backtest.job"

_SQL: Final = load_queries("backtest")
_decode_report = msgspec.json.Decoder(BacktestReport).decode
_encode = msgspec.json.Encoder().encode


class BacktestRunning(JifenError):
    """Another backtest is under way."""

    code: ClassVar[str] = "backtest_running"


class UnknownBacktest(JifenError):
    """There is no such backtest, or it was long ago."""

    code: ClassVar[str] = "unknown_backtest"


class Backtest(msgspec.Struct, frozen=True):
    """What is known of a backtest. `error_code` and `error` say why it failed."""

    id: int
    asked_at: datetime
    asked_by: str
    since: date | None
    until: date | None
    status: Status
    transactions_read: int
    transactions_total: int
    report: BacktestReport | None
    error_code: str | None
    error: str | None


async def start_backtest(
    connection: Connection, document: ProgramDocument, asked_by: str, since: date | None, until: date | None
) -> Backtest:
    """Begin a backtest in a process of its own.

    Raises:
        BacktestRunning: one is under way; one at a time for an installation.
        BacktestRefused: the period ends before it begins.
    """
    check_days(since, until)
    await connection.execute(_SQL["give_up_lost"], LOST_SECONDS)
    await connection.execute(_SQL["forget_old"], KEPT_BACKTESTS)
    try:
        number = await connection.fetchval(_SQL["add_backtest"], asked_by, _encode(document).decode(), since, until)
    except asyncpg.UniqueViolationError:
        raise BacktestRunning("Another backtest is under way; wait for it, or stop it.") from None
    await launch(MODULE, number)
    return await find_backtest(connection, number)


async def find_backtest(connection: Connection, number: int) -> Backtest:
    """What is known of a backtest. Raises UnknownBacktest."""
    row = await connection.fetchrow(_SQL["find_backtest"], number, LOST_SECONDS)
    if row is None:
        raise UnknownBacktest(f"There is no backtest {number}; the last {KEPT_BACKTESTS} are kept.")
    return _backtest(row)


async def stop_backtest(connection: Connection, number: int) -> Backtest:
    """Stop a backtest; one that is over stays as it is. Raises UnknownBacktest."""
    await connection.execute(_SQL["give_up_lost"], LOST_SECONDS)
    await end_backtest(connection, number, "stopped")
    return await find_backtest(connection, number)


async def end_backtest(
    connection: Connection,
    number: int,
    status: Status,
    *,
    report: BacktestReport | None = None,
    error_code: str | None = None,
    error: str | None = None,
) -> bool:
    """Write down how a backtest ended; False: it was over already."""
    text = None if report is None else _encode(report).decode()
    row = await connection.fetchrow(_SQL["end_backtest"], number, status, text, error_code, error)
    return row is not None


async def tell_progress(connection: Connection, number: int, read: int, total: int) -> bool:
    """Say that the process is there and how far it is; False: it was stopped."""
    return await connection.fetchrow(_SQL["tell_progress"], number, read, total) is not None


def _backtest(row: Any) -> Backtest:
    is_lost = row["is_lost"]
    return Backtest(
        row["id"],
        row["asked_at"],
        row["asked_by"],
        row["since"],
        row["until"],
        "failed" if is_lost else row["status"],
        row["transactions_read"],
        row["transactions_total"],
        None if row["report"] is None else _decode_report(row["report"]),
        "backtest_lost" if is_lost else row["error_code"],
        "执行它的进程已不在；请重新发起。 / The process that ran it is gone; ask for it again."
        if is_lost
        else row["error"],
    )
