"""Who decides on redemptions, what they tell of their steps, and quotes, over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from jifen.db.embedded import EmbeddedAddress
from tests.databases import DEFAULT_PROGRAM
from tests.integration.api.server import Server, balance, customer, make_key, member_with, serving, unique
from tests.integration.api.test_redemptions import done, gold, redeem, refused, set_stock, with_role
from tests.redeeming import with_rewards


@pytest.fixture(scope="module")
def server(database_server: EmbeddedAddress) -> Iterator[Server]:
    """A server on a database whose program has rewards."""
    with serving(database_server, with_rewards(DEFAULT_PROGRAM)) as server:
        yield server


def test_keys_of_one_name_are_one_person(server: Server, client: httpx.Client) -> None:
    """A step that all of its roles must agree to is never agreed to by one person, nor by whoever asked."""
    member, till, boss = gold(client, 6_000), unique("till"), unique("boss")
    with server.client(make_key(server.url, till)) as asking:
        name = done(redeem(asking, member, "spa"))["redemption"]["redemption_id"]
    path = f"/v1/redemptions/{name}/approve"
    with server.client(make_key(server.url, till, ["clerk"])) as second_till:
        refused(second_till.post(path), "approval_by_requester")
    with server.client(make_key(server.url, boss, ["clerk"])) as first:
        done(first.post(path))
    for role in ("manager", "finance"):
        with server.client(make_key(server.url, boss, [role])) as other:
            refused(other.post(path), "already_agreed")
            refused(other.post(f"/v1/redemptions/{name}/reject"), "already_agreed")
    assert done(client.get(f"/v1/redemptions/{name}"))["state"] == "waiting_for_approval"


def test_a_redemption_tells_its_steps(server: Server, client: httpx.Client) -> None:
    """What was done, by whom, when, why and in which transaction; agreements and uses of coupons say it as well."""
    set_stock(client, "vase", 1)
    member = member_with(client, 250)
    asked = done(redeem(client, member, "vase", reason="for her birthday"))
    name = asked["redemption"]["redemption_id"]
    with with_role(server, "clerk") as clerk:
        agreed = done(clerk.post(f"/v1/redemptions/{name}/approve", json={"reason": "fine"}))
    cancelled = done(client.post(f"/v1/redemptions/{name}/cancel", json={"reason": "cracked"}))
    found = done(client.get(f"/v1/redemptions/{name}"))
    assert [
        (each["step"], each["state"], each["reason"], each["transaction_id"], each["at"]) for each in found["steps"]
    ] == [
        (step, state, reason, answer["transaction_id"], answer["occurred_at"])
        for step, state, reason, answer in (
            ("redeem", "waiting_for_approval", "for her birthday", asked),
            ("approve", "approved", "fine", agreed),
            ("cancel", "cancelled", "cracked", cancelled),
        )
    ]
    listed = done(client.get(f"/v1/members/{member}/transactions"))["transactions"]
    changes = {each["transaction_id"]: each.get("changes", {}) for each in listed}
    # Held at first, paid with the approval, given back.
    told = [changes[each["transaction_id"]] for each in (asked, agreed, cancelled)]
    assert told == [{}, {"points": -100}, {"points": 100}]
    actors = [each["actor"] for each in found["steps"]]
    assert actors[0] == actors[2] != actors[1]
    (agreement,) = found["approval"]["agreements"]
    assert (agreement["actor"], agreement["transaction_id"]) == (actors[1], agreed["transaction_id"])
    assert agreement["at"] == agreed["occurred_at"]
    coupon = done(redeem(client, member, "five-yuan"))["redemption"]["coupons"][0]["code"]
    used = done(client.post(f"/v1/coupons/{coupon}/write-off", json={"store": "SH-01"}))
    detail = done(client.get(f"/v1/coupons/{coupon}"))
    (use,) = detail["coupon"]["uses"]
    assert (use["actor"], use["at"]) == (actors[0], used["occurred_at"])
    assert [each["step"] for each in detail["redemption"]["steps"]] == ["redeem", "write_off"]


def test_a_quote_is_redeemed_once(client: httpx.Client) -> None:
    """By whichever of twenty tills is first; the same request again gets the first answer (known failures 1, 36)."""
    member = member_with(client, 400)
    said = {"member_id": member, "reward": "five-yuan"}
    quote, other = (done(client.post("/v1/quotes", json=said))["quote"] for _ in range(2))
    assert quote != other
    with ThreadPoolExecutor(8) as tills:
        answers = list(tills.map(lambda _: redeem(client, member, "five-yuan", quote=quote), range(20)))
    codes = [each.json().get("code", "redeemed") for each in answers]
    assert (codes.count("redeemed"), codes.count("quote_used")) == (1, 19)
    assert balance(client, member)["available"] == 300
    path, key = f"/v1/members/{member}/redemptions", {"idempotency-key": unique("quoted")}
    first = done(client.post(path, json={"reward": "five-yuan", "quote": other}, headers=key))
    again = done(client.post(path, json={"reward": "five-yuan", "quote": other}, headers=key))
    assert (again["status"], again["transaction_id"]) == ("duplicate", first["transaction_id"])
    done(client.post(f"/v1/redemptions/{first['transaction_id']}/cancel"))
    problem = refused(redeem(client, member, "five-yuan", quote=other), "quote_used")
    assert problem["details"]["transaction_id"] == first["transaction_id"]
    assert balance(client, member)["available"] == 300


def waiting_for_payment(client: httpx.Client) -> str:
    """The path of a redemption of which the money part is due."""
    asked = done(redeem(client, member_with(client, 20), "cup", price=1))["redemption"]
    return f"/v1/redemptions/{asked['redemption_id']}"


def test_a_payment_pays_for_one_redemption(client: httpx.Client) -> None:
    """Once, for ever: not for another, nor again for the same one. Money that is due is not paid without naming it; a
    repeated call is answered as before."""
    set_stock(client, "cup", 50)
    payment, key = unique("wx"), {"idempotency-key": unique("pay")}
    first, second = (waiting_for_payment(client) for _ in range(2))
    for nothing in ({}, {"reason": "at the till"}):
        assert refused(client.post(f"{first}/pay", json=nothing), "missing_field")["pointer"] == "/payment"
    refused(client.post(f"{first}/pay"), "unsupported_media_type")
    for nobody in ("", " \t"):
        assert refused(client.post(f"{first}/pay", json={"payment": nobody}), "invalid_field")["pointer"] == "/payment"
    paid = done(client.post(f"{first}/pay", json={"payment": payment}, headers=key))
    assert done(client.post(f"{first}/pay", json={"payment": payment}, headers=key)) == paid | {"status": "duplicate"}
    for path in (first, second):
        problem = refused(client.post(f"{path}/pay", json={"payment": payment}), "payment_used")
        assert (problem["status"], problem["pointer"]) == (409, "/payment")
        assert problem["details"] == {"transaction_id": paid["transaction_id"]}
    said = client.post(f"{second}/pay", json={"payment": payment}, headers={"accept-language": "zh"}).json()["detail"]
    assert said == f"这笔付款已由 {paid['transaction_id']} 计入；一笔付款只算一次。"
    done(client.post(f"{first}/cancel"))
    for spelling in (payment, f" {payment}", f"{payment}\n"):
        refused(client.post(f"{second}/pay", json={"payment": spelling}), "payment_used")
    assert done(client.get(second))["state"] == "waiting_for_payment"
    assert done(client.post(f"{second}/pay", json={"payment": unique("wx")}))["redemption"]["state"] == "approved"


def test_of_twenty_redemptions_a_payment_pays_one(client: httpx.Client) -> None:
    """Whoever asks at the same moment; the others still wait for their money."""
    set_stock(client, "cup", 50)
    payment = unique("wx")
    paths = [waiting_for_payment(client) for _ in range(20)]
    with ThreadPoolExecutor(20) as crowd:
        answers = list(crowd.map(lambda path: client.post(f"{path}/pay", json={"payment": payment}).json(), paths))
    assert sorted(each.get("code", "paid") for each in answers) == ["paid", *["payment_used"] * 19]
    states = sorted(done(client.get(path))["state"] for path in paths)
    assert states == ["approved", *["waiting_for_payment"] * 19]


@pytest.mark.parametrize("step", ["approve", "reject", "pay", "fulfil", "cancel", "return"])
def test_a_redemption_of_nobody_is_unknown(client: httpx.Client, step: str) -> None:
    """Whoever names a redemption names no member: it is never told that there is none."""
    member = client.post("/v1/members", json={"identities": [customer()]}).json()["member_id"]
    body = {"payment": unique("pay")} if step == "pay" else {}
    for name in ("999999999-1", f"{member}-999", "nonsense"):
        answer = client.post(f"/v1/redemptions/{name}/{step}", json=body)
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_redemption"), answer.text
        assert name in answer.json()["detail"]
