"""From a few small numbers to a command that makes sense where a member stands, and sometimes does not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from math import ceil
from typing import NamedTuple

from jifen.core.commands import (
    AdjustPoints,
    CaptureHold,
    Command,
    PlaceHold,
    RecordOrder,
    RefundOrder,
    ReleaseHold,
    ReverseTransaction,
    SettleMember,
    SpendPoints,
    TransferPoints,
)
from jifen.core.members.commands import (
    ChangeLife,
    FoundHousehold,
    JoinHousehold,
    LeaveHousehold,
    MergeMembers,
    SpendFromHousehold,
    UndoMerge,
)
from jifen.core.orders import Order, OrderLine, OrderOffset, OrderRefund, ReturnedLine
from jifen.core.program import ProgramDocument
from jifen.core.redemption.commands import (
    ApproveRedemption,
    CancelRedemption,
    CancelWriteOff,
    FulfilRedemption,
    PayRedemption,
    RedeemReward,
    RejectRedemption,
    ReturnRedemption,
    SettleRedemption,
    StepCommand,
    WriteOffCoupon,
)
from jifen.core.wallets.commands import ConvertPoints, SavePoints, UnsavePoints
from tests.model.closed_form import PlainLine
from tests.model.oracle import Oracle
from tests.model.oracle.lots import Plain
from tests.model.oracle.points import PaidWith, step_of_offset
from tests.model.oracle.rewards import HELD, PRICES
from tests.model.oracle.wallets import find_conversion, step_of_conversion
from tests.model.steps import Step

START = datetime(2026, 1, 30, 3, 0, tzinfo=UTC)


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


class Planner:
    """Makes commands of steps, and does them with the oracle. Time moves here and nowhere else."""

    def __init__(self, documents: list[ProgramDocument], members: list[int]) -> None:
        self.documents = documents
        self.members = members
        self.oracle = Oracle(documents[0])
        for member in members:
            self.oracle.add_member(member, START)
        self.now = START
        self.orders: list[tuple[str, int]] = []
        #: How often each action came to what: `done`, or the code of a refusal.
        self.outcomes: Counter[tuple[str, str]] = Counter()
        self._refunds = 0

    def plan(self, step: Step) -> list[Planned]:
        """The commands of a step; none where only time passes or the program changes."""
        member = self.members[step.first % len(self.members)]
        if step.action not in PAST and step.second % 5:
            # Whoever was merged lives on as somebody else.
            member = [member, *self.oracle.survivors(member)][-1]
        made = getattr(self, f"_{step.action}")(member, step.first // 8, step.second, step.third)
        planned = [made] if isinstance(made, Planned) else made or []
        for each in planned:
            self.outcomes[step.action, each.expected if isinstance(each.expected, str) else "done"] += 1
        return planned

    def _whoever(self, member: int, number: int, fits: Callable[[int], object]) -> int:
        """Somebody whom it fits, or now and then just this member."""
        fitting = [each for each in self.members if fits(each)]
        return fitting[number % len(fitting)] if fitting and number % 8 else member

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
            return 1 + number % (self.oracle.member(member)["sequence"] + 2)
        return holds[number % len(holds)] if holds else None

    def _refund(self, member: int, first: int, second: int, third: int) -> Planned | None:
        if not self.orders:
            return None
        known = self.oracle.world["orders"]
        open_orders = [each for each in self.orders if each[0] in known and is_kept(known[each[0]])]
        orders = open_orders if open_orders and second % 8 else self.orders
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

    def _some_points(self, member: int, number: int, wallet: str = "points") -> int:
        """Something between nothing and a little more than there is."""
        available: int = self.oracle.view(member, self.now)[wallet]["available"]
        return number % (available + 2) if number % 7 == 0 else 1 + number % (available // 4 + 1)

    def _spend(self, member: int, first: int, second: int, third: int) -> Planned:
        wallet = [None, "points", "growth"][second % 3]
        points = self._some_points(member, third, wallet or "points")
        expected = self.oracle.spend(member, wallet, points, self.now)
        return Planned(SpendPoints(member, wallet, points), member, expected)

    def _hold(self, member: int, first: int, second: int, third: int) -> Planned:
        points = self._some_points(member, third)
        ends = None if second % 2 else self.now + timedelta(hours=second % 200)
        expected = self.oracle.hold(member, points, ends, self.now)
        return Planned(PlaceHold(member, None, points, ends), member, expected)

    def _some_sequence(self, member: int, number: int, kinds: tuple[str, ...]) -> int:
        """A transaction of one of these kinds, or now and then any number."""
        book = self.oracle.member(member)["book"]
        fitting = [sequence for sequence, entry in book.items() if entry["kind"] in kinds]
        if not fitting or number % 9 == 0:
            return 1 + number % (len(book) + 2)
        return int(fitting[number % len(fitting)])

    def _capture(self, member: int, first: int, second: int, third: int) -> Planned:
        member = self._whoever(member, second, self._open_holds)
        sequence = self._open_hold(member, second) or self._some_sequence(member, second, ("hold",))
        points, rest = (None if third % 3 == 0 else third % 150), first % 2 == 0
        expected = self.oracle.capture(member, sequence, points, rest, self.now)
        return Planned(CaptureHold(member, sequence, points, rest), member, expected)

    def _release(self, member: int, first: int, second: int, third: int) -> Planned:
        member = self._whoever(member, second, self._open_holds)
        sequence = self._open_hold(member, second) or self._some_sequence(member, second, ("hold",))
        expected = self.oracle.release(member, sequence, self.now)
        return Planned(ReleaseHold(member, sequence), member, expected)

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
        kinds = ("spend", "capture", "adjust_up", "adjust_down", "earn", "convert", "convert", "convert")
        kind = kinds[third % len(kinds)]

        def fitting(each: int) -> list[int]:
            book = self.oracle.member(each)["book"]
            return [number for number, entry in book.items() if entry["kind"] == kind and not entry["is_reversed"]]

        member = self._whoever(member, second, fitting)
        sequences = fitting(member)
        sequence = sequences[first % len(sequences)] if sequences and first % 9 else 1 + first % 60
        expected = self.oracle.reverse(member, sequence, self.now)
        return Planned(ReverseTransaction(member, sequence), member, expected)

    # --- wallets ---

    def _convert(self, member: int, first: int, second: int, third: int) -> Planned:
        name, wallet = [("to-growth", "points"), ("to-points", "growth")][second % 2]
        member = self._whoever(member, third, lambda each: self.oracle.view(each, self.now)[wallet]["available"] > 50)
        points = self._some_points(member, third, wallet)
        if first % 7:
            conversion = find_conversion(self.oracle.document, name)
            points = max(points - points % step_of_conversion(conversion), conversion.least_points)
        name = "to-nowhere" if first % 29 == 0 else name
        expected = self.oracle.convert(member, name, points, self.now)
        return Planned(ConvertPoints(member, name, points), member, expected)

    def _save(self, member: int, first: int, second: int, third: int) -> Planned:
        member = self._whoever(member, third, self._savable)
        points = 1 + third % (self._savable(member) // (1 + second % 3) + 1)
        expected = self.oracle.save(member, points, self.now)
        return Planned(SavePoints(member, points), member, expected)

    def _savable(self, member: int) -> int:
        if self.oracle.document.bank is None:
            return 0
        return self.oracle.savable(self.oracle.wallet(member, "points"), self.now)

    def _unsave(self, member: int, first: int, second: int, third: int) -> Planned:
        member = self._whoever(member, second, lambda each: self.oracle.wallet(each, "points")["deposits"])
        saved = self.oracle.view(member, self.now)["points"]["saved"]
        points = 1 + third % (saved + 1)
        expected = self.oracle.unsave(member, points, self.now)
        return Planned(UnsavePoints(member, points), member, expected)

    # --- rewards ---

    def _redeem(self, member: int, first: int, second: int, third: int) -> Planned:
        reward, quantity = list(PRICES)[second % len(PRICES)], 1 + third % 3
        with_cash = reward == "cup" and first % 2 == 0
        expected = self.oracle.redeem(member, reward, quantity, with_cash=with_cash, now=self.now)
        return Planned(RedeemReward(member, reward, quantity, 1 if with_cash else None), member, expected)

    def _step(self, member: int, step: str, number: int, actor: str, wanted: tuple[str, ...]) -> Planned:
        """A step of a redemption that stands as wanted, or of any, or now and then of none."""

        def fitting(each: int) -> list[int]:
            redemptions = self.oracle.member(each)["redemptions"]
            return [sequence for sequence, redemption in redemptions.items() if redemption["state"] in wanted]

        member = self._whoever(member, number // 17, fitting)
        redemptions = self.oracle.member(member)["redemptions"]
        sequences = fitting(member) or list(redemptions)
        sequence = sequences[number % len(sequences)] if sequences and number % 17 else 1 + number % 40
        expected = self.oracle.step(member, sequence, step, actor, self.now)
        commands: dict[str, StepCommand] = {
            "pay": PayRedemption(member, sequence, "wx-1"),
            "approve": ApproveRedemption(member, sequence),
            "reject": RejectRedemption(member, sequence),
            "cancel": CancelRedemption(member, sequence),
            "fulfil": FulfilRedemption(member, sequence, {"carrier": "SF", "number": "1"}),
            "return": ReturnRedemption(member, sequence),
        }
        return Planned(commands[step], member, expected, actor=actor)

    def _decide(self, member: int, first: int, second: int, third: int) -> Planned:
        actor = ["boss", "boss", "boss", "tester", "guest"][third % 5]
        return self._step(member, "reject" if first % 4 == 0 else "approve", second, actor, ("waiting_for_approval",))

    def _pay(self, member: int, first: int, second: int, third: int) -> Planned:
        return self._step(member, "pay", second, "tester", ("waiting_for_payment",))

    def _fulfil(self, member: int, first: int, second: int, third: int) -> Planned:
        return self._step(member, "fulfil", second, "tester", ("approved",))

    def _give_up(self, member: int, first: int, second: int, third: int) -> Planned:
        if first % 2:
            return self._step(member, "return", second, "tester", ("fulfilled",))
        return self._step(member, "cancel", second, "tester", ("approved", *HELD) if first % 4 else HELD)

    def _coupon(self, member: int, number: int) -> tuple[int, int] | None:
        redemptions = self.oracle.member(member)["redemptions"]
        with_coupons = [sequence for sequence, each in redemptions.items() if each["left"]]
        if not with_coupons:
            return None
        sequence = with_coupons[-1 - number % len(with_coupons)]
        return sequence, (number // 7) % len(redemptions[sequence]["left"])

    def _write_off(self, member: int, first: int, second: int, third: int) -> Planned | None:
        member = self._whoever(member, first, lambda each: self._coupon(each, second))
        coupon = self._coupon(member, second)
        if coupon is None:
            return None
        cents = None if third % 3 == 0 else 100 * (1 + third % 9)
        expected = self.oracle.write_off(member, *coupon, cents, self.now)
        return Planned(WriteOffCoupon("", cents), member, expected, coupon=coupon)

    def _cancel_write_off(self, member: int, first: int, second: int, third: int) -> Planned | None:
        member = self._whoever(member, first, lambda each: self._coupon(each, second))
        coupon = self._coupon(member, second)
        if coupon is None:
            return None
        expected = self.oracle.cancel_write_off(member, *coupon, self.now)
        return Planned(CancelWriteOff(""), member, expected, coupon=coupon)

    # --- members ---

    def _freeze(self, member: int, first: int, second: int, third: int) -> Planned:
        frozen = [each for each in self.members if self.oracle.member(each)["status"] == "frozen"]
        member, thaw = (frozen[0], True) if frozen else (member, first % 8 == 0)
        expected = self.oracle.freeze(member, thaw=thaw, now=self.now)
        return Planned(ChangeLife(member, "unfreeze" if thaw else "freeze"), member, expected)

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
        holds = any(wallet["holds"] for wallet in self.oracle.member(other)["wallets"].values())
        return other != member and not holds and self.oracle.member(other)["status"] == "active"

    def _undo_merge(self, member: int, first: int, second: int, third: int) -> Planned:
        """The last merge of somebody who was not merged since, mostly."""
        merges = [
            (each, sequence)
            for each in self.members
            for sequence, entry in self.oracle.member(each)["book"].items()
            if entry["kind"] == "merge" and not entry["is_undone"] and self.oracle.member(each)["into"] is None
        ]
        sequence = self._some_sequence(member, second, ("merge",))
        if merges and third % 6:
            member, sequence = merges[second % len(merges)]
        expected = self.oracle.undo_merge(member, sequence, self.now)
        return Planned(UndoMerge(member, sequence), member, expected)

    def _come_together(self, member: int, first: int, second: int, third: int) -> Planned:
        other = self.members[second % len(self.members)]
        if third % 2 and not self.oracle.household_of(member):
            beside = next((each for each in self.members if self.oracle.household_of(each)), other)
            return Planned(JoinHousehold(member, beside), member, self.oracle.join(member, beside, self.now))
        others = [] if other == member else [other]
        expected = self.oracle.found(member, others, self.now)
        return Planned(FoundHousehold(member, "home", tuple(others)), member, expected)

    def _leave(self, member: int, first: int, second: int, third: int) -> Planned:
        return Planned(LeaveHousehold(member), member, self.oracle.leave(member, self.now))

    def _spend_together(self, member: int, first: int, second: int, third: int) -> Planned:
        together = [each for each in self.members if self.oracle.household_of(each)]
        member = together[second % len(together)] if together and first % 6 else member
        wallet = [None, "points", "growth"][third % 3]
        everybody = self.oracle.household_of(member) or [member]
        points = sum(self.oracle.view(each, self.now)[wallet or "points"]["available"] for each in everybody)
        points = (third if first % 2 else third % 80) % (points + 2)
        expected = self.oracle.spend_together(member, wallet, points, self.now)
        return Planned(SpendFromHousehold(member, wallet, points), member, expected)


def is_open(entry: Plain) -> bool:
    """Whether something of a hold is left."""
    return any(hold is entry["hold"] for hold in entry["wallet"]["holds"])


def is_kept(order: Plain) -> bool:
    """Whether something of an order was not returned yet."""
    return any(gone < quantity for (quantity, _), gone in zip(order["lines"], order["returned"], strict=True))


#: What is asked about somebody's own past, also after a merge.
PAST = ("refund", "reverse", "give_up", "fulfil", "decide", "write_off", "cancel_write_off", "undo_merge", "leave")
