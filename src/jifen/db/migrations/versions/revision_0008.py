"""Rewards and redemption."""

from __future__ import annotations

from jifen.db.migrations.scripts import run_script

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add redemptions, stock, codes, and what signs quotes."""
    run_script("schema_0008")
