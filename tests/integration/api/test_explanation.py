"""`GET /v1/transactions/{id}/explanation`: a transaction in words, over HTTP and from what the database kept."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

import httpx
import pytest

from jifen.db.embedded import EmbeddedAddress
from jifen.services.programs import parse_program
from tests.integration.api.server import customer, order_event, refund_event, serving
from tests.unit.services.explanations.scenes import PROGRAM


@pytest.fixture(scope="module")
def shop(database_server: EmbeddedAddress) -> Iterator[httpx.Client]:
    """A client of a server whose program has rules worth explaining. It held long before now."""
    with serving(database_server, parse_program(PROGRAM)) as server, server.client() as client:
        yield client


def explain(client: httpx.Client, transaction: str, **query: str) -> dict[str, object]:
    """The explanation of a transaction."""
    response = client.get(f"/v1/transactions/{transaction}/explanation", params=query)
    assert response.status_code == 200, response.text
    found: dict[str, object] = response.json()
    return found


def last_double_eleven() -> datetime:
    """Ten in the morning of the last 11 November: the points of that day have not expired."""
    now = datetime.now(ZoneInfo("Asia/Shanghai"))
    this_year = now.replace(month=11, day=11, hour=10, minute=0, second=0, microsecond=0)
    return this_year if this_year <= now else this_year.replace(year=now.year - 1)


def test_an_order_and_its_refund_are_explained(shop: httpx.Client) -> None:
    """To the member what they got, to the operator every rule; both from the facts that the database kept."""
    at = last_double_eleven()
    order = order_event(customer(), 118_050, time=at.isoformat())
    earned = shop.post("/v1/events", json=order).json()["transaction_id"]
    member = explain(shop, earned, reader="member")
    assert (member["locale"], member["reader"], member["is_reproduced"]) == ("zh", "member", None)
    assert member["title"] == "获得 2,461 积分、118 成长值"
    lines = member["lines"]
    assert isinstance(lines, list)
    order_id = order["data"]["order_id"]
    assert lines[0] == f"您于 {at.year}年11月11日 10:00 消费 1,180.50 元（订单 {order_id}）。"
    assert "您在「双十一」活动获得双倍积分。" in lines
    operator = explain(shop, earned, locale="en")
    assert (operator["reader"], operator["is_reproduced"], operator["failed"]) == ("operator", True, [])
    rules = operator["rules"]
    assert isinstance(rules, list)
    assert {each["rule"]: each["outcome"] for each in rules} == {
        "base": "awarded",
        "first-gift": "awarded",
        "growth": "awarded",
        "double": "multiplied",
        "any-gift": "group",
        "gold-gift": "audience",
        "night": "outside_window",
        "tea": "no_line",
    }
    refund = shop.post("/v1/events", json=refund_event(order, ("1", 1))).json()["transaction_id"]
    told = explain(shop, refund)
    assert told["is_reproduced"] is True
    assert str(told["title"]).startswith("退货，收回 1,")


def test_every_kind_that_calls_make_is_explained(shop: httpx.Client) -> None:
    """Each transaction of a member, to both readers in both languages."""
    result = shop.post("/v1/events", json=order_event(customer(), 50_000)).json()
    other = shop.post("/v1/events", json=order_event(customer(), 50_000)).json()["member_id"]
    member = result["member_id"]
    base = f"/v1/members/{member}"
    hold = shop.post("/v1/holds", json={"member_id": member, "points": 30}).json()["hold_id"]
    calls = [
        (f"{base}/spend", {"points": 5, "reference": "coffee"}),
        (f"/v1/holds/{hold}/capture", {"points": 10}),
        (f"/v1/holds/{hold}/release", None),
        (f"{base}/adjust", {"points": 7, "reason": "goodwill"}),
        (f"{base}/transfer", {"to": other, "points": 3}),
        (f"/v1/transactions/{member}-3/reverse", None),
        (f"/v1/transactions/{member}-1/reverse", None),
    ]
    for path, body in calls:
        assert shop.post(path, json=body).status_code == 200, path
    page = shop.get(f"{base}/transactions").json()["transactions"]
    assert {each["kind"] for each in page} >= {
        "earn",
        "hold",
        "spend",
        "capture",
        "release",
        "adjust",
        "transfer",
        "reverse",
    }
    for each in page:
        for locale in ("zh", "en"):
            for reader in ("operator", "member"):
                told = explain(shop, each["transaction_id"], locale=locale, reader=reader)
                assert told["title"] and told["lines"]
                assert told["is_reproduced"] is not False
    adjusted = next(each for each in page if each["kind"] == "adjust")["transaction_id"]
    assert "原因：goodwill。" in str(explain(shop, adjusted)["lines"])
    assert "goodwill" not in str(explain(shop, adjusted, reader="member"))


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("1-1/explanation", 404, "unknown_transaction"),
        ("x/explanation", 404, "unknown_transaction"),
        ("1-1/explanation?locale=fr", 422, "invalid_parameter"),
        ("1-1/explanation?reader=", 422, "invalid_parameter"),
        ("1-1/explanation?language=zh", 422, "invalid_parameter"),
    ],
)
def test_bad_questions(client: httpx.Client, path: str, status: int, code: str) -> None:
    """Each a problem with a stable code."""
    response = client.get(f"/v1/transactions/{path}")
    assert (response.status_code, response.json()["code"]) == (status, code)
