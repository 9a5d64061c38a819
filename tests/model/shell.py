"""A shell of dictionaries around the pure core: what the engine does with PostgreSQL, without any of its cleverness."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from jifen.core.commands import (
    CaptureHold,
    Command,
    CorrectOrder,
    RecordOrder,
    RefundOrder,
    ReleaseHold,
    ReverseTransaction,
    TransferPoints,
)
from jifen.core.decide import Context, Effects, PastTransaction, decide
from jifen.core.ledger.journal import NotLoaded
from jifen.core.ledger.values import (
    LOTS_PER_TRANSACTION,
    Account,
    Bucket,
    Kind,
    LotTerms,
    MemberState,
    Movement,
    Transaction,
)
from jifen.core.limits import NEVER
from jifen.core.program import Program
from jifen.core.refusal import Refusal
from jifen.core.trace import decode_trace
from jifen.core.wallets.commands import SavePoints
from jifen.engine.references import new_member_state, unknown_past


class Shell:
    """Members, their transactions and the orders that find them, in memory.

    Every command is decided twice: on the whole state and on a sparsely loaded one. Both must agree, unless the
    sparse one says that it needs more.
    """

    def __init__(self, program: Program) -> None:
        self.programs = {program.version: program}
        self.program = program
        self.states: dict[int, MemberState] = {}
        self.transactions: dict[int, list[Transaction]] = {}
        self.orders: dict[str, tuple[int, int]] = {}
        #: What all members together used of caps, by usage name.
        self.shared_used: dict[str, int] = {}
        self.not_loaded = 0

    def publish(self, program: Program) -> None:
        """A new version takes over."""
        self.programs[program.version] = program
        self.program = program

    def add_member(self, member_id: int) -> None:
        """A member without history."""
        self.states[member_id] = new_member_state(member_id, self.program)
        self.transactions[member_id] = []

    def run(
        self,
        member_id: int,
        command: Command,
        now: datetime,
        occurred_at: datetime | None = None,
        source: str = "test",
    ) -> Transaction | Refusal | None:
        """Decide a command and keep what it did; its transaction, if it made one."""
        past = None
        reference = self._reference(member_id, command)
        if reference is not None:
            if not 0 < reference[1] <= len(self.transactions[reference[0]]):
                return unknown_past(command)
            past = self.past(*reference)
        receiver = None
        if isinstance(command, TransferPoints):
            assert isinstance(command.to, int)
            if command.to == member_id:
                return Refusal("same_member", "Points cannot be transferred to the member they come from.")
            receiver = self.states[command.to]
        context = Context(now, occurred_at or now, source, "key", "tester")
        state = self.states[member_id]
        if isinstance(command, SavePoints):
            state = msgspec.structs.replace(state, earned_this_year=self._earned(member_id, now))
        effects = decide(
            self.program, command, context, state, past=past, receiver=receiver, shared_used=self.shared_used
        )
        self._compare_with_sparse(effects, command, context, state, past, receiver)
        if isinstance(effects, Refusal):
            return effects
        self.keep(effects)
        return effects.answer

    def keep(self, effects: Effects) -> None:
        """Write down what was decided."""
        for after in effects.states:
            self.states[after.member_id] = after
        for name, number in effects.shared_uses.items():
            self.shared_used[name] = self.shared_used.get(name, 0) + number
        for transaction in effects.transactions:
            mine = self.transactions[transaction.member_id]
            assert transaction.sequence == len(mine) + 1, "sequences have no gap"
            mine.append(transaction)
        for state in effects.states:
            assert state.sequence == len(self.transactions[state.member_id])

    def _reference(self, member_id: int, command: Command) -> tuple[int, int] | None:
        match command:
            case RecordOrder():
                return None if command.order.offset is None else command.order.offset.hold
            case RefundOrder():
                return self.orders[command.refund.order_id]
            case CorrectOrder():
                return self.orders[command.correction.order_id]
            case CaptureHold() | ReleaseHold():
                return (member_id, command.hold)
            case ReverseTransaction():
                return (member_id, command.sequence)
        return None

    def _earned(self, member_id: int, now: datetime) -> int:
        """What was earned this year in the wallet of the bank, less what was taken back of it."""
        bank = self.program.document.bank
        if bank is None:
            return 0
        wallet, mine = self.program.wallet_numbers[bank.wallet], self.transactions[member_id]
        zone, points = self.program.zone, 0
        for each in mine:
            origin = each if each.refers_to is None else mine[each.refers_to - 1]
            is_this_year = each.occurred_at.astimezone(zone).year >= now.astimezone(zone).year
            if not is_this_year or each.kind not in (Kind.EARN, Kind.REVERSE, Kind.CORRECT):
                continue
            for movement in each.movements if origin.kind is Kind.EARN else ():
                if movement.wallet == wallet:
                    came = movement.source in (Bucket.ISSUED, Bucket.REVERSED)
                    points += movement.amount * (came - (movement.target is Bucket.REVERSED))
        return points

    def past(self, member_id: int, sequence: int) -> PastTransaction:
        """An earlier transaction, with what has become of it since."""
        mine = self.transactions[member_id]
        transaction = mine[sequence - 1]
        roots = _roots(mine)
        expired: dict[int, int] = {}
        for later in mine[sequence:]:
            for movement in later.movements:
                if _root_of(roots, movement.lot) != sequence:
                    continue
                if movement.target is Bucket.EXPIRED:
                    expired[movement.lot] = expired.get(movement.lot, 0) + movement.amount
                if movement.source is Bucket.EXPIRED:
                    expired[movement.lot] -= movement.amount
        return PastTransaction(
            sequence,
            transaction.kind,
            self.programs[transaction.program_version],
            transaction.occurred_at,
            transaction.facts,
            decode_trace(transaction.trace),
            tuple(self._with_terms(mine, movement) for movement in transaction.movements),
            tuple((each.kind, decode_trace(each.trace)) for each in mine if each.refers_to == sequence),
            expired,
            self._forgiven(mine, transaction, roots),
            transaction.source,
            additions=tuple(
                movement
                for each in mine
                if roots.get(each.sequence) == sequence
                for movement in each.movements
                if movement.lot // LOTS_PER_TRANSACTION == each.sequence
            ),
            roots=roots,
        )

    @staticmethod
    def _forgiven(mine: Sequence[Transaction], transaction: Transaction, roots: Mapping[int, int]) -> dict[int, int]:
        """What refunds forgave of the lots that a transaction took from, and nothing has given up since."""
        trace = decode_trace(transaction.trace)
        wallet, lots = trace.wallet, {movement.lot for movement in transaction.movements if movement.lot}
        if trace.dealings is not None and trace.dealings.offset is not None:
            wallet, lots = trace.dealings.offset.wallet, {piece.lot for piece in trace.dealings.offset.pieces}
        forgiven: dict[int, int] = {}
        for opened in {_root_of(roots, lot) for lot in lots}:
            for each in mine:
                if each.refers_to == opened:
                    taken_back = decode_trace(each.trace).taken_back
                    points = sum(taken.forgiven for taken in taken_back if taken.wallet == wallet)
                    forgiven[opened] = forgiven.get(opened, 0) + points
                for movement in each.movements:
                    is_given_up = (
                        movement.source in (Bucket.SPENT, Bucket.ADJUSTED) and movement.target is Bucket.REVERSED
                    )
                    if is_given_up and movement.wallet == wallet and _root_of(roots, movement.lot) == opened:
                        forgiven[opened] = forgiven.get(opened, 0) - movement.amount
        return forgiven

    @staticmethod
    def _with_terms(mine: Sequence[Transaction], movement: Movement) -> Movement:
        if not movement.lot:
            return movement
        sequence, position = divmod(movement.lot, LOTS_PER_TRANSACTION)
        terms: LotTerms | None = mine[sequence - 1].movements[position].terms
        return msgspec.structs.replace(movement, terms=terms)

    def _compare_with_sparse(
        self,
        expected: Effects | Refusal,
        command: Command,
        context: Context,
        state: MemberState,
        past: PastTransaction | None,
        receiver: MemberState | None,
    ) -> None:
        """A sparsely loaded state gives the same transactions, or NotLoaded, never anything else."""
        for most in (0, 1, 3):
            sparse = _thin(state, most)
            sparse_receiver = None if receiver is None else _thin(receiver, most)
            try:
                found = decide(
                    self.program,
                    command,
                    context,
                    sparse,
                    past=past,
                    receiver=sparse_receiver,
                    shared_used=self.shared_used,
                )
            except NotLoaded:
                self.not_loaded += 1
                continue
            if isinstance(expected, Refusal) or isinstance(found, Refusal):
                assert found == expected
            else:
                assert found.transactions == expected.transactions


def _thin(state: MemberState, most: int) -> MemberState:
    """The state as an engine may have loaded it: so many lots of a wallet, and neither pending lots nor holds."""
    return msgspec.structs.replace(state, accounts=tuple(_thin_account(each, most) for each in state.accounts))


def _thin_account(account: Account, most: int) -> Account:
    lots = account.lots[:most]
    first = (datetime.min.replace(tzinfo=NEVER.tzinfo),) * 2
    horizon = (lots[-1].order if lots else (*first, -1)) if len(lots) == most and account.available else None
    is_complete = not (account.pending or account.held or account.saved)
    return msgspec.structs.replace(
        account, lots=lots, horizon=horizon, pending_lots=(), holds=(), deposits=(), is_complete=is_complete
    )


def _roots(mine: Sequence[Transaction]) -> dict[int, int]:
    """By the sequence of each correction and refund that opened a lot: that of the order for which it did."""
    return {
        each.sequence: each.refers_to
        for each in mine
        if each.refers_to is not None
        and any(
            movement.source is Bucket.REVERSED and movement.lot // LOTS_PER_TRANSACTION == each.sequence
            for movement in each.movements
        )
    }


def _root_of(roots: Mapping[int, int], lot: int) -> int:
    opened = lot // LOTS_PER_TRANSACTION
    return roots.get(opened, opened)
