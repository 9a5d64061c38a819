"""What every decision has in common: the pieces of a transaction, and the days of grace."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from jifen.core.calendar import RollingExpiry
from jifen.core.decide.context import TIME_SOURCE, Context, Decision
from jifen.core.ledger.values import Kind, MemberState
from jifen.core.refusal import Refusal
from jifen.core.trace import decode_trace
from tests.model.programs import make_document, make_program
from tests.unit.core.shop import START, Shop, refused


def make_decision(**changes: object) -> Decision:
    """A decision on a member without history."""
    program = make_program(make_document(**changes))  # type: ignore[arg-type]
    return Decision(program, Context(START, START, "web", "k1", "ann", "because"), MemberState(7, 0, ()))


def test_a_transaction_says_where_it_comes_from() -> None:
    """Source, key, actor, reason, both instants and the version; known failure 81."""
    decision = make_decision()
    decision.begin()
    decision.end(Kind.ADJUST, START, points=5, is_answer=True)
    transaction = decision.effects().answer
    assert transaction is not None
    assert (transaction.source, transaction.key, transaction.actor, transaction.reason) == (
        "web",
        "k1",
        "ann",
        "because",
    )
    assert (transaction.occurred_at, transaction.recorded_at, transaction.program_version) == (START, START, 1)
    assert decode_trace(transaction.trace).points == 5


def test_what_time_does_is_not_attributed_to_the_caller() -> None:
    """The caller's key names one transaction, its own."""
    decision = make_decision()
    decision.begin()
    decision.end(Kind.EXPIRE, START, points=5)
    effects = decision.effects()
    assert effects.answer is None
    assert (effects.transactions[0].source, effects.transactions[0].key) == (TIME_SOURCE, "")
    assert effects.transactions[0].reason is None


def test_a_wallet_is_named_or_the_first() -> None:
    """An unknown one is refused with the known ones listed."""
    decision = make_decision()
    assert decision.wallet_number(None) == 1
    assert decision.wallet_number("growth") == 2
    refusal = decision.wallet_number("coins")
    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.pointer) == ("unknown_wallet", "/wallet")
    assert refused(Shop().spend(1, wallet="coins")) == "unknown_wallet"


@pytest.mark.parametrize(
    ("grace_days", "returned", "end"),
    [
        (1, "2026-03-10T12:00:00+08:00", "2026-03-12T00:00:00+08:00"),
        (30, "2026-01-31T00:00:00+08:00", "2026-03-03T00:00:00+08:00"),
        (1, "2026-03-10T23:59:59+08:00", "2026-03-12T00:00:00+08:00"),
    ],
)
def test_grace_runs_to_the_end_of_its_last_day(grace_days: int, returned: str, end: str) -> None:
    """A day of grace is the rest of today and all of tomorrow."""
    decision = make_decision(expired_lots="grace", grace_days=grace_days)
    assert decision.end_of_grace(datetime.fromisoformat(returned).astimezone(UTC)) == datetime.fromisoformat(end)


def test_points_that_no_rule_awarded_live_as_long_as_earned_ones() -> None:
    """Each wallet as its rule says; a wallet without a rule: for ever."""
    decision = make_decision(expiry=RollingExpiry(1))
    assert decision.new_terms(1, START).expires_at == datetime(2026, 4, 10, 16, 0, tzinfo=UTC)
    assert decision.new_terms(2, START).expires_at.year == 9999
