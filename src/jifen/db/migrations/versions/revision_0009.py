"""Savings and approvals."""

from __future__ import annotations

from jifen.db.migrations.scripts import run_script

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Add savings, and what waits for a second person."""
    run_script("schema_0009")
