"""The front of the server: serves the write operations itself, with little work for each, and passes on the rest."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from functools import lru_cache
from time import perf_counter
from typing import Any
from uuid import uuid4

import msgspec
import structlog

from jifen.api.answers import event_result
from jifen.api.authorization import WITHOUT_CAPTCHA
from jifen.api.batches import is_batch, read_batch
from jifen.api.bodies import EventResult, EventResults
from jifen.api.idempotency import read_key
from jifen.api.operations import EVENTS_PATH, OPERATIONS, Operation
from jifen.api.problems import DATABASE_UNAVAILABLE, INTERNAL, Language, language_wished, problem_response
from jifen.api.reads import refuse_query
from jifen.api.runtime import AWAY, DatabaseAway, Runtime
from jifen.core.program import Program
from jifen.core.redemption.commands import RedeemReward
from jifen.core.refusal import Refusal, refusal_from
from jifen.engine.engine import EngineStopped, QueueFull
from jifen.engine.submission import Answer, Outcome, Submission
from jifen.services.captcha import Errand, captcha_needed, captcha_of, check_solution
from jifen.services.events import (
    read_event,
    submission_of_event,
)
from jifen.services.json_input import read_json

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Scope = MutableMapping[str, Any]
Application = Callable[[Any, Any, Any], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

JSON_HEADERS: Headers = [(b"content-type", b"application/json")]
_encode = msgspec.json.Encoder().encode
_log = structlog.get_logger(__name__)


class _Refused(Exception):
    """Ends a request with a refusal."""

    def __init__(self, refusal: Refusal, key: str | None = None) -> None:
        super().__init__(refusal.code)
        self.refusal = refusal
        self.key = key


class _Gone(Exception):
    """Whoever sent the request went away before it was complete: nothing is done, and nobody is answered."""


class _Request:
    """What is needed of a request's head."""

    __slots__ = ("accept_language", "authorization", "captcha", "content_length", "content_type", "key", "ticket")

    def __init__(self, headers: Headers) -> None:
        self.accept_language = b""
        self.authorization: bytes | None = None
        self.content_type: bytes | None = None
        self.content_length: bytes | None = None
        self.key: bytes | None = None
        self.ticket: bytes | None = None
        self.captcha: bytes | None = None
        for name, value in headers:
            if name == b"authorization":
                self.authorization = value
            elif name == b"content-type":
                self.content_type = value
            elif name == b"content-length":
                self.content_length = value
            elif name == b"idempotency-key":
                self.key = value
            elif name == b"jifen-ticket":
                self.ticket = value
            elif name == b"jifen-captcha":
                self.captcha = value
            elif name == b"accept-language":
                self.accept_language = value

    @property
    def language(self) -> Language:
        """In which language refusals are told."""
        return language_wished(self.accept_language.decode("latin-1")) if self.accept_language else "en"


class _Write:
    """An operation, ready to run."""

    __slots__ = ("decoder", "operation")

    def __init__(self, operation: Operation) -> None:
        self.operation = operation
        self.decoder = msgspec.json.Decoder(operation.body)


class Front:
    """An ASGI application. `pages` is the one that serves reads, documents and unknown paths."""

    def __init__(self, runtime: Runtime, pages: Application) -> None:
        self._runtime = runtime
        self._pages = pages
        self._limit_bytes = runtime.settings.body_limit_bytes
        self._plain: dict[str, _Write] = {}
        self._with_id: dict[tuple[str, str], _Write] = {}
        for operation in OPERATIONS:
            head, brace, tail = operation.path.partition("/{")
            if brace:
                self._with_id[head, tail.partition("}/")[2]] = _Write(operation)
            else:
                self._plain[head] = _Write(operation)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the life of the process."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["method"] == "POST" and (found := self._find(scope["path"])) is not None:
            await self._write(scope, receive, send, *found)
        elif scope["path"].startswith("/v1/"):
            await self._read(scope, receive, send)
        else:
            await self._pages(scope, receive, send)

    def _find(self, path: str) -> tuple[_Write | None, str] | None:
        """The operation behind a path, and the id in it. None instead of the operation stands for events."""
        if path == EVENTS_PATH:
            return (None, "")
        write = self._plain.get(path)
        if write is not None:
            return (write, "")
        head, _, verb = path.rpartition("/")
        head, _, name = head.rpartition("/")
        write = self._with_id.get((head, verb))
        if write is None:
            head, _, id_before = head.rpartition("/")
            write, name = self._with_id.get((head, f"{name}/{verb}")), id_before
        return None if write is None else (write, name)

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await self._runtime.start()
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                await self._runtime.stop()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _read(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = _Request(scope["headers"])
        try:
            await self._actor(request)
        except _Refused as refused:
            await self._refuse(send, request, refused.refusal, "other", perf_counter())
            return
        await self._pages(scope, receive, send)

    async def _write(self, scope: Scope, receive: Receive, send: Send, write: _Write | None, name: str) -> None:
        started = perf_counter()
        route = EVENTS_PATH if write is None else write.operation.path
        request = _Request(scope["headers"])
        try:
            actor = await self._actor(request)
            if (query := scope["query_string"]) and (refusal := refuse_query(query)):
                raise _Refused(refusal)
            body = await self._body(request, receive)
            if write is None:
                status, headers, content = await self._events(request, actor, body)
            else:
                status, headers, content = await self._operate(write, name, request, actor, body)
        except _Refused as refused:
            await self._refuse(send, request, refused.refusal, route, started, refused.key)
            return
        except _Gone:
            return
        except Exception:
            _log.exception("request_failed", route=route)
            await self._refuse(send, request, INTERNAL, route, started)
            return
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})
        self._runtime.metrics.request(route, status, perf_counter() - started)

    async def _refuse(
        self, send: Send, request: _Request, refusal: Refusal, route: str, started: float, key: str | None = None
    ) -> None:
        """Answer a refusal. `key`: the one made for a caller who sent none, so that it can be sent again with it."""
        status, headers, content = problem_response(refusal, request.language)
        if key is not None:
            headers = [*headers, (b"idempotency-key", key.encode())]
        self._runtime.metrics.refusal(refusal.code)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})
        self._runtime.metrics.request(route, status, perf_counter() - started)

    # --- the request ---

    async def _actor(self, request: _Request) -> str:
        authorization = self._runtime.authorization
        actor = authorization.actor(request.authorization)
        if actor is not None:
            return actor
        try:
            found = await authorization.actor_or_refusal(request.authorization)
        except (DatabaseAway, *AWAY):
            raise _Refused(DATABASE_UNAVAILABLE) from None
        if isinstance(found, Refusal):
            raise _Refused(found)
        return found

    async def _body(self, request: _Request, receive: Receive) -> bytes:
        """The body, unless it is too long: then not even the rest of it is read."""
        length = request.content_length
        if length is not None and (not length.isdigit() or len(length) > 18 or int(length) > self._limit_bytes):
            raise _Refused(self._too_large())
        parts: list[bytes] = []
        size = 0
        is_more = True
        while is_more and size <= self._limit_bytes:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise _Gone
            part: bytes = message.get("body", b"")
            parts.append(part)
            size += len(part)
            is_more = message.get("more_body", False)
        if size > self._limit_bytes:
            raise _Refused(self._too_large())
        if length is not None and int(length) != size:
            # Cut off on the way: what is missing may change what was meant.
            raise _Refused(_CUT_OFF)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _too_large(self) -> Refusal:
        limit = self._limit_bytes
        return Refusal("body_too_large", f"A body may have {limit:,} bytes at most.", None, {"limit_bytes": limit})

    # --- commands ---

    async def _operate(
        self, write: _Write, name: str, request: _Request, actor: str, raw: bytes
    ) -> tuple[int, Headers, bytes]:
        operation = write.operation
        body: Any
        if raw or operation.is_body_needed:
            if media_type(request.content_type) != "application/json":
                raise _Refused(_wrong_type("application/json"))
            body = read_json(write.decoder, raw)
            if isinstance(body, Refusal):
                raise _Refused(body)
        else:
            body = operation.body()
        command = operation.command_of(self._runtime.catalog, name, body)
        if isinstance(command, Refusal):
            raise _Refused(command)
        headers = JSON_HEADERS
        if request.key is None:
            key = str(uuid4())
            headers = [*JSON_HEADERS, (b"idempotency-key", key.encode())]
        else:
            given = read_key(request.key.decode("latin-1"))
            if isinstance(given, Refusal):
                raise _Refused(given)
            key = given
        roles = self._runtime.authorization.roles(actor)
        submission = operation.submission_of(command, name, body, key=key, actor=actor, roles=roles)
        if isinstance(command, RedeemReward):
            outcome = await self._redeem(submission, command, request)
        else:
            outcome = (await self._submit((submission,)))[0]
            self._runtime.door.notice_step(outcome)
        if isinstance(outcome, Refusal):
            raise _Refused(outcome, None if headers is JSON_HEADERS else key)
        status = 202 if outcome.sequence < 0 and operation.waiting_type is not None else operation.status
        return (status, headers, await self._encode(operation, outcome))

    async def _redeem(self, submission: Submission, command: RedeemReward, request: _Request) -> Outcome:
        """Let a member who asks for a reward pass the door, which learns from the outcome."""
        door, catalog = self._runtime.door, self._runtime.catalog
        if refusal := self._check_captcha(submission, command, request):
            return refusal
        line = door.come(catalog.current, command, submission.key, request.ticket, catalog.quote_secret)
        if isinstance(line, Refusal):
            return line
        if line is None:
            return (await self._submit((submission,)))[0]
        try:
            outcome = (await self._submit((msgspec.structs.replace(submission, line=command.reward),)))[0]
        finally:
            line.leave()
        door.notice(command, submission.key, outcome)
        return outcome

    def _check_captcha(self, submission: Submission, command: RedeemReward, request: _Request) -> Refusal | None:
        """Refuse whoever has not done the work that a reward asks for. That nothing is left is told before."""
        catalog, member = self._runtime.catalog, command.member
        is_asked = captcha_of(catalog.current, command.reward) and WITHOUT_CAPTCHA not in submission.roles
        if not is_asked or not isinstance(member, int):
            return None
        if refusal := self._runtime.door.turn_away(catalog.current, command):
            return refusal
        if request.captcha is None or request.key is None:
            return captcha_needed(command.reward)
        errand = Errand(member, command.reward, submission.key)
        return check_solution(request.captcha.decode("latin-1"), errand, catalog.quote_secret)

    async def _encode(self, operation: Operation, answer: Answer) -> bytes:
        catalog = self._runtime.catalog
        try:
            return _encode(operation.answer(catalog, answer))
        except KeyError:
            # A wallet of a program version that was applied a moment ago.
            await self._runtime.refresh_catalog()
            return _encode(operation.answer(catalog, answer))

    async def _submit(self, submissions: tuple[Submission, ...] | list[Submission]) -> list[Outcome]:
        engine = self._runtime.engine
        if engine is None:
            raise _Refused(DATABASE_UNAVAILABLE)
        try:
            return await engine.submit_group(submissions)
        except (QueueFull, EngineStopped) as error:
            raise _Refused(refusal_from(error)) from None

    # --- events ---

    async def _events(self, request: _Request, actor: str, raw: bytes) -> tuple[int, Headers, bytes]:
        kind = media_type(request.content_type)
        if kind not in EVENT_MEDIA_TYPES:
            raise _Refused(_wrong_type(", ".join(EVENT_MEDIA_TYPES)))
        if kind == BATCH_MEDIA_TYPE or (kind == "application/json" and is_batch(raw)):
            return (200, JSON_HEADERS, await self._batch(request, actor, raw))
        event = read_event(raw)
        submission = event if isinstance(event, Refusal) else submission_of_event(event, actor, self._program)
        if isinstance(submission, Refusal):
            raise _Refused(submission)
        outcome = (await self._submit((submission,)))[0]
        if isinstance(outcome, Refusal):
            raise _Refused(outcome)
        return (200, JSON_HEADERS, _encode((await self._results(request, [(submission, outcome)]))[0]))

    @property
    def _program(self) -> Program | None:
        return self._runtime.catalog.current

    async def _batch(self, request: _Request, actor: str, raw: bytes) -> bytes:
        """Do the events of a batch in their order. Those that cannot be read are refused; their neighbours are done."""
        read = read_batch(raw, actor, self._program, request.language)
        if isinstance(read, Refusal):
            raise _Refused(read)
        submissions = [each for each in read if isinstance(each, Submission)]
        outcomes = await self._submit(submissions)
        done = iter(await self._results(request, list(zip(submissions, outcomes, strict=True))))
        results = [next(done) if isinstance(each, Submission) else each for each in read]
        for result in results:
            if result.error is not None:
                self._runtime.metrics.refusal(result.error.code)
        return _encode(EventResults(results))

    async def _results(self, request: _Request, pairs: list[tuple[Submission, Outcome]]) -> list[EventResult]:
        catalog = self._runtime.catalog
        for _, outcome in pairs:
            if isinstance(outcome, Answer) and outcome.trace is not None and not outcome.duplicate:
                for rule in outcome.trace.failed:
                    self._runtime.metrics.rule_failure(rule)
        language = request.language
        try:
            return [event_result(catalog, each.key, each.source, outcome, language) for each, outcome in pairs]
        except KeyError:
            await self._runtime.refresh_catalog()
            return [event_result(catalog, each.key, each.source, outcome, language) for each, outcome in pairs]


def _wrong_type(wanted: str) -> Refusal:
    message, zh = f"Send JSON in UTF-8, with the content type {wanted}.", f"请以 UTF-8 发送 JSON，内容类型为 {wanted}。"
    return Refusal("unsupported_media_type", message, message_zh=zh)


BATCH_MEDIA_TYPE = "application/cloudevents-batch+json"
EVENT_MEDIA_TYPES = ("application/json", "application/cloudevents+json", BATCH_MEDIA_TYPE)
_CUT_OFF = Refusal(
    "malformed_json",
    "The body is shorter than its Content-Length says; nothing was done.",
    message_zh="请求体比 Content-Length 所写的短；未作任何处理。",
)


def media_type(header: bytes | None) -> str | None:
    """The media type that a Content-Type header names; None where there is none or it is not in UTF-8."""
    return None if header is None or len(header) > 200 else _read_media_type(header)


@lru_cache(maxsize=64)
def _read_media_type(header: bytes) -> str | None:
    name, *parameters = header.decode("latin-1").lower().split(";")
    charsets = [each.partition("=")[2].strip(' "') for each in parameters if each.strip().startswith("charset")]
    return name.strip() if all(charset in ("utf-8", "utf8") for charset in charsets) else None
