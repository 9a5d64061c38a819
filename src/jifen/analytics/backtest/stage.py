"""What the replays of all members share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

import msgspec

from jifen.analytics.backtest.recorded import Period
from jifen.analytics.backtest.standings import TierSides
from jifen.analytics.backtest.sums import Sums
from jifen.analytics.backtest.tally import Tally
from jifen.core.ledger.values import MemberState
from jifen.core.program import Program
from jifen.core.rules.standing import NO_COUNTERS, Counters, Profile
from jifen.engine.references import new_member_state


class Stage:
    """What the replays of all members share.

    `program_at` says which version held when something was recorded: with it goes what lies before the period.
    `in_order`: events come in the order in which they were recorded, so that budgets of all members can be exact.
    """

    def __init__(
        self,
        draft: Program,
        versions: Mapping[int, Program],
        program_at: Callable[[datetime], Program],
        period: Period,
        *,
        in_order: bool,
    ) -> None:
        self.draft = draft
        self.versions = versions
        self.program_at = program_at
        self.period = period
        self.in_order = in_order
        #: Whether something lies before the period: it is decided by the versions of its time.
        self.has_before = has_before = period.since is not None
        #: Whether all that is replayed counts.
        self.counts_all = period.is_whole
        #: Whether rules or tiers want to know of members what changes with their orders.
        self.may_ask = draft.rules_ask or bool(draft.tier_sets) or has_before
        self.sums = Sums()
        self.tally = Tally(self.sums, draft, period)
        self.tiers = TierSides(draft, program_at(period.settled_at), self.sums, period)
        # Before the period the tier sets of other versions may decide, and look back over months.
        self.decides_tiers = bool(draft.tier_sets) or has_before
        self.counts_months = draft.counts_months or has_before
        #: Whether what came as history counts as of when it happened: where tiers are decided.
        self.takes_history = bool(draft.tier_sets)

    def fresh_state(self, member_id: int, profile: Profile) -> MemberState:
        """A member of whom nothing has been replayed yet."""
        return msgspec.structs.replace(
            new_member_state(member_id, self.draft),
            profile=profile,
            counters=Counters(months=()) if self.counts_months else NO_COUNTERS,
            tiers={} if self.decides_tiers else None,
        )
