"""What waits for somebody, apart from what waits for its member alone."""

from __future__ import annotations

from jifen.db.migrations.scripts import run_script

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Index what is to be paid, approved or delivered, and what was delivered."""
    run_script("schema_0012")
