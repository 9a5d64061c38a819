"""Tier sets ready for asking: conditions compiled, facts found by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache, partial
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from jifen.core.conditions import Condition, EvaluationFailed, Vocabulary
from jifen.core.conditions.syntax import Call, Constant, Name
from jifen.core.conditions.vocabulary import FieldType
from jifen.core.rules.compiling import compile_condition
from jifen.core.rules.document import MemberField
from jifen.core.rules.facts import MemberFacts, Moment, Reader, member_names, readers_of
from jifen.core.rules.months import Month, added_up, month_of
from jifen.core.rules.standing import Counters
from jifen.core.tiers.document import CalendarYear, Lifetime, RollingMonths, TierLevel, TierPeriod, TierSet
from jifen.core.tiers.reviews import next_review

#: Before every month there is.
_FIRST_MONTH: Final = 0
#: For so many local days the first month of their period is kept ready.
_DAYS: Final = 512
#: No tier has this rank: that of whoever has none.
NO_RANK: Final = -1


class Situation(msgspec.Struct, frozen=True, gc=False):
    """What conditions of tiers may ask of a member at an instant, looking back from a local day: counters, balances by
    wallet number, facts. The last two are looked at only where a set's conditions ask for them."""

    counters: Counters
    balances: Mapping[int, int]
    member: MemberFacts
    day: date
    at: datetime


class OpenTier(msgspec.Struct, frozen=True):
    """A tier with its rank and compiled conditions."""

    document: TierLevel
    rank: int
    qualify: Condition | None
    keep: Condition | None

    @property
    def id(self) -> str:
        """The tier's id."""
        return self.document.id

    @property
    def is_earned(self) -> bool:
        """Whether members reach it by what they do."""
        return self.document.by == "earned"

    def is_reached(self, facts: Mapping[str, Any]) -> bool:
        """Whether it is earned on these facts. A condition that fails has not been met."""
        return self.is_earned and (self.qualify is None or _is_true(self.qualify, facts, otherwise=False))

    def is_kept(self, facts: Mapping[str, Any]) -> bool:
        """Whether a review finds it still earned. Nobody falls because a condition fails."""
        if self.is_reached(facts):
            return True
        condition = self.keep or self.qualify
        return self.is_earned and condition is not None and _is_true(condition, facts, otherwise=self.keep is not None)


def _is_true(condition: Condition, facts: Mapping[str, Any], *, otherwise: bool) -> bool:
    try:
        return bool(condition.evaluate(facts))
    except EvaluationFailed:
        return otherwise


Read = Callable[[Situation, Month], Any]
"""How a fact is read: from the situation and what the period adds up to."""


class Ladder(NamedTuple):
    """Tiers that all ask for at least so much of one number, the higher ones for no less: nearly every set is one.
    Whether somebody may rise is then seen by that number alone."""

    read: Read
    least_above: Mapping[int, int]
    """By rank what the next tier above it asks for; nothing for the highest."""


class OpenTierSet:
    """A tier set of a program version. Treat it as frozen."""

    __slots__ = (
        "_counts_points",
        "_ladder",
        "_readers",
        "base",
        "counts_months",
        "document",
        "first_month",
        "id",
        "names",
        "needs_balances",
        "needs_member",
        "next_review",
        "ranks",
        "tiers",
        "zone",
    )

    def __init__(
        self,
        document: TierSet,
        wallets: Mapping[str, int],
        fields: Sequence[MemberField],
        zone: ZoneInfo,
        path: str,
    ) -> None:
        """Raises InvalidProgram where a condition is wrong, with its line and column."""
        types = tier_names(wallets, fields)
        vocabulary = Vocabulary(types)
        self.document = document
        self.id = document.id
        self.zone = zone
        self.tiers = tuple(
            OpenTier(
                tier,
                rank,
                compile_condition(vocabulary, tier.qualify, f"{path}.tiers[{rank}].qualify"),
                compile_condition(vocabulary, tier.keep, f"{path}.tiers[{rank}].keep"),
            )
            for rank, tier in enumerate(document.tiers)
        )
        self.ranks = {tier.id: tier.rank for tier in self.tiers}
        lowest = self.tiers[0]
        #: The tier that everybody has; empty where there is none.
        self.base = lowest.id if lowest.is_earned and lowest.qualify is None else ""
        conditions = [each for tier in self.tiers for each in (tier.qualify, tier.keep) if each is not None]
        self.names = frozenset[str]().union(*(each.names for each in conditions))
        of_member: dict[str, Reader] = readers_of(self.names, types)
        self._readers: dict[str, Read] = {
            name: _of_member(of_member[name], zone) if name in of_member else _of_ledger(name, wallets)
            for name in sorted(self.names)
        }
        self.needs_member = bool(of_member)
        self.needs_balances = any(name.startswith("balance.") for name in self.names)
        self._counts_points = any(name.startswith("period.earned.") for name in self.names)
        #: The first month of the period in which a local day lies.
        self.first_month: Callable[[date], int] = lru_cache(maxsize=_DAYS)(partial(first_month_of, document.period))
        #: The first review after an instant of a tier that was reached on a local day. Whoever is looked at with others
        #: is so as of one instant, and many of them have reached theirs on the same day.
        self.next_review: Callable[[date, datetime], datetime | None] = lru_cache(maxsize=_DAYS)(
            lambda reached_on, after: next_review(document, reached_on, after, zone)
        )
        self._ladder = self._found_ladder()
        is_lifetime = isinstance(document.period, Lifetime)
        #: Whether counts in all do not suffice.
        self.counts_months = any(
            name.startswith(("period.earned.", "total.earned.")) or (name.startswith("period.") and not is_lifetime)
            for name in self.names
        )

    def rank_of(self, tier: str) -> int:
        """A tier's rank; NO_RANK for one that the set does not have (any more)."""
        return self.ranks.get(tier, NO_RANK)

    def facts(self, situation: Situation, first_month: int | None = None) -> dict[str, Any]:
        """What the set's conditions see. `first_month`: where the period begins, if not as the day says."""
        period = self._period(situation, first_month)
        return {name: read(situation, period) for name, read in self._readers.items()}

    def may_rise(self, rank: int, situation: Situation) -> bool:
        """Whether a tier above this rank may be reached: False is certain, and found with little work."""
        ladder = self._ladder
        if ladder is None:
            return rank < len(self.tiers) - 1
        least = ladder.least_above.get(rank)
        return least is not None and ladder.read(situation, self._period(situation)) >= least

    def _period(self, situation: Situation, first_month: int | None = None) -> Month:
        """What the period adds up to."""
        first = self.first_month(situation.day) if first_month is None else first_month
        counters = situation.counters
        if first == _FIRST_MONTH and counters.months is None:
            return Month(0, counters.orders, counters.spent_total)
        return added_up(counters.months or (), first, month_of(situation.day), with_points=self._counts_points)

    def _found_ladder(self) -> Ladder | None:
        """The set as a ladder; None: it is none."""
        steps: list[tuple[int, int]] = []
        names: set[str] = set()
        for tier in self.tiers:
            if not tier.is_earned or (tier.qualify is None and tier.rank == 0):
                continue
            match None if tier.qualify is None else tier.qualify.root:
                case Call(function="_>=_", arguments=(Name(type="int", name=name), Constant(value=int(least)))):
                    names.add(name)
                    steps.append((least, tier.rank))
                case _:
                    return None
        if len(names) != 1 or steps != sorted(steps):
            return None
        # Each rank is given the step that comes first above it: steps are met from the highest down.
        least_above = {rank: least for least, above in reversed(steps) for rank in range(NO_RANK, above)}
        return Ladder(self._readers[names.pop()], least_above)


def first_month_of(period: TierPeriod, day: date) -> int:
    """The first month that counts on a local day."""
    match period:
        case RollingMonths(months=months):
            year, month_index = divmod(day.year * 12 + day.month - months, 12)
            return year * 100 + month_index + 1
        case CalendarYear():
            return day.year * 100 + 1
        case Lifetime():
            return _FIRST_MONTH


def tier_names(wallets: Iterable[str], fields: Iterable[MemberField]) -> dict[str, FieldType]:
    """Everything that conditions of tiers can name. What tier a member has is none of it."""
    numbers = ["spent_cents", "orders", *(f"earned.{wallet}" for wallet in wallets)]
    names: dict[str, FieldType] = {f"{when}.{number}": "int" for when in ("period", "total") for number in numbers}
    names |= dict.fromkeys((f"balance.{wallet}" for wallet in wallets), "int")
    return names | {name: each for name, each in member_names(fields).items() if name != "member.tier"}


def _of_member(read: Reader, zone: ZoneInfo) -> Read:
    return lambda situation, _: read(situation.member, Moment(situation.at, zone))


def _of_ledger(name: str, wallets: Mapping[str, int]) -> Read:
    kind, _, rest = name.partition(".")
    if kind == "balance":
        wallet = wallets[rest]
        return lambda situation, _: situation.balances.get(wallet, 0)
    if rest.startswith("earned."):
        wallet = wallets[rest.removeprefix("earned.")]
        if kind == "period":
            return lambda _, period: period.earned.get(wallet, 0)
        return lambda situation, _: sum(each.earned.get(wallet, 0) for each in situation.counters.months or ())
    if kind == "period":
        return (lambda _, period: period.orders) if rest == "orders" else (lambda _, period: period.spent_cents)
    if rest == "orders":
        return lambda situation, _: situation.counters.orders
    return lambda situation, _: situation.counters.spent_total


def open_tier_sets(
    sets: Sequence[TierSet], wallets: Mapping[str, int], fields: Sequence[MemberField], zone: ZoneInfo
) -> tuple[OpenTierSet, ...]:
    """The tier sets of a program. Raises InvalidProgram."""
    return tuple(OpenTierSet(each, wallets, fields, zone, f"$.tier_sets[{index}]") for index, each in enumerate(sets))
