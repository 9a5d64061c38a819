"""Limits that a member's own wishes meet: how many points, and how often, in a period."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Literal

from jifen.core.calendar import local_day
from jifen.core.counted import counted
from jifen.core.decide.context import Decision
from jifen.core.refusal import Refusal
from jifen.core.rules.caps import OpenCap, usage_name
from jifen.core.rules.document import Cap

#: Whom a limit holds back, as `details` of a refusal say.
Whose = Literal["member", "giver", "receiver"]


def limit_names(limits: Sequence[OpenCap], day: date) -> list[str]:
    """Under which names the uses of these limits are counted on a local day."""
    return [usage_name(each, day) for each in limits]


def use_limits(
    decision: Decision, limits: Sequence[OpenCap], points: int, whose: Whose, *, of_others: bool = False
) -> dict[str, int] | Refusal:
    """What these points use of the limits, counted in the decision; or the refusal that says what is left (I-14).
    `of_others`: they are those of the others of a household, and own points count for nothing."""
    day = local_day(decision.context.now, decision.program.zone)
    uses: dict[str, int] = {}
    for limit in limits:
        name, cap = usage_name(limit, day), limit.cap
        left = max(cap.most - decision.state.used.get(name, 0), 0)
        use = points if cap.limit == "points" else 1
        if use > left:
            return _limit_reached(cap, left, whose, of_others=of_others)
        uses[name] = use
    decision.uses |= uses
    return uses


def _limit_reached(cap: Cap, left: int, whose: Whose, *, of_others: bool) -> Refusal:
    most = counted(cap.most, "points" if cap.limit == "points" else "times")
    may = f"spend {most} of others' in the household" if of_others else f"move {most}"
    period = "in all" if cap.period == "lifetime" else f"in this {cap.period}"
    details = {"whose": whose, "limit": cap.limit, "period": cap.period, "most": cap.most, "left": left}
    return Refusal(
        "limit_reached",
        f"The {whose} may {may} {period}, and has {left:,} left.",
        "/points" if cap.limit == "points" else None,
        details | ({"of": "others"} if of_others else {}),
    )
