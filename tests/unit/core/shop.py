"""A shop in memory, for tests of the pure core: one line says what happens, and a member's points can be asked for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from jifen.core.commands import (
    AdjustPoints,
    CaptureHold,
    Command,
    CorrectOrder,
    PlaceHold,
    RecordOrder,
    RefundOrder,
    ReleaseHold,
    ReverseTransaction,
    SettleMember,
    SpendPoints,
    TransferPoints,
)
from jifen.core.ledger.values import Account, Balances, Bucket, Transaction
from jifen.core.orders import Order, OrderCorrection, OrderLine, OrderRefund, ReturnedLine
from jifen.core.program import ProgramDocument
from jifen.core.refusal import Refusal
from tests.model.programs import WALLET_NUMBERS, make_program
from tests.model.shell import Shell

START = datetime(2026, 3, 10, 4, 0, tzinfo=UTC)
ALICE, BOB = 7, 8


class Shop:
    """Members Alice and Bob, a clock that is moved by hand, and short words for commands. Refusals are returned."""

    def __init__(self, document: ProgramDocument | None = None, start: datetime = START) -> None:
        self.shell = Shell(make_program(document))
        self.now = start
        for member in (ALICE, BOB):
            self.shell.add_member(member)
        self._refunds = 0

    def later(self, *, days: int = 0, hours: int = 0, minutes: int = 0) -> None:
        """Let time pass."""
        self.now += timedelta(days=days, hours=hours, minutes=minutes)

    def publish(self, document: ProgramDocument) -> None:
        """Apply a new version of the program."""
        self.shell.publish(make_program(document, self.shell.program.version + 1))

    def do(self, command: Command, member: int = ALICE, at: datetime | None = None) -> Transaction | Refusal | None:
        """Any command."""
        return self.shell.run(member, command, self.now, at)

    def done(self, outcome: Transaction | Refusal | None) -> Transaction:
        """The transaction of a command that must not be refused."""
        assert isinstance(outcome, Transaction), outcome
        return outcome

    def earn(
        self,
        order_id: str,
        *lines: tuple[int, int],
        member: int = ALICE,
        at: datetime | None = None,
        currency: str = "CNY",
    ) -> Transaction | Refusal | None:
        """An order of lines (quantity, paid cents), named 1, 2, 3 ..."""
        order_lines = [OrderLine(str(number), *line) for number, line in enumerate(lines, 1)]
        outcome = self.do(RecordOrder(member, Order(order_id, currency, order_lines)), member, at)
        if isinstance(outcome, Transaction):
            self.shell.orders[order_id] = (member, outcome.sequence)
        return outcome

    def correct(
        self, order_id: str, *lines: tuple[int, int], at: datetime | None = None
    ) -> Transaction | Refusal | None:
        """The order as it should have been told: lines of (quantity, paid cents)."""
        self._refunds += 1
        corrected = [OrderLine(str(number), *line) for number, line in enumerate(lines, 1)]
        correction = OrderCorrection(order_id, f"correction-{self._refunds}", "CNY", corrected)
        return self.do(CorrectOrder(None, correction), self.shell.orders[order_id][0], at)

    def refund(
        self, order_id: str, *lines: tuple[int, int], at: datetime | None = None
    ) -> Transaction | Refusal | None:
        """A refund of lines (line, quantity); of all that is left where none is named."""
        self._refunds += 1
        returned = [ReturnedLine(str(number), quantity) for number, quantity in lines] or None
        refund = OrderRefund(order_id, f"refund-{self._refunds}", returned)
        return self.do(RefundOrder(None, refund), self.shell.orders[order_id][0], at)

    def spend(self, points: int, member: int = ALICE, wallet: str | None = None) -> Transaction | Refusal | None:
        """A direct spend."""
        return self.do(SpendPoints(member, wallet, points), member)

    def hold(
        self, points: int, expires_at: datetime | None = None, member: int = ALICE
    ) -> Transaction | Refusal | None:
        """Place a hold."""
        return self.do(PlaceHold(member, None, points, expires_at), member)

    def capture(
        self, hold: int, points: int | None = None, *, release_rest: bool = False
    ) -> Transaction | Refusal | None:
        """Capture a hold of Alice."""
        return self.do(CaptureHold(ALICE, hold, points, release_rest))

    def release(self, hold: int) -> Transaction | Refusal | None:
        """Release a hold of Alice."""
        return self.do(ReleaseHold(ALICE, hold))

    def reverse(self, sequence: int) -> Transaction | Refusal | None:
        """Reverse a transaction of Alice."""
        return self.do(ReverseTransaction(ALICE, sequence))

    def adjust(
        self, points: int, expires_at: datetime | None = None, wallet: str | None = None, at: datetime | None = None
    ) -> Transaction | Refusal | None:
        """Correct Alice's balance."""
        return self.do(AdjustPoints(ALICE, wallet, points, expires_at), at=at)

    def give(self, points: int) -> Transaction | Refusal | None:
        """Alice transfers points to Bob."""
        return self.do(TransferPoints(ALICE, BOB, None, points))

    def settle(self, member: int = ALICE) -> None:
        """Book what time has done."""
        self.do(SettleMember(member), member)

    def account(self, member: int = ALICE, wallet: str = "points") -> Account:
        """The account as it was last written."""
        number = WALLET_NUMBERS[wallet]
        return next(each for each in self.shell.states[member].accounts if each.wallet == number)

    def buckets(self, member: int = ALICE) -> tuple[int, int, int, int]:
        """Available, pending, held and debt of the wallet `points`, after booking what time has done."""
        self.settle(member)
        balances: Balances = self.account(member).balances
        return (balances.available, balances.pending, balances.held, balances.debt)

    def lots(self, member: int = ALICE) -> list[tuple[int, datetime]]:
        """What remains of the available lots, and until when, in spending order."""
        return [(lot.remaining, lot.terms.expires_at) for lot in self.account(member).lots]

    def moved(self, source: Bucket, target: Bucket, member: int = ALICE) -> int:
        """All points of a member that ever moved from one bucket to another."""
        return sum(
            movement.amount
            for transaction in self.shell.transactions[member]
            for movement in transaction.movements
            if (movement.source, movement.target) == (source, target)
        )


def refused(outcome: Transaction | Refusal | None) -> str:
    """The code of a refusal."""
    assert isinstance(outcome, Refusal), outcome
    return outcome.code
