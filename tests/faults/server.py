"""A real `jifen serve` with its own database, and ways to kill parts of it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx

from tests.integration.embedded_support import guardian_pid, kill, runs, server_pid, wait_until

PATIENCE_SECONDS = 120.0


def free_port() -> int:
    """A TCP port that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port


def run_jifen(data: Path, *arguments: str) -> str:
    """The output of a command that must succeed."""
    command = [sys.executable, "-m", "jifen", "--data", str(data), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


class Server:
    """`jifen serve` on a loopback port. Only processes that came from it are ever killed, by their numbers."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        run_jifen(data, "init", "--program", "starter")
        self.secret: str = json.loads(run_jifen(data, "keys", "create", "faults", "--json"))["secret"]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it is ready."""
        command = [sys.executable, "-m", "jifen", "serve", "--data", str(self.data), "--port", str(self.port)]
        with (self.data.parent / "serve.log").open("ab") as log:
            # What a killed server leaves in the folder for temporary files goes with the test.
            surroundings = os.environ | {"TMPDIR": str(self.data.parent)}
            self._process = subprocess.Popen([*command, "--workers", "2"], stdout=log, stderr=log, env=surroundings)
        wait_until(self.is_ready, "jifen serve is ready")

    def is_ready(self) -> bool:
        """Whether it answers and has its database. A server that has ended never will be."""
        assert self._process is not None
        assert self._process.poll() is None, (self.data.parent / "serve.log").read_text()[-2000:]
        try:
            return httpx.get(f"{self.url}/health/ready", timeout=5).status_code == 200
        except httpx.TransportError:
            return False

    def workers(self) -> list[int]:
        """The worker processes."""
        assert self._process is not None
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        return [int(pid) for pid in children if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]

    def kill_worker(self) -> None:
        """kill -9 of one worker; jifen starts another."""
        kill(self.workers()[0])

    def kill_postgres(self) -> None:
        """kill -9 of PostgreSQL itself; jifen starts it again."""
        kill(server_pid(self.data))

    def kill_everything(self) -> None:
        """kill -9 of all that belongs to it, then a new start, as after a power cut of the machine."""
        assert self._process is not None
        pids = [self._process.pid, *self.workers(), guardian_pid(self.data), server_pid(self.data)]
        for pid in pids:
            if runs(pid):
                kill(pid)
        self._process.wait()
        wait_until(lambda: not any(runs(pid) for pid in pids), "all killed processes are gone")
        self.start()

    def stop(self) -> None:
        """End it in good order; by force if it does not."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.terminate()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self._process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.1)
        if self._process.poll() is None:
            os.kill(self._process.pid, 9)
            self._process.wait()
