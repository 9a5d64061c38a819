"""Orders, refunds, spends, holds, corrections and gifts."""

from __future__ import annotations

from datetime import datetime, timedelta
from fractions import Fraction
from math import ceil

from jifen.core.commands import (
    AdjustPoints,
    CaptureHold,
    PlaceHold,
    RecordOrder,
    RefundOrder,
    ReleaseHold,
    ReverseTransaction,
    SpendPoints,
    TransferPoints,
)
from jifen.core.orders import Order, OrderLine, OrderOffset, OrderRefund, ReturnedLine
from tests.model.closed_form import PlainLine
from tests.model.oracle.lots import Plain
from tests.model.oracle.points import PaidWith, step_of_offset
from tests.model.planner.base import Planned, Planning


class PointsPlans(Planning):
    """Plans about points."""

    # --- orders ---

    def _earn(self, member: int, first: int, second: int, third: int) -> Planned:
        lines = [(1 + (second + line) % 4, (third * (line + 7)) % 20_011) for line in range(1 + second % 3)]
        late = timedelta(days=third % 60) if first % 4 == 0 else timedelta(0)
        return self._order(member, lines, self.now - late, None)

    def _order(self, member: int, lines: list[PlainLine], occurred_at: datetime, paid_with: PaidWith | None) -> Planned:
        order_id = f"order-{len(self.orders)}"
        expected = self.oracle.earn(member, order_id, lines, occurred_at, self.now, paid_with)
        self.orders.append((order_id, len(lines)))
        order_lines = [OrderLine(str(number), *line) for number, line in enumerate(lines)]
        offset = None
        if paid_with is not None:
            offset = OrderOffset(f"{paid_with.owner}-{paid_with.hold}", paid_with.points, paid_with.cents)
        command = RecordOrder(member, Order(order_id, "CNY", order_lines, offset=offset))
        return Planned(command, member, expected, occurred_at)

    def _pay_with_points(self, member: int, first: int, second: int, third: int) -> list[Planned]:
        """An order of which a hold pays a part: as much as fits, or now and then something else."""
        planned = []
        sequence = self._open_hold(member, second)
        if sequence is None or third % 4 == 0:
            planned.append(self._hold(member, first, 1, third))
            sequence = self._open_hold(member, second)
        if sequence is None:
            return planned
        entry = self.oracle.member(member)["book"].get(sequence)
        policy = None if entry is None or entry["kind"] != "hold" else self.oracle.documents[entry["version"]].offset
        points, cents, lines = (
            1 + third % 50,
            1 + second % 50,
            [(1 + second % 3, 100 + third % 3_000), (2, second % 700)],
        )
        if policy is not None:
            step, bound = step_of_offset(policy), sum(part for _, part in entry["hold"]["parts"])
            points = max(bound // step - third % 3, 1) * step if first % 8 else points
            cents = int(Fraction(points * policy.cents, policy.points)) + (first % 11 == 0)
            # Money enough beside it that the points are no larger share than they may be.
            money = ceil(cents * 100 / Fraction(policy.most_percent)) - cents
            lines[0] = (lines[0][0], max(money, 0) + third % 50 if first % 7 else money // 2)
        owner = self.members[second % len(self.members)] if first % 9 == 0 else member
        return [
            *planned,
            self._order(member, lines, self.now, PaidWith(owner, sequence, max(points, 1), max(cents, 1))),
        ]

    def _open_holds(self, member: int) -> list[int]:
        """The holds of which something is left."""
        book = self.oracle.member(member)["book"]
        return [sequence for sequence, entry in book.items() if entry["kind"] == "hold" and is_open(entry)]

    def _open_hold(self, member: int, number: int) -> int | None:
        """A hold of which something is left, or now and then any transaction."""
        holds = self._open_holds(member)
        if number % 13 == 0:
            return 1 + number % (int(self.oracle.member(member)["sequence"]) + 2)
        return int(holds[number % len(holds)]) if holds else None

    def _refund(self, member: int, first: int, second: int, third: int) -> Planned | None:
        if not self.orders:
            return None
        known = self.oracle.world["orders"]
        open_orders = [each for each in self.orders if each[0] in known and is_kept(known[each[0]])]
        paid_with_points = [each for each in open_orders if known[each[0]]["offset"] is not None]
        orders = (paid_with_points if first % 5 < 3 else []) or open_orders or self.orders
        owners = self._prefer_gone([known[each[0]]["member"] for each in orders if each[0] in known], first)
        orders = [each for each in orders if each[0] not in known or known[each[0]]["member"] in owners] or orders
        orders = orders if second % 8 else self.orders
        order_id, lines = orders[(second // 8) % len(orders)]
        asked = (
            None
            if first % 4 == 0
            else [
                ((third + each) % (lines + 1 if first % 6 == 0 else lines), 1 + third % 2)
                for each in range(1 + third % 2)
            ]
        )
        expected = self.oracle.refund(order_id, asked, self.now)
        self._refunds += 1
        returned = None if asked is None else [ReturnedLine(str(line), quantity) for line, quantity in asked]
        refund = OrderRefund(order_id, f"refund-{self._refunds}", returned)
        return Planned(RefundOrder(None, refund), known[order_id]["member"] if order_id in known else member, expected)

    # --- points ---

    def _spend(self, member: int, first: int, second: int, third: int) -> Planned:
        wallet = [None, "points", "growth"][second % 3]
        points = self._some_points(member, third, wallet or "points")
        expected = self.oracle.spend(member, wallet, points, self.now)
        return Planned(SpendPoints(member, wallet, points), member, expected)

    def _hold(self, member: int, first: int, second: int, third: int) -> Planned:
        points = self._some_points(member, third)
        ends = None if second % 2 else self.now + timedelta(hours=second % 200 if second % 26 else 0)
        expected = self.oracle.hold(member, points, ends, self.now)
        return Planned(PlaceHold(member, None, points, ends), member, expected)

    def _capture(self, member: int, first: int, second: int, third: int) -> list[Planned]:
        member = self._whoever(member, second, self._open_holds)
        planned = [] if self._open_holds(member) else [self._hold(member, first, 1, third)]
        sequence = self._open_hold(member, second) or self._some_sequence(member, second, ("hold",))
        points, rest = (None if third % 3 == 0 else third % 150), first % 2 == 0
        expected = self.oracle.capture(member, sequence, points, rest, self.now)
        return [*planned, Planned(CaptureHold(member, sequence, points, rest), member, expected)]

    def _release(self, member: int, first: int, second: int, third: int) -> list[Planned]:
        member = self._whoever(member, second, self._open_holds)
        planned = [] if self._open_holds(member) else [self._hold(member, first, 1, third)]
        sequence = self._open_hold(member, second) or self._some_sequence(member, second, ("hold",))
        expected = self.oracle.release(member, sequence, self.now)
        return [*planned, Planned(ReleaseHold(member, sequence), member, expected)]

    def _adjust(self, member: int, first: int, second: int, third: int) -> Planned:
        wallet = [None, "growth", "points", "coins"][second % 4 if second % 16 == 3 else second % 3]
        points = (
            third % 1_500
            if first % 4
            else -self._some_points(member, third, "growth" if wallet == "growth" else "points")
        )
        expires = self.now + timedelta(hours=third % 400) if second % 5 == 0 else None
        expected = self.oracle.adjust(member, wallet, points, expires, self.now)
        return Planned(AdjustPoints(member, wallet, points, expires), member, expected)

    def _transfer(self, member: int, first: int, second: int, third: int) -> Planned:
        to = self.members[(second // 5) % len(self.members)]
        points = self._some_points(member, third)
        expected = self.oracle.transfer(member, to, points, self.now)
        return Planned(TransferPoints(member, to, None, points), member, expected)

    def _reverse(self, member: int, first: int, second: int, third: int) -> Planned:
        kinds = ("spend", "convert", "capture", "forfeit", "spend", "adjust_up", "convert", "adjust_down", "earn")

        def fitting(each: int, kind: str) -> list[int]:
            book = self.oracle.member(each)["book"]
            return [number for number, entry in book.items() if entry["kind"] == kind and not entry["is_reversed"]]

        for turn in range(len(kinds)):
            kind = kinds[(third + turn) % len(kinds)]
            owners = self._prefer_gone([each for each in self.members if fitting(each, kind)], second)
            if owners and first % 9:
                member = owners[second % len(owners)]
                sequences = fitting(member, kind)
                sequence = sequences[first % len(sequences)]
                break
        else:
            sequence = 1 + first % 60
        expected = self.oracle.reverse(member, sequence, self.now)
        return Planned(ReverseTransaction(member, sequence), member, expected)


def is_open(entry: Plain) -> bool:
    """Whether something of a hold is left."""
    return any(hold is entry["hold"] for hold in entry["wallet"]["holds"])


def is_kept(order: Plain) -> bool:
    """Whether something of an order was not returned yet."""
    return any(gone < quantity for (quantity, _), gone in zip(order["lines"], order["returned"], strict=True))
