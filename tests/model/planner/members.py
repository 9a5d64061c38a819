"""Members who are frozen, leave, are merged and parted, and households."""

from __future__ import annotations

from jifen.core.members.commands import (
    ChangeLife,
    FoundHousehold,
    JoinHousehold,
    LeaveHousehold,
    MergeMembers,
    SpendFromHousehold,
    UndoMerge,
)
from tests.model.oracle.lots import WALLETS
from tests.model.planner.base import Planned
from tests.model.planner.rewards import RewardPlans


class Planner(RewardPlans):
    """Plans about members, and with them all."""

    # --- members ---

    def _freeze(self, member: int, first: int, second: int, third: int) -> Planned:
        frozen = [each for each in self.members if self.oracle.member(each)["status"] == "frozen"]
        member, thaw = (frozen[0], True) if frozen else (member, first % 8 == 0)
        expected = self.oracle.freeze(member, thaw=thaw, now=self.now)
        return Planned(ChangeLife(member, "unfreeze" if thaw else "freeze"), member, expected)

    def _close(self, member: int, first: int, second: int, third: int) -> list[Planned]:
        """Somebody leaves, as long as enough stay; whoever has left before does so again."""
        staying = [each for each in self.members if self.oracle.member(each)["status"] in ("active", "frozen")]
        left = [each for each in self.members if self.oracle.member(each)["status"] == "closed"]
        if len(staying) <= 2 and left:
            member = left[second % len(left)]
        elif third % 6:
            rich = [each for each in staying if self._has_no_holds(each) and self._has_something(each)]
            member = rich[second % len(rich)] if rich else member
        planned = [self._leave(member, 0, 0, 0)] if self.oracle.household_of(member) and third % 4 else []
        return [*planned, Planned(ChangeLife(member, "close"), member, self.oracle.close(member, self.now))]

    def _has_no_holds(self, member: int) -> bool:
        return not any(wallet["holds"] for wallet in self.oracle.member(member)["wallets"].values())

    def _has_something(self, member: int) -> bool:
        view = self.oracle.view(member, self.now)
        return any(view[name][place] for name in WALLETS for place in ("available", "pending", "saved"))

    def _merge(self, member: int, first: int, second: int, third: int) -> list[Planned]:
        """Two become one; whoever is in a household leaves it first, mostly."""
        other = self._whoever(
            self.members[second % len(self.members)], second, lambda each: self._is_free(each, member)
        )
        planned = [self._leave(other, 0, 0, 0)] if self.oracle.household_of(other) and third % 4 else []
        expected = self.oracle.merge(member, other, self.now)
        return [*planned, Planned(MergeMembers(member, other), member, expected)]

    def _is_free(self, other: int, member: int) -> bool:
        """Whether one can be merged into the other."""
        is_active = self.oracle.member(other)["status"] == "active"
        return other != member and is_active and self._has_no_holds(other)

    def _undo_merge(self, member: int, first: int, second: int, third: int) -> list[Planned]:
        """A merge of somebody who was not merged since, mostly; where there is none, one is made."""
        merges = [
            (each, sequence)
            for each in self.members
            for sequence, entry in self.oracle.member(each)["book"].items()
            if entry["kind"] == "merge" and not entry["is_undone"] and self.oracle.member(each)["into"] is None
        ]
        sequence = self._some_sequence(member, second, ("merge",))
        if not merges and third % 6:
            return self._merge(member, first, second, third)
        if merges and third % 6:
            member, sequence = merges[second % len(merges)]
        expected = self.oracle.undo_merge(member, sequence, self.now)
        return [Planned(UndoMerge(member, sequence), member, expected)]

    def _come_together(self, member: int, first: int, second: int, third: int) -> Planned:
        other = self._whoever(
            self.members[second % len(self.members)], second, lambda each: self._is_free(each, member)
        )
        if third % 2 and not self.oracle.household_of(member):
            beside = next((each for each in self.members if self.oracle.household_of(each)), other)
            return Planned(JoinHousehold(member, beside), member, self.oracle.join(member, beside, self.now))
        others = [] if other == member else [other]
        expected = self.oracle.found(member, others, self.now)
        return Planned(FoundHousehold(member, "home", tuple(others)), member, expected)

    def _leave(self, member: int, first: int, second: int, third: int) -> Planned:
        return Planned(LeaveHousehold(member), member, self.oracle.leave(member, self.now))

    def _spend_together(self, member: int, first: int, second: int, third: int) -> list[Planned]:
        """A common spend; where nobody is in a household, two come together first."""
        planned = []
        if not any(map(self.oracle.household_of, self.members)) and third % 8:
            planned.append(self._come_together(member, first, second, 0))
        together = [each for each in self.members if self.oracle.household_of(each)]
        member = together[second % len(together)] if together and first % 6 else member
        wallet = [None, "points", "growth"][third % 3]
        everybody = self.oracle.household_of(member) or [member]
        points = sum(self.oracle.view(each, self.now)[wallet or "points"]["available"] for each in everybody)
        points = (third if first % 2 else third % 80) % (points + 2)
        expected = self.oracle.spend_together(member, wallet, points, self.now)
        return [*planned, Planned(SpendFromHousehold(member, wallet, points), member, expected)]
