"""Limits that a member's own wishes meet: how many points, and how often, in a period."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Literal

from jifen.core.calendar import local_day
from jifen.core.decide.context import Decision
from jifen.core.refusal import Refusal
from jifen.core.rules.caps import OpenCap, usage_name

#: Whom a limit holds back, as `details` of a refusal say.
Whose = Literal["member", "giver", "receiver"]


def limit_names(limits: Sequence[OpenCap], day: date) -> list[str]:
    """Under which names the uses of these limits are counted on a local day."""
    return [usage_name(each, day) for each in limits]


def use_limits(decision: Decision, limits: Sequence[OpenCap], points: int, whose: Whose) -> dict[str, int] | Refusal:
    """What these points use of the limits, counted in the decision; or the refusal that says what is left (I-14)."""
    day = local_day(decision.context.now, decision.program.zone)
    uses: dict[str, int] = {}
    for limit in limits:
        name, cap = usage_name(limit, day), limit.cap
        left = max(cap.most - decision.state.used.get(name, 0), 0)
        use = points if cap.limit == "points" else 1
        if use > left:
            what = "points" if cap.limit == "points" else "times"
            period = "in all" if cap.period == "lifetime" else f"in this {cap.period}"
            return Refusal(
                "limit_reached",
                f"The {whose} may move {cap.most} {what} {period}, and has {left} left.",
                "/points" if cap.limit == "points" else None,
                {"whose": whose, "limit": cap.limit, "period": cap.period, "most": cap.most, "left": left},
            )
        uses[name] = use
    decision.uses |= uses
    return uses
