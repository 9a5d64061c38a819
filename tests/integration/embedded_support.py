"""Helpers for the tests of the embedded server: questions to it, a second process that uses it, bounded waiting."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg

USER_PROGRAM = """
import sys
from pathlib import Path
from jifen.db.embedded import use
with use(Path(sys.argv[1])) as address:
    print(address.url, flush=True)
    sys.stdin.read()
"""
PATIENCE_SECONDS = 60.0


def ask(url: str, statement: str) -> object:
    """One value from the database, over a connection of its own."""

    async def question() -> object:
        connection = await asyncpg.connect(url)
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()

    return asyncio.run(question())


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Look again and again, bounded; fail with `what` in the end."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"never happened: {what}")
        time.sleep(0.05)


def answers(url: str) -> bool:
    """Whether the server takes a connection now."""
    try:
        return ask(url, "SELECT 1") == 1
    except (OSError, asyncpg.PostgresError):
        return False


@contextmanager
def user_process(data: Path, *, wait: bool = True) -> Iterator[subprocess.Popen[str]]:
    """Another process that uses the server until its standard input closes; killed at the end if it still lives.

    With `wait` it has the server when the `with` begins.
    """
    with subprocess.Popen(
        [sys.executable, "-c", USER_PROGRAM, str(data)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            if wait:
                assert has_server(process)
            yield process
        finally:
            process.kill()


def has_server(process: subprocess.Popen[str]) -> bool:
    """Wait until a user process has the server, or has failed."""
    assert process.stdout is not None
    return process.stdout.readline().startswith("postgresql://")


def server_pid(data: Path) -> int:
    """The process of the running server."""
    return int((data / "cluster" / "postmaster.pid").read_text().split()[0])


def guardian_pid(data: Path) -> int:
    """The process of the present guardian."""
    return int(json.loads((data / "server.json").read_text())["guardian_pid"])


def kill(pid: int) -> None:
    """kill -9 of one process that this test started."""
    os.kill(pid, signal.SIGKILL)


def runs(pid: int) -> bool:
    """Whether a process lives (a dead one that nobody collected does not)."""
    try:
        return Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
