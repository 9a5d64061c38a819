"""The write operations on members, holds and transactions."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.integration.api.server import Server, balance, customer, member_with, order_event, unique


def post(client: httpx.Client, path: str, body: dict[str, Any] | None = None, key: str | None = None) -> httpx.Response:
    """A write, with an idempotency key if one is given."""
    return client.post(path, json=body, headers={} if key is None else {"idempotency-key": key})


def test_spending_takes_available_points(client: httpx.Client) -> None:
    """The answer says what was taken and what is left."""
    member = member_with(client, 100)
    answer = post(client, f"/v1/members/{member}/spend", {"points": 30, "reference": "coffee"}).json()
    assert answer["status"] == "applied"
    assert (answer["kind"], answer["points"], answer["wallet"]) == ("spend", 30, "points")
    assert answer["transaction_id"] == f"{member}-2"
    assert answer["balances"] == {"points": {"available": 70, "pending": 0, "held": 0, "debt": 0}}
    assert balance(client, member)["available"] == 70


def test_spending_beyond_the_balance_says_how_much_is_missing(server: Server, client: httpx.Client) -> None:
    """Nobody gets something without points (known failures 36, 86), and the ledger is as before."""
    member = member_with(client, 100)
    before = server.ledger()
    response = post(client, f"/v1/members/{member}/spend", {"points": 130})
    problem = response.json()
    assert response.status_code == 409
    assert response.headers["content-type"] == "application/problem+json"
    assert problem["code"] == "insufficient_points"
    assert problem["details"] == {"requested": 130, "available": 100, "missing": 30}
    assert server.ledger() == before


def test_the_same_key_gives_the_first_answer_again(server: Server, client: httpx.Client) -> None:
    """And is a conflict with another body, another member or another operation (known failures 38, 40)."""
    member, other, key = member_with(client, 100), member_with(client, 100), unique("key")
    first = post(client, f"/v1/members/{member}/spend", {"points": 30}, key).json()
    assert post(client, f"/v1/members/{member}/spend", {"points": 30}, key).json() == first | {"status": "duplicate"}
    before = server.ledger()
    others: list[tuple[str, dict[str, Any]]] = [
        (f"/v1/members/{member}/spend", {"points": 31}),
        (f"/v1/members/{other}/spend", {"points": 30}),
        (f"/v1/members/{member}/adjust", {"points": 30}),
        ("/v1/holds", {"member_id": member, "points": 30}),
    ]
    for path, body in others:
        response = post(client, path, body, key)
        assert (response.status_code, response.json()["code"]) == (409, "key_conflict")
    assert server.ledger() == before


def test_a_refused_key_may_be_tried_again(client: httpx.Client) -> None:
    """A refusal is not recorded: once there are points, the same call succeeds."""
    member, key = member_with(client, 10), unique("key")
    assert post(client, f"/v1/members/{member}/spend", {"points": 30}, key).status_code == 409
    post(client, f"/v1/members/{member}/adjust", {"points": 20})
    assert post(client, f"/v1/members/{member}/spend", {"points": 30}, key).json()["status"] == "applied"


def test_without_a_key_the_server_makes_one(client: httpx.Client) -> None:
    """It is returned, and what it was used for can be asked for with it again."""
    member = member_with(client, 100)
    first = post(client, f"/v1/members/{member}/spend", {"points": 30})
    again = post(client, f"/v1/members/{member}/spend", {"points": 30}, first.headers["idempotency-key"])
    assert again.json() == first.json() | {"status": "duplicate"}


def test_twenty_parallel_spends_of_all_points_give_one(client: httpx.Client) -> None:
    """A balance is spent once (known failures 25, 29, 31, 36, 39, 71)."""
    member = member_with(client, 100)
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: post(client, f"/v1/members/{member}/spend", {"points": 100}), range(20)))
    assert sorted(answer.status_code for answer in answers) == [200, *[409] * 19]
    assert balance(client, member)["available"] == 0


def test_twenty_parallel_transfers_move_what_is_there(client: httpx.Client) -> None:
    """Gifts from a sender with 100 points come to 100 points (known failure 23)."""
    sender, receiver = member_with(client, 100), member_with(client, 1)
    path = f"/v1/members/{sender}/transfer"
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: post(client, path, {"to": receiver, "points": 100}), range(20)))
    assert sorted(answer.status_code for answer in answers) == [200, *[409] * 19]
    assert (balance(client, sender)["available"], balance(client, receiver)["available"]) == (0, 101)


def test_a_transfer_names_both_sides(client: httpx.Client) -> None:
    """By number or by identity; each side's transaction names the other's."""
    sender, identity = member_with(client, 100), customer()
    receiver = client.post("/v1/members", json={"identities": [identity]}).json()["member_id"]
    answer = post(client, f"/v1/members/{sender}/transfer", {"to": identity, "points": 40}).json()
    assert (answer["kind"], answer["points"], answer["counterpart"]) == ("transfer", -40, f"{receiver}-1")
    there = client.get(f"/v1/transactions/{receiver}-1").json()
    assert (there["points"], there["counterpart"]) == (40, answer["transaction_id"])
    problem = post(client, f"/v1/members/{sender}/transfer", {"to": sender, "points": 1}).json()
    assert (problem["code"], problem["pointer"]) == ("same_member", "/to")


def test_adjusting_up_and_down(client: httpx.Client) -> None:
    """Added points may have an expiry of their own; points that are taken may not (known failure 53)."""
    member = member_with(client, 100)
    body = {"points": 50, "expires_at": "2090-01-01T00:00:00+08:00", "reason": "sorry"}
    up = post(client, f"/v1/members/{member}/adjust", body).json()
    assert up["balances"]["points"]["available"] == 150
    assert post(client, f"/v1/members/{member}/adjust", {"points": -120}).json()["points"] == -120
    detail = client.get(f"/v1/transactions/{up['transaction_id']}").json()
    assert detail["reason"] == "sorry"
    assert detail["movements"][0]["lot"]["expires_at"] == "2089-12-31T16:00:00Z"
    problem = post(client, f"/v1/members/{member}/adjust", {"points": -1, "expires_at": "2090-01-01T00:00:00Z"}).json()
    assert (problem["code"], problem["pointer"]) == ("expiry_not_applicable", "/expires_at")
    problem = post(client, f"/v1/members/{member}/adjust", {"points": 1, "expires_at": "2020-01-01T00:00:00Z"}).json()
    assert (problem["code"], problem["pointer"]) == ("instant_in_past", "/expires_at")


def test_a_hold_from_placing_to_release(client: httpx.Client) -> None:
    """Held points do not count as available; what is captured is gone, what is released returns."""
    member = member_with(client, 100)
    placed = post(client, "/v1/holds", {"member_id": member, "points": 60, "reference": "cart"})
    assert placed.status_code == 201
    hold = placed.json()["hold_id"]
    assert balance(client, member) == {"available": 40, "pending": 0, "held": 60, "debt": 0}
    assert post(client, f"/v1/members/{member}/spend", {"points": 41}).json()["code"] == "insufficient_points"
    captured = post(client, f"/v1/holds/{hold}/capture", {"points": 20}).json()
    assert (captured["kind"], captured["refers_to"]) == ("capture", hold)
    view = client.get(f"/v1/holds/{hold}").json()
    assert (view["status"], view["points"], view["captured"], view["remaining"]) == ("open", 60, 20, 40)
    too_much = post(client, f"/v1/holds/{hold}/capture", {"points": 41}).json()
    assert (too_much["code"], too_much["pointer"]) == ("hold_exceeded", "/points")
    assert post(client, f"/v1/holds/{hold}/release").status_code == 200
    assert balance(client, member) == {"available": 80, "pending": 0, "held": 0, "debt": 0}
    assert client.get(f"/v1/holds/{hold}").json()["status"] == "released"
    assert post(client, f"/v1/holds/{hold}/capture").json()["code"] == "hold_closed"
    assert post(client, f"/v1/holds/{hold}/release").json()["code"] == "hold_closed"


def test_capturing_a_part_and_freeing_the_rest(client: httpx.Client) -> None:
    """In one call; the hold is then closed."""
    member = member_with(client, 100)
    hold = post(client, "/v1/holds", {"member_id": member, "points": 60}).json()["hold_id"]
    post(client, f"/v1/holds/{hold}/capture", {"points": 20, "release_rest": True})
    assert balance(client, member) == {"available": 80, "pending": 0, "held": 0, "debt": 0}
    whole = post(client, "/v1/holds", {"member_id": member, "points": 80}).json()["hold_id"]
    post(client, f"/v1/holds/{whole}/capture")
    assert client.get(f"/v1/holds/{whole}").json()["status"] == "captured"


def test_a_cancelled_spend_returns_to_its_lot_once(server: Server, client: httpx.Client) -> None:
    """Not twice, and not to somebody else (known failures 11, 13, 16, 18, 22, 40)."""
    member = member_with(client, 100)
    spent = post(client, f"/v1/members/{member}/spend", {"points": 30}).json()["transaction_id"]
    key = unique("key")
    reversed_ = post(client, f"/v1/transactions/{spent}/reverse", None, key)
    assert reversed_.json()["balances"]["points"]["available"] == 100
    assert post(client, f"/v1/transactions/{spent}/reverse", None, key).json()["status"] == "duplicate"
    before = server.ledger()
    response = post(client, f"/v1/transactions/{spent}/reverse")
    assert (response.status_code, response.json()["code"]) == (409, "already_reversed")
    assert server.ledger() == before
    detail = client.get(f"/v1/transactions/{spent}").json()
    assert detail["referred_by"] == [reversed_.json()["transaction_id"]]


def test_an_order_can_be_reversed_by_its_transaction(client: httpx.Client) -> None:
    """The same as a full refund (known failures 6, 7, 14)."""
    member = member_with(client, 100)
    answer = post(client, f"/v1/transactions/{member}-1/reverse", {"reason": "fraud"}).json()
    assert answer["balances"]["points"]["available"] == 0
    assert post(client, f"/v1/transactions/{answer['transaction_id']}/reverse").json()["code"] == "not_reversible"


def test_registering_and_finding(client: httpx.Client) -> None:
    """An identity has one spelling, one owner, and finds its member."""
    name = unique("Mail")
    response = client.post("/v1/members", json={"identities": [f"email:{name}@Example.COM", customer()]})
    assert response.status_code == 201
    member = response.json()["member_id"]
    found = client.get("/v1/members", params={"identity": f"email:{name.upper()}@example.com"}).json()["members"]
    assert [each["member_id"] for each in found] == [member]
    assert client.get(f"/v1/members/{member}").json() == found[0]
    assert f"email:{name.lower()}@example.com" in found[0]["identities"]
    again = client.post("/v1/members", json={"identities": [f"email:{name}@example.com"]})
    assert (again.status_code, again.json()["code"]) == (409, "identity_taken")
    assert client.get("/v1/members", params={"identity": customer()}).json() == {"members": []}


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("/v1/members/1/spend", {"points": 1}, 404, "unknown_member"),
        ("/v1/members/99999999999999999999/spend", {"points": 1}, 404, "unknown_member"),
        ("/v1/members/0100001/spend", {"points": 1}, 404, "unknown_member"),
        ("/v1/members/MEMBER/spend", {"points": 1, "wallet": "gold"}, 422, "unknown_wallet"),
        ("/v1/members/MEMBER/spend", {"points": 0}, 422, "invalid_field"),
        ("/v1/members/MEMBER/spend", {"points": -1}, 422, "invalid_field"),
        ("/v1/members/MEMBER/spend", {"points": 1.0}, 422, "invalid_field"),
        ("/v1/members/MEMBER/spend", {"points": "1"}, 422, "invalid_field"),
        ("/v1/members/MEMBER/spend", {"points": True}, 422, "invalid_field"),
        ("/v1/members/MEMBER/spend", {"points": 10**15 + 1}, 422, "invalid_field"),
        ("/v1/members/MEMBER/spend", {"points": 10**4000}, 422, "invalid_field"),
        ("/v1/members/MEMBER/spend", {}, 422, "missing_field"),
        ("/v1/members/MEMBER/spend", {"points": 1, "cash": 1}, 422, "unknown_field"),
        ("/v1/members/MEMBER/spend", {"points": 1, "reason": "a\0b"}, 422, "invalid_text"),
        ("/v1/members/MEMBER/adjust", {"points": 0}, 422, "invalid_points"),
        ("/v1/members/MEMBER/adjust", {"points": 1, "expires_at": "9999-12-31T00:00:00Z"}, 422, "instant_too_far"),
        ("/v1/members/MEMBER/adjust", {"points": 1, "expires_at": "2090-01-01"}, 422, "invalid_field"),
        ("/v1/members/MEMBER/transfer", {"to": "1", "points": 1}, 404, "unknown_member"),
        ("/v1/members/MEMBER/transfer", {"to": "fax:1", "points": 1}, 422, "invalid_identity"),
        ("/v1/members", {"identities": []}, 422, "invalid_field"),
        ("/v1/members", {"identities": ["phone:abc"]}, 422, "invalid_identity"),
        ("/v1/holds", {"member_id": "1", "points": 1}, 404, "unknown_member"),
        (
            "/v1/holds",
            {"member_id": "MEMBER", "points": 1, "expires_at": "2020-01-01T00:00:00Z"},
            422,
            "instant_in_past",
        ),
        (
            "/v1/holds",
            {"member_id": "MEMBER", "points": 1, "expires_at": "2090-01-01T00:00:00Z"},
            422,
            "instant_too_far",
        ),
        ("/v1/holds/MEMBER-1/capture", {}, 404, "unknown_hold"),
        ("/v1/holds/MEMBER-99/release", None, 404, "unknown_hold"),
        ("/v1/holds/x/release", None, 404, "unknown_hold"),
        ("/v1/transactions/MEMBER-99/reverse", None, 404, "unknown_transaction"),
        ("/v1/transactions/MEMBER-9999999999/reverse", None, 404, "unknown_transaction"),
    ],
)
def test_what_cannot_be_done_is_refused_and_changes_nothing(
    server: Server, client: httpx.Client, path: str, body: dict[str, Any] | None, status: int, code: str
) -> None:
    """Each with a code of its own."""
    member = member_with(client, 10)
    before = server.ledger()
    filled = None if body is None else {k: member if v == "MEMBER" else v for k, v in body.items()}
    response = post(client, path.replace("MEMBER", member), filled)
    assert (response.status_code, response.json()["code"]) == (status, code), response.text
    assert server.ledger() == before


def test_a_discount_line_earns_nothing_and_zero_orders_are_recorded(client: httpx.Client) -> None:
    """An order that was paid with nothing earns nothing (known failures 66, 77), and is known afterwards."""
    event = order_event(customer(), 0)
    result = client.post("/v1/events", json=event).json()
    assert (result["status"], result["awards"][0]["points"]) == ("applied", 0)
    assert balance(client, result["member_id"])["available"] == 0
