"""Balances corrected by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from jifen.core.calendar import RollingExpiry
from jifen.core.commands import AdjustPoints
from jifen.core.decide import Context, decide
from jifen.core.limits import MAXIMUM_AMOUNT
from jifen.core.program import LocalizedText, ProgramDocument
from jifen.core.refusal import Refusal
from jifen.core.trace import decode_trace
from jifen.core.wallets.document import Adjustments, ReasonCode
from jifen.services.chinese import chinese_of
from tests.model.programs import make_document
from tests.unit.core.decide.test_spend import shop_with
from tests.unit.core.shop import ALICE, START, Shop, refused


def test_adjusting_up_opens_a_lot_that_expires_as_earned_points_do() -> None:
    """Or when it is told to."""
    shop = Shop(make_document(expiry=RollingExpiry(1)))
    shop.adjust(30)
    shop.adjust(20, expires_at=START + timedelta(hours=1))
    assert shop.lots() == [(20, START + timedelta(hours=1)), (30, datetime(2026, 4, 10, 16, 0, tzinfo=UTC))]


def test_adjusting_down_takes_available_points_only() -> None:
    """It neither makes debt nor touches what is held (known failure 39)."""
    shop = shop_with(100)
    shop.hold(60)
    assert refused(shop.adjust(-41)) == "insufficient_points"
    adjusted = shop.done(shop.adjust(-40))
    assert decode_trace(adjusted.trace).points == -40
    assert shop.buckets() == (0, 0, 60, 0)


@pytest.mark.parametrize("points", [0, MAXIMUM_AMOUNT + 1, -MAXIMUM_AMOUNT - 1])
def test_an_adjustment_that_means_nothing_is_refused(points: int) -> None:
    """Zero and beyond the limit; the refusal says both, as points may also be taken away."""
    outcome = shop_with(100).adjust(points)
    assert refused(outcome) == "invalid_points"
    assert isinstance(outcome, Refusal)
    assert "is not 0" in outcome.message
    assert f"-{MAXIMUM_AMOUNT}" in outcome.message
    assert "不为 0" in chinese_of(outcome)


def test_an_adjustment_down_has_no_expiry() -> None:
    """A clear refusal, not a crash (known failure 53)."""
    assert refused(shop_with(100).adjust(-1, expires_at=START + timedelta(days=1))) == "expiry_not_applicable"


@pytest.mark.parametrize("late", [timedelta(0), timedelta(days=1)])
def test_an_adjustment_cannot_have_expired_already(late: timedelta) -> None:
    """Known failure 42: an already past date is refused."""
    assert refused(shop_with(0).adjust(1, expires_at=START - late)) == "instant_in_past"


REASONS = [
    ReasonCode("goodwill", LocalizedText("关怀", "Goodwill")),
    ReasonCode("mistake", LocalizedText("差错", "Mistake")),
]


def careful(limit: int = 100, *, reasons: bool = True) -> ProgramDocument:
    """A program in which corrections above a limit wait for a second person."""
    return msgspec.structs.replace(make_document(), adjustments=Adjustments(limit, REASONS if reasons else []))


def correct(shop: Shop, points: int, code: str | None = "goodwill", approval: int | None = None) -> object:
    """A correction of Alice's balance, decided but not kept."""
    context = Context(
        shop.now, shop.now, "test", "key", "tester", None, approval, None if approval is None else "other"
    )
    command = AdjustPoints(ALICE, None, points, None, code)
    return decide(shop.shell.program, command, context, shop.shell.states[ALICE])


@pytest.mark.parametrize("points", [101, -101, MAXIMUM_AMOUNT])
def test_above_the_limit_a_correction_must_be_approved(points: int) -> None:
    """Up and down alike; at the limit it is done at once."""
    shop = Shop(careful())
    shop.do(AdjustPoints(ALICE, None, 100, None, "mistake"))
    shop.do(AdjustPoints(ALICE, None, 100, None, "mistake"))
    assert shop.buckets() == (200, 0, 0, 0)
    outcome = correct(shop, points)
    assert isinstance(outcome, Refusal)
    assert (outcome.code, outcome.details["limit"]) == ("approval_needed", 100)


def test_an_approved_correction_says_who_asked() -> None:
    """Its trace keeps the request, so that it can be proven what was done for it."""
    outcome = correct(Shop(careful()), 5_000, approval=7)
    assert not isinstance(outcome, Refusal)
    dealings = decode_trace(outcome.transactions[0].trace).dealings  # type: ignore[attr-defined]
    assert dealings is not None
    assert (dealings.approval, dealings.asked_by, dealings.reason_code) == (7, "other", "goodwill")


def test_a_reason_code_must_be_one_of_the_program() -> None:
    """None named, or another, where some are declared; any, where none are."""
    shop = Shop(careful())
    assert refused(shop.adjust(5)) == "reason_code_needed"
    assert refused(shop.do(AdjustPoints(ALICE, None, 5, None, "whim"))) == "unknown_reason_code"
    plain = Shop(careful(reasons=False))
    shop.done(plain.adjust(5))
    assert refused(plain.do(AdjustPoints(ALICE, None, 5, None, "goodwill"))) == "unknown_reason_code"


def test_what_can_never_be_done_need_not_be_approved() -> None:
    """It is refused for what is wrong with it, not kept for somebody to find out."""
    outcome = correct(Shop(careful()), -101)
    assert isinstance(outcome, Refusal)
    assert outcome.code == "insufficient_points"
