"""Backtests under /v1/backtests: asked for, looked at, stopped."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from jifen.analytics.backtest import jobs
from jifen.analytics.backtest.report import BacktestReport
from jifen.api.drafts import Asked, Call, CheckBody
from jifen.db.connection import Connection
from jifen.services.programs import parse_program

BACKTESTS_PATH = "/v1/backtests"
BACKTEST_PATH = f"{BACKTESTS_PATH}/{{backtest_id}}"


class BacktestBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A draft of the program (the text of its YAML file), and the local days from and to which events are replayed,
    both included; left out: all that was recorded."""

    program: Annotated[str, Meta(min_length=1)]
    since: date | None = None
    until: date | None = None


class Progress(msgspec.Struct, frozen=True):
    """How many transactions were read, and how many there are. A second pass counts them again."""

    transactions_read: int
    transactions_total: int


class BacktestView(msgspec.Struct, frozen=True):
    """A backtest. `report` is there when it is done, `error_code` and `error` when it failed."""

    backtest_id: str
    status: jobs.Status
    asked_at: datetime
    asked_by: str
    since: date | None
    until: date | None
    progress: Progress
    report: BacktestReport | None
    error_code: str | None
    error: str | None


def view_of_backtest(backtest: jobs.Backtest) -> BacktestView:
    """A backtest as the API shows it."""
    return BacktestView(
        str(backtest.id),
        backtest.status,
        backtest.asked_at,
        backtest.asked_by,
        backtest.since,
        backtest.until,
        Progress(backtest.transactions_read, backtest.transactions_total),
        backtest.report,
        backtest.error_code,
        backtest.error,
    )


async def find_backtest(connection: Connection, name: str) -> BacktestView:
    """A backtest by the number in a path. Raises UnknownBacktest."""
    return view_of_backtest(await jobs.find_backtest(connection, _number(name)))


def _number(name: str) -> int:
    return int(name) if name.isascii() and name.isdigit() and len(name) < 19 else 0


async def _start(asked: Asked) -> BacktestView:
    body: BacktestBody = asked.body
    document = parse_program(body.program)
    return view_of_backtest(await jobs.start_backtest(asked.connection, document, asked.actor, body.since, body.until))


async def _stop(asked: Asked) -> BacktestView:
    return view_of_backtest(await jobs.stop_backtest(asked.connection, _number(asked.name)))


EXAMPLE_BACKTEST: dict[str, Any] = {
    "backtest_id": "1",
    "status": "running",
    "asked_at": "2026-11-01T08:00:00Z",
    "asked_by": "key:1",
    "since": "2026-01-01",
    "until": None,
    "progress": {"transactions_read": 120_000, "transactions_total": 480_000},
    "report": None,
    "error_code": None,
    "error": None,
}

BACKTEST_CALLS = (
    Call(
        name="start_backtest",
        method="POST",
        path=BACKTESTS_PATH,
        summary="Replay what was recorded under a draft of the program",
        summary_zh="用积分计划草案重放已入账的事件（回测）",
        body=BacktestBody,
        answer_type=BacktestView,
        status=202,
        run=_start,
        codes=("invalid_program", "backtest_running", "backtest_refused"),
        example={"program": "name: {zh: 茶铺会员积分, en: Tea shop points}\n", "since": "2026-01-01"},
        example_answer=EXAMPLE_BACKTEST | {"progress": {"transactions_read": 0, "transactions_total": 0}},
    ),
    Call(
        name="stop_backtest",
        method="DELETE",
        path=BACKTEST_PATH,
        summary="Stop a backtest; one that is over stays as it is",
        summary_zh="停止回测（已结束的不变）",
        body=CheckBody,
        answer_type=BacktestView,
        run=_stop,
        codes=("unknown_backtest",),
        example={},
        example_answer=EXAMPLE_BACKTEST | {"status": "stopped"},
    ),
)
