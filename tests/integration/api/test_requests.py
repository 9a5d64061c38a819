"""What comes before any command: keys, paths, media types, sizes, broken JSON."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterable, Iterator

import httpx
import pytest

from tests.integration.api.server import Server, customer, end_key, make_key, member_with, order_event

MEBIBYTE = b"x" * 2**20


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Basic amY6eA==",
        "Bearer jf_0_0",
        "Bearer x",
        "Bearer jf_a_b_c",
        "Bearer jf_\xe9_x",
    ],
)
@pytest.mark.parametrize(("method", "path"), [("GET", "/v1/program"), ("POST", "/v1/events"), ("GET", "/v1/nothing")])
def test_without_a_valid_key_nothing_is_told(server: Server, method: str, path: str, header: str | None) -> None:
    """401 that says which way to authenticate, also where there is nothing."""
    headers = [] if header is None else [(b"authorization", header.encode("latin-1"))]
    response = httpx.request(method, server.base + path, headers=headers, trust_env=False)
    assert (response.status_code, response.json()["code"]) == (401, "unauthorized")
    assert response.headers["www-authenticate"].startswith("Bearer")


def test_a_new_key_works_at_once_and_a_revoked_one_soon_no_more(server: Server) -> None:
    """Without starting anything again."""
    key = make_key(server.url, "second")
    with server.client(key) as client:
        assert client.get("/v1/program").status_code == 200
        end_key(server.url, key)
        with server.client(make_key(server.url)) as other:
            # A key that nobody knows makes the server look; without one it looks every two seconds.
            assert other.get("/v1/program").status_code == 200
        assert client.get("/v1/program").status_code == 401


def test_a_wrong_secret_for_a_known_key(server: Server) -> None:
    """The id alone opens nothing."""
    with server.client(server.key[:-1] + ("0" if server.key[-1] != "0" else "1")) as client:
        assert client.get("/v1/program").status_code == 401


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/v1/events", "POST"),
        ("DELETE", "/v1/members", "GET, POST"),
        ("PUT", "/v1/members/1", "GET"),
        ("GET", "/v1/members/1/spend", "POST"),
        ("POST", "/v1/program", "GET"),
        ("POST", "/health/live", "GET"),
    ],
)
def test_other_methods(client: httpx.Client, method: str, path: str, allowed: str) -> None:
    """405 that says which methods there are."""
    response = client.request(method, path)
    assert (response.status_code, response.json()["code"]) == (405, "method_not_allowed")
    assert response.headers["allow"] == allowed


@pytest.mark.parametrize(
    ("content", "status", "code", "pointer"),
    [
        (b"", 400, "malformed_json", None),
        (b"{", 400, "malformed_json", None),
        (b'{"points": 1} x', 400, "malformed_json", None),
        (b'{"points": NaN}', 400, "malformed_json", None),
        (b'\xef\xbb\xbf{"points": 1}', 400, "malformed_json", None),
        (b'{"points": 1, "reason": "\xff"}', 400, "malformed_json", None),
        (b"[" * 100_000, 422, "invalid_field", ""),
        (b'{"reason": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", 422, "invalid_field", "/reason"),
        (b'{"x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", 422, "unknown_field", "/x"),
        (b'{"points": 1, "reason": "a\\u0000"}', 422, "invalid_text", "/reason"),
        (b'{"points": 1, "reason": "a\\b"}', 422, "invalid_text", "/reason"),
        (b'{"points": 1, "reason": "a\x7f"}', 422, "invalid_text", "/reason"),
        (b'{"points": 1, "reason": "\\ud83d"}', 422, "invalid_text", "/reason"),
        (b'{"points": 1, "reason": "\xed\xa0\x80"}', 422, "invalid_text", "/reason"),
        (b'{"points": 1, "a/b~c": 1}', 422, "unknown_field", "/a~1b~0c"),
        (b"[]", 422, "invalid_field", ""),
        (b"null", 422, "invalid_field", ""),
    ],
)
def test_bodies_that_cannot_be_read(
    server: Server, client: httpx.Client, content: bytes, status: int, code: str, pointer: str | None
) -> None:
    """The place is named by a JSON pointer, and the ledger is as before."""
    member = member_with(client, 10)
    before = server.ledger()
    headers = {"content-type": "application/json"}
    response = client.post(f"/v1/members/{member}/spend", content=content, headers=headers)
    problem = response.json()
    assert (response.status_code, problem["code"], problem.get("pointer")) == (status, code, pointer)
    assert server.ledger() == before


def test_escapes_of_ordinary_text_are_read(client: httpx.Client) -> None:
    """Chinese, emoji and line breaks arrive as they were meant, however they are escaped."""
    member, text = member_with(client, 10), "谢谢 😀\n第二行 \\u0000"
    for content in (
        json.dumps({"points": 1, "reason": text}),
        json.dumps({"points": 1, "reason": text}, ensure_ascii=False),
    ):
        headers = {"content-type": "application/json"}
        answer = client.post(f"/v1/members/{member}/spend", content=content.encode(), headers=headers).json()
        assert client.get(f"/v1/transactions/{answer['transaction_id']}").json()["reason"] == text


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/x-www-form-urlencoded", "application/xml"])
def test_other_media_types(client: httpx.Client, content_type: str | None) -> None:
    """415 instead of a guess."""
    headers = {} if content_type is None else {"content-type": content_type}
    response = client.post("/v1/members/1/spend", content=b'{"points": 1}', headers=headers)
    assert (response.status_code, response.json()["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize("key", ["", "a" * 257, "a\tb", "é"])
def test_bad_idempotency_keys(server: Server, client: httpx.Client, key: str) -> None:
    """A key that cannot be kept as it was sent is refused, whoever answers: commands, other calls, and who makes a
    challenge for a key to come."""
    member = member_with(client, 10)
    before = server.ledger()
    headers = [(b"idempotency-key", key.encode("latin-1"))]
    stock = {"pieces": 1, "reason": "counted"}
    for path, body in ((f"/v1/members/{member}/spend", {"points": 1}), ("/v1/rewards/cup/stock", stock)):
        response = client.post(path, json=body, headers=headers)
        assert (response.status_code, response.json()["code"]) == (422, "invalid_idempotency_key"), path
    query = {"member": member, "idempotency_key": key}
    response = client.get("/v1/rewards/cup/captcha", params=query)
    assert (response.status_code, response.json()["code"]) == (422, "invalid_parameter")
    assert server.ledger() == before


def test_own_sources_cannot_be_used_by_events(client: httpx.Client) -> None:
    """An event cannot pretend to be what time did, nor take an Idempotency-Key away."""
    for source in ("jifen:time", "jifen:x", "idempotency-key"):
        problem = client.post("/v1/events", json=order_event(customer(), source=source)).json()
        assert (problem["code"], problem["pointer"]) == ("reserved_source", "/source")


@pytest.mark.parametrize(
    ("change", "code", "pointer"),
    [
        ({"specversion": "0.3"}, "invalid_field", "/specversion"),
        ({"specversion": None}, "missing_field", "/specversion"),
        ({"id": ""}, "invalid_field", "/id"),
        ({"id": "x" * 257}, "invalid_field", "/id"),
        ({"source": None}, "missing_field", "/source"),
        ({"type": "order.cancelled"}, "unknown_event_type", "/type"),
        ({"type": None}, "missing_field", "/type"),
        ({"subject": None}, "missing_field", "/subject"),
        ({"subject": "13800138000"}, "invalid_identity", "/subject"),
        ({"subject": "fax:1"}, "invalid_identity", "/subject"),
        ({"time": "2026-01-01"}, "invalid_field", "/time"),
        ({"time": "2999-01-01T00:00:00Z"}, "instant_in_future", "/time"),
        ({"time": "1969-01-01T00:00:00Z"}, "instant_too_early", "/time"),
        ({"time": "9999-12-31T23:59:59-14:00"}, "instant_too_far", "/time"),
        ({"time": "0001-01-01T00:00:00+14:00"}, "instant_too_far", "/time"),
        ({"datacontenttype": "text/xml"}, "invalid_field", "/datacontenttype"),
        ({"data": None}, "missing_field", "/data"),
        ({"data": {"currency": "USD"}}, "currency_mismatch", "/data/currency"),
        ({"data": {"currency": "yuan"}}, "invalid_field", "/data/currency"),
        ({"data": {"lines": []}}, "invalid_field", "/data/lines"),
        ({"data": {"lines": [{"line_id": "1", "quantity": 1, "paid_cents": 1}] * 2}}, "duplicate_line", "/data/lines"),
        ({"data": {"total": 1}}, "unknown_field", "/data/total"),
        (
            {"data": {"lines": [{"line_id": "1", "quantity": 0, "paid_cents": 1}]}},
            "invalid_field",
            "/data/lines/0/quantity",
        ),
        (
            {"data": {"lines": [{"line_id": "1", "quantity": 1, "paid_cents": 10**15 + 1}]}},
            "invalid_field",
            "/data/lines/0/paid_cents",
        ),
        (
            {"data": {"lines": [{"line_id": str(n), "quantity": 1, "paid_cents": 10**15} for n in range(2)]}},
            "amount_too_large",
            "/data/lines",
        ),
        (
            {"data": {"lines": [{"line_id": str(n), "quantity": 1, "paid_cents": 1} for n in range(1001)]}},
            "invalid_field",
            "/data/lines",
        ),
    ],
)
def test_events_that_are_not_right(
    server: Server, client: httpx.Client, change: dict[str, object], code: str, pointer: str
) -> None:
    """Each with the pointer of the field at fault, and the ledger as before."""
    event = order_event(customer())
    for name, value in change.items():
        if value is None:
            del event[name]
        else:
            event[name] = event["data"] | value if isinstance(value, dict) else value
    before = server.ledger()
    response = client.post("/v1/events", json=event)
    problem = response.json()
    assert (problem["code"], problem["pointer"]) == (code, pointer)
    assert response.status_code == problem["status"]
    assert server.ledger() == before


# --- a body of a hundred megabytes ---


def _declared() -> tuple[str, Iterable[bytes]]:
    return (f"Content-Length: {100 * len(MEBIBYTE)}", (MEBIBYTE for _ in range(100)))


def _chunked() -> tuple[str, Iterable[bytes]]:
    def chunks() -> Iterator[bytes]:
        for _ in range(100):
            yield b"100000\r\n" + MEBIBYTE + b"\r\n"
        yield b"0\r\n\r\n"

    return ("Transfer-Encoding: chunked", chunks())


@pytest.mark.parametrize("body", [_declared, _chunked], ids=["declared", "chunked"])
def test_a_body_of_a_hundred_megabytes_is_not_read(server: Server, client: httpx.Client, body: object) -> None:
    """Whether its length is declared or not: 413 long before the end, and the server goes on."""
    assert callable(body)
    length, chunks = body()
    before = server.ledger()
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
        head = f"POST /v1/events HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {server.key}\r\n"
        connection.sendall(f"{head}Content-Type: application/json\r\n{length}\r\n\r\n".encode())
        sent = _send(connection, chunks)
        answer = connection.recv(65_536)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert sent < 50 * len(MEBIBYTE)
    assert server.ledger() == before
    assert client.get("/v1/program").status_code == 200


def _send(connection: socket.socket, chunks: Iterable[bytes]) -> int:
    """Send until the server hangs up; how many bytes went out."""
    sent = 0
    for chunk in chunks:
        try:
            connection.sendall(chunk)
        except (BrokenPipeError, ConnectionResetError):
            break
        sent += len(chunk)
    return sent


def test_no_call_ignores_a_query(client: httpx.Client) -> None:
    """Whatever a parameter was meant to do would not be done: refused, with its name, before anything else is read."""
    calls = [
        (method.upper(), re.sub("{[^}]+}", "1", path), path)
        for path, methods in client.get("/schema").json()["paths"].items()
        for method in methods
        if path.startswith("/v1/")
    ]
    assert {method for method, _, _ in calls} == {"GET", "POST", "DELETE"} and len(calls) > 90
    for method, path, name in calls:
        problem = client.request(method, f"{path}?dry_run=1").json()
        found = (problem["code"], problem["details"]["parameter"])
        assert found == ("invalid_parameter", "dry_run"), (method, name, problem)
    member = member_with(client, 30)
    problem = client.post(f"/v1/members/{member}/spend?dry_run", json={"points": 30}).json()
    assert (problem["status"], problem["code"]) == (422, "invalid_parameter")
    assert client.post(f"/v1/members/{member}/spend?", json={"points": 30}).status_code == 200


def test_refusals_are_told_in_chinese_to_whoever_asks_for_it(server: Server, client: httpx.Client) -> None:
    """Of writes, reads, batches, unknown paths and keys alike; codes stay as they are."""
    chinese = {"accept-language": "zh-CN,zh;q=0.9,en;q=0.8"}
    member = member_with(client, 30)
    spend = client.post(f"/v1/members/{member}/spend", json={"points": 50}, headers=chinese)
    assert spend.json()["detail"] == "积分不足：需要 50，可用 30，还差 20 积分。"
    assert (spend.json()["code"], spend.headers["content-language"]) == ("insufficient_points", "zh")
    refund = {"order_id": "none-such", "refund_id": "R"}
    event = order_event(customer(), 100) | {"type": "order.refunded", "data": refund}
    unread = order_event(customer(), 100) | {"type": "never.heard.of"}
    both = client.post("/v1/events", json=[event, unread], headers=chinese).json()["results"]
    assert [each["error"]["title"] for each in both] == ["订单不存在", "未知的事件类型"]
    assert client.get("/v1/members/1", headers=chinese).json()["title"] == "会员不存在"
    assert client.get("/nothing", headers=chinese).json()["title"] == "路径不存在"
    stranger = httpx.get(server.base + "/v1/program", headers=chinese, trust_env=False)
    assert stranger.json()["title"] == "缺少有效的 API 密钥"
    again = client.post(f"/v1/members/{member}/spend", json={"points": 50})
    assert (again.json()["title"], again.headers["content-language"]) == ("Not enough points", "en")
