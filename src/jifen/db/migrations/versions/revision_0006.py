"""Tiers of members."""

from __future__ import annotations

from jifen.db.migrations.scripts import run_script

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add where members stand, and recalculations."""
    run_script("schema_0006")
