"""A completed order earns points."""

from __future__ import annotations

import msgspec

from jifen.core.commands import RecordOrder
from jifen.core.decide.context import Decision
from jifen.core.earning import rate_order, terms_of_award
from jifen.core.ledger.values import Bucket, Kind
from jifen.core.limits import MAXIMUM_AMOUNT, MAXIMUM_BALANCE
from jifen.core.orders import check_order
from jifen.core.refusal import Refusal

encode_facts = msgspec.json.Encoder().encode


def record_order(decision: Decision, command: RecordOrder) -> Refusal | None:
    """Rate the order and open a lot for each award. An order that earns nothing is recorded all the same."""
    program, order, context = decision.program, command.order, decision.context
    if order.currency != program.document.currency:
        return Refusal(
            "currency_mismatch",
            f"The order is in {order.currency}; the program counts in {program.document.currency}.",
            "/data/currency",
        )
    refusal = check_order(order)
    if refusal is not None:
        return refusal
    awards = rate_order(program, order.lines)
    decision.begin()
    for award, (rule, wallet) in zip(awards, program.earning, strict=True):
        if award.points == 0:
            continue
        if refusal := check_room(decision, wallet, award.points):
            return refusal
        terms = terms_of_award(program, rule, context.occurred_at)
        decision.journal.open_lot(wallet, Bucket.ISSUED, award.points, terms, pending=terms.effective_at > context.now)
    decision.end(Kind.EARN, context.occurred_at, awards=awards, facts=encode_facts(order), is_answer=True)
    return None


def check_room(decision: Decision, wallet: int, points: int) -> Refusal | None:
    """Refuse points that no account can hold."""
    if points > MAXIMUM_AMOUNT:
        return Refusal("amount_too_large", f"This would be {points} points at once; the limit is {MAXIMUM_AMOUNT}.")
    draft = decision.journal.look(wallet)
    if draft.available + draft.pending + draft.held + points > MAXIMUM_BALANCE:
        return Refusal("balance_too_large", f"The balance would pass the limit of {MAXIMUM_BALANCE} points.")
    return None


def check_debt(decision: Decision, wallet: int, points: int) -> Refusal | None:
    """Refuse debt that no account can hold."""
    if decision.journal.look(wallet).debt + points > MAXIMUM_BALANCE:
        return Refusal("balance_too_large", f"The debt would pass the limit of {MAXIMUM_BALANCE} points.")
    return None
