"""Instants of which a condition reads the hour or day in UTC, as CEL does, where the program is in another zone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from jifen.analytics.proofs.places import PlaceInFile
from jifen.analytics.proofs.report import Finding
from jifen.analytics.proofs.slips import AnySlips, slip_told
from jifen.core.conditions.code import code_of
from jifen.core.conditions.syntax import Call, Constant, walk
from jifen.core.program import Program

#: By CEL's name of what reads them in UTC. Seconds are the same in every zone.
_MINUTES: Final = "timestamp_to_minutes"
_PARTS: Final = frozenset(
    [
        *("timestamp_to_year", "timestamp_to_month", "timestamp_to_hours", _MINUTES),
        *("timestamp_to_day_of_month", "timestamp_to_day_of_month_1_based"),
        *("timestamp_to_day_of_week", "timestamp_to_day_of_year"),
    ]
)
_HOUR: Final = timedelta(hours=1)


def utc_clocks(program: Program, place: PlaceInFile, slips: AnySlips) -> Iterator[Finding]:
    """Parts of instants that are read in UTC though the program's zone has others. Whoever means UTC says so:
    `getHours("UTC")`. `slips`: finds a moment that tells them apart."""
    if not (parts := _differing(program.zone)):
        return
    for node in walk(place.place.condition.root):
        if isinstance(node, Call) and node.overload in parts:
            zone = Constant("string", program.zone.key, node.position)
            mended = Call(node.type, node.function, f"{node.overload}_with_tz", (*node.arguments, zone), node.position)
            zh, en = place.name(node.position)
            zh = f"{zh}按 UTC 读取 {node.function}()；若按积分计划的时区，请写 {code_of(mended)}"
            en = f"{en} reads {node.function}() in UTC; for the program's zone write {code_of(mended)}"
            yield slip_told(
                "utc_clock",
                place.place.owner,
                zh,
                en,
                slips.shown_by_clocks(place.place, mended),
                place.at(node.position),
            )


def _differing(zone: ZoneInfo) -> frozenset[str]:
    """What the clocks of a zone may show otherwise than those of UTC."""
    offsets = {
        datetime(2026, month, 1, tzinfo=UTC).astimezone(zone).utcoffset() or timedelta() for month in range(1, 13)
    }
    if not any(offsets):
        return frozenset()
    return _PARTS if any(offset % _HOUR for offset in offsets) else _PARTS - {_MINUTES}
