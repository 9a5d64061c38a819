"""POST /v1/events: one event or many, each with a result of its own, each unique for ever."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.integration.api.server import Server, balance, customer, order_event, refund_event, unique, unique_phone

CLOUD_EVENT = {"content-type": "application/cloudevents+json"}
CLOUD_EVENTS = {"content-type": "application/cloudevents-batch+json"}


def send(client: httpx.Client, event: dict[str, Any]) -> dict[str, Any]:
    """Send an event that is not refused."""
    response = client.post("/v1/events", json=event)
    assert response.status_code == 200, response.text
    result: dict[str, Any] = response.json()
    return result


def test_an_order_earns_points(client: httpx.Client) -> None:
    """The result has exactly the fields that are promised."""
    event = order_event(customer(), 11_850, 150)
    result = send(client, event)
    assert result == {
        "id": event["id"],
        "source": "shop",
        "status": "applied",
        "transaction_id": f"{result['member_id']}-1",
        "member_id": result["member_id"],
        "awards": [{"rule": "base", "wallet": "points", "points": 120}],
        "balances": {"points": {"available": 120, "pending": 0, "held": 0, "debt": 0}},
        "error": None,
    }


def test_the_same_event_gives_the_first_answer_again(client: httpx.Client) -> None:
    """A retry doubles nothing (known failures 33, 38)."""
    event = order_event(customer())
    first, second = send(client, event), send(client, event)
    assert second == first | {"status": "duplicate"}
    assert balance(client, first["member_id"])["available"] == 100


def test_the_same_order_by_another_event_is_one_order(client: httpx.Client) -> None:
    """Two tills that tell of one order (known failures 26, 68, 69)."""
    event = order_event(customer())
    first = send(client, event)
    second = send(client, event | {"id": unique("other")})
    assert second["status"] == "duplicate"
    assert second["transaction_id"] == first["transaction_id"]


def test_twenty_parallel_copies_count_once(client: httpx.Client) -> None:
    """The same delivery many times at once (known failures 26, 33)."""
    event = order_event(customer())
    with ThreadPoolExecutor(20) as pool:
        results = list(pool.map(lambda _: send(client, event), range(20)))
    assert sorted(result["status"] for result in results) == ["applied", *["duplicate"] * 19]
    assert len({result["transaction_id"] for result in results}) == 1
    assert balance(client, results[0]["member_id"])["available"] == 100


@pytest.mark.parametrize(
    ("change", "code"),
    [({"data": {"order_id": "other"}}, "key_conflict"), ({"id": "other"}, "order_conflict")],
    ids=["event", "order"],
)
def test_a_name_used_for_something_else_is_refused(
    server: Server, client: httpx.Client, change: dict[str, Any], code: str
) -> None:
    """The same key with other content is a conflict, never a second effect and never a silent duplicate."""
    event = order_event(customer())
    send(client, event)
    before = server.ledger()
    if "data" in change:
        other = event | {"data": event["data"] | {"order_id": unique("order")}}
    else:
        lines = [event["data"]["lines"][0] | {"paid_cents": 1}]
        other = event | {"id": unique("order"), "data": event["data"] | {"lines": lines}}
    response = client.post("/v1/events", json=other)
    assert (response.status_code, response.json()["code"]) == (409, code)
    assert server.ledger() == before


def test_a_batch_has_a_result_for_each_event(client: httpx.Client) -> None:
    """In their order, whatever is wrong with one of them; the neighbours of a refused event are done."""
    who = customer()
    good, bad, last = order_event(who), order_event(who), order_event(who)
    bad["data"]["lines"][0]["paid_cents"] = -1
    other_currency = order_event(who)
    other_currency["data"]["currency"] = "USD"
    response = client.post("/v1/events", json=[good, bad, 7, other_currency, good, last], headers=CLOUD_EVENTS)
    assert response.status_code == 200
    results = response.json()["results"]
    assert [result["status"] for result in results] == [
        "applied",
        "refused",
        "refused",
        "refused",
        "duplicate",
        "applied",
    ]
    assert [result["id"] for result in results] == [
        good["id"],
        bad["id"],
        None,
        other_currency["id"],
        good["id"],
        last["id"],
    ]
    assert results[1]["error"]["pointer"] == "/data/lines/0/paid_cents"
    assert results[3]["error"]["code"] == "currency_mismatch"
    assert balance(client, results[0]["member_id"])["available"] == 200


def test_half_a_surrogate_pair_spoils_only_its_own_event(client: httpx.Client) -> None:
    """What cannot even be decoded in one event does not touch the others."""
    who = customer()
    content = json.dumps([order_event(who, id="\ud800"), order_event(who)])
    response = client.post("/v1/events", content=content, headers=CLOUD_EVENTS)
    results = response.json()["results"]
    assert [result["status"] for result in results] == ["refused", "applied"]
    assert (results[0]["error"]["code"], results[0]["error"]["pointer"]) == ("invalid_text", "/id")


def test_a_thousand_events_are_taken_and_one_more_is_not(server: Server, client: httpx.Client) -> None:
    """The limit is said, and nothing is cut off silently."""
    event = order_event(customer())
    before = server.ledger()
    response = client.post("/v1/events", json=[event] * 1001)
    assert (response.status_code, response.json()["code"]) == (422, "too_many_events")
    assert server.ledger() == before
    results = client.post("/v1/events", json=[event] * 1000).json()["results"]
    assert [result["status"] for result in results] == ["applied", *["duplicate"] * 999]


def test_an_empty_batch_does_nothing(client: httpx.Client) -> None:
    """No event, no result."""
    assert client.post("/v1/events", json=[]).json() == {"results": []}


def test_part_refunds_in_any_split_end_at_the_same_number(client: httpx.Client) -> None:
    """The parts add up to the whole (known failures 1, 6, 7), and one more refund is refused."""
    order = order_event(customer(), 1_999, 3_333)
    member = send(client, order)["member_id"]
    assert balance(client, member)["available"] == 53
    for line in ("1", "2", "1", "2"):
        send(client, refund_event(order, (line, 1)))
    assert balance(client, member) == {"available": 0, "pending": 0, "held": 0, "debt": 0}
    response = client.post("/v1/events", json=refund_event(order))
    assert (response.status_code, response.json()["code"]) == (409, "already_refunded")


def test_a_refund_of_spent_points_becomes_debt(client: httpx.Client) -> None:
    """Buying, spending and returning gives nothing for nothing (known failure 1)."""
    order = order_event(customer(), 10_000)
    member = send(client, order)["member_id"]
    client.post(f"/v1/members/{member}/spend", json={"points": 70})
    result = send(client, refund_event(order))
    assert result["balances"]["points"] == {"available": 0, "pending": 0, "held": 0, "debt": 70}


@pytest.mark.parametrize(
    ("lines", "code", "pointer"),
    [
        ([("1", 3)], "returned_too_much", "/data/lines/0/quantity"),
        ([("9", 1)], "unknown_line", "/data/lines/0/line_id"),
    ],
)
def test_a_refund_of_what_was_not_bought_is_refused(
    server: Server, client: httpx.Client, lines: list[tuple[str, int]], code: str, pointer: str
) -> None:
    """The field at fault is named and the ledger is as before."""
    order = order_event(customer())
    send(client, order)
    before = server.ledger()
    problem = client.post("/v1/events", json=refund_event(order, *lines)).json()
    assert (problem["code"], problem["pointer"]) == (code, pointer)
    assert server.ledger() == before


def test_a_refund_knows_its_member(client: httpx.Client) -> None:
    """The subject may be left out; another member's is refused (known failures 22, 76)."""
    order = order_event(customer())
    member = send(client, order)["member_id"]
    stranger = customer()
    send(client, order_event(stranger))
    response = client.post("/v1/events", json=refund_event(order, subject=stranger))
    assert (response.status_code, response.json()["code"]) == (409, "order_of_other_member")
    assert send(client, refund_event(order))["member_id"] == member


def test_an_unknown_order_cannot_be_refunded(client: httpx.Client) -> None:
    """There is nothing to take back."""
    response = client.post("/v1/events", json=refund_event(order_event(customer())))
    assert (response.status_code, response.json()["code"]) == (404, "unknown_order")


def test_a_registration_with_several_identities(client: httpx.Client) -> None:
    """Every identity then finds the member; telling it again by another event is a duplicate."""
    phone, card = unique_phone(), f"card:{unique('card')}"
    event = {
        "specversion": "1.0",
        "id": unique("join"),
        "source": "shop",
        "type": "member.registered",
        "subject": phone,
        "data": {"identities": [card, phone]},
    }
    first = send(client, event)
    assert first["status"] == "applied"
    assert first["transaction_id"] is None
    assert send(client, event)["status"] == "duplicate"
    assert send(client, event | {"id": unique("join")}) | {"id": ""} == first | {"id": "", "status": "duplicate"}
    for identity in (phone, card):
        found = client.get("/v1/members", params={"identity": identity}).json()["members"]
        assert [member["member_id"] for member in found] == [first["member_id"]]


def test_a_late_order_counts_from_when_it_happened(client: httpx.Client) -> None:
    """`time` says when it happened; its points expire as if they had been booked then."""
    result = send(client, order_event(customer(), time="2026-01-15T20:00:00+08:00"))
    detail = client.get(f"/v1/transactions/{result['transaction_id']}").json()
    assert detail["occurred_at"] == "2026-01-15T12:00:00Z"
    assert detail["recorded_at"] > detail["occurred_at"]
    assert detail["movements"][0]["lot"]["expires_at"] == "2036-01-31T16:00:00Z"


def test_extension_attributes_are_allowed(client: httpx.Client) -> None:
    """CloudEvents 1.0 lets producers add attributes; they are not part of what makes the event the same."""
    event = order_event(customer())
    send(client, event | {"traceparent": "00-1", "datacontenttype": "application/json"})
    assert send(client, event | {"traceparent": "00-2"})["status"] == "duplicate"


def test_content_types(client: httpx.Client) -> None:
    """Each of the three media types takes what it says."""
    event = order_event(customer())
    assert client.post("/v1/events", json=event, headers=CLOUD_EVENT).status_code == 200
    assert client.post("/v1/events", json=event, headers=CLOUD_EVENTS).status_code == 422
    assert client.post("/v1/events", json=[event], headers=CLOUD_EVENT).status_code == 422
    assert client.post("/v1/events", json=event, headers={"content-type": "text/plain"}).status_code == 415
    typed = {"content-type": 'application/json; charset="utf-8"'}
    assert client.post("/v1/events", json=event, headers=typed).status_code == 200
    latin = {"content-type": "application/json; charset=latin-1"}
    assert client.post("/v1/events", json=event, headers=latin).status_code == 415
