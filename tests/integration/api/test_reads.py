"""What can be asked: balances now and at an instant, pages of transactions, one transaction, holds, the program."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from tests.databases import fetch_sql
from tests.integration.api.server import Server, balance, customer, member_with, order_event, running_server

SHANGHAI = ZoneInfo("Asia/Shanghai")


def month_from_now(months: int) -> datetime:
    """When a local month begins that is so many months from this one."""
    today = datetime.now(SHANGHAI)
    year, index = divmod(today.year * 12 + today.month - 1 + months, 12)
    return datetime(year, index + 1, 1, tzinfo=SHANGHAI)


def test_balances_name_every_expiry_date(client: httpx.Client) -> None:
    """Not just the next one (known failure 44), and points of one date are added up."""
    who = customer()
    for month, day in ((-3, 5), (-3, 25), (-1, 5)):
        at = month_from_now(month).replace(day=day, hour=12)
        result = client.post("/v1/events", json=order_event(who, 1_000, time=at.isoformat())).json()
    body = {"points": 5, "expires_at": "2088-01-01T00:00:00Z"}
    client.post(f"/v1/members/{result['member_id']}/adjust", json=body)
    wallet = client.get(f"/v1/members/{result['member_id']}/balances").json()["balances"]["points"]
    # They are valid for ten years, to the end of the month.
    ends = [f"{month_from_now(month + 121).astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" for month in (-3, -1)]
    expected = [(ends[0], 20), (ends[1], 10), ("2088-01-01T00:00:00Z", 5)]
    assert [(each["expires_at"], each["points"]) for each in wallet["next_expiries"]] == expected
    assert wallet["available"] == 35


def test_what_time_has_ended_does_not_count_even_if_nothing_booked_it(database_url: str) -> None:
    """A balance is right at this moment (known failures 42, 45, 51).

    With a server of its own, whose first time work is a minute away: nothing is booked while the test runs.
    """
    with running_server(database_url) as server, server.client() as client:
        result = client.post("/v1/events", json=order_event(customer(), 5_000, time="2010-01-15T12:00:00Z")).json()
        member, held = result["member_id"], member_with(client, 30)
        assert balance(client, member)["available"] == 0
        soon = datetime.now(UTC) + timedelta(seconds=1)
        body = {"points": 7, "expires_at": soon.isoformat()}
        assert client.post(f"/v1/members/{member}/adjust", json=body).json()["balances"]["points"]["available"] == 7
        hold = {"member_id": held, "points": 10, "expires_at": soon.isoformat()}
        hold_id = client.post("/v1/holds", json=hold).json()["hold_id"]
        for _ in range(200):
            if datetime.now(UTC) > soon:
                break
            time.sleep(0.02)
        before = server.ledger()
        assert balance(client, member)["available"] == 0
        assert balance(client, held) == {"available": 30, "pending": 0, "held": 0, "debt": 0}
        assert client.get(f"/v1/holds/{hold_id}").json()["status"] == "expired"
        refused = client.post(f"/v1/members/{member}/spend", json={"points": 7})
        assert refused.json()["code"] == "insufficient_points"
        assert server.ledger() == before


def test_as_of_any_instant_is_what_was_answered_then(client: httpx.Client) -> None:
    """Replay up to an instant gives the balance of that instant, bucket by bucket and expiry by expiry."""
    member = member_with(client, 100)
    seen: list[dict[str, Any]] = [client.get(f"/v1/members/{member}/balances").json()]
    hold = client.post("/v1/holds", json={"member_id": member, "points": 60}).json()["hold_id"]
    steps = [
        (f"/v1/members/{member}/spend", {"points": 15}),
        (f"/v1/holds/{hold}/capture", {"points": 20}),
        (f"/v1/members/{member}/adjust", {"points": 500, "expires_at": "2070-01-01T00:00:00Z"}),
        (f"/v1/transactions/{member}-3/reverse", None),
        (f"/v1/holds/{hold}/release", None),
        (f"/v1/members/{member}/spend", {"points": 570}),
        (f"/v1/transactions/{member}-1/reverse", None),
    ]
    for path, body in steps:
        response = client.post(path, json=body)
        assert response.status_code == 200, response.text
        seen.append(client.get(f"/v1/members/{member}/balances").json())
    assert seen[-1]["balances"]["points"]["debt"] > 0
    for then in seen:
        as_of = {"as_of": then["as_of"]}
        assert client.get(f"/v1/members/{member}/balances", params=as_of).json() == then


def test_as_of_knows_what_time_had_done_by_then(client: httpx.Client) -> None:
    """Before a member was there: nothing. In the future: refused."""
    member = member_with(client, 10)
    early = client.get(f"/v1/members/{member}/balances?as_of=2026-01-01T00:00:00+08:00").json()
    assert early["as_of"] == "2025-12-31T16:00:00Z"
    assert early["balances"]["points"]["available"] == 0
    late = client.get(f"/v1/members/{member}/balances", params={"as_of": "2999-01-01T00:00:00Z"})
    assert (late.status_code, late.json()["code"]) == (422, "instant_in_future")
    nobody = client.get("/v1/members/5/balances", params={"as_of": "2026-01-01T00:00:00Z"})
    assert (nobody.status_code, nobody.json()["code"]) == (404, "unknown_member")


def test_pages_hold_every_transaction_once(client: httpx.Client) -> None:
    """Newest first, also while new ones come in."""
    member = member_with(client, 100)
    for _ in range(6):
        client.post(f"/v1/members/{member}/spend", json={"points": 1})
    path, found, cursor = f"/v1/members/{member}/transactions", [], None
    for _ in range(10):
        page = client.get(path, params={"limit": 3} | ({} if cursor is None else {"cursor": cursor})).json()
        found += [int(each["transaction_id"].split("-")[1]) for each in page["transactions"]]
        client.post(f"/v1/members/{member}/adjust", json={"points": 1})
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert found == [7, 6, 5, 4, 3, 2, 1]
    earned = client.get(path, params={"kind": "earn"}).json()["transactions"]
    assert [each["kind"] for each in earned] == ["earn"]
    assert earned[0]["awards"] == [{"rule": "base", "wallet": "points", "points": 100, "rated_cents": 10_000}]


def test_a_transaction_explains_itself(server: Server, client: httpx.Client) -> None:
    """Movements with bucket names and lots, the facts and the trace: why did I get these points?"""
    event = order_event(customer(), 12_345)
    result = client.post("/v1/events", json=event).json()
    detail = client.get(f"/v1/transactions/{result['transaction_id']}").json()
    (movement,) = detail["movements"]
    assert (movement["source"], movement["target"], movement["points"]) == ("issued", "available", 123)
    assert movement["lot"]["lot_id"] == f"{result['transaction_id']}-0"
    assert detail["awards"] == [{"rule": "base", "wallet": "points", "points": 123, "rated_cents": 12_345}]
    assert detail["facts"] == event["data"]
    assert (detail["source"], detail["key"]) == ("shop", event["id"])
    key_id = server.key.split("_")[1]
    assert detail["actor"] == f"key:{key_id}"
    assert fetch_sql(server.url, "SELECT name FROM api_keys WHERE id = $1", key_id) == [("test",)]


def test_the_program_is_shown(client: httpx.Client) -> None:
    """The current version, as it decides."""
    program = client.get("/v1/program").json()
    assert (program["version"], program["program"]["currency"]) == (1, "CNY")


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/v1/members", 422, "invalid_parameter"),
        ("/v1/members?identity=13800138000", 422, "invalid_identity"),
        ("/v1/members?identity=phone:%00", 422, "invalid_parameter"),
        ("/v1/members/1", 404, "unknown_member"),
        ("/v1/members/x", 404, "unknown_member"),
        ("/v1/members/9223372036854775808", 404, "unknown_member"),
        ("/v1/members/1/balances", 404, "unknown_member"),
        ("/v1/members/1/balances?as_of=yesterday", 422, "invalid_parameter"),
        ("/v1/members/1/balances?as_of=2026-01-01T00:00:00", 422, "invalid_parameter"),
        ("/v1/members/1/transactions", 404, "unknown_member"),
        ("/v1/members/1/transactions?limit=201", 422, "invalid_parameter"),
        ("/v1/members/1/transactions?limit=1&limit=2", 422, "invalid_parameter"),
        ("/v1/members/1/balances?as_of=null", 422, "invalid_parameter"),
        ("/v1/members/1/balances?as_of=1700000000", 422, "invalid_parameter"),
        ("/v1/members/1/transactions?kind=null", 422, "invalid_parameter"),
        ("/v1/members/1/transactions?kind=gift", 422, "invalid_parameter"),
        ("/v1/members/1/transactions?cursor=x", 422, "invalid_parameter"),
        ("/v1/members/1/transactions?page=2", 422, "invalid_parameter"),
        ("/v1/transactions/1-1", 404, "unknown_transaction"),
        ("/v1/transactions/1", 404, "unknown_transaction"),
        ("/v1/holds/1-1", 404, "unknown_hold"),
        ("/v1/nothing", 404, "not_found"),
    ],
)
def test_bad_questions(client: httpx.Client, path: str, status: int, code: str) -> None:
    """Each a problem with a stable code."""
    response = client.get(path)
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert response.headers["content-type"] == "application/problem+json"


def test_parameters_are_refused_in_the_readers_language(client: httpx.Client) -> None:
    """What does not fit, and what is there twice."""
    member = member_with(client, 1)
    for query, told in (
        ("limit=0", "查询参数 limit 无效：须为整数，至少 1。"),
        ("limit=1&limit=2", "查询参数 limit 无效：出现了两次。"),
        ("cursor=x", "查询参数 cursor 无效：这不是分页应答给出的游标；请省略。"),
    ):
        answer = client.get(f"/v1/members/{member}/transactions?{query}", headers={"accept-language": "zh"})
        assert (answer.status_code, answer.json()["detail"]) == (422, told)
    answer = client.get("/v1/members?identity=phone:1", headers={"accept-language": "zh"})
    assert (answer.json()["code"], answer.json()["detail"].isascii()) == ("invalid_identity", False)
    assert "digits" not in answer.json()["detail"]
