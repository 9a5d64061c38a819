"""Trying rules: what an event would earn, with what became of every rule. Nothing is read or written."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import msgspec

from jifen.core.calendar import local_day
from jifen.core.commands import CorrectOrder, RecordEvent, RecordOrder, RefundOrder, RegisterMember
from jifen.core.decide.earn import caps_of_event
from jifen.core.decide.profile import check_profile
from jifen.core.limits import EARLIEST_INSTANT, MAXIMUM_AMOUNT
from jifen.core.orders import check_order
from jifen.core.program import Program
from jifen.core.refusal import Refusal
from jifen.core.rules.document import ORDER_COMPLETED, LocalizedText
from jifen.core.rules.facts import REGISTERED, MemberFacts, RatedEvent
from jifen.core.rules.rate import Outcome, Rating, rate
from jifen.core.rules.standing import profile_of
from jifen.services.events import OrderCorrectedEvent, OrderRefundedEvent, read_event, submission_of_event
from jifen.services.explanations.outcomes import in_both_languages, in_order
from jifen.services.instants import to_utc
from jifen.services.json_input import escape_pointer
from jifen.services.persons import FieldValue, whole_numbers
from jifen.services.programs import parse_program

#: Whom a tried event is about where it names nobody: rules see the facts alone.
_SOMEBODY: Final = "external:somebody"
_TRIER: Final = "jifen:try"
_MOST: Final = 10**18
#: The counters of a member, with the least that each can be.
_COUNTERS: Final = {
    "orders": 0,
    "spent_cents_month": -_MOST,
    "spent_cents_year": -_MOST,
    "spent_cents_total": -_MOST,
    "days_since_last_order": -1,
    "checkin_streak": 0,
}


class TriedMember(MemberFacts, frozen=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """What is known of a member, as people write it: in `fields`, 2.0 is 2 as it is for members that are recorded."""

    # Wider than what it becomes: no condition sees it before `facts`.
    fields: dict[str, FieldValue] = msgspec.field(default_factory=dict)  # type: ignore[assignment]

    @property
    def facts(self) -> MemberFacts:
        """As conditions see it."""
        said = {name: getattr(self, name) for name in MemberFacts.__struct_fields__}
        return MemberFacts(**said | {"fields": whole_numbers(self.fields)})


class TriedAward(msgspec.Struct, frozen=True):
    """Points that a rule would give."""

    rule: str
    wallet: str
    points: int


class TriedRule(msgspec.Struct, frozen=True):
    """What would become of a rule. `detail`: the group's winner, the message of a failure, the caps that cut."""

    rule: str
    outcome: Outcome
    points: int
    detail: str
    words: LocalizedText


class Trial(msgspec.Struct, frozen=True):
    """What an event would earn: the awards (also of zero points, where a rule applies), their sums by wallet, and what
    would become of every rule on such events. `program_version` null: a draft was tried. `at`: when the event was
    taken to happen."""

    awards: list[TriedAward]
    totals: dict[str, int]
    trace: list[TriedRule]
    program_version: int | None
    at: datetime


def draft_program(text: str, name: str = "The program") -> Program:
    """A program file's text, ready for trying. Raises InvalidProgram."""
    document = parse_program(text, name)
    return Program(0, document, {wallet.id: number for number, wallet in enumerate(document.wallets, 1)})


def try_event(
    program: Program,
    raw: bytes,
    member: MemberFacts | None = None,
    *,
    at: datetime | None = None,
    used: Mapping[str, int] | None = None,
    now: datetime,
) -> Trial | Refusal:
    """Rate a CloudEvent (JSON) as it would be rated live. Version 0 of the program stands for a draft.

    `member` None: somebody of whom nothing is known. `at` goes before the event's own time, `now` stands for neither.
    `used`: what was used of caps before, by usage name; nothing, where it is not said. Pointers of refusals are
    below `/event`, `/member`, `/at` and `/used`.
    """
    instant = None if at is None else _check_instant(at, "/at")
    if isinstance(instant, Refusal):
        return instant
    event = _rated_event(program, raw, instant, now)
    if isinstance(event, Refusal):
        return _below("/event", event)
    facts = member or MemberFacts()
    refusal = check_facts(program, facts) or _check_used(program, event, used or {})
    if refusal is not None:
        return refusal
    facts = _with_tiers(program, facts)
    if event.type == "member.checked_in" and facts.checkin_streak == 0:
        # A check-in counts in its own streak: without one before, it is the first.
        facts = msgspec.structs.replace(facts, checkin_streak=1)
    book = program.books.get(event.type)
    rating = rate(book, event, facts, used or {}, program.document.coefficients, with_all_verdicts=True)
    if any(award.points > MAXIMUM_AMOUNT for award in rating.awards):
        message, zh = f"This would be more than {MAXIMUM_AMOUNT} points at once.", f"一次超过 {MAXIMUM_AMOUNT} 积分。"
        return Refusal("amount_too_large", message, "/event/data", message_zh=zh)
    return _trial(program, event, rating)


def check_facts(program: Program, facts: MemberFacts) -> Refusal | None:
    """Refuse facts that no member of the program can have; pointers are below `/member`."""
    if facts.registered_at is not None:
        registered_at = _check_instant(facts.registered_at, "/member/registered_at")
        if isinstance(registered_at, Refusal):
            return registered_at
    for name, least in (*_COUNTERS.items(), ("birthday_window_days", 1)):
        most = 366 if name == "birthday_window_days" else _MOST
        if not least <= getattr(facts, name) <= most:
            return _out_of_range(name, least, most, f"/member/{name}")
    for name, value in facts.fields.items():
        if type(value) is int and abs(value) > _MOST:
            return _out_of_range(name, -_MOST, _MOST, f"/member/fields/{escape_pointer(name)}")
    refusal = check_profile(program, profile_of(facts)) or _check_tiers(program, facts)
    return None if refusal is None else _below("/member", refusal)


def _out_of_range(name: str, least: int, most: int, pointer: str) -> Refusal:
    message, zh = f"{name} must lie between {least} and {most}.", f"{name} 须在 {least} 与 {most} 之间。"
    return Refusal("invalid_field", message, pointer, message_zh=zh)


def _check_tiers(program: Program, facts: MemberFacts) -> Refusal | None:
    sets = {each.id: each for each in program.tier_sets}
    for name, tier in facts.tiers.items():
        pointer = f"/tiers/{escape_pointer(name)}"
        if name not in sets:
            message = f"There is no tier set {name!r}; known are {', '.join(sets) or 'none'}."
            zh = f"{name!r}；可用的：{'、'.join(sets) or '无'}。"
            return Refusal("unknown_tier_set", message, pointer, message_zh=zh)
        if tier and tier not in sets[name].ranks:
            known = sets[name].ranks
            message = f"There is no tier {tier!r} in {name}; known are {', '.join(known)}."
            return Refusal("unknown_tier", message, pointer, message_zh=f"{name} 的 {tier!r}；有 {'、'.join(known)}。")
    first = facts.tiers.get(program.tier_sets[0].id) if program.tier_sets else None
    if first is not None and facts.tier not in ("", first):
        message = f"`tier` is that of the first tier set, {first!r}; say one of both."
        zh = f"`tier` 即第一个等级体系的等级 {first!r}；两者只写一个。"
        return Refusal("invalid_field", message, "/tier", message_zh=zh)
    return None


def _with_tiers(program: Program, facts: MemberFacts) -> MemberFacts:
    """The facts with a tier in every set, as members have one: where none is said, the one that everybody has."""
    sets = program.tier_sets
    if not sets:
        return facts
    tiers = {each.id: facts.tiers.get(each.id, each.base) for each in sets}
    if facts.tier:
        tiers[sets[0].id] = facts.tier
    return msgspec.structs.replace(facts, tier=tiers[sets[0].id], tiers=tiers)


def _check_instant(instant: datetime, pointer: str) -> datetime | Refusal:
    """In UTC. Unlike what is recorded, what is tried may lie in the future: the next campaign, for example."""
    if instant.tzinfo is None:
        example = "2026-11-11T10:00:00+08:00"
        zh = f"时刻请写明时区，如 {example}。"
        return Refusal("invalid_field", f"Write an instant with its offset: {example}.", pointer, message_zh=zh)
    utc = to_utc(instant, pointer)
    if isinstance(utc, datetime) and utc < EARLIEST_INSTANT:
        return Refusal("instant_too_early", f"An instant must not lie before {EARLIEST_INSTANT.date()}.", pointer)
    return utc


def _rated_event(program: Program, raw: bytes, at: datetime | None, now: datetime) -> RatedEvent | Refusal:
    """The event that the rules see, made as for a live one."""
    event = read_event(raw)
    if isinstance(event, Refusal):
        return event
    if isinstance(event, OrderRefundedEvent | OrderCorrectedEvent):
        return Refusal(
            "event_not_tried",
            "Refunds and corrections cannot be tried: what remains is rated from the order that was recorded. "
            "Try the order.completed with the lines that remain.",
            "/type",
        )
    if event.subject is None:
        event = msgspec.structs.replace(event, subject=_SOMEBODY)
    submission = submission_of_event(event, _TRIER, program)
    if isinstance(submission, Refusal):
        return submission
    if submission.occurred_at is not None and at is None:
        occurred_at = _check_instant(submission.occurred_at, "/time")
        if isinstance(occurred_at, Refusal):
            return occurred_at
        at = occurred_at
    command, instant = submission.command, at or now
    match command:
        case RecordOrder(order=order):
            refusal = check_order(order)
            if order.currency != program.document.currency:
                message = f"The order is in {order.currency}; the program counts in {program.document.currency}."
                zh = f"订单为 {order.currency}，积分计划为 {program.document.currency}。"
                refusal = Refusal("currency_mismatch", message, "/data/currency", message_zh=zh)
            return refusal or RatedEvent(ORDER_COMPLETED, instant, event.source, order, order.lines)
        case RegisterMember(channel=channel):
            return RatedEvent(REGISTERED, instant, event.source, data={"channel": channel})
        case RecordEvent(type=event_type, data=data):
            plain = {name: value for name, value in data.items() if isinstance(value, bool | int | str)}
            return RatedEvent(event_type, instant, event.source, data=plain)
    assert not isinstance(command, RefundOrder | CorrectOrder)
    raise AssertionError(f"an event became {type(command).__name__}")


def _check_used(program: Program, event: RatedEvent, used: Mapping[str, int]) -> Refusal | None:
    """A name that no cap of this event has would be passed over silently: refused."""
    known = caps_of_event(program, event.type, local_day(event.occurred_at, program.zone))
    for name, number in used.items():
        pointer = f"/used/{escape_pointer(name)}"
        if name not in known:
            names = sorted(known)[:10]
            message = f"No cap counts as {name[:200]!r} on that day; known are {', '.join(names) or 'none'}."
            zh = f"当天没有名为 {name[:200]!r} 的上限；可用的：{'、'.join(names) or '无'}。"
            return Refusal("invalid_field", message, pointer, message_zh=zh)
        if not 0 <= number <= _MOST:
            return _out_of_range(f"used[{name!r}]", 0, _MOST, pointer)
    return None


def _trial(program: Program, event: RatedEvent, rating: Rating) -> Trial:
    names = program.wallet_ids
    totals: dict[str, int] = {}
    for award in rating.awards:
        totals[names[award.wallet]] = totals.get(names[award.wallet], 0) + award.points
    awards = {award.rule: award for award in rating.awards}
    trace = [
        TriedRule(
            each.rule,
            each.outcome,
            each.points,
            each.detail,
            in_both_languages(program, each, awards.get(each.rule)),
        )
        for each in in_order(rating.verdicts)
    ]
    return Trial(
        [TriedAward(award.rule, names[award.wallet], award.points) for award in rating.awards],
        totals,
        trace,
        program.version or None,
        event.occurred_at,
    )


def _below(prefix: str, refusal: Refusal) -> Refusal:
    """The refusal with its pointer below another."""
    return msgspec.structs.replace(refusal, pointer=prefix + (refusal.pointer or ""))
