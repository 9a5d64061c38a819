"""Runs the real `jifen` as a process, as a shell would."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import subprocess
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple

import asyncpg

from jifen.cli.main import main

ROOT = Path(__file__).resolve().parents[3]


def environment(**more: str) -> dict[str, str]:
    """The environment of a shell that knows nothing of jifen and has no language set."""
    kept = {name: value for name, value in os.environ.items() if name not in {"LANG", "LC_ALL", "LC_MESSAGES"}}
    return kept | more


def jifen(*arguments: object, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run one command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "jifen", *map(str, arguments)],
        env=env or environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def ask(*arguments: object, code: int = 0) -> Any:
    """What a command says with `--json`."""
    done = jifen(*arguments, "--json")
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout)


class Told(NamedTuple):
    """What a command said, as a process would."""

    returncode: int
    stdout: str
    stderr: str


def jifen_here(*arguments: object) -> Told:
    """Run one command to its end in this process, which spares the start of another."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main([str(each) for each in arguments])
    return Told(code, out.getvalue(), err.getvalue())


def ask_here(*arguments: object, code: int = 0) -> Any:
    """What a command says with `--json`, in this process."""
    done = jifen_here(*arguments, "--json")
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout)


def refused_here(arguments: Sequence[object]) -> str:
    """The one line with which a command refuses its input, in this process."""
    return line_of_refusal(jifen_here(*arguments))


def ended(signal_number: int, *arguments: object, url: str, in_background: bool = False) -> tuple[int | None, str]:
    """Exit code and standard error of a command that gets a signal while its engine waits in the middle of a batch.
    `in_background`: started as a script does with `&`, so that Ctrl-C is ignored."""

    def begin() -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN if in_background else signal.SIG_DFL)

    async def run() -> tuple[int | None, str]:
        connection = await asyncpg.connect(url)
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("LOCK TABLE accounts IN EXCLUSIVE MODE")
        command = [sys.executable, "-m", "jifen", *map(str, arguments), "--url", url]
        process = await asyncio.create_subprocess_exec(
            *command, env=environment(), stderr=PIPE, stdout=DEVNULL, preexec_fn=begin
        )
        while not await connection.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
            assert process.returncode is None
        process.send_signal(signal_number)
        await transaction.rollback()
        await connection.close()
        _, told = await process.communicate()
        return process.returncode, told.decode()

    return asyncio.run(run())


def refused(arguments: Sequence[object], env: dict[str, str] | None = None) -> str:
    """The one line with which a command refuses its input; nothing on standard output, exit code 2."""
    done = jifen(*arguments, env=env)
    return line_of_refusal(Told(done.returncode, done.stdout, done.stderr))


def line_of_refusal(done: Told) -> str:
    """The one line; nothing on standard output, exit code 2."""
    assert done.returncode == 2, (done.stdout, done.stderr)
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("jifen: ")
    assert "Traceback" not in lines[0]
    return lines[0]
