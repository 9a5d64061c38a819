"""Add-ons over HTTP: taken with an order, ended with it, and told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from jifen.db.embedded import EmbeddedAddress
from tests.add_ons import with_add_ons
from tests.databases import DEFAULT_PROGRAM
from tests.integration.api.server import (
    Server,
    balance,
    customer,
    member_with,
    order_event,
    refund_event,
    serving,
    unique,
)
from tests.integration.api.test_redemptions import done, redeem, refused


@pytest.fixture(scope="module")
def server(database_server: EmbeddedAddress) -> Iterator[Server]:
    """A server on a database whose program has add-ons. At the end everything follows from the movements."""
    with serving(database_server, with_add_ons(DEFAULT_PROGRAM)) as server:
        yield server


def shopper(client: httpx.Client) -> tuple[str, dict[str, Any]]:
    """A member with an order of 200 yuan, and so with 200 points."""
    order = order_event(customer(), 20_000)
    return done(client.post("/v1/events", json=order))["member_id"], order


def test_from_the_order_to_its_refund(client: httpx.Client) -> None:
    """The catalogue says with which orders; the redemption names its own; the refund ends it, and says so."""
    member, order = shopper(client)
    order_id = order["data"]["order_id"]
    client.post("/v1/rewards/mug/stock", json={"add": 5, "reason": "opening"})
    rewards = {each["reward_id"]: each for each in done(client.get("/v1/rewards"))["rewards"]}
    assert rewards["tote"]["add_on"] == {"most": 2, "from_cents": 5_000}
    assert rewards["mug"]["add_on"] == {"most": 1, "from_cents": 0}
    assert rewards["cup"]["add_on"] is None
    key = {"Idempotency-Key": unique("mug")}
    body = {"reward": "mug", "order_id": order_id}
    first = done(client.post(f"/v1/members/{member}/redemptions", json=body, headers=key))
    redemption = first["redemption"]
    assert (redemption["state"], redemption["order_id"]) == ("waiting_for_payment", order_id)
    again = done(client.post(f"/v1/members/{member}/redemptions", json=body, headers=key))
    assert (again["status"], again["redemption"]) == ("duplicate", redemption)
    name = redemption["redemption_id"]
    done(client.post(f"/v1/redemptions/{name}/pay", json={"payment": "wx-1"}))
    sweet = done(redeem(client, member, "sweet", order_id=order_id))["redemption"]["redemption_id"]
    refund = refund_event(order)
    told = done(client.post("/v1/events", json=refund))
    assert told["add_ons"] == [
        {"redemption_id": name, "reward": "mug", "became": "cancelled", "points": 30, "refund_cents": 990},
        {"redemption_id": sweet, "reward": "sweet", "became": "kept", "points": 5, "refund_cents": 0},
    ]
    assert done(client.post("/v1/events", json=refund))["add_ons"] == told["add_ons"]
    assert balance(client, member)["available"] == 0
    assert balance(client, member)["debt"] == 5
    found = done(client.get(f"/v1/redemptions/{name}"))
    assert (found["state"], found["refund_cents"]) == ("cancelled", 990)
    booked = done(client.get(f"/v1/transactions/{told['transaction_id']}"))
    assert booked["add_ons"] == told["add_ons"]
    step = done(client.get(f"/v1/transactions/{found['steps'][-1]['transaction_id']}"))
    assert step["ended_with"] == order_id
    for about, words in ((told["transaction_id"], ("已取消", "保留")), (step["transaction_id"], ("换购随之取消",))):
        explained = client.get(f"/v1/transactions/{about}/explanation", headers={"Accept-Language": "zh"}).text
        assert all(each in explained for each in words), explained


def test_the_reversal_of_an_order_tells_it_too(client: httpx.Client) -> None:
    """As a call of its own."""
    member, order = shopper(client)
    done(redeem(client, member, "tote", order_id=order["data"]["order_id"]))
    listed = done(client.get(f"/v1/members/{member}/transactions"))["transactions"]
    earned = next(each["transaction_id"] for each in listed if each["kind"] == "earn")
    told = done(client.post(f"/v1/transactions/{earned}/reverse", json={"reason": "the shop cancelled it"}))
    assert [(each["reward"], each["became"]) for each in told["add_ons"]] == [("tote", "cancelled")]
    assert balance(client, member) == {"available": 0, "pending": 0, "held": 0, "debt": 0}


def test_refusals_name_the_field(client: httpx.Client) -> None:
    """In both languages; another member's order is told like one that is unknown."""
    member, order = shopper(client)
    other, _ = shopper(client)
    order_id = order["data"]["order_id"]
    small = member_with(client, 10)
    listed = done(client.get(f"/v1/members/{small}/transactions"))["transactions"]
    small_order = done(client.get(f"/v1/transactions/{listed[0]['transaction_id']}"))["facts"]["order_id"]

    def problem(code: str, status: int, who: str, reward: str, **body: Any) -> dict[str, Any]:
        response = redeem(client, who, reward, **body)
        assert response.status_code == status
        return refused(response, code)

    assert problem("order_needed", 422, member, "mug")["pointer"] == "/order_id"
    problem("order_not_needed", 422, member, "e-book", order_id=order_id)
    foreign = problem("order_not_found", 404, other, "sweet", order_id=order_id)
    unknown = problem("order_not_found", 404, other, "sweet", order_id="nowhere")
    assert foreign["detail"].replace(order_id, "nowhere") == unknown["detail"]
    assert problem("order_too_small", 409, small, "tote", order_id=small_order)["details"]["missing_cents"] == 4_000
    assert problem("order_limit_reached", 409, member, "tote", order_id=order_id, quantity=3)["details"]["most"] == 2
    done(client.post("/v1/events", json=refund_event(order)))
    problem("order_given_back", 409, member, "sweet", order_id=order_id)
    problem("invalid_field", 422, member, "sweet", order_id="")
