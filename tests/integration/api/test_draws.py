"""Lotteries over HTTP: from the hash of a seed to the proof that a member works out alone."""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import httpx
import pytest

from jifen.db.embedded import EmbeddedAddress
from tests.databases import DEFAULT_PROGRAM
from tests.drawing import LAST, WHEEL, changed, with_draws
from tests.integration.api.server import Server, balance, member_with, serving
from tests.integration.api.test_redemptions import done, refused

FAIR = changed(WHEEL, vase={"weight": 0}, voucher={"weight": 1}, fifty={"weight": 1}, thanks={"weight": 2})


@pytest.fixture(scope="module")
def server(database_server: EmbeddedAddress) -> Iterator[Server]:
    """A server with lotteries. At the end everything follows from the transactions."""
    with serving(database_server, with_draws(DEFAULT_PROGRAM, FAIR, LAST)) as server:
        yield server


def draw(client: httpx.Client, member: str, **body: Any) -> httpx.Response:
    """Draw once."""
    return client.post(f"/v1/members/{member}/draws", json={"draw": "wheel"} | body)


def test_from_the_hash_to_the_proof(client: httpx.Client) -> None:
    """I-24: a member who knows nothing but what the API says works out every draw."""
    member = member_with(client, 1_000)
    seen = done(client.get("/v1/draws/wheel", params={"member": member}))
    assert seen["round"] is None and [each["code"] for each in seen["lacks"]] == ["no_round"]
    refused(draw(client, member), "no_round")
    opened = done(client.post("/v1/draws/wheel/rounds", json={}))
    assert opened["seed"] is None
    refused(client.post("/v1/draws/wheel/rounds", json={}), "round_open")
    seen = {each["draw_id"]: each for each in done(client.get("/v1/draws", params={"member": member}))["draws"]}
    assert seen["wheel"]["round"]["commitment"] == opened["commitment"] and seen["wheel"]["lacks"] == []
    answers = [done(draw(client, member)) for _ in range(30)]
    assert [each["drawn"]["number"] for each in answers] == list(range(1, 31))
    won = sum(each["drawn"]["points"] for each in answers)
    assert balance(client, member)["available"] == 1_000 - 300 + won
    hidden = client.get("/v1/draws/wheel/proof").text
    revealed = done(client.post("/v1/draws/wheel/reveal", json={}))
    seed = bytes.fromhex(revealed["seed"])
    assert sha256(seed).hexdigest() == opened["commitment"] and revealed["seed"] not in hidden
    proof = done(client.get("/v1/draws/wheel/proof", params={"member": member, "round": 1}))
    shares = proof["odds"][0]["shares"]
    for answer, proven in zip(answers, proof["drawn"], strict=True):
        digest = hmac.new(seed, f"{answer['drawn']['number']}:0".encode(), sha256).hexdigest()
        point = int(digest[:13], 16) % answer["drawn"]["total"]
        hit = next(each["prize"] for each in shares if each["first"] <= point < each["after"])
        assert (point, hit) == (answer["drawn"]["point"], answer["drawn"]["hit"])
        assert proven["is_right"] and proven["transaction_id"] == answer["transaction_id"]
    everybody = done(client.get("/v1/draws/wheel/proof", params={"limit": 10}))
    assert everybody["next_cursor"] == "10" and everybody["drawn"][0]["transaction_id"] is None
    refused(draw(client, member), "no_round")


def test_a_ticket_and_what_it_wins(client: httpx.Client) -> None:
    """Redeemed, drawn with, used up; the voucher that was won can be used at a till."""
    client.post("/v1/draws/wheel/rounds", json={})
    member = member_with(client, 500)
    redeemed = done(client.post(f"/v1/members/{member}/redemptions", json={"reward": "spin", "quantity": 40}))
    ticket = redeemed["redemption"]["redemption_id"]
    for _ in range(40):
        answer = done(draw(client, member, ticket=ticket))
        if answer["drawn"]["prize"] == "voucher":
            break
    name = answer["drawn"]["redemption_id"]
    redemption = done(client.get(f"/v1/redemptions/{name}"))
    assert (redemption["points"], redemption["won_by"]) == (0, answer["transaction_id"])
    done(client.post(f"/v1/coupons/{redemption['coupons'][0]['code']}/write-off", json={}))
    used = done(client.get(f"/v1/redemptions/{ticket}"))["tickets_used"]
    assert used == answer["drawn"]["number"] - done(client.get("/v1/draws/wheel"))["round"]["drawn"] + used
    refused(client.post(f"/v1/redemptions/{ticket}/cancel"), "ticket_used")
    refused(draw(client, member_with(client, 10), ticket=ticket), "not_a_ticket")
    refused(draw(client, member, ticket=f"{member}-999"), "unknown_redemption")


def test_a_repeated_call_draws_once(client: httpx.Client) -> None:
    """I-07: the first answer again."""
    client.post("/v1/draws/wheel/rounds", json={})
    member, key = member_with(client, 500), {"Idempotency-Key": "spin-1"}
    path, body = f"/v1/members/{member}/draws", {"draw": "wheel"}
    first, second = (done(client.post(path, json=body, headers=key)) for _ in range(2))
    assert first["drawn"] == second["drawn"] and second["status"] == "duplicate"


def test_history_and_explanations(client: httpx.Client) -> None:
    """What was drawn stands in the history, and is told in both languages to both readers."""
    client.post("/v1/draws/wheel/rounds", json={})
    member = member_with(client, 500)
    name = done(draw(client, member))["transaction_id"]
    page = done(client.get(f"/v1/members/{member}/transactions", params={"kind": "draw"}))
    assert page["transactions"][0]["drawn"]["draw"] == "wheel"
    for locale, word in (("zh", "大转盘"), ("en", "Wheel")):
        for reader in ("member", "operator"):
            asked = {"locale": locale, "reader": reader}
            told = done(client.get(f"/v1/transactions/{name}/explanation", params=asked))
            assert word in told["title"]


def test_refusals(client: httpx.Client) -> None:
    """Each with its code."""
    member = member_with(client, 5)
    refused(draw(client, member, draw="wheels"), "unknown_draw")
    client.post("/v1/draws/wheel/rounds", json={})
    assert refused(draw(client, member), "insufficient_points")["details"]["missing"] == 5
    refused(draw(client, member, expected_points=9), "price_changed")
    refused(client.post("/v1/draws/wheels/rounds", json={}), "unknown_draw")
    refused(client.post("/v1/draws/last/reveal", json={}), "unknown_round")
    refused(client.get("/v1/draws/last/proof"), "unknown_round")
    refused(client.get("/v1/draws/wheels"), "unknown_draw")
    refused(client.get("/v1/draws", params={"member": "7"}), "unknown_member")
    refused(client.get("/v1/draws/wheel/proof", params={"round": "x"}), "invalid_parameter")
    client.post("/v1/draws/last/rounds", json={})
    done(draw(client, member, draw="last"))
    assert refused(draw(client, member, draw="last"), "limit_reached")["details"]["most"] == 1
    prizes = done(client.get("/v1/draws/last"))["prizes"]
    assert prizes[0]["left"] == 0
