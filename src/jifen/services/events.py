"""Events from outside (CloudEvents 1.0, JSON, structured mode) become commands."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from jifen.core.commands import Command, CorrectOrder, RecordEvent, RecordOrder, RefundOrder
from jifen.core.identity import Identity, parse_identity
from jifen.core.limits import MAXIMUM_EVENTS, MAXIMUM_IDENTITIES, MAXIMUM_TEXT
from jifen.core.orders import Label, Order, OrderCorrection, OrderRefund, Text
from jifen.core.program import Program
from jifen.core.refusal import Refusal
from jifen.engine.submission import Submission
from jifen.services.event_data import check_data
from jifen.services.instants import Instant, to_utc
from jifen.services.json_input import NESTED_TOO_DEEPLY, not_json, read_json, unfit_text_in
from jifen.services.persons import NOBODY, NewPerson, registration

#: Sources that jifen gives itself; an event cannot come from there.
IDEMPOTENCY_SOURCE = "idempotency-key"
OWN_SOURCES = "jifen:"

IdentityText = Annotated[str, Meta(min_length=3, max_length=MAXIMUM_TEXT + 16)]
Identities = Annotated[list[IdentityText], Meta(max_length=MAXIMUM_IDENTITIES)]


class Registration(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """Data of `member.registered`: what else finds the member, beside the subject (`kind:value` each); which of all
    these were made sure to be the member's own; by which way (else the person's `channel`); what is known of the
    person."""

    identities: Identities = []
    channel: Label = ""
    verified: Identities = []
    person: NewPerson = NOBODY


class Event(msgspec.Struct, frozen=True, tag_field="type", kw_only=True, gc=False):
    """What every CloudEvent says about itself. Extension attributes are allowed and not kept.

    `source` and `id` together make an event unique for ever; `subject` is the identity of the member it is about.
    """

    specversion: Literal["1.0"]
    id: Text
    source: Text
    subject: Label | None = None
    time: Instant | None = None
    datacontenttype: Label | None = None


class OrderCompletedEvent(Event, frozen=True, tag="order.completed", kw_only=True, gc=False):
    """An order was paid and completed: its lines earn points."""

    data: Order


class OrderRefundedEvent(Event, frozen=True, tag="order.refunded", kw_only=True, gc=False):
    """An order or part of it was refunded. The subject may be left out: the order knows its member."""

    data: OrderRefund


class OrderCorrectedEvent(Event, frozen=True, tag="order.corrected", kw_only=True, gc=False):
    """A recorded order should have said something else: the difference is booked, by the rules of its own time."""

    data: OrderCorrection


class MemberRegisteredEvent(Event, frozen=True, tag="member.registered", kw_only=True, gc=False):
    """Somebody joined. Where the member is known already, that is the answer (`duplicate`), with the transaction that
    rewarded the first registration if there is one; what is said of the person changes nothing then."""

    data: Registration = Registration()


class OtherEvent(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a member did besides: one of the built-in types, or one that the program declares."""

    type: Text
    specversion: Literal["1.0"]
    id: Text
    source: Text
    subject: Label | None = None
    time: Instant | None = None
    datacontenttype: Label | None = None
    data: dict[str, Any] = {}


KnownEvent = OrderCompletedEvent | OrderRefundedEvent | OrderCorrectedEvent | MemberRegisteredEvent
AnyEvent = KnownEvent | OtherEvent


class _Name(msgspec.Struct, gc=False):
    """As much of an event as is needed to say which one was refused."""

    id: Any = None
    source: Any = None


_event_decoder: msgspec.json.Decoder[KnownEvent] = msgspec.json.Decoder(KnownEvent)
_other_decoder = msgspec.json.Decoder(OtherEvent)
_batch_decoder = msgspec.json.Decoder(list[msgspec.Raw])
_name_decoder = msgspec.json.Decoder(_Name)
_encode = msgspec.json.Encoder().encode


def split_batch(raw: bytes) -> list[bytes] | Refusal:
    """The events of a batch, each still as JSON. Refuses what is no array, and more events than one call may bring."""
    try:
        events = [bytes(event) for event in _batch_decoder.decode(raw)]
    except msgspec.ValidationError:
        return Refusal("invalid_field", "A batch of events is an array.", "", message_zh="一批事件须为列表。")
    except RecursionError:
        return NESTED_TOO_DEEPLY
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        # Half of a surrogate pair in one event is not the fault of its neighbours.
        parted = _split_leniently(raw) if unfit_text_in(raw) else None
        if parted is None:
            return not_json(raw, error)
        events = parted
    if len(events) > MAXIMUM_EVENTS:
        message = f"{len(events)} events in one call; {MAXIMUM_EVENTS} are allowed. Send them in several calls."
        return Refusal("too_many_events", message, "", {"events": len(events), "limit": MAXIMUM_EVENTS})
    return events


def _split_leniently(raw: bytes) -> list[bytes] | None:
    events = json.loads(raw.decode("utf-8", "surrogatepass"))
    return [json.dumps(event).encode() for event in events] if isinstance(events, list) else None


def read_event(raw: bytes) -> AnyEvent | Refusal:
    """Read one event."""
    event: AnyEvent | Refusal = read_json(_event_decoder, raw)
    if isinstance(event, Refusal) and event.pointer == "/type" and event.code == "invalid_field":
        event = read_json(_other_decoder, raw)
    if isinstance(event, Refusal):
        return event
    content_type = event.datacontenttype
    if content_type is not None and not _is_json(content_type):
        message, zh = "The data of an event must be JSON.", "事件的数据须为 JSON。"
        return Refusal("invalid_field", message, "/datacontenttype", message_zh=zh)
    return event


def name_of_event(raw: bytes) -> tuple[str | None, str | None]:
    """The id and source of an event that cannot be read as a whole, as far as they are texts."""
    try:
        name = _name_decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return (None, None)
    return (name.id if isinstance(name.id, str) else None, name.source if isinstance(name.source, str) else None)


def submission_of_event(event: AnyEvent, actor: str, program: Program | None = None) -> Submission | Refusal:
    """The command that an event stands for, under the key that its source and id make. `program` declares what types
    there are besides the built-in ones."""
    if event.source == IDEMPOTENCY_SOURCE or event.source.startswith(OWN_SOURCES):
        return Refusal("reserved_source", f"The source {event.source!r} is jifen's own; name another.", "/source")
    subject = None if event.subject is None else parse_identity(event.subject, "/subject")
    if isinstance(subject, Refusal):
        return subject
    occurred_at = None if event.time is None else to_utc(event.time, "/time")
    if isinstance(occurred_at, Refusal):
        return occurred_at
    command = _command_of(event, subject, program)
    if isinstance(command, Refusal):
        return command
    type_name = event.type if isinstance(event, OtherEvent) else event.__struct_config__.tag
    payload = _encode((type_name, None if subject is None else str(subject), occurred_at, event.data))
    return Submission(command, event.source, event.id, payload, actor, occurred_at)


def _command_of(event: AnyEvent, subject: Identity | None, program: Program | None) -> Command | Refusal:
    match event:
        case OtherEvent():
            data = check_data(event.type, event.data, program)
            if isinstance(data, Refusal):
                return data
            return _missing_subject() if subject is None else RecordEvent(subject, event.type, data)
        case OrderRefundedEvent():
            return RefundOrder(subject, event.data)
        case OrderCorrectedEvent():
            return CorrectOrder(subject, event.data)
        case OrderCompletedEvent():
            return _missing_subject() if subject is None else RecordOrder(subject, event.data)
        case MemberRegisteredEvent():
            identities = parse_identities(event.data.identities, "/data/identities")
            if isinstance(identities, Refusal):
                return identities
            if subject is not None:
                identities = (subject, *(each for each in identities if each != subject))
            if not identities:
                return _missing_subject()
            said = event.data
            return registration(
                identities, said.verified, said.person, "/data", known_is_fine=True, channel=said.channel
            )


def parse_identities(texts: list[str], pointer: str) -> tuple[Identity, ...] | Refusal:
    """Read identities, each once, however often it is named."""
    found: dict[Identity, None] = {}
    for index, text in enumerate(texts):
        identity = parse_identity(text, f"{pointer}/{index}")
        if isinstance(identity, Refusal):
            return identity
        found[identity] = None
    return tuple(found)


def _missing_subject() -> Refusal:
    message = "Say in `subject` whom this is about, as kind:value (phone:13800138000)."
    zh = "subject；请写明是哪位会员，形如 kind:value（phone:13800138000）。"
    return Refusal("missing_field", message, "/subject", message_zh=zh)


def _is_json(content_type: str) -> bool:
    media_type = content_type.partition(";")[0].strip().lower()
    return media_type == "application/json" or media_type.endswith("+json")
