"""What a replay remembers of one member's transactions: those that later ones refer to, and what became of them.

The engine reads this from the tables; here nothing was ever written, so it is gathered as the replay goes.
"""

from __future__ import annotations

from collections.abc import Container

import msgspec

from jifen.analytics.backtest.entries import Entry
from jifen.core.decide import Effects, PastTransaction
from jifen.core.decide.context import adds_points
from jifen.core.ledger.values import LOTS_PER_TRANSACTION, Bucket, Kind, LotTerms, Movement, Transaction
from jifen.core.program import Program
from jifen.core.trace import Trace, decode_trace

_TAKES = (Kind.SPEND, Kind.CAPTURE, Kind.ADJUST, Kind.CONVERT)
_TAKEN_TO = (Bucket.SPENT, Bucket.ADJUSTED)


class Memory:
    """Of one member. `referred`: the recorded sequences that other transactions refer to."""

    def __init__(self, member: int, referred: Container[int]) -> None:
        self._member = member
        self._referred = referred
        #: By recorded sequence: what the replay made of it. Missing: it was refused.
        self._kept: dict[int, PastTransaction] = {}
        self._referring: dict[int, list[tuple[Kind, Trace]]] = {}
        self._terms: dict[int, LotTerms] = {}
        self._expired: dict[int, int] = {}
        #: Points that refunds forgave, less what cancelled spends gave up for it: by the event that earned them, and
        #: wallet.
        self._forgiven: dict[tuple[int, int], int] = {}
        #: What corrections and refunds that gave more opened for an event, by its sequence; and its, by theirs.
        self._additions: dict[int, list[Movement]] = {}
        self._roots: dict[int, int] = {}

    def keep(self, entry: Entry, effects: Effects, program: Program) -> None:
        """Remember what a recorded transaction came to."""
        self.note(effects)
        recorded, answer, trace = entry.sequence, effects.answer, effects.trace
        if recorded not in self._referred or answer is None or trace is None:
            return
        self._kept[recorded] = PastTransaction(
            answer.sequence,
            answer.kind,
            program,
            answer.occurred_at,
            None if entry.facts is None else entry.facts.encode(),
            trace,
            tuple(self._with_terms(movement) for movement in answer.movements),
            source=answer.source,
        )

    def note(self, effects: Effects) -> None:
        """Remember what was decided on this member."""
        for transaction in effects.transactions:
            if transaction.member_id == self._member:
                self._note(transaction, effects)

    def expired_of(self, lot: int) -> int:
        """What of a lot has expired."""
        return self._expired.get(lot, 0)

    def _note(self, transaction: Transaction, effects: Effects) -> None:
        for movement in transaction.movements:
            lot = movement.lot
            if movement.terms is not None:
                self._terms[lot] = movement.terms
            change = (movement.target is Bucket.EXPIRED) - (movement.source is Bucket.EXPIRED)
            if change:
                self._expired[lot] = self._expired.get(lot, 0) + change * movement.amount
            if movement.source in _TAKEN_TO and movement.target is Bucket.REVERSED:
                self._forgive(self._root_of(lot), movement.wallet, -movement.amount)
            if transaction.refers_to is not None and adds_points(transaction.sequence, movement):
                self._additions.setdefault(transaction.refers_to, []).append(movement)
                self._roots[transaction.sequence] = transaction.refers_to
        if transaction.refers_to is None:
            return
        is_answer = transaction is effects.answer
        trace = effects.trace if is_answer and effects.trace is not None else decode_trace(transaction.trace)
        self._referring.setdefault(transaction.refers_to, []).append((transaction.kind, trace))
        for taken in trace.taken_back:
            if taken.forgiven:
                self._forgive(transaction.refers_to, taken.wallet, taken.forgiven)

    def _forgive(self, root: int, wallet: int, points: int) -> None:
        self._forgiven[root, wallet] = self._forgiven.get((root, wallet), 0) + points

    def _root_of(self, lot: int) -> int:
        opened = lot // LOTS_PER_TRANSACTION
        return self._roots.get(opened, opened)

    def _with_terms(self, movement: Movement) -> Movement:
        if movement.terms is not None or movement.lot not in self._terms:
            return movement
        return msgspec.structs.replace(movement, terms=self._terms[movement.lot])

    def past(self, recorded: int) -> PastTransaction | None:
        """What a recorded transaction came to, as later ones need it; None: the replay refused it."""
        kept = self._kept.get(recorded)
        if kept is None:
            return None
        additions = tuple(self._additions.get(kept.sequence, ()))
        own = {movement.lot for movement in (*kept.movements, *additions) if movement.terms}
        forgiven: dict[int, int] = {}
        if kept.kind in _TAKES:
            wallet = kept.trace.wallet
            for lot in own:
                root = self._root_of(lot)
                forgiven[root] = self._forgiven.get((root, wallet or 0), 0)
        return msgspec.structs.replace(
            kept,
            referring=tuple(self._referring.get(kept.sequence, ())),
            expired_by_lot={lot: self._expired[lot] for lot in own if lot in self._expired},
            forgiven={root: points for root, points in forgiven.items() if points > 0},
            additions=additions,
            roots=self._roots,
        )
