"""What had been asked for, from what was recorded of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from jifen.analytics.backtest.entries import Entry, correction_of, moves_nothing, refund_of
from jifen.analytics.backtest.recorded import decode_opened
from jifen.core.calendar import expires_at
from jifen.core.commands import (
    AdjustPoints,
    CaptureHold,
    Command,
    CorrectOrder,
    PlaceHold,
    RefundOrder,
    ReleaseHold,
    ReverseTransaction,
    SettleMember,
    SpendPoints,
)
from jifen.core.decide import PastTransaction
from jifen.core.ledger.values import Kind
from jifen.core.limits import MAXIMUM_HOLD
from jifen.core.members.commands import ChangeLife
from jifen.core.program import Program
from jifen.core.wallets.commands import ConvertPoints, SavePoints, UnsavePoints


def command_of(
    entry: Entry, member: int, past: PastTransaction | None, draft: Program, versions: Mapping[int, Program]
) -> Command:
    """What had been asked for when something was recorded that neither earned nor went to somebody else. `past`: what
    it refers to, as the replay has it; `versions`: those of the program."""
    trace = entry.trace
    sequence = 0 if past is None else past.sequence
    if moves_nothing(entry):
        return SettleMember(member)
    if entry.kind in (Kind.REDEEM, Kind.STEP):
        return _redeeming(entry, member, sequence, draft)
    if entry.kind is Kind.REVERSE:
        if entry.facts is None:
            return ReverseTransaction(member, sequence)
        return RefundOrder(member, refund_of(entry))
    if entry.kind is Kind.CORRECT:
        return CorrectOrder(member, correction_of(entry))
    if entry.kind is Kind.RELEASE:
        return ReleaseHold(member, sequence)
    assert trace.points is not None
    if entry.kind is Kind.CAPTURE:
        return CaptureHold(member, sequence, trace.points)
    assert trace.wallet is not None
    wallet = draft.wallet_ids[trace.wallet]
    if entry.kind is Kind.SPEND:
        return SpendPoints(member, wallet, trace.points)
    if entry.kind is Kind.HOLD:
        longest = entry.decided_at + MAXIMUM_HOLD
        return PlaceHold(member, wallet, trace.points, None if trace.until is None else min(trace.until, longest))
    if entry.kind is Kind.SAVE:
        return SavePoints(member, trace.points)
    if entry.kind is Kind.UNSAVE:
        return UnsavePoints(member, trace.points)
    dealings = trace.dealings
    if entry.kind is Kind.CONVERT:
        assert dealings is not None and dealings.converted is not None
        return ConvertPoints(member, dealings.converted.conversion, trace.points)
    assert entry.kind is Kind.ADJUST
    if dealings is not None and dealings.forfeited is not None:
        # How much that was is the draft's matter; whoever has left stays so.
        return ChangeLife(member, "close")
    code = None if dealings is None else dealings.reason_code
    return AdjustPoints(member, wallet, trace.points, _given_expiry(entry, trace.wallet, versions[entry.version]), code)


def _redeeming(entry: Entry, member: int, sequence: int, draft: Program) -> Command:
    """What a redemption did to the points, whatever the draft's rewards are: held, spent, released, given back."""
    trace = entry.trace
    assert trace.wallet is not None and trace.points is not None
    wallet = draft.wallet_ids[trace.wallet]
    if entry.kind is Kind.REDEEM:
        if trace.until is None:
            return SpendPoints(member, wallet, trace.points)
        return PlaceHold(member, wallet, trace.points, entry.decided_at + MAXIMUM_HOLD)
    if trace.step in ("pay", "approve"):
        return CaptureHold(member, sequence)
    return ReverseTransaction(member, sequence) if trace.gives_back else ReleaseHold(member, sequence)


def _given_expiry(entry: Entry, wallet: int, program: Program) -> datetime | None:
    """The expiry that whoever adjusted gave; None: that of the program of then, so the draft's counts now."""
    if entry.opened is None:
        return None
    recorded = decode_opened(entry.opened)[0].expires_at
    usual = expires_at(program.expiry_of_wallet[wallet], entry.occurred_at, program.zone)
    return None if recorded == usual else recorded
