"""Drafts over HTTP: made, read, checked, published, thrown away; each refusal has its code."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from jifen.db.embedded import EmbeddedAddress
from jifen.services.programs import read_program_text
from tests.databases import WITH_PROGRAM, fresh_database
from tests.integration.api.server import customer, order_event, running_server

PATH = "/v1/program/drafts"
TEXT = read_program_text("starter").replace("pending_days: 0", "pending_days: 7")


@pytest.fixture(scope="module")
def client(database_server: EmbeddedAddress) -> Iterator[httpx.Client]:
    """A server of its own: these tests publish versions."""
    with fresh_database(database_server, WITH_PROGRAM) as url, running_server(url) as server, server.client() as opened:
        yield opened


def test_the_way_of_a_draft(client: httpx.Client) -> None:
    """What it would change stands beside it; published it decides the next event."""
    made = client.post(PATH, json={"program": TEXT.replace("points: 1,", "points: 5,")})
    assert made.status_code == 201, made.text
    draft = made.json()
    assert (draft["status"], draft["base_version"], draft["report"]) == ("draft", 1, None)
    assert any("比例" in change["zh"] and "ratio" in change["en"] for change in draft["changes"])
    here = f"{PATH}/{draft['draft_id']}"
    early = client.post(f"{here}/publish", json={})
    assert (early.status_code, early.json()["code"]) == (409, "draft_not_checked")
    checked = client.post(f"{here}/check", json={}).json()
    assert checked["status"] == "checked" and checked["report"]["findings"] == []
    stale = client.post(PATH, json={"program": TEXT}).json()["draft_id"]
    assert client.post(f"{here}/publish", json={}).json() == {"version": 2, "is_new": True}
    assert client.get(here).json()["published_version"] == 2
    result = client.post("/v1/events", json=order_event(customer(), 10_000)).json()
    assert result["awards"][0]["points"] == 500
    client.post(f"{PATH}/{stale}/check", json={})
    outdated = client.post(f"{PATH}/{stale}/publish", json={})
    assert (outdated.status_code, outdated.json()["code"]) == (409, "draft_outdated")
    assert client.delete(f"{PATH}/{stale}").status_code == 200
    assert client.get(f"{PATH}/{stale}").status_code == 404
    again = client.delete(here)
    assert (again.status_code, again.json()["code"]) == (409, "draft_published")


def test_a_version_of_the_future(client: httpx.Client) -> None:
    """Holds from its instant on, and no other may begin before it."""
    draft = client.post(PATH, json={"program": TEXT.replace("pending_days: 7", "pending_days: 8")}).json()["draft_id"]
    client.post(f"{PATH}/{draft}/check", json={})
    begins = (datetime.now(UTC) + timedelta(days=2)).isoformat()
    published = client.post(f"{PATH}/{draft}/publish", json={"effective_at": begins})
    assert published.status_code == 200, published.text
    current = client.get("/v1/program").json()
    assert current["version"] < published.json()["version"]
    later = client.post(PATH, json={"program": TEXT.replace("pending_days: 7", "pending_days: 9")}).json()["draft_id"]
    client.post(f"{PATH}/{later}/check", json={})
    refused = client.post(f"{PATH}/{later}/publish", json={})
    assert (refused.status_code, refused.json()["code"]) == (409, "program_change_refused")


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("POST", "", {"program": "name: 1"}, 422, "invalid_program"),
        ("POST", "", {"program": ""}, 422, "invalid_field"),
        ("POST", "", {}, 422, "missing_field"),
        ("POST", "", {"program": TEXT, "at": 1}, 422, "unknown_field"),
        ("GET", "/999", None, 404, "unknown_draft"),
        ("GET", "/x", None, 404, "unknown_draft"),
        ("POST", "/999/check", {}, 404, "unknown_draft"),
        ("POST", "/999/publish", {}, 404, "unknown_draft"),
        ("POST", "/1/publish", {"effective_at": "tomorrow"}, 422, "invalid_field"),
        ("PUT", "/1", {}, 405, "method_not_allowed"),
    ],
)
def test_bad_input(client: httpx.Client, method: str, path: str, body: object, status: int, code: str) -> None:
    """A problem with a stable code."""
    answer = client.request(method, f"{PATH}{path}", json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


def test_nobody_without_a_key(client: httpx.Client) -> None:
    """Drafts are for those who may."""
    answer = httpx.post(f"{client.base_url}{PATH}", json={"program": TEXT})
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")


def test_versions_are_looked_at(database_server: EmbeddedAddress) -> None:
    """Which holds, which did and which will; what each says and changed; one that begins later is overtaken only on
    request."""
    with fresh_database(database_server, WITH_PROGRAM) as url, running_server(url) as server, server.client() as client:

        def publish(text: str, **said: Any) -> httpx.Response:
            draft = client.post(PATH, json={"program": text}).json()["draft_id"]
            client.post(f"{PATH}/{draft}/check", json={})
            return client.post(f"{PATH}/{draft}/publish", json=said)

        tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
        assert publish(TEXT.replace("months: 12", "months: 9"), effective_at=tomorrow).status_code == 200
        past = publish(TEXT, effective_at="2026-01-01T00:00:00Z")
        assert (past.status_code, past.json()["code"]) == (409, "program_change_refused")
        other = TEXT.replace("months: 12", "months: 6")
        assert "overtake" in publish(other).json()["detail"]
        assert publish(other, overtake=True).json()["version"] == 3
        versions = client.get("/v1/program/versions").json()["versions"]
        found = [(each["version"], each["state"]) for each in versions]
        assert found == [(3, "in_force"), (2, "overtaken"), (1, "superseded")]
        assert {each["ended_at"] for each in versions[1:]} == {versions[0]["effective_at"]}
        second = client.get("/v1/program/versions/2").json()
        assert second["source"] == TEXT.replace("months: 12", "months: 9")
        assert [each["path"] for each in second["changes"]] and "9" in second["changes"][0]["en"]
        assert client.get("/v1/program/versions/1").json()["changes"] == []
        assert client.get("/v1/program").json()["version"] == 3
        for wrong in ("0", "9", "x", "99999999999999999999"):
            refused = client.get(f"/v1/program/versions/{wrong}")
            assert (refused.status_code, refused.json()["code"]) == (404, "unknown_program_version")


def test_alarms_ring_over_http(database_server: EmbeddedAddress) -> None:
    """A fixed threshold that one order passes."""
    alarms = "alarms: {issuance: [{id: first, wallet: points, period: month, most_points: 0}]}\n"
    with fresh_database(database_server, WITH_PROGRAM) as url, running_server(url) as server, server.client() as client:
        draft = client.post(PATH, json={"program": TEXT + alarms}).json()["draft_id"]
        client.post(f"{PATH}/{draft}/check", json={})
        assert client.post(f"{PATH}/{draft}/publish", json={}).status_code == 200
        assert client.post("/v1/events", json=order_event(customer(), 10_000)).json()["status"] == "applied"
        told = client.get("/v1/program/alarms").json()
    (state,) = told["issuance"]
    assert (told["ringing"], state["wallet"], state["judgement"]["threshold"]) == (1, "points", "most_points")
    assert state["judgement"]["issued"] == 100 and state["judgement"]["is_ringing"] is True
