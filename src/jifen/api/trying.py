"""`POST /v1/program/try`: what an event would earn. Changes nothing, so it takes no Idempotency-Key."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from litestar import Request
from msgspec import Meta

from jifen.api.front import media_type
from jifen.core.limits import MAXIMUM_AMOUNT
from jifen.core.program import InvalidProgram, Program
from jifen.core.refusal import Refusal, refusal_from
from jifen.services.catalog import NO_PROGRAM
from jifen.services.instants import Instant
from jifen.services.json_input import read_json
from jifen.services.trying import Trial, TriedMember, draft_program, try_event

TRY_PATH = "/v1/program/try"
#: So many usage names at once; no event has more caps.
MAXIMUM_USED = 10_000
Used = Annotated[dict[str, Annotated[int, Meta(ge=0, le=MAXIMUM_AMOUNT)]], Meta(max_length=MAXIMUM_USED)]
_NULL = b"null"


class TryBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """Rate an event without recording it. `event`: a CloudEvent as `POST /v1/events` takes it (the subject may be left
    out). `member`: what rules see of whoever it is about; left out: somebody of whom nothing is known. `at`: when it
    happens; left out: the event's own time, else now. `used`: what was used of caps before, by the names under which
    traces count them. `program`: the YAML text of a draft; left out: the version in force."""

    event: msgspec.Raw
    member: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    at: Instant | None = None
    used: Used | None = None
    program: str | None = None


_decoder = msgspec.json.Decoder(TryBody)
_member_decoder = msgspec.json.Decoder(TriedMember)

#: What a try can be refused with beside what any request can.
TRY_CODES = (
    "malformed_json",
    "body_too_large",
    "unsupported_media_type",
    "invalid_field",
    "missing_field",
    "unknown_field",
    "invalid_text",
    "invalid_parameter",
    "invalid_program",
    "event_not_tried",
    "unknown_event_type",
    "unknown_tier",
    "unknown_tier_set",
    "reserved_source",
    "invalid_identity",
    "currency_mismatch",
    "duplicate_line",
    "amount_too_large",
    "data_too_large",
    "instant_too_early",
    "instant_too_far",
    "no_program",
)


class Trials:
    """Tries one event after another, in a thread: a large draft keeps nobody waiting who wants something else."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()

    async def run(self, body: TryBody, in_force: Program | None) -> Trial | Refusal:
        """The answer to a body that was read. `in_force`: the version that rates where no draft is given."""
        async with self._turn:
            return await asyncio.to_thread(_try, body, in_force)


def read_body(raw: bytes) -> TryBody | Refusal:
    """The body of a try, its event and member not read yet."""
    return read_json(_decoder, raw)


async def read_request(request: Request[Any, Any, Any], limit_bytes: int) -> bytes | Refusal:
    """The body of a request, unless it is too long (then not even the rest is read), cut off or of another type."""
    header = request.headers.get("content-type")
    if media_type(None if header is None else header.encode("latin-1")) != "application/json":
        message, zh = (
            "Send JSON in UTF-8, with the content type application/json.",
            "请发送 application/json（UTF-8）。",
        )
        return Refusal("unsupported_media_type", message, message_zh=zh)
    content = bytearray()
    async for part in request.stream():
        content += part
        if len(content) > limit_bytes:
            message = f"A body may have {limit_bytes:,} bytes at most."
            return Refusal("body_too_large", message, None, {"limit_bytes": limit_bytes})
    length = request.headers.get("content-length")
    if length is not None and length != str(len(content)):
        message = "The body is shorter than its Content-Length says."
        return Refusal("malformed_json", message, message_zh="请求体比 Content-Length 所说的短。")
    return bytes(content)


def _try(body: TryBody, in_force: Program | None) -> Trial | Refusal:
    member = None
    if body.member is not msgspec.UNSET and bytes(body.member) != _NULL:
        read = read_json(_member_decoder, bytes(body.member))
        if isinstance(read, Refusal):
            return msgspec.structs.replace(read, pointer=f"/member{read.pointer or ''}")
        member = read.facts
    program = in_force
    if body.program is not None:
        try:
            program = draft_program(body.program)
        except InvalidProgram as error:
            return refusal_from(error, "/program")
    if program is None:
        return NO_PROGRAM
    return try_event(program, bytes(body.event), member, at=body.at, used=body.used, now=datetime.now(UTC))
