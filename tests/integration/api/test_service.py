"""Health, metrics, the documents, and what becomes of requests when something dies."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from jifen.db.embedded import EmbeddedAddress
from tests.databases import add_program, fetch_sql, name_of, run_sql
from tests.integration.api.server import PATIENCE_SECONDS, SERVE, Server, balance, member_with, running_server, unique


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Look again and again, but not for ever."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"still not so: {what}"
        time.sleep(0.05)


def test_live_and_ready(server: Server) -> None:
    """Both can be asked without a key."""
    assert httpx.get(f"{server.base}/health/live", trust_env=False).json() == {"status": "live"}
    assert httpx.get(f"{server.base}/health/ready", trust_env=False).json() == {"status": "ready"}


def test_without_a_program_it_says_so_until_there_is_one(bare_database_url: str) -> None:
    """Readiness, reads and writes say what is missing; once a program is there, all work without a new start."""
    with running_server(bare_database_url) as server, server.client() as client:
        body = {"identities": ["card:1"]}
        for response in (client.get("/health/ready"), client.get("/v1/program"), client.post("/v1/members", json=body)):
            assert (response.status_code, response.json()["code"]) == (503, "no_program")
            assert response.headers["retry-after"] == "1"
        add_program(bare_database_url)
        assert client.get("/health/ready").status_code == 200
        assert client.post("/v1/members", json=body).status_code == 201


def test_metrics_count_requests_and_refusals(client: httpx.Client) -> None:
    """By route and status, and by code; routes are templates, so that members do not become metrics."""
    member = member_with(client, 10)
    client.post(f"/v1/members/{member}/spend", json={"points": 11})
    text = client.get("/metrics").text
    assert 'jifen_requests_total{route="/v1/members/{member_id}/spend",status="409"}' in text
    assert 'jifen_refusals_total{code="insufficient_points"}' in text
    assert 'jifen_request_seconds_bucket{le="+Inf",route="/v1/events"}' in text
    for name in (
        "jifen_batch_commands_count",
        "jifen_batch_seconds_sum",
        "jifen_queue_commands",
        "jifen_database_up 1",
    ):
        assert name in text
    assert member not in text


def test_the_docs_need_nothing_from_elsewhere(server: Server) -> None:
    """In two languages, under a policy that forbids scripts and other hosts."""
    with httpx.Client(base_url=server.base, trust_env=False) as browser:
        english = browser.get("/docs", headers={"accept-language": "en"})
        chinese = browser.get("/docs", headers={"accept-language": "zh-CN,zh;q=0.9"})
        assert browser.get("/docs?lang=zh").text == chinese.text
        assert "default-src 'none'" in english.headers["content-security-policy"]
        assert ("Spend points" in english.text, "消耗积分" in chinese.text) == (True, True)
        for page in (english.text, chinese.text):
            assert "<script" not in page
            assert "//" not in page.replace("</", "")
            assert 'id="error-insufficient_points"' in page
        assert browser.get("/docs/style.css").headers["content-type"].startswith("text/css")


def test_a_stop_finishes_what_was_accepted(database_url: str) -> None:
    """SIGTERM under load: every call that got an answer counts once, and what got none counts not at all: it came
    through a connection that was closed while it was idle."""
    with running_server(database_url) as server, server.client() as client:
        member = member_with(client, 1)
        path = f"/v1/members/{member}/adjust"

        def adjust(_: int) -> int:
            with server.client() as own:
                done = 0
                for _ in range(500):
                    try:
                        response = own.post(path, json={"points": 1})
                    except (httpx.ConnectError, httpx.ReadError, httpx.RemoteProtocolError):
                        return done
                    if response.status_code != 200:
                        assert (response.status_code, response.json()["code"]) == (503, "stopping")
                        return done
                    done += 1
                return done

        with ThreadPoolExecutor(4) as pool:
            running = [pool.submit(adjust, number) for number in range(4)]
            wait_until(lambda: balance(client, member)["available"] > 20, "some calls are done")
            server.process.send_signal(signal.SIGTERM)
            done = sum(each.result() for each in running)
        assert server.process.wait(PATIENCE_SECONDS) == 0
        (available,) = fetch_sql(database_url, "SELECT available FROM accounts WHERE member_id = $1", int(member))[0]
        assert available == done + 1


def test_a_killed_worker_is_replaced(database_url: str) -> None:
    """The other worker goes on, a new one comes, and what was answered counts once."""
    with running_server(database_url, workers=2) as server, server.client() as client:
        member = member_with(client, 10)
        before = server.workers()
        assert len(before) == 2
        os.kill(before[0], signal.SIGKILL)
        wait_until(lambda: len(server.workers()) == 2 and server.workers() != before, "a new worker is there")
        key = unique("key")
        for _ in range(2):
            with server.client() as fresh:
                answer = fresh.post(f"/v1/members/{member}/spend", json={"points": 1}, headers={"idempotency-key": key})
            assert answer.status_code == 200
        assert balance(client, member)["available"] == 9


def test_workers_end_when_the_supervisor_is_killed(database_url: str) -> None:
    """Nothing is left behind that would answer for a server which is gone."""
    with running_server(database_url) as server:
        (worker,) = server.workers()
        server.process.kill()
        server.process.wait()
        wait_until(lambda: not _runs(worker), "the worker has ended")


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_lost_connections_are_made_anew(server: Server, client: httpx.Client, database_server: EmbeddedAddress) -> None:
    """The database drops every connection: the next calls work, each counted once."""
    member = member_with(client, 10)
    name = name_of(server.url)
    statement = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"  # noqa: S608
    run_sql(database_server.admin_url, statement)
    assert client.post(f"/v1/members/{member}/spend", json={"points": 1}).status_code == 200
    wait_until(lambda: client.get(f"/v1/members/{member}/balances").status_code == 200, "reads work again")
    assert balance(client, member)["available"] == 9


def test_while_there_is_no_database_the_answer_is_to_come_again(database_url: str, admin_url: str) -> None:
    """503 with Retry-After, and everything works again when it is back."""
    name = name_of(database_url)
    with running_server(database_url) as server, server.client() as client:
        member = member_with(client, 10)
        elsewhere = admin_url.replace(f"/{name}", "/postgres")
        run_sql(
            elsewhere,
            f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS false",
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'",  # noqa: S608
        )
        ready = client.get("/health/ready")
        assert (ready.status_code, ready.json()["code"]) == (503, "database_unavailable")
        assert ready.headers["retry-after"] == "1"
        read = client.get(f"/v1/members/{member}/balances")
        assert (read.status_code, read.json()["code"]) == (503, "database_unavailable")
        run_sql(elsewhere, f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS true")
        wait_until(lambda: client.get("/health/ready").status_code == 200, "ready again")
        assert client.post(f"/v1/members/{member}/spend", json={"points": 1}).status_code == 200


def test_a_full_queue_says_come_again(database_url: str) -> None:
    """503 with Retry-After instead of a queue without end; what was accepted is done."""
    with running_server(database_url, lanes=1, batch_limit=1, queue_limit=1) as server, server.client() as client:
        member = member_with(client, 100)

        def spend(_: int) -> httpx.Response:
            return client.post(f"/v1/members/{member}/spend", json={"points": 1})

        with ThreadPoolExecutor(30) as pool:
            answers = list(pool.map(spend, range(60)))
        done = [answer for answer in answers if answer.status_code == 200]
        full = [answer for answer in answers if answer.status_code == 503]
        assert len(done) + len(full) == 60
        assert full
        assert {(each.json()["code"], each.headers["retry-after"]) for each in full} == {("queue_full", "1")}
        assert balance(client, member)["available"] == 100 - len(done)


@pytest.mark.parametrize(("host", "code"), [("127.0.0.1", "PortInUse"), ("203.0.113.7", "AddressNotUsable")])
def test_an_address_that_cannot_be_had_is_said_at_once(host: str, code: str) -> None:
    """Before any worker is started; the message says how to mend it."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        environ = {name: value for name, value in os.environ.items() if not name.startswith("JIFEN_")}
        environ |= {"JIFEN_HOST": host, "JIFEN_PORT": str(holder.getsockname()[1])}
        environ |= {"JIFEN_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}
        process = subprocess.run(
            [sys.executable, "-c", SERVE], env=environ, capture_output=True, text=True, check=False
        )
    assert process.returncode == 1
    assert code in process.stderr.splitlines()[-1]
    assert "Spawning" not in process.stdout
