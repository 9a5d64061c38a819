"""Campaigns are looked at whether rules belong to them or not."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from jifen.core.rules.campaigns import open_campaigns
from jifen.core.rules.document import Campaign, MemberField
from jifen.core.rules.faults import InvalidProgram

ZONE = ZoneInfo("Asia/Shanghai")
FIELDS = [MemberField("size", "string")]


def campaign(**more: Any) -> Campaign:
    """A campaign with this window or audience."""
    return msgspec.convert({"id": "spring", "name": {"zh": "春", "en": "Spring"}} | more, Campaign)


def test_the_audience_may_name_everything_of_a_member() -> None:
    """Fields that the operator made up and tier sets, and the moment."""
    audience = 'member.fields.size == "S" && member.tiers.tea == "gold" && now.year > 2000'
    opened = open_campaigns([campaign(audience=audience)], FIELDS, ["tea"], ZONE)["spring"]
    assert opened.audience is not None and opened.audience.names >= {"member.fields.size", "member.tiers.tea"}
    assert open_campaigns([campaign()], FIELDS, [], ZONE)["spring"].audience is None


@pytest.mark.parametrize(
    ("more", "path"),
    [
        ({"audience": "member.teir"}, ".audience"),
        # Whatever happens: an order is not always there.
        ({"audience": "order.total_cents > 5"}, ".audience"),
        ({"window": {"from": "11-11"}}, ".window.from"),
        ({"window": {"from": "2026-11-12", "to": "2026-11-11"}}, ".window.to"),
    ],
)
def test_what_is_wrong_is_told_by_its_place(more: dict[str, Any], path: str) -> None:
    """Which campaign it is, and the field."""
    with pytest.raises(InvalidProgram) as raised:
        open_campaigns([campaign(), campaign(**more)], FIELDS, [], ZONE)
    assert raised.value.details["path"] == f"$.campaigns[1]{path}"
