"""What the replay of one member adds to the sums."""

from __future__ import annotations

from jifen.analytics.backtest.entries import KIND_NAMES, Entry
from jifen.analytics.backtest.stage import Stage
from jifen.analytics.backtest.sums import RefusedTransaction
from jifen.analytics.backtest.tally import MemberPoints
from jifen.core.commands import RecordEvent, RecordOrder
from jifen.core.decide import Effects
from jifen.core.ledger.values import Kind
from jifen.core.refusal import Refusal
from jifen.core.rules.rate import Award
from jifen.core.trace import TakenBack


class MemberCount:
    """Counts one member's transactions, as recorded and under the draft, one after another."""

    __slots__ = ("_has_events", "_member_id", "_points", "_stage")

    def __init__(self, stage: Stage, member_id: int) -> None:
        self._stage = stage
        self._member_id = member_id
        self._points: MemberPoints = {}
        self._has_events = False

    def count(
        self,
        entry: Entry,
        earning: RecordOrder | RecordEvent | None,
        effects: Effects | Refusal,
        tiers: tuple[str, str] | None = None,
        elsewhere: list[Award] | None = None,
    ) -> None:
        """Count a transaction. For what earned, `tiers`: `member.tier` as recorded and under the draft; `elsewhere`:
        what the draft would have given where the member really stood, None: the same."""
        sums, tally = self._stage.sums, self._stage.tally
        self._has_events = True
        sums.replayed += 1
        name = KIND_NAMES[entry.kind]
        sums.kinds[name] = sums.kinds.get(name, 0) + 1
        sums.orders += isinstance(earning, RecordOrder)
        if earning is None:
            tally.took_out(entry.kind, entry.trace)
            if entry.trace.drawn is not None:
                tally.won(entry.occurred_at, entry.trace.drawn, is_refused=isinstance(effects, Refusal))
            if entry.kind is Kind.CONVERT:
                found = None if isinstance(effects, Refusal) else effects.trace
                tally.converted(entry.occurred_at, entry.trace.dealings, None if found is None else found.dealings)
        if isinstance(effects, Refusal):
            self._refused(entry, effects)
            awards, taken_back = list[Award](), list[TakenBack]()
        elif effects.trace is None:
            return
        else:
            awards, taken_back = effects.trace.awards, effects.trace.taken_back
            tally.failed(effects.trace.failed)
        if earning is not None:
            assert tiers is not None
            order = earning.order if isinstance(earning, RecordOrder) else None
            if self._stage.tiers.matter:
                tally.by_tier(awards, awards if elsewhere is None else elsewhere)
            tally.earned(self._member_id, self._points, tiers, entry.occurred_at, order, entry.trace.awards, awards)
        elif taken_back or entry.trace.taken_back:
            tally.took_back(self._points, entry.occurred_at, entry.trace.taken_back, taken_back)

    def close(self) -> None:
        """Count the member, after the last transaction."""
        if self._has_events:
            self._stage.sums.members += 1
            self._stage.tally.close_member(self._member_id, self._points)

    def _refused(self, entry: Entry, refusal: Refusal) -> None:
        trace = entry.trace
        self._stage.sums.refuse(
            RefusedTransaction(
                self._member_id,
                entry.sequence,
                KIND_NAMES[entry.kind],
                refusal.code,
                trace.wallet,
                None if trace.points is None else abs(trace.points),
            )
        )
