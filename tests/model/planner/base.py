"""A plan: what is asked next, of whom, when, and what must come of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from jifen.core.commands import Command, RecordOrder, RefundOrder, ReverseTransaction, SettleMember
from jifen.core.members.commands import ChangeLife
from jifen.core.program import ProgramDocument
from jifen.core.redemption.commands import RedeemReward, SettleRedemption
from tests.model.oracle import Oracle
from tests.model.steps import Step

START = datetime(2026, 1, 30, 3, 0, tzinfo=UTC)


#: What is asked about somebody's own past, also after a merge.
PAST = ("refund", "reverse", "give_up", "fulfil", "decide", "write_off", "cancel_write_off", "undo_merge", "leave")


class Planned(NamedTuple):
    """A command, whom it is about, and what the oracle says to it: a sequence, 0 for what is no transaction, the code
    of a refusal, or None where all there was to do is what time brings."""

    command: Command
    member: int
    expected: int | str | None
    occurred_at: datetime | None = None
    actor: str = "tester"
    #: The coupon that is meant: a redemption of the member and a number from 0. Only whoever issues codes knows them.
    coupon: tuple[int, int] | None = None


class Planning:
    """Makes commands of steps, and does them with the oracle. Time moves here and nowhere else."""

    def __init__(self, documents: list[ProgramDocument], members: list[int]) -> None:
        self.documents = documents
        self.members = members
        self.oracle = Oracle(documents[0])
        for member in members:
            self.oracle.add_member(member, START)
        self.now = START
        self.orders: list[tuple[str, int]] = []
        #: How often what came to what: `done`, or the code of a refusal.
        self.outcomes: Counter[tuple[str, str]] = Counter()
        self._refunds = 0
        self._payments = 0

    def plan(self, step: Step) -> list[Planned]:
        """The commands of a step; none where only time passes or the program changes."""
        member = self.members[step.first % len(self.members)]
        if step.action not in PAST and step.second % 5:
            # Whoever was merged lives on as somebody else.
            member = [member, *self.oracle.survivors(member)][-1]
        made = getattr(self, f"_{step.action}")(member, step.first // 8, step.second, step.third)
        planned = [made] if isinstance(made, Planned) else made or []
        for each in planned:
            outcome = each.expected if isinstance(each.expected, str) else "done"
            self.outcomes[self._label(each), outcome] += 1
            status = self.oracle.member(each.member)["status"]
            if status in ("merged", "closed") and outcome == "done":
                self.outcomes[self._label(each), f"done for a {status} member"] += 1
        return planned

    def _label(self, planned: Planned) -> str:
        """What a command is called when it is counted."""
        command, name = planned.command, type(planned.command).__name__
        if isinstance(command, ChangeLife):
            return f"{name} {command.step}"
        if isinstance(command, RecordOrder) and command.order.offset is not None:
            return f"{name} paid with points"
        if isinstance(command, RedeemReward) and command.order_id is not None:
            return f"{name} with an order"
        if isinstance(command, RefundOrder):
            order = self.oracle.world["orders"].get(command.refund.order_id)
            return f"{name} paid with points" if order is not None and order["offset"] is not None else name
        if isinstance(command, ReverseTransaction):
            entry = self.oracle.member(planned.member)["book"].get(command.sequence, {"kind": "nothing"})
            return f"{name} of a common spend" if "pooled" in entry else f"{name} of {entry['kind']}"
        return name

    def _whoever(self, member: int, number: int, fits: Callable[[int], object]) -> int:
        """Somebody whom it fits, or now and then just this member."""
        fitting = self._prefer_gone([each for each in self.members if fits(each)], number // 8)
        return fitting[number % len(fitting)] if fitting and number % 8 else member

    def _some_points(self, member: int, number: int, wallet: str = "points") -> int:
        """Something between nothing and a little more than there is."""
        available: int = self.oracle.view(member, self.now)[wallet]["available"]
        return number % (available + 2) if number % 7 == 0 else 1 + number % (available // 4 + 1)

    def _some_sequence(self, member: int, number: int, kinds: tuple[str, ...]) -> int:
        """A transaction of one of these kinds, or now and then any number."""
        book = self.oracle.member(member)["book"]
        fitting = [sequence for sequence, entry in book.items() if entry["kind"] in kinds]
        if not fitting or number % 9 == 0:
            return 1 + number % (len(book) + 2)
        return int(fitting[number % len(fitting)])

    def _can_spend(self, member: int, points: int) -> bool:
        found = self.oracle.view(member, self.now)
        return bool(found["status"] == "active" and found["points"]["available"] >= points)

    def _prefer_gone(self, members: list[int], number: int) -> list[int]:
        """Those of them who were merged or have left, every third time: their past is the difficult one."""
        gone = [each for each in members if self.oracle.member(each)["status"] in ("merged", "closed")]
        return gone if gone and number % 3 == 0 else members

    # --- time ---

    def _wait(self, member: int, first: int, second: int, third: int) -> list[Planned]:
        """Time passes, and what nobody paid or decided in time ends, as the background work would end it."""
        unit = [timedelta(minutes=7), timedelta(hours=5), timedelta(days=1), timedelta(days=9)][second % 4]
        self.now += unit * (1 + third % 5)
        due = []
        for each in self.members:
            for number, redemption in self.oracle.member(each)["redemptions"].items():
                if redemption["until"] is not None and redemption["until"] <= self.now:
                    due.append(Planned(SettleRedemption(each, number), each, None))
        for each in sorted({planned.member for planned in due}):
            self.oracle.end_redemptions(each, self.now)
        return due

    def _publish(self, member: int, first: int, second: int, third: int) -> None:
        self.oracle.publish(self.documents[len(self.oracle.documents) % len(self.documents)])

    def _settle(self, member: int, first: int, second: int, third: int) -> Planned:
        self.oracle.settle(member, self.now)
        return Planned(SettleMember(member), member, None)
