"""Add-ons are found by their order."""

from __future__ import annotations

from jifen.db.migrations.scripts import run_script

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Index redemptions by the order that they were taken with."""
    run_script("schema_0014")
