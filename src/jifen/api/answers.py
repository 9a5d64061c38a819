"""From the engine's answers to the JSON of the API."""

from __future__ import annotations

from typing import Literal

from msgspec import UNSET

from jifen.api.bodies import (
    ApprovalAnswer,
    AwardResult,
    ConvertedResult,
    DrawAnswer,
    EventResult,
    HoldAnswer,
    HouseholdResult,
    MemberAnswer,
    RedemptionAnswer,
    RefundResult,
    Status,
    TransactionAnswer,
)
from jifen.api.problems import Language, problem_of
from jifen.core.ledger.values import Kind, transaction_id
from jifen.core.refusal import Refusal
from jifen.core.trace import Trace
from jifen.engine.submission import Answer
from jifen.services.add_ons import add_ons_of
from jifen.services.catalog import Catalog
from jifen.services.drawn import view_of_drawn
from jifen.services.history import KindName
from jifen.services.redemptions import view_of_redemption

KIND_NAMES: dict[Kind, KindName] = {
    Kind.EARN: "earn",
    Kind.SPEND: "spend",
    Kind.HOLD: "hold",
    Kind.CAPTURE: "capture",
    Kind.RELEASE: "release",
    Kind.HOLD_EXPIRE: "hold_expire",
    Kind.EXPIRE: "expire",
    Kind.REVERSE: "reverse",
    Kind.ADJUST: "adjust",
    Kind.TRANSFER: "transfer",
    Kind.MATURE: "mature",
    Kind.CORRECT: "correct",
    Kind.MERGE: "merge",
    Kind.TIER: "tier",
    Kind.REDEEM: "redeem",
    Kind.STEP: "step",
    Kind.CONVERT: "convert",
    Kind.SAVE: "save",
    Kind.UNSAVE: "unsave",
    Kind.DRAW: "draw",
}


def _status(answer: Answer) -> Status:
    return "duplicate" if answer.duplicate else "applied"


def event_result(
    catalog: Catalog, event_id: str, source: str, outcome: Answer | Refusal, language: Language = "en"
) -> EventResult:
    """What became of an event."""
    if isinstance(outcome, Refusal):
        return refused_event(event_id, source, outcome, language)
    member_id, trace = str(outcome.member_id), outcome.trace
    if trace is None:
        return EventResult(event_id, source, _status(outcome), None, member_id, [], {}, None)
    names = catalog.wallet_ids
    return EventResult(
        event_id,
        source,
        _status(outcome),
        f"{member_id}-{outcome.sequence}",
        member_id,
        [AwardResult(award.rule, names[award.wallet], award.points) for award in trace.awards],
        catalog.balances(trace.left),
        None,
        _refund(catalog, trace) or UNSET,
        add_ons_of(trace) or UNSET,
    )


def _refund(catalog: Catalog, trace: Trace) -> RefundResult | None:
    if trace.dealings is None or trace.dealings.refunded is None:
        return None
    refunded = trace.dealings.refunded
    return RefundResult(catalog.wallet_ids[refunded.wallet], refunded.points, refunded.cash_cents)


def _converted(catalog: Catalog, trace: Trace) -> ConvertedResult | None:
    if trace.dealings is None or trace.dealings.converted is None:
        return None
    each = trace.dealings.converted
    return ConvertedResult(each.conversion, catalog.wallet_ids[each.wallet], each.gross, each.fee, each.got)


def _pooled(trace: Trace) -> HouseholdResult | None:
    pooled = None if trace.dealings is None else trace.dealings.pooled
    if pooled is None:
        return None
    parts = [transaction_id(part.member, part.sequence) for part in pooled.parts]
    return HouseholdResult(str(pooled.household), pooled.points, parts)


def refused_event(event_id: str | None, source: str | None, refusal: Refusal, language: Language = "en") -> EventResult:
    """An event that changed nothing, and why."""
    return EventResult(event_id, source, "refused", None, None, [], {}, problem_of(refusal, language))


def member_answer(catalog: Catalog, answer: Answer) -> MemberAnswer:
    """The answer to a registration."""
    return MemberAnswer(_status(answer), str(answer.member_id))


def transaction_answer(catalog: Catalog, answer: Answer) -> TransactionAnswer:
    """The answer to a call that made a transaction."""
    trace, member_id = answer.trace, str(answer.member_id)
    assert trace is not None and answer.kind is not None and answer.program_version is not None
    assert answer.occurred_at is not None and answer.recorded_at is not None
    there = answer.counterpart
    return TransactionAnswer(
        status=_status(answer),
        transaction_id=f"{member_id}-{answer.sequence}",
        member_id=member_id,
        kind=KIND_NAMES[answer.kind],
        occurred_at=answer.occurred_at,
        recorded_at=answer.recorded_at,
        program_version=answer.program_version,
        balances=catalog.balances(trace.left),
        wallet=None if trace.wallet is None else catalog.wallet_ids[trace.wallet],
        points=trace.points,
        refers_to=None if answer.refers_to is None else f"{member_id}-{answer.refers_to}",
        counterpart=None if there is None else f"{there[0]}-{there[1]}",
        converted=_converted(catalog, trace),
        refund=_refund(catalog, trace),
        household=_pooled(trace),
        add_ons=add_ons_of(trace),
        approval_id=None if trace.dealings is None or trace.dealings.approval is None else str(trace.dealings.approval),
    )


def adjusted_answer(catalog: Catalog, answer: Answer) -> TransactionAnswer | ApprovalAnswer:
    """The answer to a correction: what it did, or the request that waits for a second person."""
    return transaction_answer(catalog, answer) if answer.sequence > 0 else _approval(answer, "waiting")


def rejected_answer(catalog: Catalog, answer: Answer) -> ApprovalAnswer:
    """The answer to whoever rejected a request."""
    return _approval(answer, "rejected")


def _approval(answer: Answer, state: Literal["waiting", "rejected"]) -> ApprovalAnswer:
    return ApprovalAnswer(_status(answer), str(-answer.sequence), str(answer.member_id), state)


def hold_answer(catalog: Catalog, answer: Answer) -> HoldAnswer:
    """The answer to a call that placed a hold."""
    trace, plain = answer.trace, transaction_answer(catalog, answer)
    assert trace is not None and trace.until is not None
    return HoldAnswer(
        status=plain.status,
        transaction_id=plain.transaction_id,
        member_id=plain.member_id,
        kind=plain.kind,
        occurred_at=plain.occurred_at,
        recorded_at=plain.recorded_at,
        program_version=plain.program_version,
        balances=plain.balances,
        wallet=plain.wallet,
        points=plain.points,
        hold_id=plain.transaction_id,
        expires_at=trace.until,
    )


def draw_answer(catalog: Catalog, answer: Answer) -> DrawAnswer:
    """The answer to whoever drew."""
    trace, plain = answer.trace, transaction_answer(catalog, answer)
    assert trace is not None and trace.drawn is not None
    return DrawAnswer(
        status=plain.status,
        transaction_id=plain.transaction_id,
        member_id=plain.member_id,
        kind=plain.kind,
        occurred_at=plain.occurred_at,
        recorded_at=plain.recorded_at,
        program_version=plain.program_version,
        balances=plain.balances,
        wallet=plain.wallet,
        points=plain.points,
        drawn=view_of_drawn(answer.member_id, trace.drawn, catalog.wallet_ids),
    )


def redemption_answer(catalog: Catalog, answer: Answer) -> RedemptionAnswer:
    """The answer to a call about a redemption: how it stood right after."""
    trace, plain = answer.trace, transaction_answer(catalog, answer)
    assert trace is not None and trace.redemption is not None
    sequence = answer.refers_to or answer.sequence
    return RedemptionAnswer(
        status=plain.status,
        transaction_id=plain.transaction_id,
        member_id=plain.member_id,
        kind=plain.kind,
        occurred_at=plain.occurred_at,
        recorded_at=plain.recorded_at,
        program_version=plain.program_version,
        balances=plain.balances,
        wallet=plain.wallet,
        points=plain.points,
        refers_to=plain.refers_to,
        household=plain.household,
        redemption=view_of_redemption(
            answer.member_id, sequence, trace.redemption, catalog.wallet_ids, answer.recorded_at
        ),
    )
