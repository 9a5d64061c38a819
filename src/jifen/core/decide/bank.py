"""The points bank: points that expire soon are put into savings, and taken out again."""

from __future__ import annotations

from datetime import datetime

from jifen.core.calendar import days_later, expires_at, local_day, start_of_day
from jifen.core.counted import counted
from jifen.core.decide.context import Decision
from jifen.core.decide.spend import check_points
from jifen.core.ledger.journal import NotLoaded
from jifen.core.ledger.values import Bucket, Kind, LotTerms
from jifen.core.refusal import Refusal
from jifen.core.wallets.commands import SavePoints, UnsavePoints
from jifen.core.wallets.document import Bank


def saved_name(day_year: int) -> str:
    """Under which name the points that a member saved in a calendar year are counted."""
    return f"bank/points/member/year/{day_year:04d}-01-01"


def start_of_year(decision: Decision) -> datetime:
    """When the calendar year of a decision began in the program's zone."""
    day = local_day(decision.context.now, decision.program.zone)
    return start_of_day(day.replace(month=1, day=1), decision.program.zone)


def save_points(decision: Decision, command: SavePoints) -> Refusal | None:
    """Move points that expire within the bank's window into savings; their lots keep their terms."""
    bank, points, now = decision.program.document.bank, command.points, decision.context.now
    if bank is None:
        return _no_bank()
    wallet = decision.program.wallet_numbers[bank.wallet]
    until = expires_at(bank.expiry, now, decision.program.zone)
    if refusal := check_points(points):
        return refusal
    expiring = _expiring(decision, bank, wallet, until)
    if points > expiring:
        return Refusal(
            "not_expiring_soon",
            f"Only what expires within {counted(bank.window_days, 'days')} can be saved: "
            f"{counted(expiring, 'points')}.",
            "/points",
            {"requested": points, "expiring": expiring, "window_days": bank.window_days},
        )
    if decision.state.earned_this_year is None:
        raise NotLoaded(decision.journal.member_id)
    name = saved_name(local_day(now, decision.program.zone).year)
    saved = decision.state.used.get(name, 0)
    left = max(share_of(bank, decision.state.earned_this_year) - saved, 0)
    if points > left:
        return Refusal(
            "limit_reached",
            f"{bank.share_percent} % of what was earned in a year can be saved in it: {counted(left, 'points')} left.",
            "/points",
            {
                "share_percent": bank.share_percent,
                "limit": "points",
                "period": "year",
                "most": left + saved,
                "left": left,
            },
        )
    decision.uses[name] = points
    decision.begin()
    decision.journal.save(wallet, points, until)
    decision.end(
        Kind.SAVE,
        decision.context.occurred_at,
        wallet=wallet,
        points=points,
        until=until,
        uses={name: points},
        is_answer=True,
    )
    return None


def unsave_points(decision: Decision, command: UnsavePoints) -> Refusal | None:
    """Take points out of savings, what expires first: they come back in new lots that expire as the savings would."""
    bank, points = decision.program.document.bank, command.points
    if bank is None:
        return _no_bank()
    wallet = decision.program.wallet_numbers[bank.wallet]
    if refusal := check_points(points):
        return refusal
    saved = decision.journal.look(wallet).saved
    if points > saved:
        return Refusal(
            "insufficient_savings",
            f"{counted(points, 'points')} asked for, {saved} saved: {counted(points - saved, 'points')} short.",
            "/points",
            {"requested": points, "saved": saved, "missing": points - saved},
        )
    decision.begin()
    for piece, until in decision.journal.take_from_savings(wallet, Bucket.SPENT, points):
        terms = LotTerms(piece.terms.earned_at, decision.context.now, until)
        decision.journal.open_lot(wallet, Bucket.SPENT, piece.amount, terms, pending=False)
    decision.end(Kind.UNSAVE, decision.context.occurred_at, wallet=wallet, points=points, is_answer=True)
    return None


def share_of(bank: Bank, earned: int) -> int:
    """How many of the points that were earned in a year can be saved in it."""
    numerator, denominator = bank.share_percent.as_integer_ratio()
    return max(earned, 0) * numerator // (100 * denominator)


def _expiring(decision: Decision, bank: Bank, wallet: int, until: datetime) -> int:
    """The available points that expire within the window, and sooner than savings would."""
    draft = decision.journal.look(wallet)
    if draft.horizon is not None:
        raise NotLoaded(decision.journal.member_id)
    end = min(days_later(decision.context.now, bank.window_days, decision.program.zone), until)
    return sum(lot.remaining for lot in draft.lots if lot.terms.expires_at <= end)


def _no_bank() -> Refusal:
    return Refusal("no_bank", "The program has no points bank.")
