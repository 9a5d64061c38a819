"""The lotteries of a program made ready for drawing: which point is which prize, what is counted under which name."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from itertools import accumulate
from zoneinfo import ZoneInfo

import msgspec

from jifen.core.conditions import Vocabulary
from jifen.core.conditions.vocabulary import FieldType
from jifen.core.draws.document import Draw, Prize
from jifen.core.redemption.offers import Asker, holds
from jifen.core.rules.book import SEGMENTS, segments_asked
from jifen.core.rules.caps import OpenCap, cost_cents, open_caps, usage_name
from jifen.core.rules.compiling import compile_condition
from jifen.core.rules.document import Cap, MemberField
from jifen.core.rules.facts import EVENT_NAMES, member_names
from jifen.core.rules.windows import OpenWindow
from jifen.core.tiers.document import TierSet

#: What points are worth: points and cents, by wallet.
Values = Mapping[str, tuple[int, int]]


class OpenPrize(msgspec.Struct, frozen=True, gc=False):
    """A prize with the number of the wallet of its points, its cost, and the caps that it draws on."""

    document: Prize
    wallet: int
    cost_cents: int
    caps: tuple[OpenCap, ...]


class OpenDraw:
    """A lottery with its prizes on the points from 0 on, in the order of the file. Treat it as frozen."""

    __slots__ = (
        "_ends",
        "_fields",
        "_zone",
        "audience",
        "budgets",
        "document",
        "limits",
        "misses",
        "price_points",
        "price_wallet",
        "prizes",
        "total",
        "window",
    )

    def __init__(
        self,
        document: Draw,
        wallets: Mapping[str, int],
        values: Values,
        fields: Mapping[str, FieldType],
        zone: ZoneInfo,
        path: str,
    ) -> None:
        """`fields`: what its condition can name. Raises InvalidProgram where the condition or the period is wrong."""
        self.document = document
        self.window = OpenWindow(document.period, zone, f"{path}.period")
        source = document.audience
        self.audience = None if source is None else compile_condition(Vocabulary(fields), source, f"{path}.for")
        default, owner = next(iter(wallets)), f"draw:{document.id}"
        price = document.price
        #: What drawing once costs; 0 where it is free, or for tickets alone.
        self.price_points = 0 if price is None else price.points
        self.price_wallet = wallets[default if price is None or price.wallet is None else price.wallet]
        self.prizes: dict[str, OpenPrize] = {}
        for each in document.prizes:
            wallet = each.wallet or default
            cost = cost_of(each, wallet, values) or 0
            self.prizes[each.id] = OpenPrize(each, wallets[wallet], cost, _caps_of(f"{owner}:{each.id}", each))
        #: How often a member may draw, and what all prizes together may cost.
        self.limits = open_caps(owner, [Cap("count", each.most, period=each.period) for each in document.limits])
        self.budgets = open_caps(owner, _budgets_of(document))
        #: Under this name the misses of a member in a row are counted.
        self.misses = f"{owner}/misses"
        self._ends = list(accumulate(each.weight for each in document.prizes))
        self.total = self._ends[-1]
        self._zone, self._fields = zone, fields

    def prize_at(self, point: int) -> OpenPrize:
        """Whose point this is."""
        assert 0 <= point < self.total
        return self.prizes[self.document.prizes[bisect_right(self._ends, point)].id]

    def is_open(self, instant: datetime) -> bool:
        """Whether its period includes an instant."""
        local = instant.astimezone(self._zone)
        return self.window.fits_day(local.date(), self._zone) and self.window.contains(instant, local)

    def is_for(self, asker: Asker) -> bool:
        """Whether a member may draw."""
        return holds(self.audience, asker, self._fields)

    def names(self, day: date) -> list[str]:
        """Under which names of use each member is counted on a local day."""
        caps = [*self.limits, *(cap for prize in self.prizes.values() for cap in prize.caps if not cap.is_shared)]
        return [self.misses, *(usage_name(each, day) for each in caps)]

    def shared_names(self, day: date) -> list[str]:
        """Under which names of use all members together are counted on a local day."""
        caps = [*self.budgets, *(cap for prize in self.prizes.values() for cap in prize.caps if cap.is_shared)]
        return [usage_name(each, day) for each in caps]

    @property
    def rewards(self) -> list[str]:
        """The rewards that can be won."""
        return [each.document.reward for each in self.prizes.values() if each.document.reward is not None]


class Draws:
    """The lotteries of a program."""

    __slots__ = ("by_id", "reads_segments", "segments", "tickets")

    def __init__(
        self,
        draws: Sequence[Draw],
        wallets: Mapping[str, int],
        values: Values,
        fields: Sequence[MemberField],
        zone: ZoneInfo,
        tier_sets: Sequence[TierSet] = (),
    ) -> None:
        """Raises InvalidProgram where a condition or period is wrong."""
        self.by_id: dict[str, OpenDraw] = {}
        #: The rewards that are tickets: whoever has one may draw.
        self.tickets = frozenset(each.ticket for each in draws if each.ticket is not None)
        self.segments = frozenset[str]()
        self.reads_segments = False
        if not draws:
            return
        names = member_names(fields, [each.id for each in tier_sets])
        names |= {name: each for name, each in EVENT_NAMES.items() if name.startswith("now")}
        for index, each in enumerate(draws):
            self.by_id[each.id] = OpenDraw(each, wallets, values, names, zone, f"$.draws[{index}]")
        conditions = [each.audience for each in self.by_id.values() if each.audience is not None]
        self.segments = self.segments.union(*(segments_asked(each) for each in conditions))
        self.reads_segments = any(SEGMENTS in each.names for each in conditions)


def cost_of(prize: Prize, wallet: str, values: Values) -> int | None:
    """What a prize costs the merchant, in minor units; None: nobody has said."""
    if prize.cost_cents is not None or prize.is_nothing:
        return prize.cost_cents or 0
    if prize.reward is not None or wallet not in values:
        return None
    return cost_cents(prize.points, values[wallet])


def _caps_of(owner: str, prize: Prize) -> tuple[OpenCap, ...]:
    """In the order in which they are asked."""
    caps = []
    if prize.stock is not None:
        caps.append(Cap("count", prize.stock, "program"))
    if prize.daily is not None:
        caps.append(Cap("count", prize.daily, "program", "day"))
    if prize.per_member is not None:
        caps.append(Cap("count", prize.per_member))
    return open_caps(owner, caps)


def _budgets_of(draw: Draw) -> list[Cap]:
    budgets = []
    if draw.budget_cents is not None:
        budgets.append(Cap("cost_cents", draw.budget_cents, "program"))
    if draw.daily_budget_cents is not None:
        budgets.append(Cap("cost_cents", draw.daily_budget_cents, "program", "day"))
    return budgets
