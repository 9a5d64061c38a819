"""kill -9 of a worker, of PostgreSQL, and of everything, under load over real HTTP.

Clients send each command again, with the same key, until they have a certain answer.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from jifen.db.embedded import use
from tests.faults.evidence import Evidence, amounts
from tests.faults.server import Server, run_jifen

CLIENTS, COMMANDS, TRIES = 8, 20, 600
PAUSE_SECONDS = 0.1
SOURCE = "idempotency-key"
FAULTS: dict[str, Callable[[Server], None]] = {
    "worker": Server.kill_worker,
    "postgres": Server.kill_postgres,
    "everything": Server.kill_everything,
}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server with a database of its own."""
    server = Server(tmp_path / "data")
    try:
        server.start()
        yield server
    finally:
        server.stop()


async def ask(client: httpx.AsyncClient, path: str, body: dict[str, object], key: str) -> tuple[int, dict[str, str]]:
    """The certain answer to a call, however often it must be sent."""
    for _ in range(TRIES):
        try:
            answer = await client.post(path, json=body, headers={"Idempotency-Key": key})
        except httpx.TransportError:
            await asyncio.sleep(PAUSE_SECONDS)
            continue
        if answer.status_code < 500:
            return answer.status_code, answer.json()
        await asyncio.sleep(PAUSE_SECONDS)
    raise AssertionError(f"no certain answer to {key}")


async def be_a_client(client: httpx.AsyncClient, member: str, seed: int, evidence: Evidence) -> None:
    """Adjust up and spend, and remember what was said."""
    for key, points in amounts(seed, COMMANDS):
        path = f"/v1/members/{member}/" + ("adjust" if points > 0 else "spend")
        status, body = await ask(client, path, {"points": abs(points), "reason": "test"}, key)
        if status < 300:
            evidence.acknowledge(key, body["transaction_id"])
        else:
            evidence.refuse(key, body["code"])


async def run_round(server: Server, number: int, fault: Callable[[Server], None], evidence: Evidence) -> None:
    """Load, and a fault in the middle of it."""
    headers = {"Authorization": f"Bearer {server.secret}"}
    async with httpx.AsyncClient(base_url=server.url, headers=headers, timeout=30) as client:
        members = []
        for name in ("ann", "bob"):
            _, body = await ask(
                client, "/v1/members", {"identities": [f"external:{name}-{number}"]}, f"{name}-{number}"
            )
            members.append(body["member_id"])
        clients = [
            asyncio.create_task(be_a_client(client, members[each % 2], 1000 * number + each, evidence))
            for each in range(CLIENTS)
        ]
        enough = len(evidence.acknowledged) + random.Random(number).randint(3, CLIENTS * COMMANDS // 3)
        for _ in range(TRIES):
            if len(evidence.acknowledged) >= enough:
                break
            await asyncio.sleep(PAUSE_SECONDS / 100)
        await asyncio.to_thread(fault, server)
        await asyncio.gather(*clients)


@pytest.mark.parametrize("name", FAULTS)
def test_what_was_acknowledged_survives_a_kill(server: Server, rounds: int, name: str) -> None:
    """In every round: each acknowledged command is there once, nothing refused is, `jifen verify` is clean."""
    evidence = Evidence()
    for number in range(rounds):
        asyncio.run(run_round(server, number, FAULTS[name], evidence))
        with use(server.data) as address:
            asyncio.run(evidence.check(address.url, SOURCE))
    run_jifen(server.data, "verify")
    assert set(evidence.refused.values()) == {"insufficient_points"}
