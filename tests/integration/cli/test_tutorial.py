"""The tutorials, in both languages, done as a reader does them."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.integration.cli.support import ROOT, environment

PAGES = ("docs/tutorial/first-program.md", "docs/zh/tutorial/first-program.md")
#: Shell commands that need no server, changes to coffee.yaml, and what the commands write.
_BLOCK = re.compile(r"^```(sh|sh exit=[12]|diff|json)\n((?:.*\n)*?)```$", re.MULTILINE)
#: A day with a server of its own, which the page starts and ends.
DAYS = ("docs/tutorial/a-day.md", "docs/zh/tutorial/a-day.md")


def steps(page: str) -> list[tuple[str, str]]:
    """What the page has its reader do, in order."""
    return [(kind, body) for kind, body in _BLOCK.findall((ROOT / page).read_text("utf-8"))]


def run(commands: str, folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Run commands in a shell that finds `jifen`."""
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        cwd=folder,
        env=environment(LANG="en_US.UTF-8", PATH=f"{folder / 'bin'}:{os.environ['PATH']}", **more),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def change(file: Path, difference: str) -> None:
    """Replace the lines that a unified difference takes away, and that stand together with those it keeps, by the
    ones that it brings."""
    lines = difference.splitlines()
    before = "\n".join(line[1:] for line in lines if line[0] in " -")
    after = "\n".join(line[1:] for line in lines if line[0] in " +")
    text = file.read_text("utf-8")
    assert text.count(before) == 1
    file.write_text(text.replace(before, after), "utf-8")


def contains(whole: Any, part: Any) -> bool:
    """Whether a JSON value has all that the page shows of it; it may have more fields."""
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(key in whole and contains(whole[key], part[key]) for key in part)
    if isinstance(part, list):
        if not isinstance(whole, list) or len(whole) != len(part):
            return False
        return all(contains(here, there) for here, there in zip(whole, part, strict=True))
    return bool(whole == part)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A folder for the tutorial, with the `jifen` and the `python` of these tests below `bin`."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, what in (("jifen", f"{sys.executable} -m jifen"), ("python", sys.executable)):
        command = folder / name
        command.write_text(f'#!/bin/sh\nexec {what} "$@"\n')
        command.chmod(0o755)
    return tmp_path


@pytest.mark.parametrize("page", PAGES)
def test_the_tutorial_does_what_it_says(page: str, shop: Path) -> None:
    """Every command ends as the page says, with what it shows."""
    written = ""
    for kind, body in steps(page):
        if kind == "diff":
            change(shop / "coffee.yaml", body)
        elif kind == "json":
            assert contains(json.loads(written), json.loads(body)), written
        else:
            done = run(body, shop)
            assert done.returncode == (1 if "exit=1" in kind else 0), (body, done.stdout, done.stderr)
            written = done.stdout
            if "exit=1" in kind:
                assert "rate_exceeded" in written


@pytest.mark.parametrize("page", DAYS)
def test_a_day_does_what_it_says(page: str, shop: Path) -> None:
    """With a server, from the morning to a clean `jifen verify` in the evening."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    written = ""
    try:
        for kind, body in steps(page):
            if kind == "json":
                assert contains(json.loads(written), json.loads(body)), written
                continue
            done = run(body, shop, PORT=port)
            expected = int(kind.partition("exit=")[2] or 0)
            assert done.returncode == expected, (body, done.stdout, done.stderr, (shop / "serve.log").read_text())
            written = done.stdout
    finally:
        pid = shop / "serve.pid"
        if pid.exists():
            with suppress(ProcessLookupError):
                os.kill(int(pid.read_text()), signal.SIGTERM)


@pytest.mark.parametrize("pages", [PAGES, DAYS])
def test_both_languages_do_the_same(pages: tuple[str, str]) -> None:
    """Only the words around the steps differ."""
    english, chinese = (steps(page) for page in pages)
    assert english == chinese
    assert len(english) >= 10
