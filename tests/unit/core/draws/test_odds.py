"""Which point is which prize, and what is counted under which name."""

from __future__ import annotations

from datetime import UTC, date, datetime

import msgspec

from jifen.core.draws.odds import OpenDraw, cost_of
from jifen.core.program import Program
from tests.drawing import WHEEL, changed, with_draws
from tests.model.programs import make_document, make_program

DAY = date(2026, 3, 10)


def opened(draw: dict[str, object] = WHEEL) -> OpenDraw:
    """The wheel of a program."""
    return program_with(draw).draws.by_id["wheel"]


def program_with(draw: dict[str, object]) -> Program:
    """A program with one draw."""
    return make_program(with_draws(make_document(), draw))


def test_every_point_has_the_prize_that_the_weights_say() -> None:
    """All thousand of them; a prize without weight has none."""
    draw = opened(changed(WHEEL, voucher={"weight": 0}, thanks={"weight": 909}))
    found = [draw.prize_at(point).document.id for point in range(draw.total)]
    assert found == ["vase"] + ["fifty"] * 90 + ["thanks"] * 909


def test_names_of_uses() -> None:
    """What members use alone and what all use together, by day where it is one of a day."""
    more = {"limits": [{"most": 2, "period": "day"}], "budget_cents": 9, "daily_budget_cents": 9}
    draw = opened(changed(WHEEL | more, vase={"stock": 3, "daily": 1, "per_member": 1}))
    assert draw.names(DAY) == [
        "draw:wheel/misses",
        "draw:wheel/count/member/day/2026-03-10",
        "draw:wheel:vase/count/member/lifetime",
    ]
    assert draw.shared_names(DAY) == [
        "draw:wheel/cost_cents/program/lifetime",
        "draw:wheel/cost_cents/program/day/2026-03-10",
        "draw:wheel:vase/count/program/lifetime",
        "draw:wheel:vase/count/program/day/2026-03-10",
    ]
    assert draw.rewards == ["vase", "five-yuan"]


def test_what_prizes_cost() -> None:
    """As said, else by what the points are worth, rounded up; of a reward nobody else knows."""
    fifty = opened().prizes["fifty"].document
    said = msgspec.structs.replace(fifty, cost_cents=None)
    assert cost_of(fifty, "points", {}) == 50
    assert cost_of(said, "points", {"points": (100, 99)}) == 50
    assert cost_of(said, "points", {}) is None
    assert cost_of(opened().prizes["thanks"].document, "points", {}) == 0
    assert cost_of(msgspec.structs.replace(said, points=0, reward="cup"), "points", {"points": (1, 1)}) is None


def test_a_period_in_the_zone_of_the_program() -> None:
    """From the first to the last moment of its days."""
    draw = opened(WHEEL | {"period": {"from": "2026-03-10", "to": "2026-03-11"}})
    assert not draw.is_open(datetime(2026, 3, 9, 15, 59, tzinfo=UTC))
    assert draw.is_open(datetime(2026, 3, 9, 16, 0, tzinfo=UTC))
    assert not draw.is_open(datetime(2026, 3, 11, 16, 0, tzinfo=UTC))


def test_tickets_and_segments_of_all_draws() -> None:
    """What the engine must look at."""
    draws = program_with(WHEEL | {"for": "'vip' in member.segments"}).draws
    assert draws.tickets == {"spin"}
    assert draws.reads_segments and draws.segments == {"vip"}
    assert not make_program(make_document()).draws.by_id
