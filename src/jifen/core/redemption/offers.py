"""The rewards of a program made ready for asking: who may have what, for how much, and what is missing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from jifen.core.conditions import Condition, EvaluationFailed, Vocabulary
from jifen.core.conditions.vocabulary import FieldType
from jifen.core.limits import NEVER
from jifen.core.redemption.document import ApprovalFlow, Price, Reward
from jifen.core.rules.book import SEGMENTS, segments_asked
from jifen.core.rules.caps import FOREVER, start_of_period
from jifen.core.rules.compiling import compile_condition
from jifen.core.rules.document import MemberField
from jifen.core.rules.facts import EVENT_NAMES, MemberFacts, Moment, RatedEvent, RatedFacts, member_names, readers_of
from jifen.core.rules.windows import OpenWindow
from jifen.core.tiers.document import TierSet

#: What conditions of approval flows can name beside the member.
REDEMPTION_NAMES: Final[dict[str, FieldType]] = {
    "redemption.points": "int",
    "redemption.cash_cents": "int",
    "redemption.reward": "string",
    "redemption.kind": "string",
    "redemption.quantity": "int",
}


class Asker(msgspec.Struct, frozen=True, gc=False):
    """Who asks, and when: the facts that conditions see."""

    member: MemberFacts
    moment: Moment


class OpenPrice(msgspec.Struct, frozen=True, gc=False):
    """A rung of a ladder, with the number of its wallet and its condition (None: for everybody)."""

    price: Price
    wallet: int
    audience: Condition | None


class OpenReward:
    """A reward with its conditions compiled. Treat it as frozen."""

    __slots__ = ("_fields", "audience", "document", "needs_member", "opened_to", "prices", "window", "zone")

    def __init__(
        self,
        document: Reward,
        wallets: Mapping[str, int],
        vocabulary: Vocabulary,
        fields: Mapping[str, FieldType],
        zone: ZoneInfo,
        path: str,
        opened_to: frozenset[tuple[str, str]] = frozenset(),
    ) -> None:
        """Raises InvalidProgram where a condition or the period is wrong."""
        self.document = document
        #: The tiers (with their sets) that open it; nobody else sees it then. None: no tier is needed.
        self.opened_to = opened_to
        self.zone = zone
        self.window = OpenWindow(document.period, zone, f"{path}.period")
        self.audience = compile_condition(vocabulary, document.audience, f"{path}.for")
        default = next(iter(wallets))
        self.prices = tuple(
            OpenPrice(
                price,
                wallets[price.wallet or default],
                compile_condition(vocabulary, price.audience, f"{path}.prices[{index}].for"),
            )
            for index, price in enumerate(document.prices)
        )
        self._fields = fields
        #: Whether anything must be known of the member.
        self.needs_member = self.audience is not None or any(each.audience for each in self.prices)

    @property
    def conditions(self) -> list[Condition]:
        """Everything that it asks of members."""
        return [each for each in (self.audience, *(price.audience for price in self.prices)) if each is not None]

    def is_open(self, instant: datetime, early: timedelta = timedelta()) -> bool:
        """Whether it can be had at an instant; `early`: by whom may have it so long before everybody else."""
        begin = self.window.since
        if begin is not None and begin - early <= instant < begin:
            return True
        local = instant.astimezone(self.zone)
        return self.window.fits_day(local.date(), self.zone) and self.window.contains(instant, local)

    def is_shown_to(self, asker: Asker) -> bool:
        """Whether the member gets to see it, as far as tiers open it."""
        return not self.opened_to or not self.opened_to.isdisjoint(asker.member.tiers.items())

    def is_for(self, asker: Asker) -> bool:
        """Whether the member may have it at all, by tier and by its `for`."""
        return self.is_shown_to(asker) and holds(self.audience, asker, self._fields)

    def prices_for(self, asker: Asker) -> list[int]:
        """The rungs that are for this member."""
        return [index for index, each in enumerate(self.prices) if holds(each.audience, asker, self._fields)]

    def default_price(self, asker: Asker) -> int | None:
        """The rung that is meant where none is named: of those for this member the cheapest that is paid as the first
        of them is, with points of the same wallet and as much money. None: no rung is for them."""
        open_to = self.prices_for(asker)
        if not open_to:
            return None
        first = self.prices[open_to[0]]
        paid = (first.wallet, first.price.cash_cents)
        alike = [each for each in open_to if (self.prices[each].wallet, self.prices[each].price.cash_cents) == paid]
        return min(alike, key=lambda each: self.prices[each].price.points)

    @property
    def opens_at(self) -> datetime | None:
        """When its period begins; None: it has no beginning."""
        return self.window.since


class OpenFlow:
    """An approval flow with its condition compiled."""

    __slots__ = ("_fields", "condition", "document")

    def __init__(
        self, document: ApprovalFlow, vocabulary: Vocabulary, fields: Mapping[str, FieldType], path: str
    ) -> None:
        """Raises InvalidProgram where the condition is wrong."""
        self.document = document
        self.condition = compile_condition(vocabulary, document.when, f"{path}.when")
        self._fields = fields

    def decides(self, asker: Asker, about: Mapping[str, Any]) -> bool:
        """Whether its condition holds for a redemption (facts of REDEMPTION_NAMES)."""
        return self.condition is not None and holds(self.condition, asker, self._fields, about)


class Offers:
    """The rewards and approval flows of a program."""

    __slots__ = ("early", "flows", "has_conditional_flows", "reads_segments", "rewards", "segments")

    def __init__(
        self,
        rewards: Sequence[Reward],
        flows: Sequence[ApprovalFlow],
        wallets: Mapping[str, int],
        fields: Sequence[MemberField],
        zone: ZoneInfo,
        tier_sets: Sequence[TierSet] = (),
    ) -> None:
        """Raises InvalidProgram where a condition or period is wrong."""
        self.rewards: dict[str, OpenReward] = {}
        benefits = [(tier_set.id, tier.id, tier.benefits) for tier_set in tier_sets for tier in tier_set.tiers]
        #: How long before everybody else members of a tier (with its set) may have rewards.
        self.early = {
            (tier_set, tier): timedelta(hours=each.early_access_hours)
            for tier_set, tier, each in benefits
            if each.early_access_hours
        }
        self.segments = frozenset[str]()
        self.reads_segments = False
        self.flows: dict[str, OpenFlow] = {}
        self.has_conditional_flows = any(each.when is not None for each in flows)
        if not rewards and not flows:
            return
        names = member_names(fields, [each.id for each in tier_sets])
        names |= {name: each for name, each in EVENT_NAMES.items() if name.startswith("now")}
        of_member, of_redemption = Vocabulary(names), Vocabulary(names | REDEMPTION_NAMES)
        for index, reward in enumerate(rewards):
            opened_to = frozenset(
                (tier_set, tier) for tier_set, tier, each in benefits if reward.id in each.opened_rewards
            )
            path = f"$.rewards[{index}]"
            self.rewards[reward.id] = OpenReward(reward, wallets, of_member, names, zone, path, opened_to)
        for index, flow in enumerate(flows):
            self.flows[flow.id] = OpenFlow(flow, of_redemption, names, f"$.approvals[{index}]")
        conditions = [condition for reward in self.rewards.values() for condition in reward.conditions]
        conditions += [flow.condition for flow in self.flows.values() if flow.condition is not None]
        self.segments = self.segments.union(*(segments_asked(each) for each in conditions))
        self.reads_segments = any(SEGMENTS in each.names for each in conditions)

    def early_for(self, asker: Asker) -> timedelta:
        """How long before everybody else a member may have rewards, by the tiers that the member has."""
        return max((self.early.get(each, timedelta()) for each in asker.member.tiers.items()), default=timedelta())

    def needs_member(self, reward: str) -> bool:
        """Whether redeeming it asks for anything of the member."""
        found = self.rewards.get(reward)
        return found is not None and (found.needs_member or self.has_conditional_flows)

    def flow_for(self, reward: Reward, asker: Asker, about: Mapping[str, Any]) -> ApprovalFlow | None:
        """The flow that a redemption goes through; None: it passes at once."""
        if reward.approval is not None:
            return self.flows[reward.approval].document
        return next((flow.document for flow in self.flows.values() if flow.decides(asker, about)), None)


def holds(
    condition: Condition | None,
    asker: Asker,
    fields: Mapping[str, FieldType],
    about: Mapping[str, Any] | None = None,
) -> bool:
    """Whether a condition holds. One that cannot be evaluated does not: nothing is given on a guess."""
    if condition is None:
        return True
    event = RatedEvent("", asker.moment.instant)
    facts = RatedFacts(event, asker.moment, asker.member, readers_of(condition.names, fields))
    facts.update(about or {})
    try:
        return condition.evaluate(facts) is True
    except EvaluationFailed:
        return False


def tiers_asked(condition: Condition, tiers: Iterable[str]) -> list[str]:
    """The tiers that a condition asks for, in the order of the program: the first that opens it comes first."""
    wanted = condition.discriminators.get("member.tier", frozenset())
    return [tier for tier in tiers if tier in wanted]


def limit_names(reward: Reward, day: date) -> dict[str, int]:
    """Under which names of use the limits of a reward count on a local day, and how many pieces each allows."""
    names = {}
    for limit in reward.limits:
        start = start_of_period(limit.period, day)
        suffix = "" if start == FOREVER else f"/{start.isoformat()}"
        names[f"reward/{reward.id}/{limit.period}{suffix}"] = limit.most
    return names


def closes_at(reward: OpenReward) -> datetime:
    """When its period ends; NEVER: it has no end."""
    return reward.window.until or NEVER
