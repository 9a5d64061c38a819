"""Payments for tiers count once."""

from __future__ import annotations

from jifen.db.migrations.scripts import run_script

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Keep the reference of every payment as a key."""
    run_script("schema_0013")
