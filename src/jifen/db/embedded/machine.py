"""How much memory and how many cores this process may really use: the machine's, or its control group's if less."""

from __future__ import annotations

import os
from pathlib import Path

CGROUP_ROOT = Path("/sys/fs/cgroup")
# Control groups of version 1 write a huge number, not a word, for "no limit".
UNLIMITED_BYTES = 1 << 60


def memory_bytes() -> int:
    """Memory that may be used, in bytes."""
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([physical, *_memory_limits(CGROUP_ROOT, _own_group())])


def core_count() -> int:
    """Cores that may be used, at least 1; a quota of part of a core counts as a whole one."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min([available, *_core_limits(CGROUP_ROOT, _own_group())]))


def _own_group() -> str:
    """The control group (version 2) of this process, relative to the root of the hierarchy."""
    try:
        lines = Path("/proc/self/cgroup").read_text(encoding="ascii").splitlines()
    except (OSError, ValueError):
        return "/"
    return next((line.removeprefix("0::") for line in lines if line.startswith("0::")), "/")


def _levels(root: Path, group: str) -> list[Path]:
    """The group's folder and all above it: a limit anywhere on the way counts."""
    folder = root / group.lstrip("/")
    return [path for path in (folder, *folder.parents) if path == root or root in path.parents]


def _memory_limits(root: Path, group: str) -> list[int]:
    texts = [_read(level / "memory.max") for level in _levels(root, group)]
    texts.append(_read(root / "memory" / "memory.limit_in_bytes"))
    return [int(text) for text in texts if text.isdigit() and 0 < int(text) < UNLIMITED_BYTES]


def _core_limits(root: Path, group: str) -> list[int]:
    limits = []
    for level in _levels(root, group):
        quota, _, period = _read(level / "cpu.max").partition(" ")
        if quota.isdigit() and period.isdigit() and int(period) > 0:
            limits.append(-(-int(quota) // int(period)))
    return limits


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""
