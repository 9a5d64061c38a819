"""What Litestar serves: reads, health, metrics, the documents, and every path that does not exist."""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from datetime import UTC, datetime
from time import perf_counter
from typing import Any

import msgspec
import structlog
from litestar import Litestar, MediaType, Request, Response, get, post, route
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler
from litestar.response import File
from prometheus_client import CONTENT_TYPE_LATEST

from jifen.api.backtests import BACKTEST_CALLS
from jifen.api.captcha import CAPTCHA, CaptchaQuery, answer_captcha
from jifen.api.docs_page import STYLE, docs_page
from jifen.api.drafts import CALLS, Call, refusal_of
from jifen.api.drafts import Asked as CallAsked
from jifen.api.drafts import Refused as CallRefused
from jifen.api.draws import DRAW_CALLS
from jifen.api.idempotency import read_key
from jifen.api.imports import IMPORT_CALLS, IMPORTS_PATH, REJECTS_PATH, ImportView, number_of, view_of_import
from jifen.api.offsets import OFFSET_CALLS
from jifen.api.openapi import openapi_document
from jifen.api.operations import EVENTS_PATH, OPERATIONS
from jifen.api.problems import DATABASE_UNAVAILABLE, INTERNAL, PROBLEM_TYPE, language_wished, problem_response
from jifen.api.reads import READS, Asked, Query, Read, read_query, refuse_query
from jifen.api.rewards import REWARD_CALLS
from jifen.api.runtime import AWAY, DatabaseAway, Runtime
from jifen.api.segments import SEGMENT_CALLS
from jifen.api.tiers import TIER_CALLS
from jifen.api.trying import TRY_PATH, Trials, read_body, read_request
from jifen.api.uploads import Uploads
from jifen.core.errors import JifenError
from jifen.core.refusal import Refusal, refusal_from
from jifen.services.json_input import read_json
from jifen.services.snapshot import snapshot
from jifen.services.stock import CodesView, StockView
from jifen.services.uploads.imports import Import, add_import, check_room, find_import
from jifen.services.uploads.storage import storage_of

AnyRequest = Request[Any, Any, Any]
Answer = Response[bytes]
CONTENT_POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

#: So often, and so many seconds apart, it is looked whether the mapping of an upload was proposed.
PROPOSAL_LOOKS = 100
PROPOSAL_PAUSE_SECONDS = 0.1

_encode = msgspec.json.Encoder().encode
_log = structlog.get_logger(__name__)
_CALLS = (
    *CALLS,
    *BACKTEST_CALLS,
    *TIER_CALLS,
    *SEGMENT_CALLS,
    *REWARD_CALLS,
    *OFFSET_CALLS,
    *DRAW_CALLS,
    *IMPORT_CALLS,
)


def create_pages(runtime: Runtime) -> Litestar:
    """The application for everything that the front does not serve itself."""
    handlers = [_route(runtime, each) for each in READS]
    handlers += [_call(runtime, each) for each in _CALLS]
    handlers += [_captcha(runtime), _trial(runtime), *_imports(runtime), *_health(runtime), *_documents()]
    return Litestar(
        handlers,
        openapi_config=None,
        exception_handlers={Exception: lambda request, error: _on_error(runtime, request, error)},
        logging_config=None,
    )


def _route(runtime: Runtime, read: Read) -> HTTPRouteHandler:
    variable = read.path.partition("{")[2].partition("}")[0]

    @get(read.path.replace("}", ":str}"), name=read.name)
    async def answer(request: AnyRequest) -> Answer:
        started = perf_counter()
        name: str = request.path_params[variable] if variable else ""
        result = await _run(runtime, read, name, request)
        if isinstance(result, Refusal):
            return _refuse(runtime, request, result, read.path, started)
        content = _encode(result)
        runtime.metrics.request(read.path, 200, perf_counter() - started)
        return Response(content, media_type=MediaType.JSON)

    return answer


def _query_of(kind: type[Query], request: AnyRequest) -> Query | Refusal:
    # A parameter that is given twice counts as its last value would hide the first: refused.
    parameters: dict[str, str] = {}
    for key, value in request.query_params.multi_items():
        if key in parameters:
            message, zh = f"{key[:40]!r} is given twice.", "出现了两次。"
            return Refusal("invalid_parameter", message, None, {"parameter": key[:40]}, zh)
        parameters[key] = value
    return read_query(kind, parameters)


def _no_query(request: AnyRequest) -> Refusal | None:
    return refuse_query(request.scope["query_string"])


def _captcha(runtime: Runtime) -> HTTPRouteHandler:
    @get(CAPTCHA.path.replace("}", ":str}"), name=CAPTCHA.name)
    async def answer(request: AnyRequest) -> Answer:
        started = perf_counter()
        query = _query_of(CAPTCHA.query, request)
        if isinstance(query, CaptchaQuery):
            reward = next(iter(request.path_params.values()))
            result = answer_captcha(runtime.door, runtime.catalog, reward, query, datetime.now(UTC))
        else:
            assert isinstance(query, Refusal)
            result = query
        if isinstance(result, Refusal):
            return _refuse(runtime, request, result, CAPTCHA.path, started)
        runtime.metrics.request(CAPTCHA.path, 200, perf_counter() - started)
        return Response(_encode(result), media_type=MediaType.JSON, headers={"cache-control": "no-store"})

    return answer


async def _run(runtime: Runtime, read: Read, name: str, request: AnyRequest) -> msgspec.Struct | Refusal:
    query = _query_of(read.query, request)
    if isinstance(query, Refusal):
        return query
    try:
        async with snapshot(runtime.pool) as connection:
            await runtime.catalog.refresh(connection)
            return await read.run(Asked(connection, runtime.catalog, name, query, datetime.now(UTC)))
    except (DatabaseAway, *AWAY) as error:
        _log.warning("read_failed", route=read.path, error=type(error).__name__)
        runtime.metrics.database_error()
        return DATABASE_UNAVAILABLE


def _trial(runtime: Runtime) -> HTTPRouteHandler:
    trials = Trials()

    @post(TRY_PATH, name="try_program", status_code=200)
    async def answer(request: AnyRequest) -> Answer:
        started = perf_counter()
        raw = _no_query(request) or await read_request(request, runtime.settings.body_limit_bytes)
        body = raw if isinstance(raw, Refusal) else read_body(raw)
        if isinstance(body, Refusal):
            return _refuse(runtime, request, body, TRY_PATH, started)
        if body.program is None:
            try:
                await runtime.refresh_catalog()
            except (DatabaseAway, *AWAY):
                return _refuse(runtime, request, DATABASE_UNAVAILABLE, TRY_PATH, started)
        result = await trials.run(body, runtime.catalog.current)
        if isinstance(result, Refusal):
            return _refuse(runtime, request, result, TRY_PATH, started)
        runtime.metrics.request(TRY_PATH, 200, perf_counter() - started)
        return Response(_encode(result), media_type=MediaType.JSON)

    return answer


def _call(runtime: Runtime, call: Call) -> HTTPRouteHandler:
    decoder = msgspec.json.Decoder(call.body)

    @route(call.path.replace("}", ":str}"), name=call.name, http_method=call.method, status_code=call.status)
    async def answer(request: AnyRequest) -> Answer:
        started = perf_counter()
        result = await _run_call(runtime, call, decoder, request)
        if isinstance(result, Refusal):
            return _refuse(runtime, request, result, call.path, started)
        if isinstance(result, StockView | CodesView):
            runtime.door.forget(result.reward)
        runtime.metrics.request(call.path, call.status, perf_counter() - started)
        return Response(_encode(result), media_type=MediaType.JSON, status_code=call.status)

    return answer


async def _run_call(
    runtime: Runtime, call: Call, decoder: msgspec.json.Decoder[msgspec.Struct], request: AnyRequest
) -> msgspec.Struct | Refusal:
    if refusal := _no_query(request):
        return refusal
    raw = await read_request(request, runtime.settings.body_limit_bytes) if call.body.__struct_fields__ else b"{}"
    body = raw if isinstance(raw, Refusal) else read_json(decoder, raw or b"{}")
    if isinstance(body, Refusal):
        return body
    said = request.headers.get("idempotency-key") if call.takes_key else None
    key = None if said is None else read_key(said)
    if isinstance(key, Refusal):
        return key
    actor = _actor(runtime, request)
    try:
        async with runtime.pool.acquire() as connection:
            name = next(iter(request.path_params.values()), "")
            return await call.run(CallAsked(connection, actor, name, body, key, runtime.settings))
    except CallRefused as refused:
        return refused.refusal
    except (DatabaseAway, *AWAY) as error:
        _log.warning("call_failed", route=call.path, error=type(error).__name__)
        runtime.metrics.database_error()
        return DATABASE_UNAVAILABLE
    except JifenError as error:
        return refusal_of(error, call.body)


def _actor(runtime: Runtime, request: AnyRequest) -> str:
    """Who calls: the front has found the key to be valid."""
    header = request.headers.get("authorization")
    return runtime.authorization.actor(None if header is None else header.encode("latin-1")) or "api"


def _imports(runtime: Runtime) -> list[HTTPRouteHandler]:
    uploads = Uploads(storage_of(runtime.settings), runtime.settings.upload_limit_bytes)

    @post(IMPORTS_PATH, name="upload_import", status_code=202, request_max_body_size=None)
    async def upload(request: AnyRequest) -> Answer:
        started = perf_counter()
        if refusal := _no_query(request):
            return _refuse(runtime, request, refusal, IMPORTS_PATH, started)
        try:
            found = await _take_upload(runtime, uploads, request)
        except CallRefused as refused:
            return _refuse(runtime, request, refused.refusal, IMPORTS_PATH, started)
        except (DatabaseAway, *AWAY):
            return _refuse(runtime, request, DATABASE_UNAVAILABLE, IMPORTS_PATH, started)
        except JifenError as error:
            return _refuse(runtime, request, refusal_from(error), IMPORTS_PATH, started)
        runtime.metrics.request(IMPORTS_PATH, 202, perf_counter() - started)
        return Response(_encode(found), media_type=MediaType.JSON, status_code=202)

    @get(REJECTS_PATH.replace("}", ":str}"), name="get_rejects")
    async def rejects(request: AnyRequest) -> Answer | File:
        started = perf_counter()
        if refusal := _no_query(request):
            return _refuse(runtime, request, refusal, REJECTS_PATH, started)
        try:
            async with runtime.pool.acquire() as connection:
                found = await find_import(connection, number_of(request.path_params["import_id"]))
        except (DatabaseAway, *AWAY):
            return _refuse(runtime, request, DATABASE_UNAVAILABLE, REJECTS_PATH, started)
        except JifenError as error:
            return _refuse(runtime, request, refusal_from(error), REJECTS_PATH, started)
        path = uploads.storage.rejects(found.stored_as)
        if not path.is_file():
            message = "There are no rejects: the file was not looked through yet, or they were deleted."
            return _refuse(runtime, request, Refusal("no_rejects", message), REJECTS_PATH, started)
        runtime.metrics.request(REJECTS_PATH, 200, perf_counter() - started)
        return File(path, filename=f"rejects-{found.id}.csv", media_type="text/csv; charset=utf-8")

    return [upload, rejects]


async def _take_upload(runtime: Runtime, uploads: Uploads, request: AnyRequest) -> ImportView:
    async with runtime.pool.acquire() as connection:
        await check_room(connection)
    header = request.headers
    received = await uploads.receive(header.get("content-type", ""), header.get("content-length"), request.stream())
    try:
        async with runtime.pool.acquire() as connection:
            found = await add_import(connection, _actor(runtime, request), received, runtime.settings.upload_days)
    except BaseException:
        uploads.storage.delete([received.stored_as])
        raise
    return view_of_import(await _with_mapping(runtime, found))


async def _with_mapping(runtime: Runtime, found: Import) -> Import:
    """A new import once its mapping was proposed, which is soon: the sender will want to look it over."""
    with suppress(DatabaseAway, *AWAY):
        for _ in range(PROPOSAL_LOOKS):
            if found.mapping is not None or found.status != "checking":
                break
            await asyncio.sleep(PROPOSAL_PAUSE_SECONDS)
            async with runtime.pool.acquire() as connection:
                found = await find_import(connection, found.id)
    return found


def _health(runtime: Runtime) -> list[HTTPRouteHandler]:
    @get("/health/live")
    async def live() -> Answer:
        return Response(b'{"status":"live"}', media_type=MediaType.JSON)

    @get("/health/ready")
    async def ready(request: AnyRequest) -> Answer:
        missing = await runtime.what_is_missing()
        if missing is not None:
            return _respond(request, missing)
        return Response(b'{"status":"ready"}', media_type=MediaType.JSON)

    @get("/metrics")
    async def metrics() -> Answer:
        runtime.flush()
        return Response(runtime.metrics.page(), media_type=CONTENT_TYPE_LATEST)

    return [live, ready, metrics]


def _documents() -> list[HTTPRouteHandler]:
    document = openapi_document()
    schema = _encode(document)
    pages = {language: docs_page(document, language) for language in ("zh", "en")}

    @get("/schema")
    async def openapi() -> Answer:
        return Response(schema, media_type=MediaType.JSON)

    @get("/docs")
    async def docs(request: AnyRequest) -> Answer:
        wished = str(request.query_params.get("lang") or request.headers.get("accept-language") or "")
        page = pages[language_wished(wished)]
        headers = {
            "content-security-policy": CONTENT_POLICY,
            "x-content-type-options": "nosniff",
            "referrer-policy": "no-referrer",
            "vary": "accept-language",
        }
        return Response(page, media_type="text/html; charset=utf-8", headers=headers)

    @get("/docs/style.css")
    async def style() -> Answer:
        return Response(STYLE, media_type="text/css; charset=utf-8", headers={"x-content-type-options": "nosniff"})

    return [openapi, docs, style]


# --- what goes wrong ---


def _respond(request: AnyRequest, refusal: Refusal, extra: dict[str, str] | None = None) -> Answer:
    language = language_wished(request.headers.get("accept-language") or "")
    status, headers, content = problem_response(refusal, language)
    named = {name.decode(): value.decode() for name, value in headers if name != b"content-type"}
    return Response(content, status_code=status, media_type=PROBLEM_TYPE, headers=named | (extra or {}))


def _refuse(runtime: Runtime, request: AnyRequest, refusal: Refusal, route: str, started: float) -> Answer:
    response = _respond(request, refusal)
    runtime.metrics.refusal(refusal.code)
    runtime.metrics.request(route, response.status_code or 500, perf_counter() - started)
    return response


def _on_error(runtime: Runtime, request: AnyRequest, error: Exception) -> Answer:
    status = error.status_code if isinstance(error, HTTPException) else 500
    allowed = allowed_methods(request.url.path)
    if status in (404, 405) and allowed:
        refusal = Refusal("method_not_allowed", f"This path takes {', '.join(allowed)}.", None, {"allowed": allowed})
        extra: dict[str, str] = {"allow": ", ".join(allowed)}
    elif status in (404, 405):
        refusal, extra = Refusal("not_found", "There is nothing at this path; /docs lists what there is."), {}
    elif status < 500:
        refusal, extra = Refusal("invalid_parameter", "The query cannot be read.", message_zh="查询参数无法读取。"), {}
    else:
        _log.error("request_failed", route=request.url.path, exc_info=error)
        refusal, extra = INTERNAL, {}
    response = _respond(request, refusal, extra)
    runtime.metrics.refusal(refusal.code)
    runtime.metrics.request("other", response.status_code or 500, 0.0)
    return response


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path)) + "/?")


_METHODS: list[tuple[re.Pattern[str], str]] = [
    *((_pattern(each.path), "GET") for each in READS),
    *((re.compile(path), "GET") for path in ("/health/live", "/health/ready", "/metrics", "/schema", "/docs")),
    (_pattern(EVENTS_PATH), "POST"),
    (_pattern(TRY_PATH), "POST"),
    (_pattern(IMPORTS_PATH), "POST"),
    (_pattern(REJECTS_PATH), "GET"),
    *((_pattern(each.path), each.method) for each in _CALLS),
    *((_pattern(each.path), "POST") for each in OPERATIONS),
]


def allowed_methods(path: str) -> list[str]:
    """The methods that a path takes; none: there is no such path."""
    return [method for pattern, method in _METHODS if pattern.fullmatch(path)]
