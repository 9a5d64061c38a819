"""From a model of the solver to an event that anyone can try, and back through the real pipeline."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import msgspec
import z3

from jifen.analytics.proofs.encoding import Encoder
from jifen.analytics.proofs.report import Counterexample
from jifen.core.orders import Order, OrderLine
from jifen.core.program import Program
from jifen.core.rules.book import CompiledRule
from jifen.core.rules.document import ORDER_COMPLETED
from jifen.core.rules.facts import MemberFacts, RatedEvent
from jifen.core.rules.rate import Rating, rate

#: Days that are looked at for a moment at which windows hold: four years from the first of a window, or from this day.
FIRST_DAY = date(2026, 1, 1)
DAYS = 4 * 366
_HOURS = (12, 0, 4, 8, 10, 14, 16, 18, 20, 22, 23, 2, 6)
_LINE_TEXTS = ("sku", "name", "category", "brand")


class Case(msgspec.Struct, frozen=True):
    """An event with its member and moment."""

    event: RatedEvent
    member: MemberFacts


def moments(rules: Sequence[CompiledRule], program: Program) -> Iterator[datetime]:
    """Local moments at which all of these rules hold, about one for each day, within four years."""
    windows = [each for rule in rules for each in (rule.window, rule.campaign_window) if each is not None]
    starts = [each.since.astimezone(program.zone).date() for each in windows if each.since is not None]
    first = max(starts, default=FIRST_DAY)
    for number in range(DAYS):
        day = first + timedelta(days=number)
        if not all(each.is_always or each.fits_day(day, program.zone) for each in windows):
            continue
        for hour in _HOURS:
            local = datetime.combine(day, time(hour, 30), tzinfo=program.zone)
            if all(each.is_always or each.contains(local.astimezone(UTC), local) for each in windows):
                yield local
                break


def fitting_moment(model: Any, encoder: Encoder, rules: Sequence[CompiledRule], program: Program) -> datetime | None:
    """A moment at which the rules hold and which is as the model says, as far as it says anything."""
    wanted: dict[str, int] = {}
    for part in ("weekday", "hour", "minute", "day", "month", "year"):
        value = model[encoder.variables[f"now.{part}"]] if f"now.{part}" in encoder.variables else None
        if value is not None and f"now.{part}" in {name for rule in rules for name in rule.names}:
            wanted[part] = value.as_long()
    for local in moments(rules, program):
        moved = local.replace(hour=wanted.get("hour", local.hour), minute=wanted.get("minute", local.minute))
        parts = {name: getattr(moved, name) for name in ("hour", "minute", "day", "month", "year")}
        parts["weekday"] = moved.isoweekday()
        if all(parts[name] == value for name, value in wanted.items()):
            return moved
    return None


def case_of(
    model: Any, encoder: Encoder, event_type: str, lines: Sequence[str], local: datetime, program: Program
) -> Case:
    """The event and member that a model describes."""
    reader = _Reader(model, encoder)
    instant = local.astimezone(UTC)
    member = reader.member(local)
    if event_type != ORDER_COMPLETED:
        data = {
            name.removeprefix("event.data."): reader.value(name, kind)
            for name, kind in program.books[event_type].field_types.items()
            if name.startswith("event.data.")
        }
        return Case(RatedEvent(event_type, instant, "check", data=data), member)
    order_lines = [reader.line(number, line) for number, line in enumerate(lines, 1)]
    rest = reader.number("rest.lines")
    for number in range(rest):
        is_last = number == rest - 1
        quantity = reader.number("rest.quantity") - rest + 1 if is_last else 1
        paid = reader.number("rest.paid_cents") if is_last else 0
        order_lines.append(OrderLine(f"rest-{number + 1}", max(quantity, 1), paid))
    order = Order(
        "check",
        program.document.currency,
        order_lines,
        reader.text("order.channel") or None,
        reader.text("order.store_id") or None,
    )
    return Case(RatedEvent(event_type, instant, "check", order, order_lines), member)


class _Reader:
    def __init__(self, model: Any, encoder: Encoder) -> None:
        self._model = model
        self._encoder = encoder

    def number(self, name: str) -> int:
        variable = self._encoder.variables.get(name)
        value = None if variable is None else self._model[variable]
        return 0 if value is None else int(value.as_long())

    def text(self, name: str) -> str:
        return self._encoder.text_of(self.number(name))

    def truth(self, name: str) -> bool:
        return bool(z3.is_true(self._model.eval(z3.Bool(name, self._encoder.context), model_completion=True)))

    def value(self, name: str, kind: str) -> bool | int | str:
        return self.truth(name) if kind == "bool" else self.text(name) if kind == "string" else self.number(name)

    def line(self, number: int, prefix: str) -> OrderLine:
        texts = {each: self.text(f"{prefix}{each}") or None for each in _LINE_TEXTS}
        quantity = max(self.number(f"{prefix}quantity"), 1)
        return OrderLine(f"line-{number}", quantity, self.number(f"{prefix}paid_cents"), **texts)

    def member(self, local: datetime) -> MemberFacts:
        held = {name: [] for name in ("member.tags", "member.segments")}  # type: dict[str, list[str]]
        for (name, text), variable in self._encoder.held.items():
            if z3.is_true(self._model[variable]):
                held[name].append(text)
        month, day = self.number("member.birthday_month"), self.number("member.birthday_day")
        registered = local - timedelta(days=min(self.number("member.days_since_registration"), 3000))
        fields = {
            name.removeprefix("member.fields."): self.value(name, "bool" if z3.is_bool(variable) else "int")
            for name, variable in self._encoder.variables.items()
            if name.startswith("member.fields.")
        }
        return MemberFacts(
            tier=self.text("member.tier"),
            tags=held["member.tags"],
            segments=held["member.segments"],
            channel=self.text("member.channel"),
            registered_at=registered.astimezone(UTC),
            birthday=f"{month:02d}-{day:02d}" if month else None,
            birthday_window_from=local.date().isoformat() if self.truth("member.in_birthday_window") else None,
            orders=self.number("member.orders"),
            spent_cents_month=self.number("member.spent_cents_month"),
            spent_cents_year=self.number("member.spent_cents_year"),
            spent_cents_total=self.number("member.spent_cents_total"),
            days_since_last_order=self.number("member.days_since_last_order") if self.number("member.orders") else -1,
            checkin_streak=self.number("member.checkin_streak"),
            fields=fields,
        )


def replay(program: Program, case: Case) -> Rating:
    """What the rules really give."""
    book = program.books.get(case.event.type)
    return rate(book, case.event, case.member, {}, program.document.coefficients, with_all_verdicts=True)


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
