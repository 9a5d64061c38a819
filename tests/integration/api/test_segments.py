"""Segments over HTTP: saved, previewed, listed page by page, changed, deleted; each refusal has its code."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from jifen.db.embedded import EmbeddedAddress
from tests.databases import WITH_PROGRAM, fresh_database
from tests.integration.api.server import customer, order_event, running_server

PATH = "/v1/segments"
NAME = {"zh": "老客", "en": "Regulars"}


@pytest.fixture(scope="module")
def client(database_server: EmbeddedAddress) -> Iterator[httpx.Client]:
    """A server of its own: these tests count members."""
    with fresh_database(database_server, WITH_PROGRAM) as url, running_server(url) as server, server.client() as opened:
        yield opened


def test_a_condition_is_tried_saved_and_listed(client: httpx.Client) -> None:
    """What the preview counts are the members of whom the condition is true; pages of them neither lose nor repeat."""
    for number in range(7):
        client.post("/v1/events", json=order_event(customer(), 1_000 * (number + 1)))
    condition = "member.spent_cents_total >= 4000 && balance.points >= 40"
    tried = client.post(f"{PATH}/preview", json={"condition": condition, "limit": 2}).json()
    assert (tried["count"], len(tried["member_ids"]), tried["evaluated_by"]) == (4, 2, "sql")
    body = {"segment_id": "regulars", "name": NAME, "condition": condition}
    made = client.post(PATH, json=body)
    assert made.status_code == 201, made.text
    assert made.json()["kind"] == "condition" and made.json()["used_by"] == []
    members: list[str] = []
    cursor = None
    for _ in range(3):
        query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = client.get(f"{PATH}/regulars/members", params=query).json()
        members += page["member_ids"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert len(members) == len(set(members)) == 4
    changed = client.post(f"{PATH}/regulars", json={"condition": 'member.tier.matches("^g")'})
    assert changed.status_code == 200, changed.text
    preview = client.get(f"{PATH}/regulars/preview").json()
    assert (preview["count"], preview["evaluated_by"], preview["left_out"]) == (0, "python", ["matches()"])
    assert [each["segment_id"] for each in client.get(PATH).json()["segments"]] == ["regulars"]
    assert client.delete(f"{PATH}/regulars").status_code == 200
    assert client.get(f"{PATH}/regulars").status_code == 404


def test_a_preview_refuses_what_saving_does(client: httpx.Client) -> None:
    """In the same words: a condition that asks for another condition would find nobody there, also unsaved."""
    client.post(PATH, json={"segment_id": "buyers", "name": NAME, "condition": "member.orders > 0"})
    condition = '"buyers" in member.segments'
    for language in ("zh", "en"):
        told = {"Accept-Language": language}
        tried = client.post(f"{PATH}/preview", json={"condition": condition}, headers=told)
        saved = client.post(PATH, json={"segment_id": "of-buyers", "name": NAME, "condition": condition}, headers=told)
        assert (tried.status_code, tried.json()["code"]) == (422, "invalid_segment"), tried.text
        assert {name: tried.json()[name] for name in ("title", "detail", "pointer")} == {
            name: saved.json()[name] for name in ("title", "detail", "pointer")
        }
    assert client.delete(f"{PATH}/buyers").status_code == 200


def test_a_list_is_filled_and_emptied(client: httpx.Client) -> None:
    """By number and by identity; whoever does not exist is named."""
    member = client.post("/v1/members", json={"identities": ["external:list-1"]}).json()["member_id"]
    client.post(PATH, json={"segment_id": "friends", "name": NAME})
    names = {"members": [member, "external:list-1", "external:list-9", "no identity"]}
    added = client.post(f"{PATH}/friends/members/add", json=names).json()
    assert added == {"changed": 1, "unchanged": 0, "unknown": ["external:list-9", "no identity"]}
    assert client.get(f"{PATH}/friends/preview").json()["member_ids"] == [member]
    tried = client.post(f"{PATH}/preview", json={"condition": '"friends" in member.segments'}).json()
    assert tried["member_ids"] == [member]
    removed = client.post(f"{PATH}/friends/members/remove", json={"members": [member]}).json()
    assert removed == {"changed": 1, "unchanged": 0, "unknown": []}
    assert client.get(f"{PATH}/friends/members").json() == {"member_ids": [], "next_cursor": None}


def test_rules_that_name_no_segment_are_found(client: httpx.Client) -> None:
    """Once segments are saved, the check of a draft knows them; a misspelt one is a finding. One in use stays."""
    client.post(PATH, json={"segment_id": "vip-buyers", "name": NAME})
    shown = client.get("/v1/program").json()["program"]
    rule = "{id: extra, wallet: points, fixed: 5, when: '\"%s\" in member.segments'}"
    text = "name: {zh: 测试, en: Test}\ncurrency: CNY\ntime_zone: Asia/Shanghai\n"
    text += "wallets: [{id: points, name: {zh: 积分, en: Points}}]\nearning:\n"
    text += "  - {id: base, wallet: points, ratio: {points: 1, per_cents: 100}}\n  - "
    found = {}
    for name in ("vip-buyers", "vip-buyer"):
        draft = client.post("/v1/program/drafts", json={"program": text + rule % name}).json()["draft_id"]
        report = client.post(f"/v1/program/drafts/{draft}/check", json={}).json()["report"]
        found[name] = [each["kind"] for each in report["findings"]]
        if name == "vip-buyers":
            published = client.post(f"/v1/program/drafts/{draft}/publish", json={"accept_findings": "test"})
            assert published.status_code == 200, published.text
    assert "unknown_reference" not in found["vip-buyers"] and "unknown_reference" in found["vip-buyer"]
    assert shown["currency"] == "CNY"
    refused = client.delete(f"{PATH}/vip-buyers")
    assert (refused.status_code, refused.json()["code"]) == (409, "segment_in_use")
    assert refused.json()["details"]["used_by"] == ["rule extra of version 2"]


def test_a_segment_that_rewards_or_tiers_ask_for_stays(client: httpx.Client) -> None:
    """Not only rules ask: without the segment nobody could have the reward any more."""
    assert client.post(PATH, json={"segment_id": "insiders", "name": NAME}).status_code == 201
    asks = '"insiders" in member.segments'
    text = (
        "name: {zh: 测试, en: Test}\ncurrency: CNY\ntime_zone: Asia/Shanghai\n"
        "wallets: [{id: points, name: {zh: 积分, en: Points}}]\nearning:\n"
        "  - {id: base, wallet: points, ratio: {points: 1, per_cents: 100}}\n"
        "tier_sets:\n  - id: level\n    name: {zh: 等级, en: Level}\n    period: {kind: lifetime}\n    tiers:\n"
        "      - {id: basic, name: {zh: 普通, en: Basic}}\n"
        f"      - {{id: inner, name: {{zh: 内部, en: Inner}}, qualify: '{asks}'}}\n"
        "rewards:\n  - id: lounge\n    kind: service\n    name: {zh: 休息室, en: Lounge}\n"
        f"    for: '{asks}'\n    prices: [{{points: 10, for: '{asks}'}}]\n"
        "draws:\n  - id: wheel\n    name: {zh: 转盘, en: Wheel}\n    price: {points: 1}\n    otherwise: none\n"
        f"    for: '{asks}'\n    prizes: [{{id: none, name: {{zh: 无, en: None}}, weight: 1}}]\n"
        "approvals:\n  - id: two\n"
        f"    when: '{asks}'\n    steps: [{{roles: [manager], hours: 1}}]\n"
    )
    published = client.post("/v1/program/drafts", json={"program": text})
    assert published.status_code == 201, published.text
    draft = published.json()["draft_id"]
    client.post(f"/v1/program/drafts/{draft}/check", json={})
    published = client.post(f"/v1/program/drafts/{draft}/publish", json={"accept_findings": "test"})
    assert published.status_code == 200, published.text
    version = published.json()["version"]
    users = [
        f"{each} of version {version}" for each in ("tier level:inner", "reward lounge", "draw wheel", "approval two")
    ]
    assert client.get(f"{PATH}/insiders").json()["used_by"] == users
    refused = client.delete(f"{PATH}/insiders")
    assert (refused.status_code, refused.json()["details"]["used_by"]) == (409, users)


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("POST", "", {"segment_id": "Wrong", "name": NAME}, 422, "invalid_field"),
        ("POST", "", {"segment_id": "preview", "name": NAME}, 422, "invalid_segment"),
        ("POST", "", {"segment_id": "x", "name": {"zh": " ", "en": "x"}}, 422, "invalid_segment"),
        ("POST", "", {"segment_id": "x", "name": NAME, "condition": "member.ordres > 3"}, 422, "invalid_condition"),
        ("POST", "", {"segment_id": "x", "name": NAME, "condition": "member.orders"}, 422, "invalid_condition"),
        ("POST", "/preview", {"condition": "order.total_cents > 3"}, 422, "invalid_condition"),
        ("POST", "/preview", {"condition": '"conditional" in member.segments'}, 422, "invalid_segment"),
        ("POST", "/preview", {"condition": "true", "limit": 201}, 422, "invalid_field"),
        ("GET", "/nobody", None, 404, "unknown_segment"),
        ("GET", "/%27%20OR%201=1/members", None, 404, "unknown_segment"),
        ("GET", "/nobody/preview", None, 404, "unknown_segment"),
        ("POST", "/nobody", {}, 404, "unknown_segment"),
        ("DELETE", "/nobody", None, 404, "unknown_segment"),
        ("POST", "/nobody/members/add", {"members": ["1"]}, 404, "unknown_segment"),
        ("POST", "/taken", {"condition": "true"}, 422, "invalid_segment"),
        ("POST", "/taken/members/add", {"members": []}, 422, "invalid_field"),
        ("GET", "/taken/members?cursor=xyz", None, 422, "invalid_parameter"),
        ("GET", "/taken/members?limit=0", None, 422, "invalid_parameter"),
        ("POST", "", {"segment_id": "taken", "name": NAME}, 409, "segment_exists"),
        ("POST", "/conditional/members/remove", {"members": ["1"]}, 409, "segment_not_a_list"),
    ],
)
def test_refusals(client: httpx.Client, method: str, path: str, body: object, status: int, code: str) -> None:
    """Each says what is wrong with a stable code; the field is pointed at where there is one."""
    client.post(PATH, json={"segment_id": "taken", "name": NAME})
    client.post(PATH, json={"segment_id": "conditional", "name": NAME, "condition": "true"})
    answer = client.request(method, PATH + path, json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    if code == "invalid_condition":
        assert answer.json()["pointer"] == "/condition"
        assert answer.json()["details"]["problems"][0]["line"] == 1
