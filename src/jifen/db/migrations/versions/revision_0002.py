"""Rules: profiles, counters, caps, and when a version of the program comes into force."""

from __future__ import annotations

from jifen.db.migrations.scripts import run_script

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add what rules need."""
    run_script("schema_0002")
