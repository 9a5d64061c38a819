"""Campaigns made ready for asking, whether rules belong to them or not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from zoneinfo import ZoneInfo

from jifen.core.conditions import Condition
from jifen.core.rules.compiling import compile_condition
from jifen.core.rules.document import Campaign, MemberField
from jifen.core.rules.facts import audience_vocabulary
from jifen.core.rules.windows import OpenWindow


class OpenCampaign:
    """A campaign with its window and audience looked up. Treat it as frozen."""

    __slots__ = ("audience", "document", "window")

    def __init__(self, document: Campaign, window: OpenWindow, audience: Condition | None) -> None:
        self.document = document
        self.window = window
        self.audience = audience


def open_campaigns(
    campaigns: Sequence[Campaign], fields: Iterable[MemberField], tier_sets: Iterable[str], zone: ZoneInfo
) -> dict[str, OpenCampaign]:
    """The campaigns of a program by their ids. Raises InvalidProgram where a window or an audience is wrong."""
    vocabulary = audience_vocabulary(fields, tier_sets)
    opened = {}
    for index, each in enumerate(campaigns):
        path = f"$.campaigns[{index}]"
        window = OpenWindow(each.window, zone, f"{path}.window")
        opened[each.id] = OpenCampaign(each, window, compile_condition(vocabulary, each.audience, f"{path}.audience"))
    return opened
