"""Looks at what the real ledger holds in the oracle's words, and proves balances from movements."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from jifen.core.commands import SettleMember
from jifen.core.decide import Context, decide
from jifen.core.ledger.values import Account, Bucket, Lot, MemberState, Movement
from jifen.core.program import Program
from jifen.core.redemption.values import Redemption
from jifen.core.refusal import Refusal
from jifen.core.trace import decode_trace

_OWN = (Bucket.AVAILABLE, Bucket.PENDING, Bucket.HELD, Bucket.SAVED, Bucket.DEBT)


def view_now(program: Program, state: MemberState, history: Iterable[Movement], now: datetime) -> dict[str, Any]:
    """What a member has now: time's work is done in memory, as a reader of balances does it."""
    effects = decide(program, SettleMember(state.member_id), Context(now, now, "test", "", "tester"), state)
    assert not isinstance(effects, Refusal)
    movements = [*history, *(movement for each in effects.transactions for movement in each.movements)]
    (settled,) = effects.states
    view = {
        program.wallet_ids[account.wallet]: _view_account(account, movements)
        for account in settled.accounts
        if account.wallet in program.wallet_ids
    }
    return view | {
        "sequence": settled.sequence,
        "status": settled.status.name.lower(),
        "used": sorted(number for number in state.used.values() if number),
    }


def view_redemptions(redemptions: Mapping[int, Redemption]) -> dict[int, tuple[object, ...]]:
    """How redemptions stand: state, until when each waits, and of each coupon what is left and what was used."""
    return {
        number: (
            each.state,
            each.until,
            [coupon.remaining_cents for coupon in each.coupons],
            [[use.cents for use in coupon.uses] for coupon in each.coupons],
        )
        for number, each in redemptions.items()
    }


def _view_account(account: Account, movements: Sequence[Movement]) -> dict[str, Any]:
    mine = [movement for movement in movements if movement.wallet == account.wallet]
    net = _net(mine)
    balances = account.balances
    # Every balance is what the movements say, and every lot as well.
    found = (balances.available, balances.pending, balances.held, balances.saved, -balances.debt)
    assert found == tuple(net.get(bucket, 0) for bucket in _OWN)
    assert sum(lot.remaining for lot in account.lots) == account.available
    assert sum(lot.remaining for lot in account.pending_lots) == account.pending
    assert sum(hold.remaining for hold in account.holds) == account.held
    assert sum(deposit.remaining for deposit in account.deposits) == account.saved
    by_lot = _net_by_lot(mine)
    for lot in account.lots:
        assert by_lot.pop((lot.lot, Bucket.AVAILABLE)) == lot.remaining
    for lot in account.pending_lots:
        assert by_lot.pop((lot.lot, Bucket.PENDING)) == lot.remaining
    assert not any(points for (_, bucket), points in by_lot.items() if bucket in (Bucket.AVAILABLE, Bucket.PENDING))
    return {
        "available": account.available,
        "pending": account.pending,
        "held": account.held,
        "saved": account.saved,
        "debt": account.debt,
        "free_lots": _shown(account.lots),
        "pending_lots": _shown(sorted(account.pending_lots, key=lambda lot: lot.order)),
        "holds": [(hold.remaining, hold.expires_at) for hold in account.holds],
        "savings": [(deposit.remaining, deposit.expires_at) for deposit in account.deposits],
        "flows": {bucket.name.lower(): points for bucket, points in net.items() if bucket not in _OWN and points},
    }


def _shown(lots: Iterable[Lot]) -> list[tuple[int, datetime, datetime, datetime]]:
    return [(lot.remaining, lot.terms.earned_at, lot.terms.effective_at, lot.terms.expires_at) for lot in lots]


def _net(movements: Iterable[Movement]) -> dict[Bucket, int]:
    net: dict[Bucket, int] = {}
    for movement in movements:
        assert movement.amount > 0
        net[movement.source] = net.get(movement.source, 0) - movement.amount
        net[movement.target] = net.get(movement.target, 0) + movement.amount
    return net


def _net_by_lot(movements: Iterable[Movement]) -> dict[tuple[int, Bucket], int]:
    net: dict[tuple[int, Bucket], int] = {}
    for movement in movements:
        for bucket, points in ((movement.source, -movement.amount), (movement.target, movement.amount)):
            net[movement.lot, bucket] = net.get((movement.lot, bucket), 0) + points
    return net


def check_replay(history: Sequence[tuple[bytes, Sequence[Movement]]]) -> None:
    """Replaying a member's movements up to any transaction gives the balances that its trace has kept."""
    replayed: dict[int, dict[Bucket, int]] = {}
    for trace, movements in history:
        for movement in movements:
            buckets = replayed.setdefault(movement.wallet, {})
            buckets[movement.source] = buckets.get(movement.source, 0) - movement.amount
            buckets[movement.target] = buckets.get(movement.target, 0) + movement.amount
        for balances in decode_trace(trace).balances:
            now: Mapping[Bucket, int] = replayed.get(balances.wallet, {})
            kept = (balances.available, balances.pending, balances.held, balances.saved, -balances.debt)
            assert kept == tuple(now.get(bucket, 0) for bucket in _OWN)
