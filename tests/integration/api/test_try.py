"""`POST /v1/program/try`: what an event would earn, by the version in force or by a draft; nothing changes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from jifen.services.programs import read_program_text
from tests.integration.api.server import Server, customer, order_event, refund_event, running_server
from tests.unit.services.explanations.scenes import PROGRAM

PATH = "/v1/program/try"


def test_the_version_in_force_is_tried_without_effect(server: Server, client: httpx.Client) -> None:
    """The same awards as live, and the ledger is as it was before."""
    event = order_event(customer(), 12_345)
    before = server.ledger()
    tried = client.post(PATH, json={"event": event})
    assert tried.status_code == 200, tried.text
    assert server.ledger() == before
    trial = tried.json()
    assert (trial["program_version"], trial["totals"]) == (1, {"points": 123})
    (rule,) = trial["trace"]
    assert (rule["rule"], rule["outcome"], rule["points"], rule["detail"]) == ("base", "awarded", 123, "")
    assert rule["words"]["zh"] == "符合：实付 123.45 元，每 1.00 元得 1 积分，得 123 积分。"
    live = client.post("/v1/events", json=event).json()
    assert live["awards"] == trial["awards"]


def test_a_draft_is_tried_on_a_member_and_an_instant(client: httpx.Client) -> None:
    """Its version is null; used caps, facts and the instant count."""
    event = order_event(customer(), 118_050)
    body = {
        "event": {name: value for name, value in event.items() if name != "subject"},
        "member": {"tier": "gold", "orders": 3},
        "at": "2030-11-11T10:00:00+08:00",
        "used": {"rule:base/points/member/month/2030-11-01": 2_900},
        "program": PROGRAM,
    }
    trial = client.post(PATH, json=body).json()
    assert (trial["program_version"], trial["at"]) == (None, "2030-11-11T02:00:00Z")
    assert trial["totals"] == {"points": 150, "growth": 118}
    outcomes = {each["rule"]: each["outcome"] for each in trial["trace"]}
    assert (outcomes["double"], outcomes["gold-gift"], outcomes["first-gift"]) == ("multiplied", "awarded", "condition")


def test_fields_of_the_member_are_read_as_elsewhere(client: httpx.Client) -> None:
    """To an integer 2.0 is 2; a number that is not whole is refused with its place."""
    program = PROGRAM.replace("member.is_first_order", "member.fields.children == 2")
    program += "fields:\n  - {id: children, type: int}\n"
    body = {"event": order_event(customer(), 118_050), "program": program, "at": "2026-11-11T02:00:00Z"}
    tried = client.post(PATH, json=body | {"member": {"fields": {"children": 2.0}}})
    assert tried.status_code == 200, tried.text
    assert "first-gift" in [each["rule"] for each in tried.json()["awards"]]
    for children in (2.5, 1e300):
        problem = client.post(PATH, json=body | {"member": {"fields": {"children": children}}}).json()
        assert (problem["code"], problem["pointer"]) == ("invalid_field", "/member/fields/children")


def test_null_is_as_good_as_left_out(client: httpx.Client) -> None:
    """For everything but the event."""
    body = {"event": order_event(customer(), 100), "member": None, "at": None, "used": None, "program": None}
    assert client.post(PATH, json=body).json()["totals"] == {"points": 1}


@pytest.mark.parametrize(
    ("changes", "status", "code", "pointer"),
    [
        ({"event": None}, 422, "invalid_field", "/event"),
        ({"event": {"specversion": "1.0"}}, 422, "missing_field", "/event/type"),
        ({"member": {"age": 7}}, 422, "unknown_field", "/member/age"),
        ({"member": {"orders": "many"}}, 422, "invalid_field", "/member/orders"),
        ({"member": {"birthday": "02-30"}}, 422, "invalid_field", "/member/birthday"),
        ({"at": "now"}, 422, "invalid_field", "/at"),
        ({"at": "9999-12-31T00:00:00Z"}, 422, "instant_too_far", "/at"),
        ({"at": "1960-01-01T00:00:00Z"}, 422, "instant_too_early", "/at"),
        ({"used": {"rule:none": 1}}, 422, "invalid_field", "/used/rule:none"),
        ({"used": {"rule:none": -1}}, 422, "invalid_field", "/used"),
        ({"program": "name: ["}, 422, "invalid_program", "/program"),
        ({"program": ""}, 422, "invalid_program", "/program"),
        ({"program": PROGRAM.replace("member.is_first_order", "member.age > 7")}, 422, "invalid_program", "/program"),
        ({"nonsense": 1}, 422, "unknown_field", "/nonsense"),
    ],
)
def test_bad_input_is_refused_with_code_and_pointer(
    client: httpx.Client, changes: dict[str, Any], status: int, code: str, pointer: str
) -> None:
    """Each a problem that names the field."""
    response = client.post(PATH, json={"event": order_event(customer(), 100)} | changes)
    problem = response.json()
    assert (response.status_code, problem["code"], problem.get("pointer")) == (status, code, pointer), problem
    assert response.headers["content-type"] == "application/problem+json"


def test_a_draft_that_is_wrong_says_where(client: httpx.Client) -> None:
    """The line of the text, and the place in the condition."""
    text = PROGRAM.replace("member.is_first_order", "member.is_frist_order")
    problem = client.post(PATH, json={"event": order_event(customer(), 100), "program": text}).json()
    assert problem["details"]["path"].startswith("$.earning[")
    assert problem["details"]["line"] > 1
    assert "did you mean member.is_first_order?" in problem["detail"]


def test_refunds_are_refused(client: httpx.Client) -> None:
    """What remains is rated from the order that was recorded."""
    event = refund_event(order_event(customer(), 100))
    response = client.post(PATH, json={"event": event})
    assert (response.status_code, response.json()["code"]) == (422, "event_not_tried")
    assert response.json()["pointer"] == "/event/type"


@pytest.mark.parametrize(
    ("content", "headers", "status", "code"),
    [
        (b"{", {"content-type": "application/json"}, 400, "malformed_json"),
        (b"", {"content-type": "application/json"}, 400, "malformed_json"),
        (b"\xff", {"content-type": "application/json"}, 400, "malformed_json"),
        (b"{}", {"content-type": "text/plain"}, 415, "unsupported_media_type"),
        (b"{}", {}, 415, "unsupported_media_type"),
        (b'{"event": {}, "program": "\\u0000"}', {"content-type": "application/json"}, 422, "invalid_text"),
    ],
)
def test_a_body_that_cannot_be_read(
    client: httpx.Client, content: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    """Told as for other calls."""
    response = client.post(PATH, content=content, headers=headers)
    assert (response.status_code, response.json()["code"]) == (status, code)


def test_other_methods_and_callers_without_a_key(server: Server, client: httpx.Client) -> None:
    """GET is not taken; without a key nothing is."""
    response = client.get(PATH)
    assert (response.status_code, response.headers["allow"]) == (405, "POST")
    refused = httpx.post(server.base + PATH, json={}, trust_env=False)
    assert (refused.status_code, refused.json()["code"]) == (401, "unauthorized")


def test_a_long_body_is_refused_and_no_program_is_said(bare_database_url: str) -> None:
    """A draft can be tried where there is no version yet."""
    with running_server(bare_database_url, body_limit_bytes=100_000) as server, server.client() as client:
        event = order_event(customer(), 10_000)
        response = client.post(PATH, json={"event": event})
        assert (response.status_code, response.json()["code"]) == (503, "no_program")
        trial = client.post(PATH, json={"event": event, "program": read_program_text("starter")})
        assert trial.json()["totals"] == {"points": 100}
        response = client.post(PATH, json={"event": event, "program": "#" * 100_000})
        assert (response.status_code, response.json()["code"]) == (413, "body_too_large")


def test_many_tries_at_once_keep_their_answers_apart(client: httpx.Client) -> None:
    """Drafts are rated in a thread, one after another."""
    text = read_program_text("starter")
    texts = [text.replace("points: 1,", f"points: {number},") for number in range(1, 9)]
    event = order_event(customer(), 100)

    def run(text: str) -> int:
        found: int = client.post(PATH, json={"event": event, "program": text}).json()["totals"]["points"]
        return found

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(run, texts)) == list(range(1, 9))
