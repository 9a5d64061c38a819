"""What the benchmarks ran on."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from bench.pieces import ROOT

FLUSHES = 200
BUSY_SECONDS = 2.0


def describe_machine(folder: Path, postgres_version: str) -> dict[str, object]:
    """Processor, memory, disk below `folder`, and versions, as `latest.json` keeps them."""
    return {
        "cpu": _first("/proc/cpuinfo", r"model name\s*:\s*(.+)") or platform.processor() or platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_mb": int(_first("/proc/meminfo", r"MemTotal:\s*(\d+) kB") or 0) // 1024,
        "disk": _disk_of(folder),
        "flush_ms": round(_flush_ms(folder), 3),
        "busy_before": round(_busy_share(), 2),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "postgres": postgres_version,
        "commit": _commit(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "arguments": sys.argv[1:],
    }


def _first(path: str, pattern: str) -> str | None:
    try:
        found = re.search(pattern, Path(path).read_text("utf-8"))
    except OSError:
        return None
    return found.group(1).strip() if found else None


def _disk_of(folder: Path) -> str:
    """The kind of disk, as far as the kernel knows it."""
    device = folder.stat().st_dev
    block = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}").resolve()
    for place in (block, block.parent):
        flag = place / "queue" / "rotational"
        if flag.is_file():
            return f"{place.name} ({'rotating' if flag.read_text().strip() == '1' else 'not rotating'})"
    return "unknown"


def _flush_ms(folder: Path) -> float:
    """How long it takes to have 8 kB safely on disk: what every durable commit waits for."""
    path = folder / "flush"
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        os.pwrite(descriptor, b"\0" * 8192 * FLUSHES, 0)
        os.fsync(descriptor)
        started = time.perf_counter()
        for number in range(FLUSHES):
            os.pwrite(descriptor, b"\1" * 8192, number * 8192)
            os.fdatasync(descriptor)
        return (time.perf_counter() - started) * 1000 / FLUSHES
    finally:
        os.close(descriptor)
        path.unlink()


def _busy_share() -> float:
    """The share of all cores that others used just before: figures taken beside other work are worth little."""
    before = _core_ticks()
    time.sleep(BUSY_SECONDS)
    busy, idle = (after - earlier for after, earlier in zip(_core_ticks(), before, strict=True))
    return busy / max(1, busy + idle)


def _core_ticks() -> tuple[int, int]:
    """Ticks spent busy and idle, over all cores, since the machine started."""
    ticks = [int(text) for text in Path("/proc/stat").read_text("utf-8").split("\n", 1)[0].split()[1:9]]
    idle = ticks[3] + ticks[4]
    return sum(ticks) - idle, idle


def _commit() -> str:
    """The commit of this checkout; `+` where files differ from it."""
    answers = [
        subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=False).stdout.strip()
        for arguments in (["rev-parse", "--short=12", "HEAD"], ["status", "--porcelain"])
    ]
    return f"{answers[0] or 'unknown'}{'+' if answers[1] else ''}"
