"""The guard against inflation: thresholds for what is issued, fixed or floating with what is usual, and for budgets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Literal

import msgspec

from jifen.core.limits import MAXIMUM_AMOUNT
from jifen.core.rules.caps import start_of_period
from jifen.core.rules.faults import check_ids, check_number, check_range, invalid, unknown

AlarmPeriod = Literal["day", "week", "month"]
MAXIMUM_ALARMS = 20
#: What is usual is looked for in so many periods at most; a year of months, or a month of days.
MAXIMUM_USUAL_PERIODS = 31


class IssuanceAlarm(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Rings when points of a wallet are issued unusually. `most_points`: more in the current period; `most_percent`:
    more in the current period than this share of the usual, `least_percent`: less in the last whole period. The usual
    is the mean of the `usual_periods` before the one that is judged, so these two thresholds float with the program."""

    id: str
    wallet: str
    period: AlarmPeriod = "day"
    most_points: int | None = None
    most_percent: int | None = None
    least_percent: int | None = None
    usual_periods: int = 7


class Alarms(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What somebody should be told of. `budget_percent`: a budget, or a cap that all members share, was used to this
    share."""

    issuance: list[IssuanceAlarm] = []
    budget_percent: int | None = None


class Judgement(msgspec.Struct, frozen=True):
    """What an alarm says of the period that begins on `since`: the points `issued`, its `limit`, and what is `usual`
    (the mean, rounded down; null where there is nothing to compare with, and then nothing rings)."""

    alarm: str
    threshold: Literal["most_points", "most_percent", "least_percent"]
    since: date
    issued: int
    limit: int | None
    usual: int | None
    is_ringing: bool


def check_alarms(alarms: Alarms, wallets: set[str]) -> None:
    """Raise InvalidProgram for the first alarm that makes no sense."""
    check_number("$.alarms.issuance", alarms.issuance, MAXIMUM_ALARMS)
    check_ids("$.alarms.issuance", [each.id for each in alarms.issuance])
    for index, each in enumerate(alarms.issuance):
        path = f"$.alarms.issuance[{index}]"
        if each.wallet not in wallets:
            raise unknown(f"{path}.wallet", each.wallet, wallets, "积分账户", "wallets")
        if each.most_points is None and each.most_percent is None and each.least_percent is None:
            raise invalid(
                path,
                "has no threshold; write most_points, most_percent or least_percent",
                "没有阈值；请写 most_points、most_percent 或 least_percent",
            )
        check_range(f"{path}.usual_periods", each.usual_periods, 1, MAXIMUM_USUAL_PERIODS)
        if each.most_points is not None:
            check_range(f"{path}.most_points", each.most_points, 0, MAXIMUM_AMOUNT)
        if each.most_percent is not None:
            check_range(f"{path}.most_percent", each.most_percent, 100, 100_000)
        if each.least_percent is not None:
            check_range(f"{path}.least_percent", each.least_percent, 1, 100)
    if alarms.budget_percent is not None:
        check_range("$.alarms.budget_percent", alarms.budget_percent, 1, 100)


def first_day(alarm: IssuanceAlarm, today: date) -> date:
    """The first day whose points an alarm looks at."""
    return _starts(alarm, today)[0]


def judge(alarm: IssuanceAlarm, issued: Mapping[date, int], today: date) -> list[Judgement]:
    """What an alarm says, by its thresholds. `issued`: points by local day; days without any may be missing."""
    starts = _starts(alarm, today)
    ends = [*starts[1:], today + timedelta(days=1)]
    sums = [
        sum(points for day, points in issued.items() if start <= day < end)
        for start, end in zip(starts, ends, strict=True)
    ]
    found: list[Judgement] = []
    if alarm.most_points is not None:
        is_over = sums[-1] > alarm.most_points
        found.append(Judgement(alarm.id, "most_points", starts[-1], sums[-1], alarm.most_points, None, is_over))
    if alarm.most_percent is not None:
        found.append(_against_usual(alarm, "most_percent", alarm.most_percent, starts[-1], sums[-1], sums[1:-1]))
    if alarm.least_percent is not None:
        found.append(_against_usual(alarm, "least_percent", alarm.least_percent, starts[-2], sums[-2], sums[:-2]))
    return found


def _against_usual(
    alarm: IssuanceAlarm,
    threshold: Literal["most_percent", "least_percent"],
    percent: int,
    since: date,
    issued: int,
    before: Sequence[int],
) -> Judgement:
    # Before the program began nothing was issued, which says nothing about what is usual.
    begun = next((index for index, points in enumerate(before) if points), len(before))
    usual = before[begun:]
    if not usual:
        return Judgement(alarm.id, threshold, since, issued, None, None, False)
    share = percent * sum(usual)
    told = issued * 100 * len(usual)
    is_ringing = told > share if threshold == "most_percent" else told < share
    limit = share // (100 * len(usual))
    return Judgement(alarm.id, threshold, since, issued, limit, sum(usual) // len(usual), is_ringing)


def _starts(alarm: IssuanceAlarm, today: date) -> list[date]:
    """When the current period began, the last whole one, and those with which either is compared; oldest first."""
    starts = [start_of_period(alarm.period, today)]
    while len(starts) < alarm.usual_periods + 2:
        starts.append(start_of_period(alarm.period, starts[-1] - timedelta(days=1)))
    return starts[::-1]
