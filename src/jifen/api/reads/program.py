"""The program, its drafts, and their backtests."""

from __future__ import annotations

from datetime import datetime

import msgspec

from jifen.analytics.backtest.jobs import UnknownBacktest
from jifen.api.backtests import BACKTEST_PATH, EXAMPLE_BACKTEST, BacktestView, find_backtest
from jifen.api.drafts import EXAMPLE_DRAFT, DraftView, find_draft, view_of_draft
from jifen.api.reads.base import Asked, Read
from jifen.core.program import ProgramDocument
from jifen.core.refusal import Refusal, refusal_from
from jifen.db.queries import load_queries
from jifen.services.alarms import AlarmReport, look_at_alarms
from jifen.services.catalog import NO_PROGRAM
from jifen.services.drafts import UnknownDraft, all_drafts
from jifen.services.program_changes import Change, changes_between
from jifen.services.programs import ProgramSummary, UnknownProgramVersion, program_version, program_versions

_SQL = load_queries("reads")


class ProgramView(msgspec.Struct, frozen=True):
    """The version of the program that commands are decided by now."""

    version: int
    applied_at: datetime
    applied_by: str
    program: ProgramDocument


class VersionList(msgspec.Struct, frozen=True):
    """The versions of the program, newest first."""

    versions: list[ProgramSummary]


class VersionView(msgspec.Struct, frozen=True):
    """A version: what it says, the file it came from, and in words what differs from the version before it."""

    version: int
    applied_at: datetime
    applied_by: str
    effective_at: datetime
    program: ProgramDocument
    source: str
    changes: list[Change]


class DraftList(msgspec.Struct, frozen=True):
    """Drafts, newest first."""

    drafts: list[DraftView]


async def _program(asked: Asked) -> ProgramView | Refusal:
    program = await asked.catalog.program(asked.connection)
    if program is None:
        return NO_PROGRAM
    row = await asked.connection.fetchrow(_SQL["program"], program.version)
    return ProgramView(program.version, row["applied_at"], row["applied_by"], program.document)


async def _versions(asked: Asked) -> VersionList:
    return VersionList((await program_versions(asked.connection))[::-1])


async def _version(asked: Asked) -> VersionView | Refusal:
    try:
        found = await program_version(
            asked.connection,
            int(asked.name) if asked.name.isascii() and asked.name.isdigit() and len(asked.name) < 10 else 0,
        )
    except UnknownProgramVersion as error:
        return Refusal(error.code, error.message, None, {"version": asked.name[:20]})
    changes = []
    if found.version > 1:
        before = await program_version(asked.connection, found.version - 1)
        changes = changes_between(before.document, found.document)
    return VersionView(
        found.version,
        found.applied_at,
        found.applied_by,
        found.effective_at,
        found.document,
        found.source,
        changes,
    )


async def _alarms(asked: Asked) -> AlarmReport | Refusal:
    program = await asked.catalog.program(asked.connection)
    return NO_PROGRAM if program is None else await look_at_alarms(asked.connection, program, asked.now, may_keep=False)


async def _drafts(asked: Asked) -> DraftList:
    return DraftList([await view_of_draft(asked.connection, each) for each in await all_drafts(asked.connection)])


async def _draft(asked: Asked) -> DraftView | Refusal:
    try:
        return await view_of_draft(asked.connection, await find_draft(asked.connection, asked.name))
    except UnknownDraft as error:
        return refusal_from(error)


async def _backtest(asked: Asked) -> BacktestView | Refusal:
    try:
        return await find_backtest(asked.connection, asked.name)
    except UnknownBacktest as error:
        return refusal_from(error)


_EXAMPLE_PROGRAM = {
    "name": {"zh": "示例积分", "en": "Demo points"},
    "currency": "CNY",
    "time_zone": "Asia/Shanghai",
    "wallets": [{"id": "points", "name": {"zh": "积分", "en": "Points"}}],
    "earning": [
        {
            "id": "base",
            "wallet": "points",
            "ratio": {"points": 1, "per_cents": 100},
            "basis": "order",
            "rounding": "floor",
            "pending_days": 0,
            "expiry": {"policy": "rolling", "months": 12, "until": "month_end"},
        }
    ],
    "register_unknown_members": True,
    "refunds": {"spent_points": "debt"},
    "returns": {"expired_lots": "expire", "grace_days": 0},
    "holds": {"minutes": 30},
}
_EXAMPLE_VERSION = {
    "version": 3,
    "applied_at": "2026-11-01T02:03:04.567Z",
    "applied_by": "key:7K2F9Q",
    "effective_at": "2026-11-11T00:00:00Z",
}

READS = (
    Read(
        name="list_versions",
        path="/v1/program/versions",
        summary="All versions of the program: which holds, which did, which begins later",
        summary_zh="积分计划的全部版本及状态",
        answer_type=VersionList,
        run=_versions,
        example_answer={
            "versions": [
                _EXAMPLE_VERSION | {"name_zh": "茶铺", "name_en": "Tea shop", "state": "scheduled", "ended_at": None},
            ]
        },
    ),
    Read(
        name="get_version",
        path="/v1/program/versions/{version}",
        summary="A version of the program, and in words what it changed",
        summary_zh="积分计划的一个版本及其改动",
        answer_type=VersionView,
        run=_version,
        codes=("unknown_program_version",),
        example_answer=_EXAMPLE_VERSION
        | {
            "program": _EXAMPLE_PROGRAM,
            "source": "name: {zh: 茶铺, en: Tea shop}\n",
            "changes": [
                {"path": "earning.base.ratio", "zh": "积分比例由 1 变为 2。", "en": "The ratio is 2 instead of 1."}
            ],
        },
    ),
    Read(
        name="list_drafts",
        path="/v1/program/drafts",
        summary="The newest two hundred drafts of the program",
        summary_zh="积分计划草稿列表",
        answer_type=DraftList,
        run=_drafts,
        example_answer={"drafts": [EXAMPLE_DRAFT]},
    ),
    Read(
        name="get_draft",
        path="/v1/program/drafts/{draft_id}",
        summary="A draft, and what it would change",
        summary_zh="一个草稿及其改动",
        answer_type=DraftView,
        run=_draft,
        codes=("unknown_draft",),
        example_answer=EXAMPLE_DRAFT,
    ),
    Read(
        name="get_backtest",
        path=BACKTEST_PATH,
        summary="A backtest: how far it is, and its report",
        summary_zh="一次回测：进度与报告",
        answer_type=BacktestView,
        run=_backtest,
        codes=("unknown_backtest",),
        example_answer=EXAMPLE_BACKTEST,
    ),
    Read(
        name="get_alarms",
        path="/v1/program/alarms",
        summary="What the alarms of the program say: issued points against thresholds, budgets against their use",
        summary_zh="积分计划的预警：发放量与阈值、预算使用情况",
        answer_type=AlarmReport,
        run=_alarms,
        codes=("no_program",),
        example_answer={
            "as_of": "2026-11-12T02:00:00Z",
            "ringing": 1,
            "issuance": [
                {
                    "wallet": "points",
                    "period": "day",
                    "judgement": {
                        "alarm": "doubled",
                        "threshold": "most_percent",
                        "since": "2026-11-12",
                        "issued": 120_500,
                        "limit": 90_000,
                        "usual": 45_000,
                        "is_ringing": True,
                    },
                }
            ],
            "budgets": [
                {
                    "budget": "campaign:double-eleven/points/program/campaign",
                    "limit": "points",
                    "used": 61_200,
                    "most": 100_000,
                    "is_ringing": False,
                }
            ],
        },
    ),
    Read(
        name="get_program",
        path="/v1/program",
        summary="The current version of the program",
        summary_zh="当前版本的积分计划",
        answer_type=ProgramView,
        run=_program,
        codes=("no_program",),
        example_answer={
            "version": 1,
            "applied_at": "2026-11-01T00:00:00Z",
            "applied_by": "cli",
            "program": _EXAMPLE_PROGRAM,
        },
    ),
)
