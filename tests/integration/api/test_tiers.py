"""Tiers over HTTP: given, shown with what is missing, previewed and recalculated."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from jifen.db.embedded import EmbeddedAddress
from jifen.services.programs import parse_program
from tests.databases import add_program, fetch_sql, run_sql
from tests.integration.api.server import PATIENCE_SECONDS, Server, customer, member_with, order_event, serving
from tests.integration.tier_texts import program_text

JOBS = "/v1/tiers/recalculations"


@pytest.fixture(scope="module")
def server(database_server: EmbeddedAddress) -> Iterator[Server]:
    """A server of a program with tiers."""
    with serving(database_server, parse_program(program_text())) as server:
        yield server


@pytest.fixture
def club(server: Server) -> Iterator[httpx.Client]:
    """A client of that server."""
    with server.client() as client:
        yield client


def tiers(client: httpx.Client, member: str) -> Any:
    """What a member has, and the changes."""
    found = client.get(f"/v1/members/{member}/tiers")
    assert found.status_code == 200, found.text
    return found.json()


def test_what_is_missing_in_numbers_and_words(club: httpx.Client) -> None:
    """Before anything was reached the lowest tier is in force; `GET /v1/members/{id}` says the same."""
    member = member_with(club, 680)
    found = tiers(club, member)
    (level,) = found["tiers"]
    assert (level["tier"], level["since"], found["changes"]) == ("regular", None, [])
    assert level["next"]["missing"] == [
        {"fact": "period.spent_cents", "now": 68_000, "needed": 100_000, "short": 32_000}
    ]
    assert level["next"]["words"] == {
        "zh": "再消费 320.00 元升级为银卡",
        "en": "Spend CNY 320.00 more to become Silver",
    }
    assert club.get(f"/v1/members/{member}").json()["tiers"] == found["tiers"]


def test_an_order_lifts_and_the_change_is_explained(club: httpx.Client) -> None:
    """The event answers its own transaction; behind it stands the change of tier, told in both languages."""
    subject = customer()
    result = club.post("/v1/events", json=order_event(subject, 120_000)).json()
    member = result["member_id"]
    assert result["transaction_id"] == f"{member}-1"
    (level,) = tiers(club, member)["tiers"]
    assert (level["tier"], level["by"], level["benefits"]["opened_rewards"]) == ("silver", "earned", ["lounge"])
    # Two things are short at once: no number alone leads to gold.
    assert level["next"]["missing"] == []
    assert "at least 2 orders in the period" in level["next"]["words"]["en"]
    (change,) = tiers(club, member)["changes"]
    assert (change["was"], change["tier"], change["facts"]) == ("regular", "silver", {"period.spent_cents": 120_000})
    for language, title in (("zh", "等级由普通会员升为银卡"), ("en", "Up from Regular to Silver")):
        told = club.get(f"/v1/transactions/{member}-2/explanation", params={"locale": language}).json()
        assert told["title"] == title
    listed = club.get(f"/v1/members/{member}/transactions").json()["transactions"]
    assert [each["kind"] for each in listed] == ["tier", "earn"]
    more = club.post("/v1/events", json=order_event(subject, 10_000)).json()
    assert more["awards"] == [{"rule": "base", "wallet": "points", "points": 120}]


def test_a_tier_opens_a_reward_that_nobody_else_sees(club: httpx.Client) -> None:
    """To all others there is no such reward, whichever way they ask."""
    member = member_with(club, 20)
    seen = club.get("/v1/rewards", params={"member": member}).json()["rewards"]
    assert seen == []
    for answer in (
        club.get("/v1/rewards/lounge", params={"member": member}),
        club.post(f"/v1/members/{member}/redemptions", json={"reward": "lounge"}),
        club.post("/v1/quotes", json={"member_id": member, "reward": "lounge"}),
    ):
        assert answer.json()["code"] == "unknown_reward", answer.text
    assert club.get("/v1/rewards").json()["rewards"] == []
    assert club.get("/v1/rewards/lounge").json()["lacks"] is None
    silver = member_with(club, 1_000)
    found = club.get("/v1/rewards/lounge", params={"member": silver})
    assert (found.status_code, found.json()["lacks"]) == (200, []), found.text
    assert [each["reward_id"] for each in club.get(f"/v1/rewards?member={silver}").json()["rewards"]] == ["lounge"]
    assert club.post(f"/v1/members/{silver}/freeze", json={"reason": "lost card"}).status_code == 200
    (lack,) = club.get("/v1/rewards/lounge", params={"member": silver}).json()["lacks"]
    assert (lack["code"], lack["zh"]) == ("member_frozen", "会员已冻结，解冻后可兑")


def test_a_tier_is_given_paid_and_taken_back(club: httpx.Client) -> None:
    """Once for a key; refusals have their own codes; the history pages."""
    member = member_with(club, 1)
    path = f"/v1/members/{member}/tier"
    assert club.post(path, json={"tier": "plus"}).json()["code"] == "payment_missing"
    blank = club.post(
        path, json={"tier": "plus", "paid": {"payment_reference": " "}}, headers={"accept-language": "zh"}
    )
    assert (blank.json()["code"], blank.json()["detail"]) == ("invalid_field", "字段无效：付款单号不能只有空格。")
    body = {"tier": "plus", "paid": {"payment_reference": "P-1"}, "reason": "at the till"}
    given = club.post(path, json=body, headers={"idempotency-key": member})
    assert given.status_code == 200, given.text
    assert (given.json()["was"], given.json()["tier"], given.json()["by"]) == ("regular", "plus", "paid")
    again = club.post(path, json=body, headers={"idempotency-key": member}).json()
    assert again == given.json() | {"status": "duplicate"}
    spaced = body | {"paid": {"payment_reference": "P-1 "}}
    for member_id, said in ((member, body), (member_with(club, 1), body), (member_with(club, 1), spaced)):
        used = club.post(f"/v1/members/{member_id}/tier", json=said, headers={"idempotency-key": f"other-{member_id}"})
        assert (used.status_code, used.json()["code"]) == (409, "payment_used"), used.text
        assert used.json()["details"]["transaction_id"] == given.json()["transaction_id"]
    assert club.post(path, json={"tier": "emerald"}).json()["code"] == "unknown_tier"
    assert club.post(path, json={"tier": "gold", "set": "x"}).json()["code"] == "unknown_tier_set"
    assert club.post(path, json={"tier": "gold", "valid_until": "2020-01-01T00:00:00Z"}).json()["code"] == (
        "instant_in_past"
    )
    back = club.post(path, json={"tier": None}).json()
    assert (back["was"], back["tier"]) == ("plus", "regular")
    assert club.post(path, json={"tier": None}).json()["code"] == "tier_not_granted"
    newest = club.get(f"/v1/members/{member}/tiers", params={"limit": 1}).json()
    assert [each["cause"] for each in newest["changes"]] == ["withdrawn"]
    older = club.get(f"/v1/members/{member}/tiers", params={"cursor": newest["next_cursor"]}).json()
    assert [(each["cause"], each["payment_reference"], each["reason"]) for each in older["changes"]] == [
        ("granted", "P-1", "at the till")
    ]
    refused = club.post(f"/v1/members/{member}/profile", json={"tier": "gold"})
    assert refused.json()["code"] == "tier_not_settable"


def test_nobody_s_tiers(club: httpx.Client) -> None:
    """A member who is not there has none."""
    assert club.get("/v1/members/7/tiers").json()["code"] == "unknown_member"
    assert club.post("/v1/members/7/tier", json={"tier": None}).json()["code"] == "unknown_member"
    assert club.get(f"{JOBS}/999").json()["code"] == "unknown_recalculation"
    assert club.delete(f"{JOBS}/x").status_code in (404, 422)


def test_preview_publish_recalculate(server: Server, club: httpx.Client) -> None:
    """The preview names whom the recalculation moves, page by page, and writes nothing (E4)."""
    members = [member_with(club, 700) for _ in range(5)]
    # Who has left moves nowhere.
    left = member_with(club, 700)
    assert club.post(f"/v1/members/{left}/close", json={"reason": "moved away"}).status_code == 200
    draft = program_text(silver_cents=70_000)
    before = server.ledger()
    first = club.post("/v1/tiers/preview", json={"program": draft, "limit": 2}).json()
    assert first["moves"] == [{"tier_set": "level", "was": "regular", "tier": "silver", "members": 5}]
    listed, place = first["movers"], first["next"]
    while place is not None:
        page = club.post("/v1/tiers/preview", json={"program": draft, "limit": 2, "after": place}).json()
        assert (page["moving"], page["moves"]) == (None, None)
        listed, place = listed + page["movers"], page["next"]
    assert sorted(each["member_id"] for each in listed) == sorted(members)
    assert server.ledger() == before
    for place in ("x", "0-9999999999999999999"):
        refused = club.post("/v1/tiers/preview", json={"program": draft, "after": place})
        assert refused.json()["code"] == "invalid_field"
    assert club.post("/v1/tiers/preview", json={"program": draft, "after": "99999-1"}).json()["movers"] == []
    assert club.post("/v1/tiers/preview", json={"program": "x"}).json()["code"] == "invalid_program"
    add_program(server.url, parse_program(draft))
    run_sql(server.url, "INSERT INTO tier_recalculations (asked_by, program_version) VALUES ('test', 2)")
    assert club.post(JOBS, json={}).json()["code"] == "recalculation_running"
    running = fetch_sql(server.url, "SELECT id FROM tier_recalculations")[0][0]
    assert club.delete(f"{JOBS}/{running}").json()["status"] == "stopped"
    begun = club.post(JOBS, json={"resume": str(running)})
    assert begun.status_code == 202, begun.text
    done = finished(club, begun.json()["recalculation_id"])
    assert (done["status"], done["members_moved"]) == ("done", 5)
    assert all(tiers(club, member)["tiers"][0]["tier"] == "silver" for member in members)
    assert tiers(club, left)["tiers"][0]["tier"] == "regular"
    assert [each["status"] for each in club.get(JOBS).json()["recalculations"]] == ["done"]
    over = club.post(JOBS, json={"resume": str(running)})
    assert over.json().get("code") == "unknown_recalculation", over.text
    assert club.post("/v1/tiers/preview", json={"program": draft}).json()["moving"] == 0
    stricter = program_text(silver_cents=90_000, policy="to_earned, grace_days: 30")
    waiting = club.post("/v1/tiers/preview", json={"program": stricter}).json()
    assert (waiting["moving"], waiting["in_grace"], waiting["moves"]) == (0, 5, [])
    assert waiting["falls"] == [{"tier_set": "level", "was": "silver", "tier": "regular", "members": 5}]
    assert sorted(each["member_id"] for each in waiting["movers"]) == sorted(members)
    assert all(each["cause"] == "grace" and each["falls_at"] for each in waiting["movers"])


def finished(client: httpx.Client, number: str) -> dict[str, Any]:
    """A recalculation, once it is over."""
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        found: dict[str, Any] = client.get(f"{JOBS}/{number}").json()
        if found["status"] != "running":
            return found
        time.sleep(0.1)
    raise AssertionError("the recalculation does not end")
