"""Members of whom one was merged into another: they are replayed beside each other, as a merge is decided on both."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Protocol

import msgspec

from jifen.analytics.backtest.entries import Entry
from jifen.core.decide import Effects, PastTransaction
from jifen.core.ledger.values import Kind, MemberState
from jifen.core.members.commands import MergeMembers, UndoMerge
from jifen.core.rules.months import Month, changed
from jifen.core.trace import Merged, decode_trace


class Relative(Protocol):
    """The replay of one of a family, as far as the others need it."""

    own_months: tuple[Month, ...]

    @property
    def state(self) -> MemberState:
        """As the member stands under the draft."""

    @property
    def counts_months(self) -> bool:
        """Whether tiers may ask what was done month by month."""

    def expired_of(self, lot: int) -> int:
        """What of a lot has expired under the draft."""

    def know_months(self, months: tuple[Month, ...]) -> None:
        """Have counters of months again, which a merge leaves uncounted."""

    def follow_along(self, effects: Effects, state: MemberState) -> None:
        """Follow what was decided on another of the family, and on this member with it."""

    def take_merge(self, entry: Entry, *, is_before: bool, is_counted: bool) -> None:
        """Become one with another member, or two again, as this survivor's transaction says."""


class Kin:
    """The replays of a family, and what passed between them under the draft: the engine reads this from the tables."""

    def __init__(self) -> None:
        self.replays: dict[int, Relative] = {}
        self._merged_into: dict[int, int] = {}
        #: By merged member and survivor: what passed, with the survivor's transaction.
        self._notes: dict[tuple[int, int], list[tuple[int, Merged]]] = {}
        #: Survivors' transactions of merges of which one side alone has come so far; None: the other's.
        self._waiting: dict[tuple[int, int], Entry | None] = {}

    def meet(self, member: int, entry: Entry) -> tuple[int, Entry] | None:
        """The survivor, and their transaction of a merge or its undoing, once what both did before has been replayed;
        None: the other side is still to come, or nobody asked for it."""
        side = entry.trace.merged
        if side is not None and side.step not in ("merge", "undo"):
            return None
        survivor = entry.counterpart if side is None else (member, entry.sequence)
        assert survivor is not None
        if survivor not in self._waiting:
            self._waiting[survivor] = None if side is None else entry
            return None
        theirs = self._waiting.pop(survivor)
        found = entry if theirs is None else theirs
        return survivor[0], found

    def command_of(self, survivor: int, entry: Entry, past: PastTransaction | None) -> MergeMembers | UndoMerge:
        """What was asked for."""
        side = entry.trace.merged
        assert side is not None
        if side.step == "merge":
            return MergeMembers(survivor, side.other)
        assert past is not None
        return UndoMerge(survivor, past.sequence)

    def with_notes(self, survivor: int, other: int, past: PastTransaction) -> PastTransaction:
        """A merge with what passed between the two since."""
        notes = self._notes.get((other, survivor), ())
        return msgspec.structs.replace(past, notes=tuple(note for at, note in notes if at > past.sequence))

    def behind(self, member: int, past: PastTransaction) -> tuple[PastTransaction, list[MemberState]]:
        """A transaction of a merged member with where the points of its lots are and what of them has expired there;
        and the survivors in turn."""
        chain = self._chain(member)
        origins: list[dict[int, int]] = []
        expired = dict(past.expired_by_lot)
        roots = {movement.lot: movement.lot for movement in (*past.movements, *past.additions) if movement.lot}
        for lower, upper in pairwise((member, *chain)):
            notes = (note for _, note in self._notes.get((lower, upper), ()) if note.step != "recall")
            hop = {moved.lot: moved.origin for note in notes for moved in note.lots}
            origins.append(hop)
            # Only what goes back to lots of this very transaction matters from here on.
            roots = {lot: roots[origin] for lot, origin in hop.items() if origin in roots}
            for lot, root in roots.items():
                expired[root] = expired.get(root, 0) + self.replays[upper].expired_of(lot)
        states = [self.replays[each].state for each in chain]
        return msgspec.structs.replace(past, origins=tuple(origins), expired_by_lot=expired), states

    def _chain(self, member: int) -> list[int]:
        chain: list[int] = []
        while (survivor := self._merged_into.get(member)) is not None:
            chain.append(survivor)
            member = survivor
        return chain

    def follow(self, effects: Effects) -> None:
        """Let the others follow what was decided on one, and note what passed between them."""
        for state in effects.states[1:]:
            self.replays[state.member_id].follow_along(effects, state)
        for transaction in effects.transactions:
            if transaction.kind is not Kind.MERGE:
                continue
            is_answer = transaction is effects.answer and effects.trace is not None
            note = effects.trace.merged if is_answer and effects.trace else decode_trace(transaction.trace).merged
            if note is None:
                continue
            self._notes.setdefault((note.other, transaction.member_id), []).append((transaction.sequence, note))
            if note.step == "merge":
                self._merged_into[note.other] = transaction.member_id
            elif note.step == "undo":
                del self._merged_into[note.other]

    def count_months(self) -> None:
        """Count the months of whoever has none counted: a merge leaves that to whoever decides next."""
        for member, replay in self.replays.items():
            if replay.counts_months and replay.state.counters.months is None:
                replay.know_months(self.months_of(member))

    def months_of(self, member: int) -> tuple[Month, ...]:
        """What a member, and whoever was merged into them, did month by month."""
        months = self.replays[member].own_months
        for other in [lower for lower, upper in self._merged_into.items() if upper == member]:
            for each in self.months_of(other):
                months = changed(
                    months, each.month, orders=each.orders, spent_cents=each.spent_cents, earned=each.earned
                )
        return months


def families_of(merges: Iterable[tuple[int, int]]) -> list[tuple[int, ...]]:
    """Whoever hangs together by these merges, each family in order."""
    families: dict[int, set[int]] = {}
    for pair in merges:
        joined = set(pair).union(*(families.get(member, ()) for member in pair))
        families.update(dict.fromkeys(joined, joined))
    return sorted({tuple(sorted(family)) for family in families.values()})
