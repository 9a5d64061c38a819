"""Runs the real `jifen` as a process, as a shell would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

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


def refused(arguments: Sequence[object], env: dict[str, str] | None = None) -> str:
    """The one line with which a command refuses its input; nothing on standard output, exit code 2."""
    done = jifen(*arguments, env=env)
    assert done.returncode == 2, (done.stdout, done.stderr)
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("jifen: ")
    assert "Traceback" not in lines[0]
    return lines[0]
