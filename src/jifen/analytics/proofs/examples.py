"""From a model of the solver to an event that anyone can try, and back through the real pipeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final

import msgspec
import z3

from jifen.analytics.proofs.encoding import Encoder
from jifen.analytics.proofs.periods import FIRST_DAY
from jifen.analytics.proofs.report import Counterexample
from jifen.core.orders import Order, OrderLine
from jifen.core.program import Program
from jifen.core.rules.document import ORDER_COMPLETED
from jifen.core.rules.facts import TIERS, LineFacts, MemberFacts, Moment, RatedEvent, RatedFacts, readers_of
from jifen.core.rules.rate import Rating, rate

SOURCE = "check"
#: What becomes of a rule that does not match.
UNMATCHED: Final = ("outside_window", "audience", "condition", "no_line", "failed")
_LINE_TEXTS = ("sku", "name", "category", "brand")


class Case(msgspec.Struct, frozen=True):
    """An event with its member and moment."""

    event: RatedEvent
    member: MemberFacts


def usual_moment(program: Program) -> datetime:
    """Noon of the first day that proofs look at."""
    return datetime.combine(FIRST_DAY, time(12), tzinfo=program.zone)


def case_of(
    model: Any, encoder: Encoder, event_type: str, lines: Sequence[str], local: datetime, program: Program
) -> Case:
    """The event and member that a model describes. `lines`: the prefixes of an order's lines."""
    reader = Reader(model, encoder)
    instant = local.astimezone(UTC)
    member = reader.member(local)
    source = reader.text("event.source") or SOURCE
    if event_type != ORDER_COMPLETED:
        data = {
            name.removeprefix("event.data."): reader.value(name, kind)
            for name, kind in encoder.fields.items()
            if name.startswith("event.data.")
        }
        return Case(RatedEvent(event_type, instant, source, data=data), member)
    order_lines: list[OrderLine] = []
    for prefix in lines:
        order_lines += reader.lines(len(order_lines) + 1, prefix)
    rest = reader.number("rest.lines")
    for number in range(rest):
        is_last = number == rest - 1
        quantity = reader.number("rest.quantity") - rest + 1 if is_last else 1
        paid = reader.number("rest.paid_cents") if is_last else 0
        order_lines.append(OrderLine(f"rest-{number + 1}", max(quantity, 1), paid))
    channel, store = reader.text("order.channel") or None, reader.text("order.store_id") or None
    order = Order("check", program.document.currency, order_lines, channel, store)
    return Case(RatedEvent(event_type, instant, source, order, order_lines), member)


def ordinary_order(program: Program) -> Case:
    """An order of 100.00, of a member of whom nothing is known: where no event tells more than another."""
    lines = [OrderLine("line-1", 1, 10_000)]
    order = Order("check", program.document.currency, lines)
    instant = usual_moment(program).astimezone(UTC)
    return Case(RatedEvent(ORDER_COMPLETED, instant, SOURCE, order, lines), MemberFacts())


class Reader:
    """What a model of the solver says of facts."""

    def __init__(self, model: Any, encoder: Encoder) -> None:
        self._model = model
        self._encoder = encoder

    def number(self, name: str) -> int:
        """A whole number, or the number of a text."""
        # What the model does not decide is completed as 0: of no text, no day, no money.
        return int(self._model.eval(self._encoder.number(name), model_completion=True).as_long())

    def text(self, name: str) -> str:
        """A text; empty where nothing is said of it."""
        return self._encoder.texts.of_model(self._model, self.number(name))

    def truth(self, name: str) -> bool:
        """Whether something is so."""
        return bool(z3.is_true(self._model.eval(self._encoder.truth(name), model_completion=True)))

    def held(self, name: str) -> list[str]:
        """The texts of a list."""
        return self._encoder.held(name, self._model)

    def value(self, name: str, kind: str) -> bool | int | str:
        """A value of this type."""
        return self.truth(name) if kind == "bool" else self.text(name) if kind == "string" else self.number(name)

    def lines(self, first: int, prefix: str) -> list[OrderLine]:
        """The lines that stand behind a prefix: one, or several that are alike."""
        texts = {each: self.text(f"{prefix}{each}") or None for each in _LINE_TEXTS}
        quantity = max(self.number(f"{prefix}quantity"), 1)
        paid = self.number(f"{prefix}paid_cents")
        name = self.text(f"{prefix}line_id")
        return [
            OrderLine(name if name and number == 0 else f"line-{first + number}", quantity, paid, **texts)
            for number in range(self.number(f"{prefix}copies"))
        ]

    def member(self, local: datetime) -> MemberFacts:
        """The facts of the member at a local moment."""
        encoder = self._encoder
        month, day = self.number("member.birthday_month"), self.number("member.birthday_day")
        registered = local - timedelta(days=self.number("member.days_since_registration"))
        orders = self.number("member.orders")
        fields = {
            name.removeprefix("member.fields."): self.value(name, kind)
            for name, kind in encoder.fields.items()
            if name.startswith("member.fields.")
        }
        tier, sets = self.text("member.tier"), [name for name in encoder.fields if name.startswith(TIERS)]
        # The first tier set is the one that `tier` is of.
        tiers = {name.removeprefix(TIERS): tier if name == sets[0] else self.text(name) for name in sets}
        return MemberFacts(
            tier=tier,
            tags=self.held("member.tags"),
            segments=self.held("member.segments"),
            channel=self.text("member.channel"),
            registered_at=registered.astimezone(UTC),
            birthday=f"{month:02d}-{day:02d}" if month else None,
            birthday_window_from=local.date().isoformat() if self.truth("member.in_birthday_window") else None,
            orders=orders,
            spent_cents_month=self.number("member.spent_cents_month"),
            spent_cents_year=self.number("member.spent_cents_year"),
            spent_cents_total=self.number("member.spent_cents_total"),
            days_since_last_order=self.number("member.days_since_last_order") if orders else -1,
            checkin_streak=self.number("member.checkin_streak"),
            fields=fields,
            tiers={name: each for name, each in tiers.items() if each},
        )


def replay(program: Program, case: Case) -> Rating:
    """What the rules really give."""
    book = program.books.get(case.event.type)
    return rate(book, case.event, case.member, {}, program.document.coefficients, with_all_verdicts=True)


def facts_of(program: Program, case: Case) -> Mapping[str, Any]:
    """What conditions see of a case; of an order the first line."""
    types = program.books[case.event.type].field_types
    moment = Moment(case.event.occurred_at, program.zone)
    facts = RatedFacts(case.event, moment, case.member, readers_of(types, types))
    return LineFacts(facts, case.event.lines[0]) if case.event.lines else facts


def outcome_of(rating: Rating, rule: str) -> str:
    """What became of a rule."""
    return next((each.outcome for each in rating.verdicts if each.rule == rule), "")


def counterexample(case: Case) -> Counterexample:
    """The case as a CloudEvent and the facts of a member, as `rules try` takes them."""
    event = case.event
    data: Any = dict(event.data) if event.order is None else msgspec.to_builtins(event.order)
    at = event.occurred_at.isoformat()
    cloud_event = {
        "specversion": "1.0",
        "id": "check",
        "source": event.source,
        "type": event.type,
        "subject": "external:check",
        "time": at,
        "data": data,
    }
    return Counterexample(cloud_event, msgspec.to_builtins(case.member), at)
