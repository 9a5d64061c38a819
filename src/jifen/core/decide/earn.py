"""Events earn points: completed orders, and what members do besides."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import msgspec

from jifen.core.calendar import local_day
from jifen.core.commands import RecordEvent, RecordOrder
from jifen.core.decide.context import Decision
from jifen.core.ledger.values import Bucket, Kind
from jifen.core.limits import MAXIMUM_AMOUNT, MAXIMUM_BALANCE
from jifen.core.orders import check_order
from jifen.core.program import Program, terms_of_award
from jifen.core.refusal import Refusal
from jifen.core.rules.document import ORDER_COMPLETED
from jifen.core.rules.facts import CHECKED_IN, MemberFacts, RatedEvent
from jifen.core.rules.rate import rate
from jifen.core.trace import Dealings

encode_facts = msgspec.json.Encoder().encode
_EARN, _ISSUED = Kind.EARN, Bucket.ISSUED


class EventFacts(msgspec.Struct, frozen=True, gc=False):
    """What is kept of an event that is no order."""

    event: str
    data: Mapping[str, Any]


def record_order(decision: Decision, command: RecordOrder, dealings: Dealings | None = None) -> Refusal | None:
    """Rate the order and open a lot for each award. An order that earns nothing is recorded all the same."""
    program, order, context = decision.program, command.order, decision.context
    if order.currency != program.document.currency:
        return Refusal(
            "currency_mismatch",
            f"The order is in {order.currency}; the program counts in {program.document.currency}.",
            "/data/currency",
            message_zh=f"订单为 {order.currency}，积分计划为 {program.document.currency}。",
        )
    refusal = check_order(order)
    if refusal is not None:
        return refusal
    event = RatedEvent(ORDER_COMPLETED, context.occurred_at, context.source, order, order.lines)
    day = local_day(context.occurred_at, program.zone)
    spent = sum(line.paid_cents for line in order.lines)
    return _earn(decision, event, day, b"" if context.is_replay else encode_facts(order), spent, dealings)


def record_event(decision: Decision, command: RecordEvent) -> Refusal | None:
    """Rate what a member did besides buying. It is recorded also where no rule rewards it."""
    context = decision.context
    day = local_day(context.occurred_at, decision.program.zone)
    if command.type == CHECKED_IN:
        then = decision.state.counters_then.get(day)
        streak_then = 1 if then is None else then.with_checkin(day).checkin_streak
        decision.counters = decision.counters.with_checkin(day, streak_then)
    plain = {name: value for name, value in command.data.items() if isinstance(value, bool | int | str)}
    event = RatedEvent(command.type, context.occurred_at, context.source, data=plain)
    return _earn(decision, event, day, encode_facts(EventFacts(command.type, command.data)))


def _earn(
    decision: Decision,
    event: RatedEvent,
    day: date,
    facts: bytes,
    spent: int = 0,
    dealings: Dealings | None = None,
) -> Refusal | None:
    program, context = decision.program, decision.context
    book = program.books.get(event.type)
    member = NOBODY
    needs_member = book is not None and book.needs_member
    if book is not None and needs_member:
        # A late event meets what was known on its own day.
        counters = decision.state.counters_then.get(day, decision.counters)
        if event.type == CHECKED_IN:
            counters = counters.with_checkin(day)
        member = decision.member_facts(day, counters, with_registration=book.needs_registration)
    if needs_member and event.type == CHECKED_IN and member.checkin_streak == 0:
        # A late one that belongs to no known streak counts in its own, as every check-in does.
        member = msgspec.structs.replace(member, checkin_streak=1)
    if book is not None and book.reads_segments:
        member = decision.with_segments(member, book.segments, event.occurred_at)
    caps = book.caps_on(day) if book is not None and book.has_caps else {}
    own, shared = decision.state.used, decision.shared_used
    used = {name: number for name, is_shared in caps.items() if (number := (shared if is_shared else own).get(name))}
    rating = rate(book, event, member, used, program.document.coefficients, day=day)
    decision.begin()
    earned: dict[int, int] = {}
    for award in rating.awards:
        if award.points == 0:
            continue
        earned[award.wallet] = earned.get(award.wallet, 0) + award.points
        if refusal := check_room(decision, award.wallet, award.points):
            return refusal
        terms = terms_of_award(program, program.rules[award.rule], context.occurred_at)
        pending = terms.effective_at > context.now
        decision.journal.open_lot(award.wallet, _ISSUED, award.points, terms, pending=pending)
    uses = {name: number for name, number in rating.uses.items() if number}
    for name, number in uses.items():
        (decision.shared_uses if caps[name] else decision.uses)[name] = number
    if event.order is None:
        decision.counters = decision.counters.in_month(day, earned=earned)
    else:
        decision.counters = decision.counters.with_order(day, spent, earned)
    decision.end(
        _EARN,
        context.occurred_at,
        awards=rating.awards,
        member=member if needs_member else None,
        used=used,
        failed={verdict.rule: verdict.detail for verdict in rating.verdicts} if rating.verdicts else None,
        uses=uses,
        dealings=dealings,
        spent=spent,
        facts=facts,
        is_answer=True,
    )
    return None


def caps_of_event(program: Program, event_type: str, day: date) -> Mapping[str, bool]:
    """The usage names of all caps that may matter for an event of a local day; True: shared by all members."""
    book = program.books.get(event_type)
    return book.caps_on(day) if book is not None and book.has_caps else {}


def check_room(decision: Decision, wallet: int, points: int) -> Refusal | None:
    """Refuse points that no account can hold."""
    if points > MAXIMUM_AMOUNT:
        message = f"This would be {points} points at once; the limit is {MAXIMUM_AMOUNT}."
        return Refusal("amount_too_large", message, message_zh=f"一次为 {points} 积分，上限为 {MAXIMUM_AMOUNT}。")
    draft = decision.journal.look(wallet)
    if draft.available + draft.pending + draft.held + draft.saved + points > MAXIMUM_BALANCE:
        return Refusal("balance_too_large", f"The balance would pass the limit of {MAXIMUM_BALANCE} points.")
    return None


def check_debt(decision: Decision, wallet: int, points: int) -> Refusal | None:
    """Refuse debt that no account can hold."""
    if decision.journal.look(wallet).debt + points > MAXIMUM_BALANCE:
        return Refusal("balance_too_large", f"The debt would pass the limit of {MAXIMUM_BALANCE} points.")
    return None


#: Of whom no rule wants to know anything.
NOBODY = MemberFacts()
