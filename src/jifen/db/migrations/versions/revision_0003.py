"""Backtests asked for over HTTP."""

from __future__ import annotations

from jifen.db.migrations.scripts import run_script

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the table of backtests."""
    run_script("schema_0003")
