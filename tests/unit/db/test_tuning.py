"""Settings for a machine: within their bounds on the smallest and on the largest, and durable on each."""

from __future__ import annotations

from pathlib import Path

import pytest

from jifen.db.embedded import machine
from jifen.db.embedded.tuning import GIB, MIB, render, settings_for


@pytest.mark.parametrize(
    ("memory_bytes", "shared_buffers"),
    [(128 * MIB, "128MB"), (512 * MIB, "128MB"), (4 * GIB, "1024MB"), (32 * GIB, "8192MB"), (1024 * GIB, "8192MB")],
)
def test_shared_buffers(memory_bytes: int, shared_buffers: str) -> None:
    """A quarter of the memory, from 128 MB to 8 GB."""
    assert settings_for(memory_bytes, 2)["shared_buffers"] == shared_buffers


@pytest.mark.parametrize(("free_gib", "expected"), [(None, "8192MB"), (1000, "8192MB"), (16, "2048MB"), (1, "256MB")])
def test_write_ahead_log_is_bounded_by_the_disk(free_gib: int | None, expected: str) -> None:
    """An eighth of what is free, at most 8 GB."""
    free_bytes = None if free_gib is None else free_gib * GIB
    assert settings_for(8 * GIB, 2, free_disk_bytes=free_bytes)["max_wal_size"] == expected


@pytest.mark.parametrize("cores", [1, 2, 64])
def test_durable_everywhere(cores: int) -> None:
    """No machine is so small that an answered command may be lost."""
    settings = settings_for(256 * MIB, cores)
    assert [settings[name] for name in ("fsync", "synchronous_commit", "full_page_writes")] == ["on"] * 3


def test_nonsense_is_refused() -> None:
    """A machine has memory and a core."""
    for memory_bytes, cores in ((0, 1), (GIB, 0), (-1, 1)):
        with pytest.raises(ValueError, match="positive"):
            settings_for(memory_bytes, cores)


def test_text() -> None:
    """One setting a line, below a line that says whose file it is."""
    lines = render({"b": "2", "a": "'x'"}).splitlines()
    assert lines[0].startswith("#")
    assert lines[1:] == ["a = 'x'", "b = 2"]


def test_control_group_limits(tmp_path: Path) -> None:
    """The least limit on the way from the group to the root counts; "max" and absent files are no limit."""
    group = tmp_path / "system" / "shop"
    group.mkdir(parents=True)
    (tmp_path / "system" / "memory.max").write_text("1073741824\n")
    (group / "memory.max").write_text("max\n")
    (group / "cpu.max").write_text("150000 100000\n")
    (tmp_path / "system" / "cpu.max").write_text("max 100000\n")
    assert machine._memory_limits(tmp_path, "/system/shop") == [1073741824]
    assert machine._core_limits(tmp_path, "/system/shop") == [2]
    assert machine.memory_bytes() > 0
    assert machine.core_count() > 0
