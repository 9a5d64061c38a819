"""Caps and budgets: what of an award still fits, in order, never past a limit by one unit."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from functools import lru_cache

import msgspec

from jifen.core.rounding import divide
from jifen.core.rules.document import Cap, Period

#: The period of caps that never begin anew.
FOREVER = date.min


class OpenCap(msgspec.Struct, frozen=True, gc=False):
    """A cap ready for asking. `key` names it over all versions of the program: owner, what is limited, for whom, and
    the kind of period."""

    key: str
    cap: Cap

    @property
    def is_shared(self) -> bool:
        """Whether all members draw on it together."""
        return self.cap.per == "program"


def open_caps(owner: str, caps: Sequence[Cap]) -> tuple[OpenCap, ...]:
    """The caps of a rule (`rule:ID`), campaign (`campaign:ID`) or the program (`program`)."""
    return tuple(OpenCap(f"{owner}/{each.limit}/{each.per}/{each.period}", each) for each in caps)


def start_of_period(period: Period, day: date) -> date:
    """The first day of the period in which a local day lies. Weeks begin on Monday (ISO 8601)."""
    match period:
        case "day":
            return day
        case "week":
            return day - timedelta(days=day.weekday())
        case "month":
            return day.replace(day=1)
        case "year":
            return day.replace(month=1, day=1)
        case "event" | "campaign" | "lifetime":
            return FOREVER


def usage_name(cap: OpenCap, day: date) -> str:
    """Under which name the use of a cap on a day is counted: the key and the first day of the period."""
    return f"{cap.key}{_suffix(cap.cap.period, day)}"


@lru_cache(maxsize=512)
def _suffix(period: Period, day: date) -> str:
    start = start_of_period(period, day)
    return "" if start == FOREVER else f"/{start.isoformat()}"


def split_usage_name(name: str) -> tuple[str, str]:
    """The key of a cap and the first day of the period (ISO 8601; empty where it never begins anew)."""
    key, _, start = name.rpartition("/")
    return (key, start) if _STARTS.match(start) else (name, "")


_STARTS = re.compile(r"\d{4}-\d\d-\d\d\Z")


class Cut(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Points that a cap took from an award."""

    cap: str
    points: int


class Room:
    """What is left under the caps while one event is rated. `used`: what had been used before, by usage name."""

    def __init__(self, used: Mapping[str, int], day: date) -> None:
        self._used = used
        self._day = day
        #: What this event used, by usage name, of caps whose period outlasts it.
        self.uses: dict[str, int] = {}
        self._within_event: dict[str, int] = {}

    def fit(self, points: int, caps: Sequence[OpenCap], value: tuple[int, int] | None) -> tuple[int, list[Cut]]:
        """How many of these points fit under all caps, and what was cut. `value`: (points, cents) of the wallet, for
        caps of cost. What fits is counted as used."""
        cuts: list[Cut] = []
        counted: list[tuple[Cap, str, dict[str, int]]] = []
        for each in caps:
            cap, name = each.cap, usage_name(each, self._day)
            is_within = cap.period == "event"
            uses = self._within_event if is_within else self.uses
            used = uses.get(name, 0) + (0 if is_within else self._used.get(name, 0))
            most = _most(cap, max(cap.most - used, 0), value)
            if points > most:
                cuts.append(Cut(each.key, points - most))
                points = most
            counted.append((cap, name, uses))
        if points:
            for cap, name, uses in counted:
                uses[name] = uses.get(name, 0) + _use(cap, points, value)
        return points, cuts


def cost_cents(points: int, value: tuple[int, int]) -> int:
    """What points cost in minor units, rounded up, so that a budget of money is never passed."""
    value_points, value_cents = value
    return divide(points * value_cents, value_points, "ceil")


def _most(cap: Cap, left: int, value: tuple[int, int] | None) -> int:
    """How many points fit into what is left under a cap."""
    if cap.limit == "points":
        return left
    if cap.limit == "count":
        return _UNBOUNDED if left else 0
    if value is None:
        return _UNBOUNDED
    value_points, value_cents = value
    return left * value_points // value_cents


def _use(cap: Cap, points: int, value: tuple[int, int] | None) -> int:
    if cap.limit == "points":
        return points
    if cap.limit == "count":
        return 1
    return 0 if value is None else cost_cents(points, value)


_UNBOUNDED = 2**62
