"""Alarms of the program: what was issued against its thresholds, and budgets against what they allow.

Issued points are added up from the movements by the day on which they were recorded; days that are over are kept, so
that each is added up once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Literal

import msgspec

from jifen.core.alarms import Judgement, first_day, judge
from jifen.core.calendar import local_day, start_of_day
from jifen.core.program import Program
from jifen.core.rules.caps import OpenCap, usage_name
from jifen.db.connection import Connection
from jifen.db.queries import load_queries

_SQL = load_queries("alarms")
#: What a batch recorded may be committed a little later: a day is kept once it has been over for so long.
SETTLED_AFTER = timedelta(hours=1)


class IssuanceState(msgspec.Struct, frozen=True):
    """An alarm about issued points, with the wallet it watches."""

    wallet: str
    period: Literal["day", "week", "month"]
    judgement: Judgement


class BudgetState(msgspec.Struct, frozen=True):
    """A budget, or a cap that all members share: `used` of `most` in the current period (points, times or cents, as
    `limit` says), and whether that is the share at which the program wants to be told."""

    budget: str
    limit: Literal["points", "count", "cost_cents"]
    used: int
    most: int
    is_ringing: bool


class AlarmReport(msgspec.Struct, frozen=True):
    """What every alarm of the program says. `ringing`: how many ring."""

    as_of: datetime
    ringing: int
    issuance: list[IssuanceState]
    budgets: list[BudgetState]


async def look_at_alarms(
    connection: Connection, program: Program, now: datetime, *, may_keep: bool = True
) -> AlarmReport:
    """Judge every alarm of a program. `may_keep`: what days that are over come to may be written down."""
    alarms, today = program.document.alarms.issuance, local_day(now, program.zone)
    issuance: list[IssuanceState] = []
    if alarms:
        issued = await _issued(connection, program, min(first_day(each, today) for each in alarms), now, may_keep)
        issuance = [
            IssuanceState(each.wallet, each.period, judgement)
            for each in alarms
            for judgement in judge(each, issued.get(program.wallet_numbers[each.wallet], {}), today)
        ]
    budgets = await _budgets(connection, program, today)
    ringing = sum(each.judgement.is_ringing for each in issuance) + sum(each.is_ringing for each in budgets)
    return AlarmReport(now, ringing, issuance, budgets)


def ringing_names(report: AlarmReport) -> Mapping[str, bool]:
    """Every alarm by one name, and whether it rings."""
    names = {
        f"{each.judgement.alarm}/{each.judgement.threshold}": each.judgement.is_ringing for each in report.issuance
    }
    return names | {each.budget: each.is_ringing for each in report.budgets}


async def _issued(
    connection: Connection, program: Program, first: date, now: datetime, may_keep: bool
) -> dict[int, dict[date, int]]:
    """Points issued by wallet and local day, from a day on."""
    today = local_day(now, program.zone)
    issued: dict[int, dict[date, int]] = {number: {} for number in program.wallet_numbers.values()}
    counted: set[date] = set()
    for day, wallet, points in await connection.fetch(_SQL["counted_days"], first, today):
        issued.setdefault(wallet, {})[day] = points
        counted.add(day)
    missing = [day for day in _days(first, today) if day not in counted]
    if not missing:
        return issued
    since, until = start_of_day(missing[0], program.zone), start_of_day(today + timedelta(days=1), program.zone)
    for day, wallet, points in await connection.fetch(_SQL["issued_between"], since, until, program.document.time_zone):
        if day not in counted:
            issued.setdefault(wallet, {})[day] = points
    if may_keep:
        await _keep(connection, issued, _over(missing, program, now))
    return issued


async def _keep(connection: Connection, issued: Mapping[int, Mapping[date, int]], days: Iterable[date]) -> None:
    rows = [(day, wallet, points.get(day, 0)) for day in days for wallet, points in issued.items()]
    if rows:
        await connection.execute(_SQL["keep_days"], *(list(column) for column in zip(*rows, strict=True)))


def _over(days: Iterable[date], program: Program, now: datetime) -> list[date]:
    """Those of these days that were over long enough ago."""
    return [day for day in days if start_of_day(day + timedelta(days=1), program.zone) + SETTLED_AFTER <= now]


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


async def _budgets(connection: Connection, program: Program, today: date) -> list[BudgetState]:
    percent = program.document.alarms.budget_percent
    if percent is None:
        return []
    shared: dict[str, OpenCap] = {
        usage_name(cap, today): cap
        for book in program.books.values()
        for rule in book.rules
        for cap in rule.caps
        if cap.is_shared and cap.cap.period != "event"
    }
    used = dict(await connection.fetch(_SQL["shared_uses"], list(shared)))
    return [
        BudgetState(
            name, cap.cap.limit, used.get(name, 0), cap.cap.most, used.get(name, 0) * 100 >= percent * cap.cap.most
        )
        for name, cap in sorted(shared.items())
    ]
