"""`jifen` as its users run it: the command, and `jifen serve` as a process of its own."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile

import msgspec

from bench.pieces import ROOT, clean_environment

HOST = "127.0.0.1"
READY_SECONDS = 120.0
STOP_SECONDS = 60.0
PAUSE_SECONDS = 0.02


class ServerFailed(Exception):
    """A command failed, or a server did not become ready or did not stop."""


class Served(msgspec.Struct, frozen=True):
    """A server that answers."""

    port: int
    pid: int
    seconds_to_ready: float


class CommandOutcome(msgspec.Struct, frozen=True):
    """What a `jifen ... --json` command answered, how long it took, and how much memory at most."""

    exit_code: int
    answer: dict[str, object]
    seconds: float
    peak_bytes: int


def run_command(*arguments: str) -> CommandOutcome:
    """Run `jifen ARGUMENTS --json`."""
    started = time.perf_counter()
    with TemporaryFile() as output, TemporaryFile() as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "jifen", *arguments, "--json"],
            cwd=ROOT,
            env=clean_environment(),
            stdout=output,
            stderr=errors,
        )
        # Only this way of waiting tells what this one process needed.
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        errors.seek(0)
        told, said = output.read(), errors.read().decode("utf-8", "replace")
    if process.returncode not in (0, 1) or not told.strip():
        name = " ".join(argument for argument in arguments if "://" not in argument)
        raise ServerFailed(f"jifen {name} ended with {process.returncode}: {said.strip()[-500:]}")
    return CommandOutcome(process.returncode, json.loads(told), seconds, usage.ru_maxrss * 1024)


@contextmanager
def serving(arguments: Sequence[str], log: Path) -> Iterator[Served]:
    """`jifen serve ARGUMENTS` on a free port, ready to answer, stopped at the end."""
    port = _free_port()
    with _started(["jifen", "serve", *arguments, "--port", str(port)], log) as process:
        started = time.perf_counter()
        _wait_until_ready(process, port, "GET", "/health/ready", log)
        yield Served(port, process.pid, time.perf_counter() - started)


@contextmanager
def serving_bare(log: Path) -> Iterator[int]:
    """The server that does nothing (bench.bare) with one worker; its port."""
    port = _free_port()
    with _started(["bench.bare", str(port)], log) as process:
        _wait_until_ready(process, port, "POST", "/", log)
        yield port


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def _started(arguments: Sequence[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            cwd=ROOT,
            env=clean_environment(),
            stdout=output,
            stderr=output,
        )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise ServerFailed(f"{arguments[0]} did not stop within {STOP_SECONDS:g} s") from None


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, method: str, path: str, log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        connection = http.client.HTTPConnection(HOST, port, timeout=5)
        try:
            connection.request(method, path)
            if connection.getresponse().status == http.client.OK:
                return
        except (OSError, http.client.HTTPException):
            pass
        finally:
            connection.close()
        time.sleep(PAUSE_SECONDS)
    raise ServerFailed(f"The server is not ready; it said: {log.read_text('utf-8', 'replace')[-500:]}")


def largest_worker_bytes(pid: int) -> int:
    """The resident memory of the largest process below this one (or of this one, if it has none)."""
    below = _descendants(pid)
    return max(_resident_bytes(each) for each in below or [pid])


def _descendants(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path("/proc", str(pid), "task").iterdir():
        for child in (task / "children").read_text().split():
            found += [int(child), *_descendants(int(child))]
    return found


def _resident_bytes(pid: int) -> int:
    try:
        status = Path("/proc", str(pid), "status").read_text("utf-8")
    except OSError:
        return 0
    found = re.search(r"VmRSS:\s*(\d+) kB", status)
    return int(found.group(1)) * 1024 if found else 0
