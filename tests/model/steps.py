"""Programs of any policies, and steps through the lives of members: by hypothesis, or by plain chance."""

from __future__ import annotations

import random
from collections.abc import Sequence
from decimal import Decimal
from functools import partial
from typing import Any, Literal, NamedTuple, Protocol, TypeVar

import msgspec
from hypothesis import strategies as st

from jifen.core.calendar import Expiry, NeverExpires, RollingExpiry, YearlyExpiry
from jifen.core.program import MemberPolicy, ProgramDocument, check_document
from jifen.core.rounding import Rounding
from jifen.core.rules.document import Cap
from jifen.core.wallets.document import Bank, Conversion, Gifts, OffsetPolicy
from tests.add_ons import with_add_ons
from tests.model.programs import make_document

Choice = TypeVar("Choice")


class Step(NamedTuple):
    """What to do, and three numbers to choose the details with."""

    action: str
    first: int
    second: int
    third: int


class Weights(NamedTuple):
    """How often each action comes up."""

    of: dict[str, int]

    @property
    def actions(self) -> list[str]:
        """Every action, as often as it weighs."""
        return [action for action, weight in self.of.items() for _ in range(weight)]


#: Everything mixes.
EVERYTHING = Weights(
    {
        "earn": 8,
        "pay_with_points": 5,
        "refund": 8,
        "spend": 3,
        "hold": 3,
        "capture": 2,
        "release": 1,
        "adjust": 4,
        "transfer": 3,
        "reverse": 8,
        "convert": 4,
        "save": 4,
        "unsave": 3,
        "redeem": 6,
        "decide": 4,
        "pay": 2,
        "fulfil": 2,
        "give_up": 4,
        "write_off": 3,
        "cancel_write_off": 1,
        "freeze": 1,
        "close": 1,
        "merge": 3,
        "undo_merge": 3,
        "come_together": 3,
        "leave": 1,
        "spend_together": 5,
        "settle": 1,
        "wait": 6,
        "publish": 1,
    }
)
#: Rewards are asked for all the time.
REDEEMING = Weights(
    EVERYTHING.of
    | {"redeem": 40, "decide": 20, "pay": 10, "fulfil": 15, "give_up": 20, "write_off": 30, "earn": 12}
    | {"cancel_write_off": 8, "wait": 20, "adjust": 15}
)
#: Members become one, and what they did before is taken back.
MERGING = Weights(
    EVERYTHING.of
    | {"merge": 6, "undo_merge": 4, "refund": 24, "reverse": 24, "give_up": 16, "redeem": 12, "hold": 8, "save": 8}
    | {"earn": 20, "pay_with_points": 12, "come_together": 6, "spend_together": 16, "wait": 8, "convert": 8}
)
#: Add-ons are taken with orders, and the orders given back.
TAKING_ALONG = Weights(
    EVERYTHING.of
    | {"take_along": 40, "earn": 12, "refund": 24, "reverse": 16, "decide": 12, "fulfil": 6, "write_off": 12}
    | {"merge": 5, "undo_merge": 4, "wait": 12}
)
#: Members leave, and what they did before comes back.
LEAVING = Weights(
    MERGING.of
    | {"close": 4, "freeze": 4, "merge": 5, "undo_merge": 8, "publish": 4, "settle": 3}
    | {"spend": 16, "save": 12, "pay_with_points": 20}
)
NUMBERS = st.integers(0, 30_000)


def steps(weights: Weights = EVERYTHING) -> st.SearchStrategy[Step]:
    """Any step."""
    return st.builds(Step, st.sampled_from(weights.actions), NUMBERS, NUMBERS, NUMBERS)


def random_steps(seed: int, length: int, weights: Weights = EVERYTHING) -> list[Step]:
    """Steps without hypothesis' liking for small numbers: they reach further into a member's life."""
    chance, actions = random.Random(seed), weights.actions
    return [Step(chance.choice(actions), *(chance.randrange(30_000) for _ in range(3))) for _ in range(length)]


class Choose(Protocol):
    """One of these."""

    def __call__(self, choices: Sequence[Choice], /) -> Choice: ...


TIME_ZONES = ["Asia/Shanghai", "America/Sao_Paulo", "Europe/London"]


def any_programs(choose: Choose, versions: int) -> list[ProgramDocument]:
    """Versions of one program: everything may change but its time zone."""
    time_zone = choose(TIME_ZONES)
    return [any_document(choose, time_zone) for _ in range(versions)]


def random_programs(seed: int) -> list[ProgramDocument]:
    """Versions of one program, every policy as likely as any other."""
    return any_programs(random.Random(seed).choice, 3)


@st.composite
def programs(draw: st.DrawFn) -> list[ProgramDocument]:
    """Versions of one program."""

    def choose(choices: Sequence[Choice]) -> Choice:
        return draw(st.sampled_from(choices))

    return any_programs(choose, draw(st.integers(1, 3)))


def any_document(choose: Choose, time_zone: str) -> ProgramDocument:
    """A program of any policies."""
    expired_lots: Literal["expire", "grace", "new_lot"] = choose(["expire", "grace", "new_lot"])
    plain = make_document(
        points=choose([1, 2, 3, 5]),
        per_cents=choose([1, 7, 20, 100]),
        basis=choose(["order", "line"]),
        rounding=choose(["floor", "half_up", "half_even", "ceil"]),
        pending_days=choose([0, 0, 0, 3, 25]),
        expiry=_any_expiry(choose),
        spent_points=choose(["debt", "forgive", "refuse"]),
        expired_lots=expired_lots,
        grace_days=choose(range(1, 13)) if expired_lots == "grace" else 0,
        hold_minutes=choose([30, 6000]),
        time_zone=time_zone,
    )
    document = msgspec.structs.replace(
        with_add_ons(plain),
        conversions=[_any_conversion(choose, *wallets) for wallets in (("points", "growth"), ("growth", "points"))],
        gifts=choose([None, _any_gifts(choose)]),
        bank=choose([None, *[_any_bank(choose)] * 5]),
        offset=choose([None, *[_any_offset(choose)] * 5]),
        members=MemberPolicy(
            frozen=choose(["earn", "refuse"]),
            closed_points=choose(["forfeit", "forfeit", "keep"]),
            most_in_household=choose([2, 3, 8]),
            daily_from_household=choose([None, None, 0, 60, 900]),
        ),
    )
    check_document(document)
    return document


def _any_expiry(choose: Choose) -> Expiry:
    expiries: list[Expiry] = [
        NeverExpires(),
        RollingExpiry(choose([1, 2, 3]), choose(["day", "month_end"])),
        YearlyExpiry(choose(range(1, 5)), choose(range(1, 30)), choose([0, 0, 1])),
    ]
    return choose(expiries)


def _any_conversion(choose: Choose, source: str, target: str) -> Conversion:
    give, get = choose([(1, 1), (10, 3), (3, 10), (6, 4), (1, 7)])
    fee: dict[str, Any] = choose([{}, {"fee_points": 9}, {"fee_percent": Decimal("2.5")}, {"fee_percent": Decimal(30)}])
    rounding: Rounding = choose(["floor", "half_up", "half_even", "ceil"])
    make = partial(Conversion, f"to-{target}", source, target, give, get, fee_rounding=rounding, **fee)
    plain = make()
    limits = choose([[], [Cap("points", 400, period="day")], [Cap("count", 3, period="month")]])
    return make(step=choose([None, 2 * plain.step_points]), least=choose([None, 4 * plain.step_points]), limits=limits)


def _any_gifts(choose: Choose) -> Gifts:
    return Gifts(
        wallets=choose([[], ["points"]]),
        least=choose([1, 5]),
        most=choose([None, 500]),
        limits=choose([[], [Cap("points", 600, period="day"), Cap("count", 4, period="month")]]),
        receiver_limits=choose([[], [Cap("count", 2, period="week")], [Cap("points", 2_000, period="lifetime")]]),
        cooling_days=choose([0, 3, 20]),
        receiver_cooling_days=choose([0, 0, 30]),
    )


def _any_bank(choose: Choose) -> Bank:
    expiries: list[Expiry] = [
        NeverExpires(),
        RollingExpiry(4),
        RollingExpiry(12, "month_end"),
        YearlyExpiry(6, 30, 1),
    ]
    return Bank(
        "points",
        choose(expiries),
        share_percent=choose([Decimal(50), Decimal(100), Decimal("12.5")]),
        window_days=choose([30, 95]),
    )


def _any_offset(choose: Choose) -> OffsetPolicy:
    points, cents = choose([(1, 1), (100, 95), (10, 3), (3, 100)])
    plain = OffsetPolicy("points", points, cents)
    return OffsetPolicy(
        "points",
        points,
        cents,
        step_points=choose([None, 2 * plain.step]),
        least_points=choose([None, 4 * plain.step]),
        most_percent=choose([Decimal(100), Decimal(50), Decimal("33.3")]),
    )
