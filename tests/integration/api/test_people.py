"""Members as people over HTTP: their life, their data, their identities."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.integration.api.server import Server, balance, customer, member_with, order_event, refund_event, unique


def post(client: httpx.Client, member: str, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
    """A write about a member."""
    return client.post(f"/v1/members/{member}/{path}", json={} if body is None else body)


def test_a_life(client: httpx.Client) -> None:
    """Frozen members earn and cannot spend; unfrozen ones can again; each step is kept with who and why
    (known failure 21)."""
    name = customer()
    order = order_event(name, 10_000)
    member = client.post("/v1/events", json=order).json()["member_id"]
    held = client.post("/v1/holds", json={"member_id": member, "points": 10}).json()["hold_id"]
    for _ in range(2):
        assert post(client, member, "freeze", {"reason": "stolen card"}).json()["status"] == "applied"
    assert client.get(f"/v1/members/{member}").json()["status"] == "frozen"
    problem = post(client, member, "spend", {"points": 1})
    assert (problem.status_code, problem.json()["code"]) == (409, "member_frozen")
    assert client.post(f"/v1/holds/{held}/capture").json()["code"] == "member_frozen"
    assert client.post(f"/v1/holds/{held}/release").status_code == 200
    assert client.post("/v1/events", json=order_event(name, 5_000)).json()["status"] == "applied"
    assert client.post("/v1/events", json=refund_event(order)).json()["status"] == "applied"
    assert balance(client, member)["available"] == 50
    post(client, member, "unfreeze")
    assert post(client, member, "spend", {"points": 50}).status_code == 200
    changes = client.get(f"/v1/members/{member}/changes").json()["changes"]
    assert [each["kind"] for each in changes] == ["unfreeze", "freeze"]
    assert (changes[1]["reason"], changes[1]["status"]) == ("stolen card", "frozen")


def test_closing_takes_the_points_of_that_member_alone(client: httpx.Client) -> None:
    """Known failure 22."""
    member, other = member_with(client, 100), member_with(client, 40)
    held = client.post("/v1/holds", json={"member_id": member, "points": 10}).json()["hold_id"]
    problem = post(client, member, "close").json()
    assert (problem["code"], problem["details"]["held"]) == ("holds_open", 10)
    client.post(f"/v1/holds/{held}/release")
    assert post(client, member, "close").status_code == 200
    assert (balance(client, member)["available"], balance(client, other)["available"]) == (0, 40)
    problem = post(client, other, "transfer", {"to": member, "points": 1}).json()
    assert (problem["code"], problem["pointer"]) == ("member_closed", "/to")
    assert post(client, member, "freeze").json()["code"] == "member_closed"


def test_anonymising_leaves_the_ledger_and_nothing_else(client: httpx.Client) -> None:
    """The person can register again with the same identities."""
    name, phone = customer(), f"phone:139{unique('')[-8:].replace('-', '0')}0"
    member = client.post("/v1/members", json={"identities": [name, phone]}).json()["member_id"]
    client.post("/v1/events", json=order_event(name, 10_000))
    post(client, member, "person", {"name": "Li Lei", "birthday": "1990-05-17", "add_tags": ["tea"]})
    assert post(client, member, "anonymise", {"reason": "asked for"}).status_code == 200
    view = client.get(f"/v1/members/{member}").json()
    assert (view["status"], view["identities"], view["person"]["name"]) == ("anonymised", [], "")
    assert (view["person"]["birthday"], view["person"]["tags"]) == (None, [])
    assert len(client.get(f"/v1/members/{member}/transactions").json()["transactions"]) == 2
    assert post(client, member, "person", {"name": "X"}).json()["code"] == "member_anonymised"
    again = client.post("/v1/members", json={"identities": [name, phone]})
    assert again.status_code == 201
    assert again.json()["member_id"] != member


def test_a_person_is_described_piece_by_piece(client: httpx.Client) -> None:
    """What is left out stays; null takes away; errors point at the field."""
    member = member_with(client, 1)
    post(client, member, "person", {"name": "韩梅梅", "gender": "female", "address": {"city": "杭州"}})
    post(client, member, "person", {"birthday": "1990-05-17", "add_tags": ["tea", "vip"], "gender": None})
    post(client, member, "person", {"remove_tags": ["tea"]})
    person = client.get(f"/v1/members/{member}").json()["person"]
    assert (person["name"], person["gender"], person["address"]) == ("韩梅梅", "", {"city": "杭州"})
    assert (person["birthday"], person["tags"]) == ("1990-05-17", ["vip"])
    bad: list[tuple[dict[str, Any], str, str]] = [
        ({"gender": "x"}, "invalid_field", "/gender"),
        ({"address": {"planet": "x"}}, "unknown_field", "/address/planet"),
        ({"birthday": "2001-02-29"}, "invalid_field", "/birthday"),
        ({"fields": {"size": "L"}}, "unknown_field", "/fields/size"),
        ({"name": 5}, "invalid_field", "/name"),
    ]
    for body, code, pointer in bad:
        problem = post(client, member, "person", body).json()
        assert (problem["code"], problem["pointer"]) == (code, pointer), problem


def test_identities_come_and_go(client: httpx.Client) -> None:
    """Each finds the member; a verified one says when and by whom; the last one stays."""
    first, second = customer(), customer()
    member = client.post("/v1/members", json={"identities": [first]}).json()["member_id"]
    assert post(client, member, "identities", {"identities": [second]}).status_code == 200
    assert client.get("/v1/members", params={"identity": second}).json()["members"][0]["member_id"] == member
    states = {each["identity"]: each for each in client.get(f"/v1/members/{member}").json()["identity_states"]}
    assert states[second]["verified_at"] is None
    post(client, member, "identities/verify", {"identities": [second]})
    states = {each["identity"]: each for each in client.get(f"/v1/members/{member}").json()["identity_states"]}
    assert (states[first]["verified_at"], states[second]["verified_by"] is not None) == (None, True)
    assert post(client, member, "identities/remove", {"identities": [first]}).status_code == 200
    assert client.get("/v1/members", params={"identity": first}).json() == {"members": []}
    problem = post(client, member, "identities/remove", {"identities": [second]}).json()
    assert (problem["code"], problem["pointer"]) == ("last_identity", "/identities")
    problem = post(client, member, "identities/verify", {"identities": [first]}).json()
    assert (problem["code"], problem["pointer"]) == ("unknown_identity", "/identities/0")
    other = client.post("/v1/members", json={"identities": [first]}).json()["member_id"]
    problem = post(client, member, "identities", {"identities": [first]}).json()
    assert (problem["code"], problem["details"]) == ("identity_taken", {"member_id": other})


@pytest.mark.parametrize("round_number", range(3))
def test_many_members_claim_one_phone(server: Server, client: httpx.Client, round_number: int) -> None:
    """Exactly one wins, whoever comes at the same time (known failures 23, 76)."""
    members = [member_with(client, 1) for _ in range(8)]
    wanted = customer()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda each: post(client, each, "identities", {"identities": [wanted]}), members))
    winners = [member for member, answer in zip(members, answers, strict=True) if answer.status_code == 200]
    assert len(winners) == 1
    refusals = [answer.json() for answer in answers if answer.status_code != 200]
    assert {each["code"] for each in refusals} == {"identity_taken"}
    assert {each["details"]["member_id"] for each in refusals} == set(winners)
    assert client.get("/v1/members", params={"identity": wanted}).json()["members"][0]["member_id"] == winners[0]
