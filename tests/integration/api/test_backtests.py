"""`/v1/backtests`: asked for, looked at until done, stopped; one at a time, and a lost one is told as failed."""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx
import pytest

from jifen.analytics.backtest.jobs import LOST_SECONDS
from jifen.db.embedded import EmbeddedAddress
from jifen.services.programs import read_program_text
from tests.databases import WITH_PROGRAM, fetch_sql, fresh_database, run_sql
from tests.integration.api.server import PATIENCE_SECONDS, Server, customer, order_event, running_server

PATH = "/v1/backtests"
DRAFT = read_program_text("starter").replace("per_cents: 100", "per_cents: 50")
RUNNING = "INSERT INTO backtests (asked_by, program, seen_at) VALUES ('test', '{}', now() - interval '{} seconds')"


@pytest.fixture(scope="module")
def shop(database_server: EmbeddedAddress) -> Iterator[Server]:
    """A server of two workers with a few orders."""
    with fresh_database(database_server, WITH_PROGRAM) as url, running_server(url, workers=2) as server:
        with server.client() as client:
            for _ in range(5):
                client.post("/v1/events", json=order_event(customer(), 12_300)).raise_for_status()
        yield server


@pytest.fixture
def asking(shop: Server) -> Iterator[httpx.Client]:
    """A client of that server, with no backtest left over from another test."""
    run_sql(shop.url, "DELETE FROM backtests")
    with shop.client() as client:
        yield client


def finished(client: httpx.Client, number: str) -> dict[str, object]:
    """A backtest, once it is over."""
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        found: dict[str, object] = client.get(f"{PATH}/{number}").json()
        if found["status"] != "running":
            return found
        time.sleep(0.1)
    raise AssertionError("the backtest does not end")


def test_a_backtest_from_beginning_to_end(shop: Server, asking: httpx.Client) -> None:
    """202 with its number, then progress, then the report; any worker answers."""
    before = shop.ledger()
    begun = asking.post(PATH, json={"program": DRAFT, "since": "2020-01-01"})
    assert begun.status_code == 202, begun.text
    assert begun.json()["status"] in ("running", "done")
    assert begun.json()["since"] == "2020-01-01"
    done = finished(asking, begun.json()["backtest_id"])
    assert (done["status"], done["error"]) == ("done", None)
    report = done["report"]
    assert isinstance(report, dict)
    wallet = report["wallets"][0]
    assert wallet["issued"] == {"recorded": 615, "draft": 1230, "difference": 615}
    assert done["progress"] == {"transactions_read": 5, "transactions_total": 5}
    assert shop.ledger() == before
    stopped = asking.delete(f"{PATH}/{done['backtest_id']}").json()
    assert stopped == done, "what is over stays as it is"


def test_one_at_a_time(shop: Server, asking: httpx.Client) -> None:
    """A second one is refused while one runs; stopping that one makes room."""
    run_sql(shop.url, RUNNING.format("{}", 0))
    refused = asking.post(PATH, json={"program": DRAFT})
    assert (refused.status_code, refused.json()["code"]) == (409, "backtest_running")
    assert "pointer" not in refused.json(), "nothing in the request is wrong"
    (number,) = fetch_sql(shop.url, "SELECT id FROM backtests")[0]
    stopped = asking.delete(f"{PATH}/{number}")
    assert (stopped.status_code, stopped.json()["status"]) == (200, "stopped")
    begun = asking.post(PATH, json={"program": DRAFT})
    assert begun.status_code == 202
    assert finished(asking, begun.json()["backtest_id"])["status"] == "done"


def test_a_process_that_is_gone(shop: Server, asking: httpx.Client) -> None:
    """Who has not been heard of for long is told as failed, and does not stand in the way."""
    run_sql(shop.url, RUNNING.format("{}", LOST_SECONDS + 1))
    (number,) = fetch_sql(shop.url, "SELECT id FROM backtests")[0]
    lost = asking.get(f"{PATH}/{number}").json()
    assert (lost["status"], lost["error_code"]) == ("failed", "backtest_lost")
    assert asking.post(PATH, json={"program": DRAFT}).status_code == 202


def test_a_draft_that_does_not_fit_fails(asking: httpx.Client) -> None:
    """The job says why."""
    begun = asking.post(PATH, json={"program": DRAFT.replace("currency: CNY", "currency: EUR")})
    failed = finished(asking, begun.json()["backtest_id"])
    assert (failed["status"], failed["error_code"], failed["report"]) == ("failed", "backtest_refused", None)
    assert "currency" in str(failed["error"])


def test_bad_input(asking: httpx.Client) -> None:
    """What is wrong is named, and no job is begun."""
    for body, code, pointer in (
        ({"program": "name: 1"}, "invalid_program", "/program"),
        ({}, "missing_field", "/program"),
        ({"program": DRAFT, "since": "yesterday"}, "invalid_field", "/since"),
        ({"program": DRAFT, "since": "2026-02-01", "until": "2026-01-01"}, "backtest_refused", "/until"),
        ({"program": DRAFT, "workers": 3}, "unknown_field", "/workers"),
    ):
        answer = asking.post(PATH, json=body)
        told = answer.json()
        assert (answer.status_code, told["code"], told["pointer"]) == (422, code, pointer), answer.text
    for name in ("999", "x", "0"):
        for answer in (asking.get(f"{PATH}/{name}"), asking.delete(f"{PATH}/{name}")):
            assert (answer.status_code, answer.json()["code"]) == (404, "unknown_backtest")
    assert asking.get(PATH).status_code == 405
    assert httpx.get(f"{asking.base_url}{PATH}/1").status_code == 401
    assert httpx.post(f"{asking.base_url}{PATH}", json={"program": DRAFT}).status_code == 401
