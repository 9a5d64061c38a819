"""The yardstick: PostgreSQL's own benchmark on the same server."""

from __future__ import annotations

import re
import subprocess

from bench.ground import Ground, pgbench_environment

SCALE = 20
WARM_UP_SECONDS = 2
_RATE = re.compile(r"^tps = ([0-9.]+)", re.MULTILINE)
_LATENCY = re.compile(r"^latency average = ([0-9.]+) ms", re.MULTILINE)


def run_pgbench(ground: Ground, seconds: int) -> tuple[float, float]:
    """Transactions a second and mean latency in milliseconds of `pgbench -M prepared -c 16 -j 2` (TPC-B)."""
    url = ground.create("bench_pgbench")
    try:
        _pgbench(ground, url, "--initialize", "--quiet", "--scale", str(SCALE))
        ground.checkpoint()
        load = ("--protocol", "prepared", "--client", "16", "--jobs", "2", "--time")
        _pgbench(ground, url, *load, str(WARM_UP_SECONDS))
        output = _pgbench(ground, url, *load, str(seconds))
    finally:
        ground.drop("bench_pgbench")
    rate, latency = _RATE.search(output), _LATENCY.search(output)
    assert rate is not None and latency is not None, output
    return float(rate.group(1)), float(latency.group(1))


def _pgbench(ground: Ground, url: str, *arguments: str) -> str:
    return subprocess.run(
        [ground.binaries / "pgbench", *arguments],
        env=pgbench_environment(url),
        capture_output=True,
        text=True,
        check=True,
    ).stdout
