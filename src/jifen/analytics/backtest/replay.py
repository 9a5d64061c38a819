"""The replay: what was asked for, once more through the one core, under the draft."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from jifen.analytics.backtest.memory import Memory
from jifen.analytics.backtest.recorded import (
    OpenedLot,
    Period,
    RecordedTrace,
    decode_opened,
    decode_recorded,
)
from jifen.analytics.backtest.sums import RefusedTransaction, Sums
from jifen.analytics.backtest.tally import MemberPoints, Tally
from jifen.core.calendar import expires_at, local_day
from jifen.core.commands import (
    AdjustPoints,
    CaptureHold,
    Command,
    CorrectOrder,
    PlaceHold,
    RecordEvent,
    RecordOrder,
    RefundOrder,
    ReleaseHold,
    ReverseTransaction,
    SettleMember,
    SpendPoints,
    TransferPoints,
)
from jifen.core.decide import Context, Effects, PastTransaction, decide
from jifen.core.decide.draw import book_recorded
from jifen.core.decide.earn import EventFacts
from jifen.core.ledger.values import Account, Kind, Lot, LotTerms, MemberState
from jifen.core.limits import MAXIMUM_BALANCE, MAXIMUM_HOLD
from jifen.core.orders import Order, OrderCorrection, OrderRefund
from jifen.core.program import Program
from jifen.core.refusal import Refusal
from jifen.core.rules.facts import CHECKED_IN
from jifen.core.rules.rate import Award
from jifen.core.rules.standing import NO_COUNTERS, CounterChange, Profile, counters_on, profile_of
from jifen.core.trace import TakenBack
from jifen.core.wallets.commands import ConvertPoints, SavePoints, UnsavePoints
from jifen.engine.references import late_day, new_member_state

#: The other side of a transfer: it is only there because the core decides both sides together.
_STRANGER: Final = -1
#: The code of what refers to a transaction that was refused itself.
FOLLOWS_REFUSED: Final = "follows_refused"
_NOTHING: Final[Mapping[str, int]] = {}

_decode_order = msgspec.json.Decoder(Order).decode
_decode_event = msgspec.json.Decoder(EventFacts).decode
_decode_refund = msgspec.json.Decoder(OrderRefund).decode


class CorrectionNames(msgspec.Struct, frozen=True, gc=False):
    """What is kept of a correction beside the order that it makes."""

    order_id: str
    correction_id: str


_decode_names = msgspec.json.Decoder(CorrectionNames).decode


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
        #: Whether rules want to know of members what changes with their orders.
        self.may_ask = any(program.rules_ask for program in (draft, *versions.values()))
        self.sums = Sums()
        self.tally = Tally(self.sums, draft, period)


class Entry(msgspec.Struct, gc=False):
    """One recorded transaction."""

    sequence: int
    kind: Kind
    version: int
    refers_to: int | None
    occurred_at: datetime
    recorded_at: datetime
    source: str
    facts: str | None
    trace: RecordedTrace
    opened: str | None


class MemberReplay:
    """One member's transactions, one after another."""

    __slots__ = ("_changes", "_facts_seen", "_has_events", "_memory", "_points", "_spent_by", "_stage", "_state")

    def __init__(self, stage: Stage, member_id: int, profile: Profile, referred: set[int] | None) -> None:
        self._stage = stage
        self._memory = None if referred is None else Memory(referred)
        # Tiers are those that were recorded with the events: nothing is decided about them anew.
        fresh = new_member_state(member_id, stage.draft)
        self._state = msgspec.structs.replace(fresh, profile=profile, counters=NO_COUNTERS, tiers=None)
        self._points: MemberPoints = {}
        #: What moved the counters, by the transaction, for events that come late.
        self._changes: dict[int, CounterChange] = {}
        #: By which step the points of a redemption that waited were spent.
        self._spent_by: dict[int, int] = {}
        self._facts_seen = False
        self._has_events = False

    def take(self, row: Any) -> None:
        """Replay one row of the ledger."""
        _, sequence, kind, version, refers_to, occurred_at, recorded_at, source, facts, trace, opened = row
        stage = self._stage
        stage.sums.rows += 1
        entry = Entry(
            sequence,
            _KINDS[kind],
            version,
            refers_to,
            occurred_at,
            recorded_at,
            source,
            facts,
            decode_recorded(trace),
            opened,
        )
        is_before = stage.period.is_before(occurred_at)
        is_counted = not is_before and not stage.period.is_after(occurred_at)
        self._look_at_facts(entry, is_counted=is_counted)
        program = self._program_for(entry) if is_before else stage.draft
        command = self._earning(entry) if entry.kind is Kind.EARN else None
        effects = self._decide(entry, program, command, is_before=is_before)
        if not isinstance(effects, Refusal):
            self._keep(entry, effects, program)
        if is_counted:
            self._count(entry, command, effects)

    def close(self) -> None:
        """Do what time has done by the end, and count the member."""
        stage, state = self._stage, self._state
        end = stage.period.settled_at
        if any(account.next_change_at <= end for account in state.accounts):
            effects = decide(stage.draft, SettleMember(state.member_id), Context(end, end, "", "", ""), state)
            assert isinstance(effects, Effects)
            stage.tally.moved(effects.transactions, state.member_id)
        if self._has_events:
            stage.sums.members += 1
            stage.tally.close_member(state.member_id, self._points)

    # --- decide ---

    def _program_for(self, entry: Entry) -> Program:
        """The version that decided what lies before the period."""
        if entry.kind is Kind.EARN:
            return self._stage.versions[entry.version]
        return self._stage.program_at(entry.recorded_at)

    def _look_at_facts(self, entry: Entry, *, is_counted: bool) -> None:
        """What was known of the member then, where it was kept; else what is known now."""
        facts = entry.trace.member
        if facts is None:
            return
        before = self._state.profile.tier
        if is_counted and self._facts_seen and facts.tier != before:
            moves = self._stage.sums.tier_moves
            move = f"{before}>{facts.tier}"
            moves[move] = moves.get(move, 0) + 1
        self._facts_seen = True
        self._state = msgspec.structs.replace(self._state, profile=profile_of(facts))

    def _decide(
        self, entry: Entry, program: Program, earning: RecordOrder | RecordEvent | None, *, is_before: bool
    ) -> Effects | Refusal:
        dealings = entry.trace.dealings
        approval = None if dealings is None else dealings.approval
        context = Context(entry.recorded_at, entry.occurred_at, entry.source, "", "", None, approval)
        if earning is not None:
            shared = self._stage.sums.shared_uses if self._stage.in_order else _NOTHING
            if is_before:
                shared = entry.trace.used
            return decide(program, earning, context, self._state_for(entry, program, earning), shared_used=shared)
        if entry.kind is Kind.TRANSFER:
            return self._transfer(entry, program, context)
        if entry.kind is Kind.DRAW:
            trace, drawn = entry.trace, entry.trace.drawn
            assert drawn is not None and trace.wallet is not None and trace.points is not None
            price = (trace.wallet, trace.points)
            return book_recorded(program, context, self._state, price, (drawn.wallet, drawn.points))
        past, refers_to = None, self._refers_to(entry)
        if refers_to is not None:
            past = None if self._memory is None else self._memory.past(refers_to)
            if past is None:
                message = f"Transaction {refers_to} of this member, which it refers to, was refused."
                return Refusal(FOLLOWS_REFUSED, message)
        state = self._state
        if entry.kind is Kind.SAVE:
            # How much was earned in a year is a matter of that time; what was saved then was allowed.
            state = msgspec.structs.replace(state, earned_this_year=MAXIMUM_BALANCE)
        return decide(program, self._command(entry, past), context, state, past=past)

    def _state_for(self, entry: Entry, program: Program, earning: RecordOrder | RecordEvent) -> MemberState:
        day = late_day(earning, entry.occurred_at, program, self._state.counters)
        if day is None:
            return self._state
        return msgspec.structs.replace(self._state, counters_then={day: counters_on(self._changes.values(), day)})

    def _earning(self, entry: Entry) -> RecordOrder | RecordEvent:
        facts, member = entry.facts, self._state.member_id
        assert facts is not None
        if facts.startswith('{"event":'):
            event = _decode_event(facts)
            return RecordEvent(member, event.event, dict(event.data))
        return RecordOrder(member, _decode_order(facts))

    def _command(self, entry: Entry, past: PastTransaction | None) -> Command:
        member, trace = self._state.member_id, entry.trace
        sequence = 0 if past is None else past.sequence
        if _moves_nothing(entry):
            return SettleMember(member)
        if entry.kind in (Kind.REDEEM, Kind.STEP):
            return self._redeeming(entry, sequence)
        if entry.kind is Kind.REVERSE:
            if entry.facts is None:
                return ReverseTransaction(member, sequence)
            return RefundOrder(member, _decode_refund(entry.facts))
        if entry.kind is Kind.CORRECT:
            return CorrectOrder(member, _correction(entry))
        if entry.kind is Kind.RELEASE:
            return ReleaseHold(member, sequence)
        assert trace.points is not None
        if entry.kind is Kind.CAPTURE:
            return CaptureHold(member, sequence, trace.points)
        assert trace.wallet is not None
        wallet = self._stage.draft.wallet_ids[trace.wallet]
        if entry.kind is Kind.SPEND:
            return SpendPoints(member, wallet, trace.points)
        if entry.kind is Kind.HOLD:
            return PlaceHold(member, wallet, trace.points, trace.until)
        if entry.kind is Kind.SAVE:
            return SavePoints(member, trace.points)
        if entry.kind is Kind.UNSAVE:
            return UnsavePoints(member, trace.points)
        dealings = trace.dealings
        if entry.kind is Kind.CONVERT:
            assert dealings is not None and dealings.converted is not None
            return ConvertPoints(member, dealings.converted.conversion, trace.points)
        assert entry.kind is Kind.ADJUST
        code = None if dealings is None else dealings.reason_code
        return AdjustPoints(member, wallet, trace.points, self._given_expiry(entry, trace.wallet), code)

    def _redeeming(self, entry: Entry, sequence: int) -> Command:
        """What a redemption did to the points, whatever the draft's rewards are: held, spent, released, given back."""
        member, trace = self._state.member_id, entry.trace
        assert trace.wallet is not None and trace.points is not None
        wallet = self._stage.draft.wallet_ids[trace.wallet]
        if entry.kind is Kind.REDEEM:
            if trace.until is None:
                return SpendPoints(member, wallet, trace.points)
            return PlaceHold(member, wallet, trace.points, entry.recorded_at + MAXIMUM_HOLD)
        if trace.step in ("pay", "approve"):
            return CaptureHold(member, sequence)
        return ReverseTransaction(member, sequence) if trace.gives_back else ReleaseHold(member, sequence)

    def _refers_to(self, entry: Entry) -> int | None:
        """The transaction whose points this one moves on. Most steps of a redemption move none."""
        if _moves_nothing(entry) or entry.refers_to is None:
            return None
        if entry.kind is not Kind.STEP:
            return entry.refers_to
        if entry.trace.step in ("pay", "approve"):
            self._spent_by[entry.refers_to] = entry.sequence
        elif entry.trace.gives_back:
            return self._spent_by.get(entry.refers_to, entry.refers_to)
        return entry.refers_to

    def _given_expiry(self, entry: Entry, wallet: int) -> datetime | None:
        """The expiry that whoever adjusted gave; None: that of the program, so the draft's counts now."""
        if entry.opened is None:
            return None
        recorded = decode_opened(entry.opened)[0].expires_at
        program = self._stage.versions[entry.version]
        usual = expires_at(program.expiry_of_wallet[wallet], entry.occurred_at, program.zone)
        return None if recorded == usual else recorded

    def _transfer(self, entry: Entry, program: Program, context: Context) -> Effects | Refusal:
        """One side of a transfer. Who receives gets what was recorded, whatever became of who gave."""
        trace, member = entry.trace, self._state.member_id
        assert trace.wallet is not None and trace.points is not None
        wallet = self._stage.draft.wallet_ids[trace.wallet]
        if trace.points < 0:
            command = TransferPoints(member, _STRANGER, wallet, -trace.points)
            return decide(program, command, context, self._state, receiver=new_member_state(_STRANGER, program))
        opened = [] if entry.opened is None else decode_opened(entry.opened)
        command = TransferPoints(_STRANGER, member, wallet, trace.points)
        effects = decide(program, command, context, _giver(trace.wallet, opened), receiver=self._state)
        if isinstance(effects, Refusal):
            return effects
        return Effects(effects.transactions, effects.states[1:], None, None)

    # --- what it came to ---

    def _refused(self, entry: Entry, refusal: Refusal) -> None:
        trace = entry.trace
        self._stage.sums.refuse(
            RefusedTransaction(
                self._state.member_id,
                entry.sequence,
                KIND_NAMES[entry.kind],
                refusal.code,
                trace.wallet,
                None if trace.points is None else abs(trace.points),
            )
        )

    def _keep(self, entry: Entry, effects: Effects, program: Program) -> None:
        self._state = effects.states[0]
        self._stage.tally.moved(effects.transactions, self._state.member_id)
        if self._memory is not None:
            self._memory.keep(entry.sequence, effects, program)
        if self._stage.may_ask:
            self._remember_change(entry, effects)
        shared_uses = self._stage.sums.shared_uses
        for name, number in effects.shared_uses.items():
            shared_uses[name] = shared_uses.get(name, 0) + number

    def _remember_change(self, entry: Entry, effects: Effects) -> None:
        cents = 0 if effects.trace is None else effects.trace.spent
        day = local_day(entry.occurred_at, self._stage.draft.zone)
        if entry.kind is Kind.EARN:
            is_order = not (entry.facts or "").startswith('{"event":')
            if is_order or self._earning(entry).type == CHECKED_IN:  # type: ignore[union-attr]
                self._changes[entry.sequence] = CounterChange("order" if is_order else "checkin", day, day, cents)
        elif cents and entry.refers_to in self._changes:
            order = self._changes[entry.refers_to]
            self._changes[entry.sequence] = CounterChange("money", day, order.day, cents)

    def _count(self, entry: Entry, earning: RecordOrder | RecordEvent | None, effects: Effects | Refusal) -> None:
        sums, tally, state = self._stage.sums, self._stage.tally, self._state
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
            order = earning.order if isinstance(earning, RecordOrder) else None
            tally.earned(
                state.member_id, self._points, state.profile.tier, entry.occurred_at, order, entry.trace.awards, awards
            )
        elif taken_back or entry.trace.taken_back:
            tally.took_back(self._points, entry.occurred_at, entry.trace.taken_back, taken_back)


_KINDS: Final = {int(kind): kind for kind in Kind}
KIND_NAMES: Final = {int(kind): kind.name.lower() for kind in Kind}


def _moves_nothing(entry: Entry) -> bool:
    """Whether it moved no points: most steps of a redemption, and what others of a household paid for alone."""
    trace = entry.trace
    is_about_points = entry.kind in (Kind.SPEND, Kind.REDEEM, Kind.STEP, Kind.REVERSE)
    return is_about_points and trace.wallet is not None and not (trace.points or trace.withheld or trace.taken_back)


def _correction(entry: Entry) -> OrderCorrection:
    order = entry.trace.corrected
    assert order is not None and entry.facts is not None
    names = _decode_names(entry.facts)
    return OrderCorrection(
        names.order_id, names.correction_id, order.currency, order.lines, order.channel, order.store_id
    )


def _giver(wallet: int, lots: list[OpenedLot]) -> MemberState:
    """Somebody who has just what was received, in lots with the same terms."""
    given = tuple(
        Lot(number, LotTerms(each.earned_at, each.effective_at, each.expires_at), each.amount)
        for number, each in enumerate(lots, 1)
    )
    account = Account(wallet, available=sum(lot.remaining for lot in given), lots=given)
    return MemberState(_STRANGER, 0, (account,))
