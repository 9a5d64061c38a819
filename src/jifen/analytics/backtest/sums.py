"""What a backtest adds up while it runs: small, exact, and made to be merged, as each process has its own."""

from __future__ import annotations

from bisect import bisect_right
from heapq import nlargest, nsmallest
from typing import Final

import msgspec

#: So many members are listed who would gain, and as many who would lose.
LISTED_MEMBERS: Final = 20
#: So many refused transactions are listed; all are counted.
LISTED_REFUSALS: Final = 100
#: Differences of members are counted in steps that grow with them: 1, 2, 5, 10, 20, 50 ...
EDGES: Final = tuple(digit * 10**power for power in range(13) for digit in (1, 2, 5))


class Pair(msgspec.Struct, array_like=True, gc=False):
    """The same figure twice: as it was recorded, and as the draft has it."""

    recorded: int = 0
    draft: int = 0

    def add(self, other: Pair) -> None:
        """Add another pair."""
        self.recorded += other.recorded
        self.draft += other.draft


class RuleSums(msgspec.Struct, gc=False):
    """What a rule gave, event by event. `changed_points`: of events where both gave, what the draft gave more;
    `tier_points`: what the draft gave more than it would have, had the member stood in the recorded tiers."""

    points: Pair = msgspec.field(default_factory=Pair)
    events: Pair = msgspec.field(default_factory=Pair)
    only_draft_events: int = 0
    only_draft_points: int = 0
    only_recorded_events: int = 0
    only_recorded_points: int = 0
    changed_events: int = 0
    changed_points: int = 0
    tier_events: int = 0
    tier_points: int = 0

    def count(self, recorded: int | None, draft: int | None) -> None:
        """Count one event. None: the rule did not match there."""
        if recorded is not None:
            self.points.recorded += recorded
            self.events.recorded += 1
        if draft is not None:
            self.points.draft += draft
            self.events.draft += 1
        if recorded is None:
            self.only_draft_events += 1
            self.only_draft_points += draft or 0
        elif draft is None:
            self.only_recorded_events += 1
            self.only_recorded_points += recorded
        elif recorded != draft:
            self.changed_events += 1
            self.changed_points += draft - recorded

    def add(self, other: RuleSums) -> None:
        """Add what another process counted."""
        self.points.add(other.points)
        self.events.add(other.events)
        for name in RuleSums.__struct_fields__[2:]:
            setattr(self, name, getattr(self, name) + getattr(other, name))


class CapSums(msgspec.Struct, gc=False):
    """How often a cap cut an award, what it cut, and how many members that met."""

    events: Pair = msgspec.field(default_factory=Pair)
    points: Pair = msgspec.field(default_factory=Pair)
    members: Pair = msgspec.field(default_factory=Pair)

    def add(self, other: CapSums) -> None:
        """Add what another process counted."""
        self.events.add(other.events)
        self.points.add(other.points)
        self.members.add(other.members)


class FailedSums(msgspec.Struct, gc=False):
    """How often a rule could not be evaluated, and why the first time."""

    events: int
    message: str


class MemberDifference(msgspec.Struct, frozen=True, array_like=True, order=True, gc=False):
    """A member who would have got more or less: points earned less those that refunds took back."""

    difference: int
    member_id: int
    recorded: int
    draft: int


class RefusedTransaction(msgspec.Struct, frozen=True, array_like=True, order=True, gc=False):
    """A recorded transaction that the draft's state does not allow. `points`: how many it was about, if it says."""

    member_id: int
    sequence: int
    kind: str
    code: str
    wallet: int | None = None
    points: int | None = None


def _pairs() -> dict[str, Pair]:
    return {}


class TierSums(msgspec.Struct, gc=False):
    """A tier set: how often members moved from one tier to another in a month (`2026-01>silver>gold`), and how many
    stand in each at the end. Empty: no tier."""

    moves: dict[str, Pair] = msgspec.field(default_factory=_pairs)
    members: dict[str, Pair] = msgspec.field(default_factory=_pairs)

    def move(self, month: str, was: str, tier: str, counted: Pair) -> None:
        """Count a move."""
        self.moves.setdefault(f"{month}>{was}>{tier}", Pair()).add(counted)

    def add(self, other: TierSums) -> None:
        """Add what another process counted."""
        for mine, theirs in ((self.moves, other.moves), (self.members, other.members)):
            for key, pair in theirs.items():
                mine.setdefault(key, Pair()).add(pair)


class WalletSums(msgspec.Struct):
    """The figures of one wallet.

    `flows` are points by the buckets they left and entered (`issued>available`), within the period; `before` the same
    up to its beginning. `taken_back`: what refunds took back, by month. As the events recorded it: `forgiven`, of what
    was taken back, and `taken_out` by spends and adjustments, less what came back. `histogram`: members by step.
    """

    months: dict[str, Pair] = msgspec.field(default_factory=_pairs)
    taken_back: dict[str, Pair] = msgspec.field(default_factory=_pairs)
    tiers: dict[str, Pair] = msgspec.field(default_factory=_pairs)
    categories: dict[str, Pair] = msgspec.field(default_factory=_pairs)
    rules: dict[str, RuleSums] = msgspec.field(default_factory=dict)
    flows: dict[str, Pair] = msgspec.field(default_factory=_pairs)
    before: dict[str, Pair] = msgspec.field(default_factory=_pairs)
    histogram: dict[int, int] = msgspec.field(default_factory=dict)
    winners: list[MemberDifference] = msgspec.field(default_factory=list)
    losers: list[MemberDifference] = msgspec.field(default_factory=list)
    refused_points: int = 0
    forgiven: int = 0
    taken_out: int = 0

    def count_member(self, member_id: int, points: Pair) -> None:
        """Count what a member would have got more or less."""
        difference = points.draft - points.recorded
        step = bisect_right(EDGES, abs(difference))
        step = step if difference > 0 else -step
        self.histogram[step] = self.histogram.get(step, 0) + 1
        if difference > 0:
            self.winners.append(MemberDifference(difference, member_id, points.recorded, points.draft))
        elif difference < 0:
            self.losers.append(MemberDifference(difference, member_id, points.recorded, points.draft))
        if max(len(self.winners), len(self.losers)) > 50 * LISTED_MEMBERS:
            self.shorten()

    def shorten(self) -> None:
        """Keep only the members who will be listed."""
        self.winners = nlargest(LISTED_MEMBERS, self.winners, key=lambda each: (each.difference, -each.member_id))
        self.losers = nsmallest(LISTED_MEMBERS, self.losers)

    def add(self, other: WalletSums) -> None:
        """Add what another process counted."""
        for name in ("months", "taken_back", "tiers", "categories", "flows", "before"):
            mine = getattr(self, name)
            for key, pair in getattr(other, name).items():
                mine.setdefault(key, Pair()).add(pair)
        for rule, sums in other.rules.items():
            self.rules.setdefault(rule, RuleSums()).add(sums)
        for step, number in other.histogram.items():
            self.histogram[step] = self.histogram.get(step, 0) + number
        self.winners += other.winners
        self.losers += other.losers
        self.shorten()
        for name in ("refused_points", "forgiven", "taken_out"):
            setattr(self, name, getattr(self, name) + getattr(other, name))


class Sums(msgspec.Struct):
    """Everything that a backtest adds up. `shared_uses`: what was used of caps that all members share, by usage name;
    `rows`: transactions read, `replayed`: of these within the period and decided anew, `history`: of these those that
    came as history, decided as of when they happened."""

    wallets: dict[int, WalletSums] = msgspec.field(default_factory=dict)
    rows: int = 0
    replayed: int = 0
    history: int = 0
    orders: int = 0
    members: int = 0
    kinds: dict[str, int] = msgspec.field(default_factory=dict)
    refused: dict[str, int] = msgspec.field(default_factory=dict)
    refusals: list[RefusedTransaction] = msgspec.field(default_factory=list)
    failed: dict[str, FailedSums] = msgspec.field(default_factory=dict)
    caps: dict[str, CapSums] = msgspec.field(default_factory=dict)
    tier_sets: dict[str, TierSums] = msgspec.field(default_factory=dict)
    shared_uses: dict[str, int] = msgspec.field(default_factory=dict)

    def wallet(self, number: int) -> WalletSums:
        """The figures of a wallet."""
        found = self.wallets.get(number)
        if found is None:
            found = self.wallets[number] = WalletSums()
        return found

    def refuse(self, refusal: RefusedTransaction) -> None:
        """Count a transaction that was refused."""
        self.refused[refusal.code] = self.refused.get(refusal.code, 0) + 1
        if len(self.refusals) < LISTED_REFUSALS:
            self.refusals.append(refusal)
        if refusal.wallet is not None and refusal.points is not None:
            self.wallet(refusal.wallet).refused_points += refusal.points

    def add(self, other: Sums) -> None:
        """Add what another process counted."""
        for number, sums in other.wallets.items():
            self.wallet(number).add(sums)
        for name in ("rows", "replayed", "history", "orders", "members"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for tier_set, tiers in other.tier_sets.items():
            self.tier_sets.setdefault(tier_set, TierSums()).add(tiers)
        for name in ("kinds", "refused", "shared_uses"):
            mine: dict[str, int] = getattr(self, name)
            for key, count in getattr(other, name).items():
                mine[key] = mine.get(key, 0) + count
        self.refusals = sorted(self.refusals + other.refusals)[:LISTED_REFUSALS]
        for rule, failed in other.failed.items():
            known = self.failed.setdefault(rule, FailedSums(0, failed.message))
            known.events += failed.events
        for cap, cuts in other.caps.items():
            self.caps.setdefault(cap, CapSums()).add(cuts)
