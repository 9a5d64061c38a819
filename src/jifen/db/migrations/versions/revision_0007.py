"""Segments: sets of members by condition or by list."""

from __future__ import annotations

from jifen.db.migrations.scripts import run_script

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the tables of segments and the functions that conditions count with."""
    run_script("schema_0007")
