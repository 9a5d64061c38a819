"""A real server for tests: worker processes behind a loopback port, and a client that counts what the ledger holds."""

from __future__ import annotations

import asyncio
import itertools
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from jifen.core.program import ProgramDocument
from jifen.db.connection import connect
from jifen.db.embedded import EmbeddedAddress
from jifen.services.keys import create_key, revoke_key
from jifen.services.verification import verify
from tests.databases import BARE, add_program, fresh_database

PATIENCE_SECONDS = 90.0
SERVE = """
import os, sys
from jifen.api.serve import serve
from jifen.log import configure
from jifen.settings import Settings

if __name__ == "__main__":
    settings = Settings.from_environment(os.environ)
    configure(settings)
    sys.exit(serve(settings, settings.database_url))
"""
#: Everything that a refused request must leave as it was.
LEDGER_TABLES = ("members", "identities", "accounts", "transactions", "movements", "lots", "holds", "keys", "outbox")

_numbers = itertools.count(1)


def free_port() -> int:
    """A port on which nobody listens at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def make_key(url: str, name: str = "test", roles: Sequence[str] = ()) -> str:
    """An API key's secret."""

    async def make() -> str:
        connection = await connect(url)
        try:
            return (await create_key(connection, name, roles)).secret
        finally:
            await connection.close()

    return asyncio.run(make())


def end_key(url: str, secret: str) -> None:
    """Revoke a key."""

    async def end() -> None:
        connection = await connect(url)
        try:
            await revoke_key(connection, secret.split("_")[1])
        finally:
            await connection.close()

    asyncio.run(end())


class Server:
    """A running server and its database."""

    def __init__(self, url: str, process: subprocess.Popen[str], port: int) -> None:
        self.url = url
        self.process = process
        self.port = port
        self.base = f"http://127.0.0.1:{port}"
        self.key = make_key(url)

    def client(self, key: str | None = None) -> httpx.Client:
        """An HTTP client with a key."""
        headers = {"authorization": f"Bearer {key or self.key}"}
        return httpx.Client(base_url=self.base, headers=headers, timeout=60, trust_env=False)

    def ledger(self) -> dict[str, list[tuple[Any, ...]]]:
        """All rows of the ledger at one moment: equal before and after means that nothing was changed."""

        async def read() -> dict[str, list[tuple[Any, ...]]]:
            connection = await connect(self.url)
            try:
                async with connection.transaction(isolation="repeatable_read", readonly=True):
                    found = {table: await connection.fetch(f"SELECT * FROM {table}") for table in LEDGER_TABLES}  # noqa: S608
            finally:
                await connection.close()
            return {table: sorted((tuple(row) for row in rows), key=repr) for table, rows in found.items()}

        return asyncio.run(read())

    def workers(self) -> list[int]:
        """The worker processes, oldest first."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return sorted(int(pid) for pid in children if b"spawn_main" in Path("/proc", pid, "cmdline").read_bytes())


@contextmanager
def running_server(url: str, **settings: object) -> Iterator[Server]:
    """Start a server on a database, and stop it; afterwards `jifen verify` must find nothing."""
    port = free_port()
    values = {"workers": 1, "lanes": 2, "shutdown_seconds": 20, "log_level": "warning"} | settings
    environ = {name: value for name, value in os.environ.items() if not name.startswith("JIFEN_")}
    environ |= {f"JIFEN_{name.upper()}": str(value) for name, value in values.items()}
    environ |= {"JIFEN_DATABASE_URL": url, "JIFEN_PORT": str(port), "PYTHONWARNINGS": "default"}
    process = subprocess.Popen([sys.executable, "-c", SERVE], env=environ, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        ready, _, _ = select.select([process.stdout], [], [], PATIENCE_SECONDS)
        line = process.stdout.readline() if ready else ""
        assert "is ready" in line, f"the server did not start: {line!r}"
        yield Server(url, process, port)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE_SECONDS)
        process.stdout.close()
    # Whatever was asked of it, the ledger fits.
    assert asyncio.run(verify(url)).findings == []


@contextmanager
def serving(
    database_server: EmbeddedAddress, program: ProgramDocument, effective_at: datetime | None = None, **settings: object
) -> Iterator[Server]:
    """A server on a fresh database with a program."""
    with fresh_database(database_server, BARE) as url:
        add_program(url, program, effective_at)
        with running_server(url, **settings) as server:
            yield server


# --- what is sent ---


def unique(word: str) -> str:
    """A name that no other test uses."""
    return f"{word}-{os.getpid()}-{next(_numbers)}"


def unique_phone() -> str:
    """A telephone number that no other test uses."""
    return f"phone:139{next(_numbers):08}"


def order_event(subject: str, *lines: int, **extra: Any) -> dict[str, Any]:
    """An event of a completed order; one line of quantity 2 for each paid amount in cents (none: one of 100.00)."""
    name = unique("order")
    data = {
        "order_id": name,
        "currency": "CNY",
        "lines": [
            {"line_id": str(number), "quantity": 2, "paid_cents": paid}
            for number, paid in enumerate(lines or (10_000,), 1)
        ],
    }
    event = {"specversion": "1.0", "id": name, "source": "shop", "type": "order.completed", "subject": subject}
    return event | {"data": data} | extra


def refund_event(order: dict[str, Any], *lines: tuple[str, int], **extra: Any) -> dict[str, Any]:
    """An event of a refund of an order: of (line, quantity), or of everything."""
    name = unique("refund")
    data: dict[str, Any] = {"order_id": order["data"]["order_id"], "refund_id": name}
    if lines:
        data["lines"] = [{"line_id": line, "quantity": quantity} for line, quantity in lines]
    event = {"specversion": "1.0", "id": name, "source": "shop", "type": "order.refunded"}
    return event | {"data": data} | extra


def customer() -> str:
    """An identity that nobody has yet."""
    return f"external:{unique('customer')}"


def member_with(client: httpx.Client, points: int) -> str:
    """A new member with so many points from one order."""
    result = client.post("/v1/events", json=order_event(customer(), points * 100)).json()
    assert result["status"] == "applied"
    member: str = result["member_id"]
    return member


def balance(client: httpx.Client, member: str) -> dict[str, int]:
    """The four buckets of the wallet `points`."""
    wallet = client.get(f"/v1/members/{member}/balances").json()["balances"]["points"]
    return {bucket: wallet[bucket] for bucket in ("available", "pending", "held", "debt")}
