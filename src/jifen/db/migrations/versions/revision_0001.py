"""The ledger, the program, the keys."""

from __future__ import annotations

from jifen.db.migrations.scripts import run_script

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the first tables."""
    run_script("schema_0001")
