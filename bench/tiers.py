"""Tiers of a hundred thousand members worked out anew, as `jifen tiers recalculate` does it."""

from __future__ import annotations

import asyncio
from time import perf_counter

from bench.ground import MEMBERS
from bench.loads import Run, verified
from bench.program import TEXT
from bench.publishing import publish, recalculate
from bench.results import Result
from jifen.services.tiers.recalculation import Recalculation

#: Spent by each seeded member: 57,900 in the last hundred days.
_ABOVE_ALL, _BELOW_ALL = 100_000, 50_000
_DATABASE = "bench_tiers"


def tier_recalculation(run: Run) -> Result:
    """Everybody looked at again where nobody moves, and everybody moved by a lower threshold: the bar holds for both.
    Beside it: months counted for the first time from the transactions."""
    url = run.ground.create_seeded(_DATABASE)
    counted, counted_seconds = _recalculate(url, _ABOVE_ALL)
    stayed, seconds = _recalculate(url, None)
    moved, moved_seconds = _recalculate(url, _BELOW_ALL)
    found = [(each.members_done, each.members_moved) for each in (counted, stayed, moved)]
    wanted = [(MEMBERS, 0), (MEMBERS, 0), (MEMBERS, MEMBERS)]
    rates = {"counted_rate": MEMBERS / counted_seconds, "moved_rate": MEMBERS / moved_seconds}
    summary = f"counted for the first time {rates['counted_rate']:,.0f}/s, moved {rates['moved_rate']:,.0f}/s"
    result = Result(
        rate=MEMBERS / seconds,
        unit="members",
        details={"seconds": seconds, **rates, "summary": summary},
        faults=[] if found == wanted else [f"done and moved were {found}, not {wanted}"],
    )
    return verified(result, run, _DATABASE)


def _program(silver_cents: int) -> str:
    return f"""{TEXT}
tier_sets:
  - id: level
    name: {{zh: 会员等级, en: Level}}
    period: {{kind: rolling_months, months: 12}}
    downgrade: {{policy: to_earned, grace_days: 30}}
    tiers:
      - {{id: regular, name: {{zh: 普通会员, en: Regular}}}}
      - id: silver
        name: {{zh: 银卡, en: Silver}}
        qualify: period.spent_cents >= {silver_cents}
        benefits: {{coefficient: 1.2}}
      - id: gold
        name: {{zh: 金卡, en: Gold}}
        qualify: period.spent_cents >= 500000 && period.orders >= 2 || period.earned.points >= 6000
        benefits: {{coefficient: 1.5}}
"""


def _recalculate(url: str, silver_cents: int | None) -> tuple[Recalculation, float]:
    """A recalculation, under a new version of the program where a threshold is given; and its seconds."""
    if silver_cents is not None:
        asyncio.run(publish(url, _program(silver_cents)))
    started = perf_counter()
    done = asyncio.run(recalculate(url))
    return done, perf_counter() - started
