"""Points issued by day."""

from __future__ import annotations

from jifen.db.migrations.scripts import run_script

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the table of days, and an index by instant."""
    run_script("schema_0004")
