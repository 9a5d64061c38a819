"""How values stand in tables."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from jifen.cli.output import shown_instant, write_table


def test_an_instant_says_its_offset(capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever the zone of this machine: as it is shown it means the same instant, and can be given back."""
    instant = datetime(2026, 3, 1, 12, 30, 5, tzinfo=UTC)
    write_table(["when"], [[instant]])
    shown = capsys.readouterr().out.split("\n")[3].strip()
    assert shown == shown_instant(instant)
    assert datetime.fromisoformat(shown) - instant == timedelta(0)
