"""`jifen serve` as a process: it starts by itself, shares its folder with other commands, and stops in good order."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx

from jifen.db.embedded.layout import Layout
from jifen.db.embedded.locks import is_held
from tests.integration.cli.support import ask, environment, jifen, refused

PATIENCE_SECONDS = 120.0


def free_port() -> int:
    """A port on which nobody listens at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def serving(data: Path, port: int, *more: str) -> Iterator[subprocess.Popen[str]]:
    """A `jifen serve` that answers, writing to `output` and `errors` beside its data; ended by its pid."""
    command = [
        sys.executable,
        "-m",
        "jifen",
        "serve",
        "--data",
        str(data),
        "--port",
        str(port),
        "--workers",
        "1",
        *more,
    ]
    with open(data.with_name("output"), "w") as output, open(data.with_name("errors"), "w") as errors:
        process = subprocess.Popen(command, env=environment(), stdout=output, stderr=errors, text=True)
    try:
        wait_until_ready(process, port)
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait()


def wait_until_ready(process: subprocess.Popen[str], port: int) -> None:
    """Ask again and again, bounded."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None
        with suppress(httpx.TransportError):
            if httpx.get(f"http://127.0.0.1:{port}/health/ready", trust_env=False).status_code == 200:
                return
        time.sleep(0.05)
    raise AssertionError("never ready")


def upload(port: int, authorization: str) -> int:
    """Send a file of members; the status of the answer."""
    address, files = f"http://127.0.0.1:{port}/v1/imports", {"file": ("a.csv", b"phone\n13800138000\n")}
    headers = {"Authorization": authorization}
    return httpx.post(address, data={"kind": "members"}, files=files, headers=headers, trust_env=False).status_code


def test_the_demo_starts_by_itself_and_its_key_works(tmp_path: Path) -> None:
    """One command gives a shop, a key in a private file, and a line to try; commands work beside it."""
    port = free_port()
    with serving(tmp_path / "data", port, "--demo") as process:
        data = tmp_path / "data"
        key_file = data / "demo-api-key"
        assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
        assert ask("program", "show", "--data", data)["program"]["name"]["en"] == "Demo shop points"
        assert ask("verify", "--data", data)["counts"]["members"] == 200
        line = refused(["serve", "--data", data, "--port", str(free_port())])
        assert f"already served by process {process.pid}" in line
        lines = (tmp_path / "output").read_text("utf-8").splitlines()
        curl = next(line for line in lines if line.startswith("curl "))
        assert f"$(cat {key_file})" in curl
        body = curl.split(" -d '")[1].rstrip("'")
        headers = {"Authorization": f"Bearer {key_file.read_text().strip()}", "Content-Type": "application/json"}
        answer = httpx.post(
            f"http://127.0.0.1:{port}/v1/events", content=body.encode(), headers=headers, trust_env=False
        )
        assert answer.json()["status"] == "applied"
        assert upload(port, headers["Authorization"]) == 202
        assert stat.S_IMODE((data / "uploads").stat().st_mode) == 0o700
        process.send_signal(signal.SIGTERM)
        errors = (tmp_path / "errors").read_text("utf-8")
        assert process.wait() == 0, errors
        assert "is ready" in (tmp_path / "output").read_text("utf-8")
        assert "Traceback" not in errors
    assert not is_held(Layout(data).lock("server"))
    assert ask("verify", "--data", data)["is_clean"] is True


def test_a_shop_starts_with_the_starter_and_is_told_how_to_make_a_key(tmp_path: Path) -> None:
    """Without --demo no member and no key is made up; a port in use is told in one line."""
    data = tmp_path / "data"
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = jifen("serve", "--data", data, "--port", port)
    assert done.returncode == 2
    assert f"Port {port} on 127.0.0.1 is in use" in done.stderr.splitlines()[-1]
    assert "jifen keys create" in done.stderr
    assert ask("program", "list", "--data", data)[0]["name_en"] == "Points program"
    assert ask("keys", "list", "--data", data) == []


def test_ctrl_c_while_starting_leaves_nothing_behind(tmp_path: Path) -> None:
    """An interrupted first start ends by itself, and the next one works."""
    data = tmp_path / "data"
    process = subprocess.Popen(
        [sys.executable, "-m", "jifen", "init", "--data", str(data)],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not data.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGINT)
    _, errors = process.communicate()
    assert process.returncode in (0, 130), errors
    assert "Traceback" not in errors
    assert jifen("init", "--data", data).returncode == 0
