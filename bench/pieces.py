"""Small things that several scenarios need: the seed of a result, percentiles, a part in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


class PartFailed(Exception):
    """A process of the benchmark ended with an error."""


def percentile(ordered: Sequence[float], share: float) -> float:
    """The value below which this share of the (ordered, not empty) values lies."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def clean_environment() -> dict[str, str]:
    """This process's environment without settings of jifen."""
    return {name: value for name, value in os.environ.items() if not name.startswith("JIFEN_")}


def run_part(module: str, settings: object) -> dict[str, object]:
    """Run `python -m MODULE` with its settings as JSON on standard input; its JSON answer."""
    done = subprocess.run(
        [sys.executable, "-m", module],
        input=json.dumps(settings),
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=clean_environment(),
        check=False,
    )
    if done.returncode:
        raise PartFailed(f"{module} ended with exit code {done.returncode}")
    answer: dict[str, object] = json.loads(done.stdout)
    return answer
