"""`jifen approvals` as an operator calls it."""

from __future__ import annotations

from pathlib import Path

from tests.integration.cli.support import ask, jifen, refused


def test_nothing_waits(data: Path) -> None:
    """An empty list, and a request that there is not, told in one line."""
    in_data = ["--data", data]
    ask("program", "apply", "starter", *in_data)
    assert ask("approvals", "list", *in_data) == []
    assert jifen("approvals", "list", "--state", "all", *in_data).returncode == 0
    assert "unknown_approval" in refused(["approvals", "approve", "7", *in_data])
    assert "unknown_approval" in refused(["approvals", "reject", "7", *in_data])
