"""What a program file says wrongly of its lotteries."""

from __future__ import annotations

from typing import Any

import pytest

from jifen.core.program import InvalidProgram
from tests.drawing import TICKET, changed
from tests.unit.core.rules.test_checks import check

NAME = {"zh": "奖", "en": "Prize"}
CUP = {"id": "cup", "kind": "goods", "name": NAME, "prices": [{"points": 9}], "fulfilment": "shipping"}
OLD = {"id": "old", "kind": "goods", "name": NAME, "prices": [{"points": 9}], "retired": True}
TREAT = {"id": "treat", "kind": "add_on", "name": NAME, "prices": [{"points": 9}]}
DRAW: dict[str, Any] = {
    "id": "wheel",
    "name": NAME,
    "price": {"points": 10},
    "prizes": [
        {"id": "cup", "name": NAME, "weight": 1, "reward": "cup", "cost_cents": 900, "stock": 5, "daily": 1},
        {"id": "ten", "name": NAME, "weight": 9, "points": 10, "cost_cents": 10, "per_member": 3},
        {"id": "none", "name": NAME, "weight": 90},
    ],
    "otherwise": "none",
    "budget_cents": 10_000,
    "daily_budget_cents": 1_000,
    "pity": {"after": 5, "prize": "ten"},
    "limits": [{"most": 3, "period": "day"}],
}


def checked(draw: dict[str, Any]) -> None:
    """Check a program with this draw."""
    check(draws=[draw], rewards=[CUP, OLD, TICKET, TREAT])


def test_a_right_draw() -> None:
    """With everything that there is; free ones need a limit alone."""
    checked(DRAW | {"ticket": "spin"})
    checked({name: value for name, value in DRAW.items() if name != "price"})


@pytest.mark.parametrize(
    ("draw", "path"),
    [
        (DRAW | {"id": "Wheel"}, "$.draws[0].id"),
        (DRAW | {"name": {"zh": "", "en": "x"}}, "$.draws[0].name.zh"),
        (DRAW | {"prizes": []}, "$.draws[0].prizes"),
        (changed(DRAW, ten={"id": "cup"}), "$.draws[0].prizes[1].id"),
        (changed(DRAW, ten={"weight": -1}), "$.draws[0].prizes[1].weight"),
        (changed(DRAW, ten={"weight": 10**9}), "$.draws[0].prizes"),
        (changed(DRAW, cup={"weight": 0}, ten={"weight": 0}, none={"weight": 0}), "$.draws[0].prizes"),
        (changed(DRAW, cup={"points": 1}), "$.draws[0].prizes[0].points"),
        (changed(DRAW, cup={"reward": "car"}), "$.draws[0].prizes[0].reward"),
        (changed(DRAW, cup={"reward": "old"}), "$.draws[0].prizes[0].reward"),
        (changed(DRAW, cup={"reward": "treat"}), "$.draws[0].prizes[0].reward"),
        (changed(DRAW, ten={"wallet": "gold"}), "$.draws[0].prizes[1].wallet"),
        (changed(DRAW, none={"wallet": "points"}), "$.draws[0].prizes[2].wallet"),
        (changed(DRAW, cup={"stock": -1}), "$.draws[0].prizes[0].stock"),
        (changed(DRAW, cup={"cost_cents": None}), "$.draws[0].prizes[0].cost_cents"),
        (changed(DRAW, ten={"cost_cents": None}), "$.draws[0].prizes[1].cost_cents"),
        (DRAW | {"price": {"points": 0}}, "$.draws[0].price.points"),
        (DRAW | {"price": {"points": 1, "wallet": "gold"}}, "$.draws[0].price.wallet"),
        (DRAW | {"ticket": "cup"}, "$.draws[0].ticket"),
        (DRAW | {"price": None, "limits": []}, "$.draws[0].limits"),
        (DRAW | {"limits": [{"most": 1, "period": "day"}] * 2}, "$.draws[0].limits[1].period"),
        (DRAW | {"budget_cents": -1}, "$.draws[0].budget_cents"),
        (DRAW | {"otherwise": "nothing"}, "$.draws[0].otherwise"),
        (DRAW | {"otherwise": "cup"}, "$.draws[0].otherwise"),
        (changed(DRAW, none={"stock": 5}), "$.draws[0].otherwise"),
        (changed(DRAW, none={"points": 1, "cost_cents": 1}), "$.draws[0].otherwise"),
        (DRAW | {"pity": {"after": 0, "prize": "ten"}}, "$.draws[0].pity.after"),
        (DRAW | {"pity": {"after": 5, "prize": "none"}}, "$.draws[0].pity.prize"),
        (DRAW | {"for": "member.tier =="}, "$.draws[0].for"),
        (DRAW | {"period": {"from": "yesterday"}}, "$.draws[0].period.from"),
    ],
)
def test_wrong_draws(draw: dict[str, Any], path: str) -> None:
    """The field is named."""
    with pytest.raises(InvalidProgram) as caught:
        checked(draw)
    assert caught.value.details["path"] == path, caught.value.message
