"""Where a member stood in tier sets as recorded, where they stand under the draft, and the moves on both sides."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

import msgspec

from jifen.analytics.backtest.recorded import Period
from jifen.analytics.backtest.sums import Pair, Sums, TierSums
from jifen.core.decide import Effects
from jifen.core.ledger.values import Kind, Transaction
from jifen.core.program import Program
from jifen.core.rules.facts import MemberFacts
from jifen.core.tiers.sets import OpenTierSet
from jifen.core.tiers.standing import Standing, TierChange

Tiers = Mapping[str, str]
"""The tier in each set; a set that is missing: none that was ever reached."""

#: Decided by people, whatever the program's tier sets say.
GIVEN: Final = frozenset({"granted", "withdrawn"})


class _TierTrace(msgspec.Struct, frozen=True, gc=False):
    """As much of a trace as says how a member moved."""

    tier: TierChange | None = None


_decode_change = msgspec.json.Decoder(_TierTrace).decode


def change_of(transaction: Transaction) -> TierChange:
    """What a transaction of kind `tier` decided."""
    change = _decode_change(transaction.trace).tier
    assert change is not None
    return change


def _change_in(effects: Effects, transaction: Transaction) -> TierChange:
    """The same where the transaction may be the answer, which says it beside itself."""
    if transaction is not effects.answer:
        return change_of(transaction)
    assert effects.trace is not None and effects.trace.tier is not None
    return effects.trace.tier


class TierSides:
    """What the replays of all members share about tiers: the sets of the draft, and of the program in force."""

    def __init__(self, draft: Program, live: Program, sums: Sums, period: Period) -> None:
        self.draft_sets: tuple[OpenTierSet, ...] = draft.tier_sets
        self.bases = {each.id: each.base for each in draft.tier_sets}
        self.live_bases = {each.id: each.base for each in live.tier_sets}
        #: Whether anything is to be followed at all.
        self.are_there = bool(self.bases or self.live_bases)
        #: Whether what the draft gives depends on tiers.
        self.matter = bool(self.bases) and any(
            name.startswith("member.tier") for book in draft.books.values() for name in book.names
        )
        self._first_draft = next(iter(self.bases), None)
        self._first_live = next(iter(self.live_bases), None)
        self._sums = sums
        self._period = period
        self._zone = draft.zone

    def count_move(self, change: TierChange, at: datetime, counted: Pair) -> None:
        """Count a move, if it is one and belongs to the figures."""
        if change.was != change.tier and self.is_counted(at):
            month = f"{at.astimezone(self._zone):%Y-%m}"
            self.sums_of(change.tier_set).move(month, change.was, change.tier, counted)

    def sums_of(self, tier_set: str) -> TierSums:
        """The figures of a set."""
        return self._sums.tier_sets.setdefault(tier_set, TierSums())

    def first_under_draft(self, tiers: Tiers, said: str) -> str:
        """The tier that `member.tier` is under the draft; `said`: what the profile says, where no set says it."""
        first = self._first_draft
        return said if first is None else tiers.get(first, self.bases[first])

    def first_as_recorded(self, tiers: Tiers, said: str) -> str:
        """The same as recorded."""
        first = self._first_live
        return said if first is None else tiers.get(first, self.live_bases[first])

    def is_counted(self, at: datetime) -> bool:
        """Whether a move at this instant belongs to the figures."""
        return not self._period.is_before(at) and not self._period.is_after(at)

    def is_later(self, at: datetime) -> bool:
        """Whether it happened when all that is told was over."""
        return self._period.is_after(at)

    def settled_as_recorded(self, transactions: Iterable[Transaction]) -> None:
        """Add the moves that time has made for a member of the ledger, which nobody has booked yet."""
        for transaction in transactions:
            if transaction.kind is not Kind.TIER or self.is_later(transaction.occurred_at):
                continue
            change = change_of(transaction)
            if change.was == change.tier:
                continue
            sums = self.sums_of(change.tier_set)
            self.count_move(change, transaction.occurred_at, Pair(1, 0))
            sums.members.setdefault(change.was, Pair()).recorded -= 1
            sums.members.setdefault(change.tier, Pair()).recorded += 1


class MemberTiers:
    """One member's tiers on both sides."""

    __slots__ = ("_draft", "_recorded", "_sides", "at_answer")

    def __init__(self, sides: TierSides) -> None:
        self._sides = sides
        # Both are replaced, never changed: `at_answer` keeps one.
        self._recorded: Tiers = {}
        self._draft: Tiers = {}
        #: Under the draft, as the last replayed transaction saw them: after all that time did, before it moved anybody.
        self.at_answer: Tiers = self._draft

    def as_recorded(self, facts: MemberFacts | None) -> Tiers:
        """The tiers at an event as recorded: those kept with it, else by the moves so far."""
        return facts.tiers if facts is not None and facts.tiers else self._recorded

    def move_as_recorded(self, change: TierChange, at: datetime) -> None:
        """Follow a change that was recorded."""
        if self._sides.is_later(at):
            return
        self._recorded = {**self._recorded, change.tier_set: change.tier}
        self._sides.count_move(change, at, Pair(1, 0))

    def take_over(self, change: TierChange) -> None:
        """Stand under the draft where the member stood: it happened before the period."""
        self._draft = {**self._draft, change.tier_set: change.tier}

    def follow(self, effects: Effects, member_id: int) -> None:
        """Follow what was decided under the draft."""
        self.at_answer = self._draft
        for transaction in effects.transactions:
            if transaction is effects.answer:
                self.at_answer = self._draft
            if transaction.kind is Kind.TIER and transaction.member_id == member_id:
                self._move_under_draft(_change_in(effects, transaction), transaction.occurred_at)

    def _move_under_draft(self, change: TierChange, at: datetime) -> None:
        if self._sides.is_later(at):
            return
        self._draft = {**self._draft, change.tier_set: change.tier}
        self._sides.count_move(change, at, Pair(0, 1))

    def elsewhere(self, recorded: Tiers, said: str, at: datetime) -> dict[str, Standing] | None:
        """Where the member really stood at an event, as standings in the draft's sets; None: just where the draft has
        them. `said`: the tier that was kept with the event, or that the profile says."""
        sides, there = self._sides, dict[str, str]()
        for position, tier_set in enumerate(sides.bases):
            # Before there were tier sets, the profile said it.
            never_moved = sides.live_bases.get(tier_set, said if position == 0 else "")
            there[tier_set] = recorded.get(tier_set, never_moved)
        if all(tier == self.at_answer.get(tier_set, sides.bases[tier_set]) for tier_set, tier in there.items()):
            return None
        return {tier_set: Standing(tier, at, earned=tier) for tier_set, tier in there.items()}

    def close(self) -> None:
        """Count the member where they stand at the end."""
        for bases, tiers, counted in (
            (self._sides.live_bases, self._recorded, Pair(1, 0)),
            (self._sides.bases, self._draft, Pair(0, 1)),
        ):
            for tier_set, base in bases.items():
                members = self._sides.sums_of(tier_set).members
                members.setdefault(tiers.get(tier_set, base), Pair()).add(counted)
