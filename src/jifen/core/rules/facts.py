"""What conditions can see: the event, the order and its lines, the member, and the moment."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from jifen.core.conditions import Vocabulary
from jifen.core.conditions.vocabulary import LINE_FIELDS, FieldType
from jifen.core.orders import Order, OrderLine
from jifen.core.rules.document import ORDER_COMPLETED, EventType, MemberField

Scalar = bool | int | str
#: The event of a registration: it is rated as the member is made.
REGISTERED: Final = "member.registered"
#: The event that makes streaks.
CHECKED_IN: Final = "member.checked_in"

#: The data that conditions see of events beyond orders. An operator declares further types in the program.
BUILT_IN_EVENTS: Final[dict[str, dict[str, FieldType]]] = {
    REGISTERED: {"channel": "string"},
    "member.profile_completed": {},
    CHECKED_IN: {},
    "content.shared": {"content_id": "string", "platform": "string"},
    "review.posted": {"sku": "string", "order_id": "string", "rating": "int", "length": "int", "pictures": "int"},
    "survey.answered": {"survey_id": "string"},
    "referral.converted": {"role": "string", "other_member": "string", "order_id": "string"},
    "app.installed": {"platform": "string"},
}
EVENT_NAMES: Final[dict[str, FieldType]] = {
    "event.type": "string",
    "event.source": "string",
    "now": "timestamp",
    "now.year": "int",
    "now.month": "int",
    "now.day": "int",
    "now.weekday": "int",
    "now.hour": "int",
    "now.minute": "int",
}
ORDER_NAMES: Final[dict[str, FieldType]] = {
    "order.total_cents": "int",
    "order.quantity": "int",
    "order.line_count": "int",
    "order.channel": "string",
    "order.store_id": "string",
    "order.currency": "string",
    "order.lines": "lines",
}


class MemberFacts(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """What is known of a member when an event happens, the event itself not yet counted (but a check-in counts in its
    own streak).

    `birthday` is `MM-DD` or `YYYY-MM-DD`; `birthday_window_from` the first of the `birthday_window_days` that the
    member picked. Money is in minor units. `days_since_last_order` is -1 before the first.
    """

    tier: str = ""
    tags: list[str] = []
    segments: list[str] = []
    channel: str = ""
    registered_at: datetime | None = None
    birthday: str | None = None
    birthday_window_from: str | None = None
    birthday_window_days: int = 30
    orders: int = 0
    spent_cents_month: int = 0
    spent_cents_year: int = 0
    spent_cents_total: int = 0
    days_since_last_order: int = -1
    checkin_streak: int = 0
    fields: dict[str, Scalar] = {}
    tiers: dict[str, str] = {}


class RatedEvent(msgspec.Struct, frozen=True, gc=False):
    """An event to be rated. `lines` are those of the order that count (a refund rates what remains)."""

    type: str
    occurred_at: datetime
    source: str = ""
    order: Order | None = None
    lines: Sequence[OrderLine] = ()
    data: Mapping[str, Scalar] = {}


class Moment:
    """An instant, and the same in the program's zone, which few rules ask for."""

    __slots__ = ("_local", "_zone", "instant")

    def __init__(self, instant: datetime, zone: ZoneInfo) -> None:
        self.instant = instant
        self._zone = zone
        self._local: datetime | None = None

    @property
    def local(self) -> datetime:
        """The instant in the zone."""
        if self._local is None:
            self._local = self.instant.astimezone(self._zone)
        return self._local


def _days_since_registration(member: MemberFacts, moment: Moment) -> int:
    if member.registered_at is None:
        return 0
    return max((moment.local.date() - member.registered_at.astimezone(moment.local.tzinfo).date()).days, 0)


def _month_and_day(member: MemberFacts) -> tuple[int, int]:
    if member.birthday is None:
        return (0, 0)
    month, day = member.birthday[-5:].split("-")
    return (int(month), int(day))


def _is_birthday(member: MemberFacts, moment: Moment) -> bool:
    """Who was born on 29 February has birthday on the 28th of other years."""
    if member.birthday is None:
        return False
    month, day = _month_and_day(member)
    today = moment.local.date()
    if (month, day) == (2, 29) and (today + timedelta(days=1)).month == 3 and today.day == 28:
        return True
    return (today.month, today.day) == (month, day)


def _in_birthday_window(member: MemberFacts, moment: Moment) -> bool:
    if member.birthday_window_from is None:
        return False
    begin = date.fromisoformat(member.birthday_window_from)
    # By the difference: a window may reach past the end of the calendar.
    return 0 <= (moment.local.date() - begin).days < member.birthday_window_days


Reader = Callable[[MemberFacts, Moment], Any]

_MEMBER: Final[dict[str, tuple[FieldType, Reader]]] = {
    "member.tier": ("string", lambda member, _: member.tier),
    "member.tags": ("strings", lambda member, _: member.tags),
    "member.segments": ("strings", lambda member, _: member.segments),
    "member.channel": ("string", lambda member, _: member.channel),
    "member.registered_at": ("timestamp", lambda member, moment: member.registered_at or moment.instant),
    "member.days_since_registration": ("int", _days_since_registration),
    "member.birthday_month": ("int", lambda member, _: _month_and_day(member)[0]),
    "member.birthday_day": ("int", lambda member, _: _month_and_day(member)[1]),
    "member.is_birthday": ("bool", _is_birthday),
    "member.is_birthday_month": ("bool", lambda member, moment: _month_and_day(member)[0] == moment.local.month),
    "member.in_birthday_window": ("bool", _in_birthday_window),
    "member.orders": ("int", lambda member, _: member.orders),
    "member.is_first_order": ("bool", lambda member, _: member.orders == 0),
    "member.spent_cents_month": ("int", lambda member, _: member.spent_cents_month),
    "member.spent_cents_year": ("int", lambda member, _: member.spent_cents_year),
    "member.spent_cents_total": ("int", lambda member, _: member.spent_cents_total),
    "member.days_since_last_order": ("int", lambda member, _: member.days_since_last_order),
    "member.checkin_streak": ("int", lambda member, _: member.checkin_streak),
}
#: What stands before the id of a tier set in the name of the tier that a member has in it.
TIERS: Final = "member.tiers."
MEMBER_NAMES: Final[dict[str, FieldType]] = {name: each[0] for name, each in _MEMBER.items()}
_JSON_TYPES: Final[dict[str, FieldType]] = {"boolean": "bool", "integer": "int", "string": "string"}
#: What stands for a fact that is not known.
EMPTY_VALUES: Final[dict[FieldType, Scalar]] = {"bool": False, "int": 0, "string": ""}


#: What the day of registration tells.
REGISTRATION: Final = frozenset({"member.registered_at", "member.days_since_registration"})
#: What counters tell.
_COUNTED: Final = frozenset(
    f"member.{name}"
    for name in (
        *("orders", "is_first_order", "days_since_last_order", "checkin_streak"),
        *("spent_cents_month", "spent_cents_year", "spent_cents_total"),
    )
)


def needs_profile(names: Iterable[str]) -> bool:
    """Whether one of these facts about a member is told by neither counters nor tier sets."""
    return any(name not in _COUNTED and not name.startswith(TIERS) for name in names)


def data_names(declared: EventType) -> dict[str, FieldType]:
    """The plain properties of a declared type of event."""
    properties = declared.schema.get("properties", {})
    return {
        name: _JSON_TYPES[each["type"]]
        for name, each in properties.items()
        if isinstance(each, dict) and isinstance(each.get("type"), str) and each["type"] in _JSON_TYPES
    }


def member_names(fields: Iterable[MemberField], tier_sets: Iterable[str] = ()) -> dict[str, FieldType]:
    """Everything that conditions can name of a member, with its type."""
    own: dict[str, FieldType] = {f"member.fields.{each.id}": each.type for each in fields}
    return MEMBER_NAMES | own | dict.fromkeys((f"{TIERS}{each}" for each in tier_sets), "string")


def names_for(
    event_type: str, fields: Iterable[MemberField], events: Iterable[EventType], tier_sets: Iterable[str] = ()
) -> dict[str, FieldType]:
    """Everything that conditions on this type of event can name, with its type; without the fields of a line.

    Raises:
        KeyError: there is no such type of event.
    """
    names = EVENT_NAMES | member_names(fields, tier_sets)
    if event_type == ORDER_COMPLETED:
        return names | ORDER_NAMES
    declared = {each.type: data_names(each) for each in events}
    data = declared[event_type] if event_type in declared else BUILT_IN_EVENTS[event_type]
    return names | {f"event.data.{name}": each for name, each in data.items()}


def vocabularies(names: Mapping[str, FieldType], event_type: str) -> tuple[Vocabulary, Vocabulary | None, Vocabulary]:
    """What `when`, `lines` (orders alone) and `audience` of a rule on such events may name."""
    lines = None
    if event_type == ORDER_COMPLETED:
        lines = Vocabulary({**names, **{f"line.{name}": each for name, each in LINE_FIELDS.items()}})
    return Vocabulary(names), lines, Vocabulary(_of_member(names))


def audience_vocabulary(fields: Iterable[MemberField], tier_sets: Iterable[str]) -> Vocabulary:
    """What audiences may name, whatever happens: the member and the moment."""
    return Vocabulary(_of_member(EVENT_NAMES | member_names(fields, tier_sets)))


def _of_member(names: Mapping[str, FieldType]) -> dict[str, FieldType]:
    return {name: each for name, each in names.items() if name.startswith(("member.", "now"))}


def readers_of(names: Iterable[str], fields: Mapping[str, FieldType]) -> dict[str, Reader]:
    """How the facts about a member are read, for those of the names that are such facts."""
    readers: dict[str, Reader] = {}
    for name in sorted(names):
        if name in _MEMBER:
            readers[name] = _MEMBER[name][1]
        elif name.startswith("member.fields."):
            readers[name] = _field_reader(name.removeprefix("member.fields."), fields[name])
        elif name.startswith(TIERS):
            readers[name] = _tier_reader(name.removeprefix(TIERS))
    return readers


def _tier_reader(tier_set: str) -> Reader:
    return lambda member, _: member.tiers.get(tier_set, "")


def _field_reader(field: str, field_type: FieldType) -> Reader:
    empty = EMPTY_VALUES[field_type]
    return lambda member, _: member.fields.get(field, empty)


_MOMENT: Final[dict[str, Callable[[Moment], Any]]] = {
    "now": lambda moment: moment.instant,
    "now.year": lambda moment: moment.local.year,
    "now.month": lambda moment: moment.local.month,
    "now.day": lambda moment: moment.local.day,
    "now.weekday": lambda moment: moment.local.isoweekday(),
    "now.hour": lambda moment: moment.local.hour,
    "now.minute": lambda moment: moment.local.minute,
}
_EVENT: Final[dict[str, Callable[[RatedEvent], Any]]] = {
    "event.type": lambda event: event.type,
    "event.source": lambda event: event.source,
}
_ORDER: Final[dict[str, Callable[[Order, Sequence[OrderLine]], Any]]] = {
    "order.total_cents": lambda _, lines: sum(line.paid_cents for line in lines),
    "order.quantity": lambda _, lines: sum(line.quantity for line in lines),
    "order.line_count": lambda _, lines: len(lines),
    "order.channel": lambda order, _: order.channel or "",
    "order.store_id": lambda order, _: order.store_id or "",
    "order.currency": lambda order, _: order.currency,
    "order.lines": lambda _, lines: [line_facts(line) for line in lines],
}


def moment_facts(moment: Moment) -> dict[str, Any]:
    """The facts about an instant, by their dotted names."""
    return {name: read(moment) for name, read in _MOMENT.items()}


_UNKNOWN: Final = object()


class RatedFacts(dict[str, Any]):
    """The facts about an event by their dotted names, each worked out when it is first asked for: most rules ask for
    few. A property that the event lacks is missing: a condition that asks for it fails."""

    __slots__ = ("_event", "_member", "_moment", "_readers")

    def __init__(self, event: RatedEvent, moment: Moment, member: MemberFacts, readers: Mapping[str, Reader]) -> None:
        """`readers`: how those facts of the member are read that may be asked for."""
        super().__init__()
        if event.data:
            self.update({f"event.data.{name}": value for name, value in event.data.items()})
        self._event, self._moment, self._member, self._readers = event, moment, member, readers

    def __getitem__(self, name: str) -> Any:
        """A fact. Raises KeyError where there is none of this name."""
        # Not by `__missing__`, which a dictionary comes to by calls that cost as much as most facts.
        known = self.get(name, _UNKNOWN)
        if known is not _UNKNOWN:
            return known
        order = self._event.order
        if name in self._readers:
            value = self._readers[name](self._member, self._moment)
        elif order is not None and name in _ORDER:
            value = _ORDER[name](order, self._event.lines)
        else:
            value = _MOMENT[name](self._moment) if name in _MOMENT else _EVENT[name](self._event)
        self[name] = value
        return value

    def __contains__(self, name: object) -> bool:
        if super().__contains__(name):
            return True
        is_of_order = self._event.order is not None and name in _ORDER
        return is_of_order or name in self._readers or name in _MOMENT or name in _EVENT


class LineFacts(dict[str, Any]):
    """The facts about a line of an order, and all about the order: worked out once for all of its lines."""

    __slots__ = ("_of_event",)

    def __init__(self, of_event: RatedFacts, line: OrderLine) -> None:
        super().__init__(of_event)
        self._of_event = of_event
        self.update({f"line.{name}": value for name, value in line_facts(line).items()})

    def __missing__(self, name: str) -> Any:
        """Work a fact about the event out. Raises KeyError where there is none of this name."""
        value = self[name] = self._of_event[name]
        return value

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or name in self._of_event


def line_facts(line: OrderLine) -> dict[str, Scalar]:
    """The facts about a line, by the names of its fields."""
    return {
        "line_id": line.line_id,
        "sku": line.sku or "",
        "name": line.name or "",
        "category": line.category or "",
        "brand": line.brand or "",
        "quantity": line.quantity,
        "paid_cents": line.paid_cents,
    }


def line_fact(line: OrderLine, field: str) -> Scalar:
    """One fact about a line, by the name of its field."""
    value: Scalar | None = getattr(line, field)
    return "" if value is None else value
