"""The OpenAPI 3.1 document, made from the tables of operations."""

from __future__ import annotations

from typing import Any

import msgspec

import jifen
from jifen.api.backtests import BACKTEST_CALLS
from jifen.api.bodies import EventResult, EventResults
from jifen.api.captcha import CAPTCHA
from jifen.api.drafts import CALL_CODES, CALLS, Call
from jifen.api.draws import DRAW_CALLS
from jifen.api.front import BATCH_MEDIA_TYPE
from jifen.api.idempotency import KEY_PATTERN, LONGEST_KEY
from jifen.api.imports import EXAMPLE_IMPORT, IMPORT_CALLS, IMPORTS_PATH, REJECTS_PATH, ImportView
from jifen.api.offsets import OFFSET_CALLS
from jifen.api.operations import COMMON_CODES, EVENT_CODES, EVENTS_PATH, OPERATIONS, Operation
from jifen.api.problems import PROBLEM_TYPE, PROBLEMS, Problem
from jifen.api.reads import COMMON_READ_CODES, READS, Question
from jifen.api.rewards import REWARD_CALLS
from jifen.api.segments import SEGMENT_CALLS
from jifen.api.tiers import TIER_CALLS
from jifen.api.trying import TRY_CODES, TRY_PATH, TryBody
from jifen.api.uploads import FORM_TYPE, UPLOAD_CODES
from jifen.core.limits import MAXIMUM_EVENTS
from jifen.services.captcha import LONGEST_SOLUTION
from jifen.services.events import KnownEvent, OtherEvent
from jifen.services.trying import Trial, TriedMember

Document = dict[str, Any]

_REFERENCE = "#/components/schemas/{name}"
_ID_PATTERNS = {
    "member_id": ("^[1-9][0-9]{0,18}$", "100001", "The member's number."),
    "hold_id": (
        "^[1-9][0-9]{0,18}-[1-9][0-9]{0,9}$",
        "100001-8",
        "The hold: the id of the transaction that placed it.",
    ),
    "transaction_id": ("^[1-9][0-9]{0,18}-[1-9][0-9]{0,9}$", "100001-8", "The transaction: member and sequence."),
    "merge_id": (
        "^[1-9][0-9]{0,18}-[1-9][0-9]{0,9}$",
        "100001-8",
        "The merge: the id of the survivor's transaction.",
    ),
    "version": ("^[1-9][0-9]{0,8}$", "3", "The number of the version."),
    "draft_id": ("^[1-9][0-9]{0,17}$", "7", "The number of the draft."),
    "recalculation_id": ("^[1-9][0-9]{0,17}$", "1", "The number of the recalculation."),
    "segment_id": ("^[a-z][a-z0-9_-]{0,39}$", "vip-buyers", "The id of the segment."),
    "redemption_id": (
        "^[1-9][0-9]{0,18}-[1-9][0-9]{0,9}$",
        "100001-8",
        "The redemption: the id of the transaction that asked for it.",
    ),
    "reward_id": ("^[a-z][a-z0-9_-]{0,39}$", "five-yuan", "The reward's id in the program."),
    "draw_id": ("^[a-z][a-z0-9_-]{0,39}$", "wheel", "The draw's id in the program."),
    "code": ("^[^/]{1,64}$", "7K3M-Q9TX-0VBH-2R8D-WN5C", "The coupon's code; hyphens and case do not matter."),
    "approval_id": ("^[1-9][0-9]{0,9}$", "5", "The number of the request."),
    "import_id": ("^[1-9][0-9]{0,17}$", "1", "The number of the import."),
    "backtest_id": ("^[1-9][0-9]{0,17}$", "1", "The number of the backtest."),
}
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
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Makes the call unique for ever: sent again with the same content it gives the first answer again, "
    "with other content it is refused. Left out: the server makes one and returns it in a header of this name.",
    "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY, "pattern": KEY_PATTERN},
}
_TICKET = {
    "name": "Jifen-Ticket",
    "in": "header",
    "required": False,
    "description": "The `ticket` of an answer `waiting_in_line`: keeps the place of the first arrival for an hour.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 1000},
}
_CAPTCHA = {
    "name": "Jifen-Captcha",
    "in": "header",
    "required": False,
    "description": "Where the reward has a `captcha`: the solution of a challenge for this member, reward and "
    "Idempotency-Key, as ALTCHA's widget gives it (base64).",
    "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_SOLUTION},
}
_ORDER = {
    "specversion": "1.0",
    "id": "order-1001",
    "source": "shop",
    "type": "order.completed",
    "subject": "phone:13800138000",
    "time": "2026-11-11T10:03:04+08:00",
    "data": {
        "order_id": "1001",
        "currency": "CNY",
        "lines": [{"line_id": "1", "sku": "TEA-250", "name": "龙井 250g", "quantity": 2, "paid_cents": 118_050}],
        "channel": "wechat",
        "store_id": "SH-01",
    },
}
_REFUND = _ORDER | {
    "id": "refund-1",
    "type": "order.refunded",
    "data": {"order_id": "1001", "refund_id": "1", "lines": [{"line_id": "1", "quantity": 1}]},
}
_REGISTERED = _ORDER | {"id": "join-1", "type": "member.registered", "data": {"identities": ["card:8001"]}}
_RESULT = {
    "id": "order-1001",
    "source": "shop",
    "status": "applied",
    "transaction_id": "100001-1",
    "member_id": "100001",
    "awards": [{"rule": "base", "wallet": "points", "points": 1180}],
    "balances": {"points": {"available": 1180, "pending": 0, "held": 0, "debt": 0}},
    "error": None,
}


def openapi_document() -> Document:
    """The whole document."""
    paths: dict[str, Document] = {EVENTS_PATH: {"post": _events()}}
    for read in (*READS, CAPTCHA):
        paths.setdefault(read.path, {})["get"] = _read(read)
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})["post"] = _write(operation)
    for call in _CALLS:
        paths.setdefault(call.path, {})[call.method.lower()] = _call(call)
    paths[TRY_PATH] = {"post": _try()}
    paths.setdefault(IMPORTS_PATH, {})["post"] = _upload()
    paths[REJECTS_PATH] = {"get": _rejects()}
    paths |= _service_paths()
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "jifen 积分",
            "version": jifen.__version__,
            "description": "Loyalty points: orders in, exact points out. 忠诚度积分：订单进，精确的积分出。 "
            "Refusals are told in Chinese for `Accept-Language: zh`. 发送 `Accept-Language: zh`，拒绝的原因即为中文。",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"key": []}],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "description": "Made by `jifen keys create NAME`."}
            },
        },
    }


def _types() -> list[Any]:
    types: list[Any] = [KnownEvent, OtherEvent, EventResult, EventResults, Problem]
    types += [TriedMember, TryBody, Trial]
    types += [operation.body for operation in OPERATIONS] + [operation.answer_type for operation in OPERATIONS]
    types += [operation.waiting_type for operation in OPERATIONS if operation.waiting_type is not None]
    types += [each.body for each in _CALLS] + [each.answer_type for each in _CALLS]
    return types + [read.answer_type for read in (*READS, CAPTCHA)]


def _schemas() -> Document:
    _, components = msgspec.json.schema_components(_types(), ref_template=_REFERENCE)
    # Read in two steps, so that what is wrong with the event is told as for a live one: the types do not show it.
    components[TryBody.__name__]["properties"] |= {
        "event": {"anyOf": [_reference(KnownEvent), _reference(OtherEvent)]},
        "member": {"anyOf": [_reference(TriedMember), {"type": "null"}], "default": None},
    }
    return dict(sorted(components.items()))


def _reference(kind: Any) -> Document:
    (schema,), _ = msgspec.json.schema_components([kind], ref_template=_REFERENCE)
    return schema


def _events() -> Document:
    one: Document = {"anyOf": [_reference(KnownEvent), _reference(OtherEvent)]}
    several: Document = {"type": "array", "maxItems": MAXIMUM_EVENTS, "items": one}
    examples = {"order": {"value": _ORDER}, "refund": {"value": _REFUND}, "registration": {"value": _REGISTERED}}
    batch = {"batch": {"value": [_ORDER, _REFUND]}}
    result = {"one": {"value": _RESULT}, "several": {"value": {"results": [_RESULT]}}}
    either: Document = {"anyOf": [_reference(EventResult), _reference(EventResults)]}
    return {
        "operationId": "send_events",
        "summary": "Send one event, or up to 1,000 of them",
        "x-summary-zh": "发送一个或最多 1000 个事件",
        "description": "CloudEvents 1.0, structured mode. Source and id make an event unique for ever. A single event "
        "that is refused gives a problem; in a batch every event has a result of its own, and the refusal of "
        "one does not touch the others.",
        "tags": ["write"],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": {"anyOf": [one, several]}, "examples": examples | batch},
                "application/cloudevents+json": {"schema": one, "examples": examples},
                BATCH_MEDIA_TYPE: {"schema": several, "examples": batch},
            },
        },
        "responses": {
            "200": {
                "description": "What became of the event, or of each event in their order.",
                "content": {"application/json": {"schema": either, "examples": result}},
            }
        }
        | _problems((*COMMON_CODES, *EVENT_CODES)),
    }


def _write(operation: Operation) -> Document:
    content = {"schema": _reference(operation.body), "example": operation.example}
    answer = {"schema": _reference(operation.answer_type), "example": operation.example_answer}
    header = {"description": "The key that the server made.", "schema": {"type": "string"}}
    return {
        "operationId": operation.name,
        "summary": operation.summary,
        "x-summary-zh": operation.summary_zh,
        "description": operation.body.__doc__ or "",
        "tags": ["write"],
        "parameters": [
            *_path_parameters(operation.path),
            _KEY,
            *([_TICKET] if operation.takes_ticket else []),
            *([_CAPTCHA] if operation.takes_captcha else []),
        ],
        "requestBody": {"required": operation.is_body_needed, "content": {"application/json": content}},
        "responses": {
            str(operation.status): {
                "description": operation.answer_type.__doc__ or "",
                "headers": {"Idempotency-Key": header},
                "content": {"application/json": answer},
            }
        }
        | _waiting(operation)
        | _problems((*COMMON_CODES, *operation.codes)),
    }


def _waiting(operation: Operation) -> Document:
    """The answer of what waits for a second person."""
    if operation.waiting_type is None:
        return {}
    content = {"application/json": {"schema": _reference(operation.waiting_type)}}
    return {"202": {"description": operation.waiting_type.__doc__ or "", "content": content}}


def _try() -> Document:
    example = {"event": _ORDER, "member": {"tier": "gold", "orders": 3}, "at": "2026-11-11T10:00:00+08:00"}
    words = {"zh": "符合：实付 1,180.50 元，每 1.00 元得 1 积分，得 1,180 积分。"}
    words["en"] = "Applies: paid CNY 1,180.50, 1 Points for each CNY 1.00; gives 1,180 Points."
    answer = {
        "awards": [{"rule": "base", "wallet": "points", "points": 1180}],
        "totals": {"points": 1180},
        "trace": [{"rule": "base", "outcome": "awarded", "points": 1180, "detail": "", "words": words}],
        "program_version": 1,
        "at": "2026-11-11T02:00:00Z",
    }
    return {
        "operationId": "try_program",
        "summary": "Try what an event would earn, by the version in force or by a draft",
        "x-summary-zh": "试算一个事件会得多少积分（现行版本或草稿），不入账",
        "description": TryBody.__doc__ or "",
        "tags": ["read"],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": _reference(TryBody), "example": example}},
        },
        "responses": {
            "200": {
                "description": Trial.__doc__ or "",
                "content": {"application/json": {"schema": _reference(Trial), "example": answer}},
            }
        }
        | _problems(("unauthorized", "internal", "database_unavailable", *TRY_CODES)),
    }


def _upload() -> Document:
    form = {
        "type": "object",
        "properties": {
            "kind": {"type": "string", "enum": ["members", "orders", "balances"]},
            "mapping": {
                "type": "string",
                "description": "What the columns mean, as YAML or JSON; for orders also the name of a mapping that "
                "ships with jifen. Left out, one is proposed from the header (not of orders).",
            },
            "file": {
                "type": "string",
                "format": "binary",
                "contentMediaType": "application/octet-stream",
                "description": "CSV (gzip, too), an Excel workbook (.xlsx) or JSON lines.",
            },
        },
        "required": ["kind", "file"],
        "additionalProperties": False,
    }
    example = {"kind": "members", "file": "会员编号,手机号,姓名\n1001,13800138000,李梅\n"}
    view = {"schema": _reference(ImportView), "example": EXAMPLE_IMPORT | {"status": "checking", "report": None}}
    return {
        "operationId": "upload_import",
        "summary": "Upload a file of members, orders or balances, and have it looked through",
        "x-summary-zh": "上传会员、订单或期初余额文件并检查（不入账）",
        "description": "Nothing is recorded before `POST /v1/imports/{import_id}/start`. Where another import is at "
        "work the file waits as `uploaded`. A query on a database of others is taken on the command line only.",
        "tags": ["write"],
        "requestBody": {"required": True, "content": {FORM_TYPE: {"schema": form, "example": example}}},
        "responses": {"202": {"description": ImportView.__doc__ or "", "content": {"application/json": view}}}
        | _problems(("unauthorized", "internal", "database_unavailable", *UPLOAD_CODES)),
    }


def _rejects() -> Document:
    content = {"text/csv": {"schema": {"type": "string"}, "example": "file,line,field,code,reason_zh,reason_en,row\n"}}
    return {
        "operationId": "get_rejects",
        "summary": "The rows that were not taken, and why, as CSV",
        "x-summary-zh": "下载未导入的行及原因（CSV）",
        "description": "Of the last step that came to its end: the look through the file, or the import.",
        "tags": ["read"],
        "parameters": _path_parameters(REJECTS_PATH),
        "responses": {
            "200": {"description": "One row for each row of the file that was not taken.", "content": content}
        }
        | _problems((*COMMON_READ_CODES, "unknown_import", "no_rejects")),
    }


def _call(call: Call) -> Document:
    answer = {"schema": _reference(call.answer_type), "example": call.example_answer}
    content = {"application/json": {"schema": _reference(call.body), "example": call.example}}
    fields = msgspec.structs.fields(call.body)
    body = {"requestBody": {"required": any(field.required for field in fields), "content": content}} if fields else {}
    return {
        "operationId": call.name,
        "summary": call.summary,
        "x-summary-zh": call.summary_zh,
        "description": call.answer_type.__doc__ or "",
        "tags": ["write"],
        "parameters": [*_path_parameters(call.path), *([_KEY] if call.takes_key else [])],
        **body,
        "responses": {
            str(call.status): {"description": call.summary, "content": {"application/json": answer}},
        }
        | _problems((*CALL_CODES, *call.codes)),
    }


def _read(read: Question) -> Document:
    _, components = msgspec.json.schema_components([read.query], ref_template=_REFERENCE)
    query = components[read.query.__name__]
    parameters = [
        {"name": name, "in": "query", "required": name in query.get("required", ()), "schema": _without_null(each)}
        for name, each in query["properties"].items()
    ]
    answer = {"schema": _reference(read.answer_type), "example": read.example_answer}
    return {
        "operationId": read.name,
        "summary": read.summary,
        "x-summary-zh": read.summary_zh,
        "description": read.answer_type.__doc__ or "",
        "tags": ["read"],
        "parameters": [*_path_parameters(read.path), *parameters],
        "responses": {
            "200": {
                "description": read.answer_type.__doc__ or "",
                "content": {"application/json": answer},
            }
        }
        | _problems((*COMMON_READ_CODES, *read.codes)),
    }


def _without_null(schema: Document) -> Document:
    """A query parameter that is left out is not null: it is not there."""
    kinds: list[Document] = [each for each in schema.get("anyOf", ()) if each != {"type": "null"}]
    if len(kinds) != 1:
        return schema
    return {name: value for name, value in schema.items() if name not in ("anyOf", "default")} | kinds[0]


def _path_parameters(path: str) -> list[Document]:
    name = path.partition("{")[2].partition("}")[0]
    if not name:
        return []
    pattern, example, description = _ID_PATTERNS[name]
    schema = {"type": "string", "pattern": pattern}
    return [
        {"name": name, "in": "path", "required": True, "description": description, "schema": schema, "example": example}
    ]


def _problems(codes: tuple[str, ...]) -> Document:
    by_status: dict[int, list[str]] = {}
    for code in codes:
        by_status.setdefault(PROBLEMS[code].status, []).append(code)
    return {
        str(status): {
            "description": "; ".join(f"`{code}`: {PROBLEMS[code].title}" for code in dict.fromkeys(by_status[status])),
            "content": {PROBLEM_TYPE: {"schema": _reference(Problem)}},
        }
        for status in sorted(by_status)
    }


def _service_paths() -> dict[str, Document]:
    status = {"type": "object", "properties": {"status": {"type": "string"}}, "required": ["status"]}
    answer = {"description": "It is so.", "content": {"application/json": {"schema": status}}}
    text = {"description": "Prometheus' text format.", "content": {"text/plain": {"schema": {"type": "string"}}}}
    return {
        "/health/live": {"get": _open("get_live", "Whether the process answers", "进程是否存活", {"200": answer})},
        "/health/ready": {
            "get": _open(
                "get_ready",
                "Whether commands can be done; if not, what is missing",
                "是否就绪；未就绪时缺什么",
                {"200": answer} | _problems(("database_unavailable", "no_program")),
            )
        },
        "/metrics": {"get": _open("get_metrics", "Figures for Prometheus", "Prometheus 指标", {"200": text})},
    }


def _open(name: str, summary: str, summary_zh: str, responses: Document) -> Document:
    return {
        "operationId": name,
        "summary": summary,
        "x-summary-zh": summary_zh,
        "tags": ["service"],
        "security": [],
        "responses": responses,
    }
